"""Models whose posteriors are known by hand: a walk with drift (tests/questions/backtest/models.py) and a sum of two
factors.
"""

import numpy as np

from engine.modelling.records import Factor, Outcome, StaticModel
from tests.questions.backtest.models import row, walk
from tests.user_models import static

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
    rows = [{**figure, "series": of, "variable": of, "value": value, "standard_error": e} for of, value, e in figures]
    laws = {"a": a, "b": {"family": "normal", "mean": 10.0, "sd": 0.01}}
    run = {"seed": 4, "sampler": "antithetic"}
    return static(Sum(), laws, paths, {"old": {}}, headline=["sum"], run=run, observed={"rows": rows})
