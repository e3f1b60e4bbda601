"""How often `rustbelt challenge` finds the mildest reversal of a linear bill, and how often it reports a false one.

python benchmarks/coverage_challenge.py [--seeds 200]
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from timing import machine, table

os.environ["RUSTBELT_CACHE"] = tempfile.mkdtemp()  # the notes on these universes are of no use to other processes

from engine.questions.challenge.challenge import challenge

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.questions.challenge.models import CASES, balance, false, found

CLOSE = 0.02
"""Relative error up to which the part of the way at which a claim turns counts as close."""


def row(name: str, seeds: int) -> tuple[str, ...]:
    """A row: number of studies whose mildest set is found, whose part of the way is close, that report a false set."""
    case = CASES[name]
    hits, close, wrong = 0, 0, 0
    for seed in range(1, seeds + 1):
        study = balance(seed, **case.study)
        _, held = challenge(study, paths=study.paths)
        mildest = [one for one in found(held) if case.mildest and one.dimensions == case.mildest]
        hits += bool(mildest)
        close += any(abs(one.fraction / case.fraction - 1) <= CLOSE for one in mildest)
        wrong += bool(false(study, held))
    shown = [str(hits), str(close)] if case.mildest else ["", ""]
    return case.about, f"{study.paths:,}", *shown, str(wrong)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    seeds = parser.parse_args().seeds
    print(machine(), end="\n\n")
    rows = [row(name, seeds) for name in CASES]
    print(table(("what turns the claim", "paths", f"found of {seeds}", "within 2 %", "false reports"), rows))


if __name__ == "__main__":
    main()
