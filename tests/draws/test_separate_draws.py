"""Whose draws are whose: a law that is changed, added, removed or moved changes no bit of the draws of others."""

import functools
from typing import Any

import numpy as np
import pytest

from engine.modelling.records import Factor, Outcome, StaticModel
from engine.study.study import Block
from tests.families import OWN
from tests.helpers import assert_same
from tests.user_models import program, static

PATHS = 4096
FACTORS: dict[str, dict[str, Any]] = {
    "gumbel": {"family": "gumbel_r"},
    "gamma": {"family": "gamma", "a": 2},
    "beta": {"family": "beta", "a": 2, "b": 5},
    "weibull": {"family": "weibull_min", "c": 1.8},
    "student": {"family": "t", "df": 4},
    "cauchy": {"family": "cauchy"},
    "poisson": {"family": "poisson", "mu": 3},
    "dice": {"family": "integers", "low": 1, "high": 6},
    "many": {"family": "poisson", "mu": 3000},
    "normal": {"family": "normal", "mean": 1, "sd": 2},
    "lognormal": {"family": "lognormal", "median": 3, "sigma": 0.5},
    "share": {"family": "logit-normal", "median": 0.3, "sigma": 0.5},
    "triangle": {"family": "triangular", "low": 0, "mode": 1, "high": 3},
    "mixed": OWN["mixture apart"][0],
    "data": OWN["empirical"][0],
    "drawn_again": OWN["resampled"][0],
    "metalog": OWN["metalog from 0"][0],
    "cut": OWN["truncated"][0],
    "pooled": OWN["experts"][0],
}
ANOTHER = [
    {"family": "uniform", "low": 0, "high": 1},
    {"family": "t", "df": 2.5},
    {"family": "skewcauchy", "a": 0.3},
    {"family": "geom", "p": 0.01},
    {"family": "lognormal", "median": 1, "sigma": 0.2},
    {"family": "fatiguelife", "c": 2},
]


def drawn(factors):
    """Draws of factors by name."""

    class Many(StaticModel):
        outcomes = {"first": Outcome("1")}

        def evaluate(self, given, levers):
            return {"first": getattr(given, next(iter(self.factors)))}

    Many.factors = {name: Factor("1") for name in factors}
    study = static(Many(), factors, PATHS)
    return dict(zip(factors, program(study).draws(Block(0, 0, PATHS)), strict=True))


@functools.cache
def all_of_them():
    return drawn(FACTORS)


def assert_others_same(found, but=()):
    for name, values in found.items():
        if name in FACTORS and name not in but:
            assert_same(values, all_of_them()[name])


@pytest.mark.slow
@pytest.mark.parametrize("table", ANOTHER)
def test_changing_one_law_changes_no_other_draw(table):
    found = drawn(FACTORS | {"gamma": table})
    assert_others_same(found, but={"gamma"})
    assert not np.any(found["gamma"] == all_of_them()["gamma"])


ADDED = {
    new: table
    for number, (name, own) in enumerate(FACTORS.items())
    for new, table in ((f"new_{number}", ANOTHER[number % len(ANOTHER)]), (name, own))
}
OTHER_SETS = {
    "added between": ADDED,
    "a third": {name: FACTORS[name] for name in list(FACTORS)[::3]},
    "another third": {name: FACTORS[name] for name in list(FACTORS)[1::3]},
    "reversed": dict(reversed(FACTORS.items())),
    **{f"{name} alone": {name: FACTORS[name]} for name in FACTORS},
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name != "added between")) for name in OTHER_SETS]
)
def test_factors_added_removed_or_moved_change_no_draw_of_the_others(name):
    assert_others_same(drawn(OTHER_SETS[name]))
