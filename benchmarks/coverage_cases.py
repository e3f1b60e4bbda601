"""How often printed results are right, over a thousand seeds: the rows of docs/method.md that take too long for a test.

python benchmarks/coverage_cases.py [CASE ...] [--repetitions 1000]
"""

import argparse
from collections.abc import Callable, Iterator

import coverage_explain
from coverage_flip import flips
from coverage_sensitivity import sensitivity
from coverage_textbook import boxes, functions
from timing import machine, table

Row = tuple[str, ...]
CASES: dict[str, Callable[[int], Iterator[Row]]] = {
    "sensitivity": sensitivity,
    "textbook": functions,
    "boxes": boxes,
    "flip": flips,
    **coverage_explain.CASES,
}
"""Each case by its name: repetitions -> rows of (what, conditions, share that is right, at least)."""


def main() -> None:
    """Prints a table of the cases that are named, or of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all by default")
    parser.add_argument("--repetitions", type=int, default=1000)
    asked = parser.parse_args()
    print(machine(), end="\n\n")
    rows = [row for name in asked.cases or CASES for row in CASES[name](asked.repetitions)]
    print(table(("what", "conditions", "share", "at least"), rows))


if __name__ == "__main__":
    main()
