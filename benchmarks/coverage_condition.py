"""Whether `rustbelt condition` tells what is known right: ranks of a model's own futures, and posteriors that are known by hand.

python benchmarks/coverage_condition.py [--truths 1000] [--seeds 100]
"""

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from timing import machine, table

os.environ["RUSTBELT_CACHE"] = tempfile.mkdtemp()

from engine.analyses.conditioning import condition as conditioning
from engine.analyses.conditioning.calibrated import ranked
from engine.analyses.conditioning.condition import condition

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.analyses.conditioning.models import counted, drift_known, rate_known, walked

CASES = {
    "walk with drift": (walked(1.0), 2025, drift_known(1.0)[:2]),
    "Poisson events": (counted(6), None, rate_known(6)),
}


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--truths", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=100)
    asked = parser.parse_args()
    print(machine(), end="\n\n")
    rows = []
    for name, (study, until, _) in CASES.items():
        given = ranked(study, until, None, asked.truths)
        (p,) = given.p_values
        rows.append(
            (
                name,
                f"{asked.truths}",
                f"{given.ranks.mean():.3f}",
                f"{p:.3f}",
                f"{int((~given.trusted).sum())}",
            )
        )
    print(
        table(
            ("ranks of the truth", "truths", "mean rank", "p-value of uniform ranks", "weights not trusted"),
            rows,
        ),
        end="\n\n",
    )
    rows = []
    for name, (study, until, (mean, sd)) in CASES.items():
        for how, least in (("weighed", 1), ("moved", 10**9)):
            conditioning.LEAST = least
            z, spread = [], []
            for seed in range(asked.seeds):
                given = condition(replace(study, seed=100 + seed), until, paths=65_536)
                z.append((given.after.mean[0] - mean) / given.after.error[0])
                spread.append(given.after.sd[0] / sd)
            rows.append(
                (
                    name,
                    how,
                    f"{asked.seeds}",
                    f"{np.mean(z):.2f}",
                    f"{np.std(z):.2f}",
                    f"{np.max(np.abs(z)):.1f}",
                    f"{np.mean(spread):.3f}",
                )
            )
    head = (
        "posterior mean, in its standard errors",
        "futures",
        "seeds",
        "mean",
        "sd",
        "largest",
        "sd over the known one",
    )
    print(table(head, rows))


if __name__ == "__main__":
    main()
