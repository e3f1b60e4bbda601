"""How often the intervals of futures with weights hold the truth, at several effective sizes of the tail.

python benchmarks/coverage_weighted.py [MODEL ...] [--repetitions 1000]

Futures of four models (`benchmarks/weighted_models.py`) are drawn as stated, and weighted so that one score is moved by
some standard deviations.
"""

import argparse

from timing import machine, table
from weighted_models import MODELS, Cover, Tilted, cover

UNITS = {1: "path", 2: "pair", 64: "run of 64"}
CASES = [
    *((name, move, 1, tail) for name in MODELS for move in (0.5, 1.0, -0.5) for tail in (65, 130)),
    *((name, move, 1, 650) for name in MODELS for move in (0.5, -0.5)),
    ("Pareto(3)", 0.5, 1, 1300),
    *((name, 0.5, 2, 130) for name in MODELS),
    *((name, 0.5, 64, 130) for name in MODELS),
]
"""Each case: model, move in standard deviations, paths in a unit, effective futures beyond VaR95."""


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(MODELS)}; all by default")
    parser.add_argument("--repetitions", type=int, default=1000)
    asked = parser.parse_args()
    print(machine(), end="\n\n")
    rows: list[tuple[str, ...]] = []
    names: tuple[str, ...] = ()
    for name, move, unit, tail in CASES:
        if asked.models and name not in asked.models:
            continue
        of = Tilted(MODELS[name], move, unit)
        paths = of.paths(tail)
        covers = cover(of, paths, asked.repetitions)
        names = tuple(covers)
        rows.append((name, f"{move:g}", UNITS[unit], f"{tail}", f"{paths:,}", *map(text, covers.values())))
    print(table(("model", "moved by", "unit", "effective tail", "paths", *names), rows))


def text(one: Cover) -> str:
    """Share of intervals that hold the truth [%], and in brackets the share that are given, if not all are."""
    if one.there < 0.05:
        return ""
    return f"{100 * one.held:.1f}" + (f" ({100 * one.there:.0f})" if one.there < 0.995 else "")


if __name__ == "__main__":
    main()
