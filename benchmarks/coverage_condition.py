"""Whether `rustbelt condition` reproduces known results: ranks of a model's own futures, and posteriors in closed form.

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

from engine.program.posterior import tempering
from engine.program.posterior.agreement import RUNS
from engine.program.posterior.sight import Sight
from engine.questions.conditioning.calibrated import ranked
from engine.questions.conditioning.condition import condition
from engine.study.actual_policy import followed
from engine.study.holdout import known_and_later
from engine.study.tables.facts import INDEPENDENT

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.questions.conditioning.models import counted, drift_known, rate_known, walked

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
            (name, f"{asked.truths}", f"{given.ranks.mean():.3f}", f"{p:.3f}", f"{int((~given.trusted).sum())}")
        )
    print(
        table(("ranks of the truth", "truths", "mean rank", "p-value of uniform ranks", "weights not trusted"), rows),
        end="\n\n",
    )
    rows = []
    for name, (study, until, (mean, sd)) in CASES.items():
        z, spread = [], []
        for seed in range(asked.seeds):
            own = replace(followed(study, None), seed=100 + seed, sampler=INDEPENDENT)
            sight = Sight(own, known_and_later(own, until)[0])
            runs = [tempering.moved(sight, run) for run in range(RUNS)]
            given = condition(replace(study, seed=100 + seed), until, None, runs)
            z.append((given.posterior.mean[0] - mean) / given.posterior.error[0])
            spread.append(given.posterior.sd[0] / sd)
        numbers = (np.mean(z), np.std(z), np.max(np.abs(z)), np.mean(spread))
        rows.append((name, f"{asked.seeds}", *(f"{one:.3f}" for one in numbers)))
    head = ("posterior mean, in its standard errors", "seeds", "mean", "sd", "largest", "sd over the known one")
    print(table(head, rows))


if __name__ == "__main__":
    main()
