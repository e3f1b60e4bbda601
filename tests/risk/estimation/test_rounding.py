"""When single precision is called too coarse: for what half of the paths lose, and for nothing else."""

import json

import numpy as np
import pytest

from engine.risk.estimation.rounding import Lost, Rounding, judged
from tests.small_study import make_study

N = 256
RANDOM = np.random.default_rng(4)


def values(outcomes, draws=None):
    """What a pilot gives in double precision, of the first outcome; the others vary well."""
    plain = RANDOM.normal(1.0, 0.3, (2, 2, N))
    plain[:, 0] = outcomes
    return {"draws": RANDOM.normal(size=(2, N)) if draws is None else draws, "outcomes": plain}


def found(exact, rounded=None, paths=100_000):
    study = make_study(paths)
    single = {name: part.astype(np.float32) for name, part in exact.items()} | (rounded or {})
    return {(one.place, one.what) for one in judged(study, single, exact)}


BILL = "outcomes.capital_shortfall_peak"


COARSE = RANDOM.normal(1e9, 1e6, N).astype(np.float32).astype(float)
"""Spacing 64 and standard error 3000: a mean of rounded values is as good."""


@pytest.mark.parametrize(
    ("base", "less", "lost"),
    [
        (RANDOM.normal(40.0, 5.0, N), RANDOM.gamma(2.0, 1.0, N), set()),
        (COARSE, -0.01 * COARSE, set()),
        (COARSE, np.full(N, -30.0), {(BILL, Lost.DIFFERENCE)}),
        (COARSE, np.where(np.arange(N) < 20, -30.0, 0.0), {(BILL, Lost.DIFFERENCE)}),
        (np.where(np.arange(N) == 7, 1e14, COARSE), np.full(N, -30.0), {(BILL, Lost.DIFFERENCE)}),
    ],
    ids=["small", "large", "a small difference", "a small difference on few paths", "beside a very large value"],
)
def test_a_difference_below_the_spacing_is_named_and_what_is_fine_enough_is_not(base, less, lost):
    assert found(values(np.stack([base, base - less]))) == lost


def test_equal_values_have_no_spread_to_lose():
    """Draws of fixed factors, and what follows from these alone: `np.std` of them is a rounding error above 0."""
    exact = values(np.full((2, N), 0.1), draws=np.full((2, N), 0.1))
    assert np.std(exact["draws"]) > 0
    assert not found(exact)
    noise = 0.1 * (1.0 + np.spacing(1.0) * np.random.default_rng(5).integers(-2, 3, (2, N)))
    assert np.ptp(noise) > 0 and not found(values(noise, draws=noise))


def test_a_spread_below_the_spacing_is_named_with_the_factor_that_brings_it():
    draws = np.stack([RANDOM.normal(1e9, 1.0, N), RANDOM.normal(size=N)])
    exact = values(np.stack([draws[0], draws[0]]), draws=draws)
    assert found(exact) == {("factors.steel_recovery_years", Lost.SPREAD), (BILL, Lost.SPREAD)}


def test_a_mean_that_rounding_pulls_to_one_side_is_held_against_its_standard_error():
    base = RANDOM.normal(40.0, 5.0, N)
    exact = values(np.stack([base, base * 1.1]))
    other = exact["outcomes"].astype(np.float32)
    other[:, 0] += 0.1
    assert not found(exact, {"outcomes": other}, paths=1000)  # standard error 0.16
    assert found(exact, {"outcomes": other}, paths=100_000) == {(BILL, Lost.ERROR)}


def test_paths_that_are_not_finite_are_left_out():
    base = RANDOM.normal(40.0, 5.0, N)
    exact = values(np.stack([base, base - 1.0]))
    exact["outcomes"][:, :, :200] = np.nan
    assert not found(exact)
    exact["outcomes"][:] = np.inf
    assert not found(exact)


@pytest.mark.parametrize("what", Lost)
def test_every_quantity_has_its_sentence_and_is_read_back(what):
    one = Rounding(BILL, what, "reform", 30.0, 32.0, 64.0)
    assert what.sentence.format(size=30.0, error=32.0) in one.text
    assert Rounding.of_dict(json.loads(json.dumps(one.as_dict()))) == one
