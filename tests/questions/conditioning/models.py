"""Models whose posteriors are known by hand: a walk with drift (tests/questions/backtest/models.py), a count of Poisson
events, and a sum of two factors.
"""

import numpy as np
from scipy.stats import gamma

from engine.modelling.folds import total
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, StaticModel, Yearly
from engine.study.loading import read_study
from tests.questions.backtest.models import row, walk

SD, ERROR, STEPS, LATER = 0.5, 0.4, 5, 9


def walked(value, paths=65_536, **more):
    """The walk, seen to stand at a value in its fifth year."""
    return walk(row(2025, value, standard_error=ERROR), row(2029, 2 * value, standard_error=ERROR), paths=paths, **more)


def drift_known(value):
    """Mean and sd of the drift, and of the height in the ninth year, given the height in the fifth: normal laws."""
    seen = STEPS**2 * SD**2 + STEPS + ERROR**2
    drift, later = STEPS * SD**2, LATER * STEPS * SD**2 + STEPS
    sds = SD**2 - drift**2 / seen, LATER**2 * SD**2 + LATER - later**2 / seen
    return drift / seen * value, np.sqrt(sds[0]), later / seen * value, np.sqrt(sds[1])


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
    return read_study(
        {
            "name": "events",
            "time": {"first": 2021, "last": 2026},
            "run": {"paths": paths, "seed": 4, "sampler": "random"},
            "factors": {"rate": {"family": "gamma", "a": SHAPE, "scale": SCALE}},
            "shocks": {"events": {"rate": "rate", "size": {"family": "fixed", "value": 1.0}}},
            "policies": {"old": {}},
            "observed": {
                "rows": [
                    {
                        "series": "Events",
                        "time": 2024,
                        "variable": "count",
                        "value": number,
                        "unit": "1",
                        "standard_error": 0.1,
                        "source": "log",
                        "confidence": "read",
                    }
                ]
            },
        },
        "events.toml",
        model=Events(),
    )


def rate_known(number):
    """Mean and sd of the rate: a gamma law."""
    law = gamma(SHAPE + number, scale=1 / (1 / SCALE + 4))
    return law.mean(), law.std()


class Sum(StaticModel):
    """The sum of two factors, each of which can be observed."""

    factors = {"a": Factor("1"), "b": Factor("1")}
    outcomes = {"sum": Outcome("1", loss=True), "first": Outcome("1"), "again": Outcome("1")}

    def evaluate(self, factors, levers):
        return {"sum": factors.a + factors.b, "first": factors.a, "again": factors.a}


def added(a, *figures, paths=4096):
    """The sum, of which b hardly varies.

    Args:
      a: the table of its first factor.
      figures: (outcome, value, standard error) of what was observed.
    """
    figure = {"time": 2021, "unit": "1", "source": "log", "confidence": "read"}
    rows = [
        {**figure, "series": name, "variable": name, "value": value, "standard_error": error}
        for name, value, error in figures
    ]
    return read_study(
        {
            "name": "sum",
            "headline": ["sum"],
            "run": {"paths": paths, "seed": 4},
            "factors": {"a": a, "b": {"family": "normal", "mean": 10.0, "sd": 0.01}},
            "policies": {"old": {}},
            "observed": {"rows": rows},
        },
        "sum.toml",
        model=Sum(),
    )
