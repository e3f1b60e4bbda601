"""How many paths a precision takes, predicted from a pilot: near the truth, and as far off as it says."""

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.risk.estimation import forecast
from engine.risk.estimation.stopping import State
from engine.study.tables.stops import Target
from tests.small_study import make_study

LOSS = "capital_shortfall_peak"


def study_of(*targets, sampler="random"):
    return replace(make_study(4000), sampler=sampler, until=targets)


def forecasts(target, draw, repetitions, sampler="random"):
    study, rng = study_of(target, sampler=sampler), np.random.default_rng(8)
    paths = forecast.pilot_paths(study)
    for _ in range(repetitions):
        yield forecast.forecast(study, target, {LOSS: np.stack([draw(rng, paths)] * 2)})


def test_an_event_takes_what_its_hits_say():
    target = Target("probability", "banks_wrecked", "old", None, 0.05, True, "")
    chance = 0.1
    true = 1.05 * (1 - chance) / chance * (1.96 / 0.05) ** 2
    found = [*forecasts(target, lambda rng, n: np.where(rng.random(n) < chance, 2.0, 0.0), 100)]
    assert np.mean([one.low <= true <= one.high for one in found]) >= 0.88


def test_what_cannot_be_predicted_has_no_number():
    never = Target("probability", "banks_wrecked", "old", None, 0.05, True, "")
    (one,) = forecasts(never, lambda rng, n: np.zeros(n), 1)
    assert one.look.never and math.isnan(one.paths) and math.isnan(one.low)
    heavy = Target("ES99", LOSS, "old", None, 0.05, True, "")
    (one,) = forecasts(heavy, lambda rng, n: rng.pareto(1.2, n), 1)
    assert one.look.state is State.HEAVY and math.isnan(one.paths)


def test_of_the_same_value_on_all_futures_nothing_is_predicted():
    target = Target("mean", LOSS, "old", None, 0.01, True, "")
    (one,) = forecasts(target, lambda rng, n: np.full(n, 3.0), 1)
    assert one.look.state is State.SAME and math.isnan(one.paths)


@pytest.mark.parametrize(("sampler", "paths"), [("random", 2500), ("antithetic", 2500), ("sobol", 163_840)])
def test_a_pilot_is_whole_units(sampler, paths):
    assert forecast.pilot_paths(study_of(Target("mean", LOSS, "old", None, 0.01, True, ""), sampler=sampler)) == paths
