"""Shares of yearly values on the bounds that a model clips them at, against their closed form; and values beyond
them."""

import numpy as np
import pytest
from scipy import special

from engine.modelling.declaration import check_declaration
from engine.modelling.folds import peak
from engine.modelling.records import Outcome, PathModel, Yearly
from engine.risk.estimation.bounds import OnBound, beyond, by_year, limits_of, shares_on, standings
from tests.helpers import assert_close, assert_plausible, assert_same
from tests.refusals import refuses
from tests.small_study import make_study


class Clipped(PathModel):
    """A value in two places with both bounds, one with a floor, one with none."""

    dims = {"place": ("a", "b")}
    yearly = {
        "free": Yearly("1"),
        "score": Yearly("1", ("place",), loss=True, low=-1.0, high=0.3),
        "floor": Yearly("m", low=0.0),
    }
    outcomes = {"top": Outcome("1", peak("score"), loss=True)}

    def init(self, factors, levers):
        return 0.0

    def step(self, state, year, factors, shocks, levers):
        return state, {}


def scores(count, dtype=np.float32):
    """Normal scores [policy, cell, path], clipped as the model states, of two policies."""
    values = np.random.default_rng(1).standard_normal((2, 4, count)).astype(dtype)
    values[1] += dtype(0.5)
    values[:, 1:3] = np.clip(values[:, 1:3], dtype(-1.0), dtype(0.3))
    values[:, 3] = np.maximum(values[:, 3], 0)
    return values


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_share_on_a_bound_is_the_probability_beyond_it(dtype):
    count = 400_000
    shares = shares_on(scores(count, dtype), limits_of(Clipped()))
    for policy, shift in enumerate((0.0, 0.5)):
        low, high = special.ndtr(-1.0 - shift), special.ndtr(shift - 0.3)
        expected = np.array([[0, low, low, special.ndtr(-shift)], [0, high, high, 0]])
        for got, truth in zip(shares[policy].ravel(), expected.ravel(), strict=True):
            if truth:
                assert_plausible(got, truth, np.sqrt(truth * (1 - truth) / count), 0.01)
            else:
                assert got == 0


def test_a_few_roundings_are_the_bound_and_more_is_beyond_it():
    high = np.float32(0.3)
    values = np.zeros((1, 4, 4), np.float32)
    values[0, 1] = [high, np.nextafter(high, np.float32(1)), np.nextafter(high, np.float32(0)), 0.2999]
    assert shares_on(values, limits_of(Clipped()))[0, 1, 1] == 0.75
    assert not beyond(values, limits_of(Clipped())).any()
    values[0, 3] = [-1e-6, np.nan, np.inf, 0.0]
    assert_same(np.argwhere(beyond(values, limits_of(Clipped()))), np.array([[0, 3, 0]]))


def test_the_most_frequent_stands_first():
    study = make_study(600, model=Clipped())
    yearly = np.stack([scores(1000)] * 3, axis=1)
    shares = by_year(study.model, yearly)
    assert {name: part.shape for name, part in shares.items()} == {"score": (2, 2, 3, 2), "floor": (2, 2, 3)}
    first, *rest = standings(study, shares)
    assert isinstance(first, OnBound)
    assert (first.variable, first.side, first.limit, first.policy) == ("score", "high", 0.3, "reform")
    assert_close(first.share, np.mean(yearly[1, :, 1:3] == np.float32(0.3)))
    assert len(rest) == 5 and [one.share for one in rest] == sorted((one.share for one in rest), reverse=True)
    for part in (first.variable, first.policy, f"{first.limit:g}", f"{100 * first.share:.3g} %"):
        assert part in first.in_words(study)


@pytest.mark.parametrize("bounds", [{"low": 1.0, "high": 1.0}, {"low": np.nan}, {"high": "much"}, {"low": True}])
def test_bounds_that_are_none_are_refused(bounds):
    class Wrong(Clipped):
        yearly = {**Clipped.yearly, "free": Yearly("1", **bounds)}

    with refuses("model.yearly.free", "below high"):
        check_declaration(Wrong(), ())
