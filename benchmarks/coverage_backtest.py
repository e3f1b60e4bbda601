"""How often a model's own future is inside the bands of `rustbelt backtest`, and how often it is called unlike the
model, too wide or unreachable.

python benchmarks/coverage_backtest.py [--repetitions 1000]

The model is a walk with drift in two places, whose figures depend on each other over years. Futures of another
replicate stand for the observed past.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from timing import machine, table

os.environ["RUSTBELT_CACHE"] = tempfile.mkdtemp()

from engine.questions.backtest.backtest import backtest
from engine.questions.backtest.scores import Calibration, band

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.questions.backtest.models import row, walk

TIMES = (2021, 2022, 2024, 2027, 2030)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000)
    repetitions = parser.parse_args().repetitions
    print(machine(), end="\n\n")
    rows = []
    for shared, drift in (("little", 0.1), ("much", 3.0)):
        factors = {"drift": {"family": "normal", "mean": 0.0, "sd": drift}}
        figures = [row(time, 0.0, at=f"place={place}", series=place) for place in ("north", "south") for time in TIMES]
        own, others = (
            backtest(walk(*figures, factors=factors, run=run))[1][0].calibration.values
            for run in ({"paths": 16_384, "seed": 3}, {"paths": 2 * repetitions, "seed": 4})
        )
        counted = np.zeros(5)
        for k in range(repetitions):
            held = Calibration(own, others[:, 2 * k], np.random.default_rng(k))
            of = band(held.places)
            within, spread = held.coverage(0.9), held.spread()
            inside = np.mean((of["low"] <= of["share"]) & (of["share"] <= of["high"]))
            counted += [
                inside, within.expected_from <= within.value <= within.expected_to,
                spread.expected_from <= spread.value, spread.value <= spread.expected_to, not held.unexplained(),
            ]  # fmt: skip
        rows.append((shared, f"{len(own)}", *(f"{100 * count / repetitions:.1f}" for count in counted)))
    head = (
        "figures move together",
        "figures",
        "ECDF in its band, % of points",
        "coverage in its range",
        "not too wide",
        "not too narrow",
        "all in reach",
    )
    print(table(head, rows))


if __name__ == "__main__":
    main()
