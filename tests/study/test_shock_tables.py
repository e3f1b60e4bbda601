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
CHAIN = {"states": ["calm", "crisis"], "transition": [[0.9, 0.1], [0.4, 0.6]]}
BOTH = {"calm": NORMAL, "crisis": NORMAL}


def problems(**tables):
    """What is wrong with the study of the walk with these tables, as a user reads it."""
    text = {**copy.deepcopy(WALK), **tables}
    text["factors"] = WALK["factors"] | tables.get("factors", {})
    with pytest.raises(UserError) as caught:
        read_study(text, "walk.toml", model=Walk())
    return [str(problem) for problem in caught.value.problems]


UNGROUPED = at("shocks.jump.size.group", "key 'group'", "'expon'", "Known: experts, family, loc,")
OF_SHOCKS = [
    ({"wnd": NORMAL}, at("shocks.wnd", "'wnd'", "mean 'wind'")),
    ({"wind": {"persistence": 1.0}}, at("shocks.wind.persistence", "-1 and less", "got 1")),
    ({"wind": {"family": "normal", "mean": 0, "sd": -1}}, at("shocks.wind.sd", "more than 0", "got -1")),
    ({"wind": {"family": "nrmal"}}, at("shocks.wind.family", "'nrmal'", "mean 'normal'")),
    ({"wind": {"group": "weather"}}, at("shocks.wind.group", "'weather'")),
    ({"wind": {"states": BOTH}}, at("shocks.wind.states", "a regime")),
    ({"wind": {"regime": "market", "states": BOTH}}, at("shocks.wind.regime", "'market'")),
    ({"jump": {"size": SIZE}}, at("shocks.jump", "a probability or", "got neither")),
    ({"jump": {"rate": 1.0, "probability": 0.5, "size": SIZE}}, at("shocks.jump", "a probability or", "got both")),
    ({"jump": {"rate": 1.0}}, at("shocks.jump.size", "is missing")),
    ({"jump": {"rate": 1.0, "size": {"family": "gamma"}}}, at("shocks.jump.size", "'gamma'", "a missing")),
    ({"jump": {"rate": 1.0, "size": {**SIZE, "group": "weather"}}}, UNGROUPED),
    ({"wind": {"persistance": 0.5}}, at("shocks.wind.persistance", "'persistance'", "mean 'persistence'")),
    ({"jump": {"rates": 1.0, "size": SIZE}}, at("shocks.jump.rates", "'rates'", "mean 'rate'")),
    ({"jump": {"rate": -1.0, "size": SIZE}}, at("shocks.jump.rate", "at least 0", "a factor", "got -1.0")),
    ({"jump": {"probability": 1.5, "size": SIZE}}, at("shocks.jump.probability", "0 to 1", "a factor", "got 1.5")),
    ({"jump": {"probability": "rat", "size": SIZE}}, at("shocks.jump.probability", "'rat'", "mean 'rate'")),
    ({"jump": {"rate": 40.0, "size": SIZE}}, (at("shocks.jump.rate", "more than 64", "up to 40"))),
    ({"jump": {"rate": 1.0, "size": SIZE, "persistence": 0.5}}, at("shocks.jump.persistence", "with jumps")),
    (
        {"jump": {"rate": 1.0, "size": SIZE, **NORMAL}},
        [at(f"shocks.jump.{key}", "with jumps") for key in ("family", "mean", "sd")],
    ),
]


WITH_CHAIN = [
    ({"wind": {"regime": "markt"}}, at("shocks.wind.regime", "'markt'", "mean 'market'")),
    (
        {"wind": {"regime": "market", **NORMAL}},
        [at(f"shocks.wind.{key}", "a regime") for key in ("family", "mean", "sd")],
    ),
    (
        {"state": {"regime": "market", "persistence": 0.5, "group": "sky"}},
        [
            *(at(f"shocks.state.{key}", "with the state of a regime") for key in ("persistence", "group")),
            at("shocks.state.group", "group 'sky'"),
        ],
    ),
    ({"wind": {"regime": "market", "states": {"calm": NORMAL}}}, at("shocks.wind.states.crisis", "no law")),
    ({"wind": {"regime": "market", "states": {**BOTH, "crash": NORMAL}}}, at("shocks.wind.states.crash", "'crash'")),
    (
        {"wind": {"regime": "market", "states": {**BOTH, "calm": {"family": "normal", "mean": 0, "sd": 0}}}},
        at("shocks.wind.states.calm.sd", "more than 0", "got 0"),
    ),
]


OF_CHAINS = [
    ({"states": ["calm"], "transition": [[1.0]]}, at("regimes.market.states", "at least two", "got 1")),
    ({"states": ["calm", "calm"]}, at("regimes.market.states", "a state twice")),
    ({"transition": [[1.0]]}, at("regimes.market.transition", "2 rows")),
    ({"transition": [[0.9, 0.1], [1.0]]}, at("regimes.market.transition", "2 probabilities", "'crisis'", "got 1")),
    ({"transition": [[0.9, 0.2], [0.4, 0.6]]}, at("regimes.market.transition", "sum 1", "'calm'", "got 1.1")),
    ({"transition": [[0.9, 0.1], [1.4, -0.4]]}, at("regimes.market.transition", "0 to 1", "'crisis'", "got 1.4")),
    ({"start": [1.0]}, at("regimes.market.start", "2", "got 1")),
    ({"start": []}, at("regimes.market.start", "2", "got 0")),
    ({"start": [0.7, 0.7]}, at("regimes.market.start", "of sum 1", "got 1.4")),
]


STATE = {"state": {"regime": "market"}}
CASES = [
    *((shocks, {}, expected) for shocks, expected in OF_SHOCKS),
    *((shocks, {"market": CHAIN}, expected) for shocks, expected in WITH_CHAIN),
    *((STATE, {"market": CHAIN | chain}, expected) for chain, expected in OF_CHAINS),
]


@pytest.mark.parametrize(("shocks", "regimes", "expected"), CASES)
def test_a_shock_or_a_regime_that_cannot_be_is_refused(shocks, regimes, expected):
    assert problems(shocks=shocks, regimes=regimes) == (expected if isinstance(expected, list) else [expected])


def test_all_that_is_wrong_is_told_at_once():
    found = problems(
        shocks={"wind": {"persistence": 2.0}, "jump": {"rate": 1.0}, "state": {"regime": "market"}},
        regimes={"market": CHAIN | {"start": [2.0, -1.0]}},
    )
    assert [line.split(":")[0] for line in found] == [
        "regimes.market.start",
        "shocks.wind.persistence",
        "shocks.jump.size",
    ]


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
