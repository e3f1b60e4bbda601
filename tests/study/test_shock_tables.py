"""What is wrong with a study's shocks and regimes, told before anything runs, all together."""

import copy

import numpy as np
import pytest

from engine.errors import UserError
from engine.modelling.records import Factor, Outcome, StaticModel
from engine.study.loading import read_study
from engine.study.tables.shocks import stationary
from tests.helpers import assert_close
from tests.refusals import at
from tests.shock_study import ALL, WALK, Walk
from tests.user_models import static

NORMAL = {"family": "normal", "mean": 0, "sd": 1}
SIZE = {"family": "expon"}


def problems(**tables):
    """What is wrong with the study of the walk with these tables, as a user reads it."""
    text = {**copy.deepcopy(WALK), **tables}
    text["factors"] = WALK["factors"] | tables.get("factors", {})
    with pytest.raises(UserError) as caught:
        read_study(text, "walk.toml", model=Walk())
    return [str(problem) for problem in caught.value.problems]


def test_a_group_of_shocks_has_no_factors_and_must_be_one_that_can_be():
    shocks, factors = {"wind": {"group": "weather"}}, {"rate": WALK["factors"]["rate"] | {"group": "weather"}}
    found = problems(shocks=shocks, groups={"weather": {"correlation": 0.3}}, factors=factors)
    assert found == [at("factors.rate.group", "group 'weather'")]
    (found,) = problems(shocks=shocks, groups={"weather": {"correlation": -1.5}})
    assert found.startswith("groups.weather.correlation: ")


def test_a_chance_that_a_factor_gives_must_be_one():
    factors = {"chance": {"family": "normal", "mean": 0.5, "sd": 0.2}}
    shocks = {"jump": {"probability": "chance", "size": SIZE}}
    assert problems(shocks=shocks, factors=factors) == [at("shocks.jump.probability", "0 to 1", -0.768)]
    factors = {"chance": {"family": "uniform", "low": 2, "high": 3}}
    assert problems(shocks=shocks, factors=factors) == [at("shocks.jump.probability", "0 to 1", 2.5)]
    factors = {"rate": {"family": "lognormal", "median": 1, "sigma": 1}}
    (found,) = problems(shocks={"jump": {"rate": "rate", "size": SIZE}}, factors=factors)
    assert found.startswith("shocks.jump.rate: ") and "64 jumps" in found and "up to 56" in found


def test_a_model_without_years_has_no_shocks():
    class Still(StaticModel):
        factors = {"x": Factor("1")}
        outcomes = {"y": Outcome("1")}

        def evaluate(self, factors, levers):
            return {"y": factors.x}

    with pytest.raises(UserError) as caught:
        static(Still(), {"x": NORMAL}, 16, shocks={"wind": NORMAL})
    assert [*caught.value.problems] == [at("shocks", "'Still'", "no shocks")]
    chain = {"wet": {"states": ["dry", "wet"], "transition": [[0.5, 0.5], [0.5, 0.5]]}}
    with pytest.raises(UserError) as caught:
        static(Still(), {"x": NORMAL}, 16, regimes=chain)
    assert [*caught.value.problems] == [at("regimes", "'Still'", "no regimes")]


def test_chains_that_no_shock_uses_are_left_out():
    text = {**copy.deepcopy(WALK), "regimes": copy.deepcopy(ALL["regimes"])}
    assert read_study(text, "walk.toml", model=Walk()).shocks.regimes == {}


@pytest.mark.parametrize(
    ("moves", "wanted"),
    [
        ([[0.9, 0.1], [0.4, 0.6]], [0.8, 0.2]),
        ([[0, 1], [1, 0]], [0.5, 0.5]),
        ([[1, 0], [0.5, 0.5]], [1, 0]),
        ([[1, 0], [0, 1]], [0.5, 0.5]),
    ],
)
def test_a_stationary_law_is_left_as_it_is(moves, wanted):

    assert_close(1 + stationary(np.array(moves, np.float64)), 1 + np.array(wanted, np.float64))
