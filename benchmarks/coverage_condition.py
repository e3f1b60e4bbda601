"""Whether `rustbelt condition` reproduces known results: ranks of a model's own futures, and posteriors in closed form.

python benchmarks/coverage_condition.py [--truths 1000] [--seeds 100] [--study rustbelt_2016 --until 2018]

With --study, its futures are ranked in place of those of the models with known results.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import gamma, kstest
from timing import machine, table

os.environ["RUSTBELT_CACHE"] = tempfile.mkdtemp()

from engine.modelling.folds import total
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, Yearly
from engine.program.posterior import tempering
from engine.program.posterior.agreement import RUNS
from engine.program.posterior.sight import Sight
from engine.questions.conditioning.condition import condition, followed_and_figures
from engine.risk.drivers.tilting import tail_shape
from engine.risk.estimation.heaviness import LARGEST_SHAPE
from engine.study.actual_policy import followed
from engine.study.holdout import known_and_later
from engine.study.loading import load_study, read_study
from engine.study.study import Block, Study
from engine.study.tables.facts import INDEPENDENT

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.questions.conditioning.models import drift_known, walked


class Events(PathModel):
    """How many events have happened so far."""

    factors = {"rate": Factor("1/yr")}
    shocks = {"events": Shock()}
    levers = {"idle": Lever("1")}
    yearly = {"count": Yearly("1", loss=True)}
    outcomes = {"sum": Outcome("1", total("count"), loss=True)}

    def init(self, factors, levers):
        return {"count": 0.0 * factors.rate}

    def step(self, state, year, factors, shocks, levers):
        count = state["count"] + shocks.events
        return {"count": count}, {"count": count}


SHAPE, SCALE = 3.0, 0.5


def counted(number, paths=65_536):
    """Four years of Poisson events at an unknown rate, of which so many were seen."""
    figure = {"series": "Events", "time": 2024, "variable": "count", "value": number, "unit": "1"}
    text = {
        "name": "events",
        "time": {"first": 2021, "last": 2026},
        "run": {"paths": paths, "seed": 4, "sampler": "random"},
        "factors": {"rate": {"family": "gamma", "a": SHAPE, "scale": SCALE}},
        "shocks": {"events": {"rate": "rate", "size": {"family": "fixed", "value": 1.0}}},
        "policies": {"old": {}},
        "observed": {"rows": [{**figure, "standard_error": 0.1, "source": "log", "confidence": "read"}]},
    }
    return read_study(text, "events.toml", model=Events())


def rate_known(number):
    """Mean and sd of the rate: a gamma law."""
    law = gamma(SHAPE + number, scale=1 / (1 / SCALE + 4))
    return law.mean(), law.std()


FUTURES = 1 << 16
"""Futures that each truth is ranked among."""
CASES = {
    "walk with drift": (walked(1.0), 2025, drift_known(1.0)[:2]),
    "Poisson events": (counted(6), None, rate_known(6)),
}


def ranks_of_truths(study: Study, until: int | None, truths: int) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of the factors' draws on some futures, each taken for the observations, and whether weights can be trusted.

    Where the weights are right, the rank of a factor's true draw among the futures weighted by the figures is uniform:
    Talts, Betancourt, Simpson, Vehtari and Gelman (2018), arXiv:1804.06788.
    """
    one, rows, _ = followed_and_figures(study, until, None)
    sight = Sight(one, rows)
    figures, draws = sight.of_paths(0, FUTURES), sight.program.draws(Block(0, 0, FUTURES)).astype(np.float64)
    draws = draws[np.ptp(draws, axis=1) > 0]
    random = np.random.default_rng([study.seed, 1804])
    tied, common = one.observed.correlation, dict[str, np.ndarray]()
    noise = (1 - tied) ** 0.5 * random.standard_normal((len(rows), truths))
    for k, row in enumerate(rows if tied else ()):
        noise[k] += tied**0.5 * common.setdefault(row.series, random.standard_normal(truths))
    noise *= sight.errors[:, None]
    ranks, trusted = np.empty((len(draws), truths)), np.zeros(truths, bool)
    for k, truth in enumerate(np.linspace(0, FUTURES - 1, truths).astype(int)):
        seen = figures[:, truth] + noise[:, k]  # in place of what was observed
        size = sight.log_likelihood(figures + (sight.observed - seen)[:, None])
        first = truth // one.unit * one.unit
        size[first : first + one.unit] = -np.inf  # its own unit
        possible, luck = np.isfinite(size), random.random(len(ranks))
        if not possible.any():
            ranks[:, k] = luck
            continue
        weights, own = np.exp(size - size.max()), draws[:, [truth]]
        ranks[:, k] = ((draws < own) @ weights + luck * ((draws == own) @ weights)) / weights.sum()
        trusted[k] = tail_shape(size[possible]) <= LARGEST_SHAPE
    return ranks, trusted


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--truths", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--study", help="a study with observed figures")
    parser.add_argument("--until", type=int, help="the last year whose figures are known")
    asked = parser.parse_args()
    print(machine(), end="\n\n")
    ranked = {name: (study, until) for name, (study, until, _) in CASES.items()}
    if asked.study:
        ranked = {asked.study: (load_study(asked.study), asked.until)}
    rows = []
    for name, (study, until) in ranked.items():
        ranks, trusted = ranks_of_truths(study, until, asked.truths)
        p = np.sort([kstest(row, "uniform").pvalue for row in ranks])
        rejected = np.logical_and.accumulate(p <= 0.05 / np.arange(len(p), 0, -1)).sum()  # Holm
        numbers = f"{ranks.mean():.3f}", f"{p[0]:.3f}", f"{rejected} of {len(p)}", f"{(~trusted).sum()}"
        rows.append((name, f"{asked.truths}", *numbers))
    head = ("ranks of the truth", "truths", "mean rank", "least p-value", "factors rejected", "weights not trusted")
    print(table(head, rows), end="\n\n")
    if asked.study:
        return
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
