"""What is wrong with a study's shocks and regimes, told before anything runs, all together."""

import copy

import numpy as np
import pytest

from engine.errors import UserError
from engine.modelling.records import Factor, Outcome, StaticModel
from engine.study.loading import read_study
from engine.study.tables.shocks import stationary
from tests.helpers import assert_close
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


UNGROUPED = (
    "shocks.jump.size.group: unknown key 'group' for family 'expon'. Known: experts, family, loc, mean, mode, p01, p05,"
    " p10, p20, p25, p30, p40, ...."
)
OF_SHOCKS = [
    ({"wnd": NORMAL}, "shocks.wnd: unknown shock 'wnd'. Did you mean 'wind'?"),
    ({"wind": {"persistence": 1.0}}, "shocks.wind.persistence: expected more than -1 and less than 1, got 1."),
    ({"wind": {"family": "normal", "mean": 0, "sd": -1}}, "shocks.wind.sd: expected more than 0, got -1."),
    ({"wind": {"family": "nrmal"}}, "shocks.wind.family: unknown family 'nrmal'. Did you mean 'normal'?"),
    ({"wind": {"group": "weather"}}, "shocks.wind.group: unknown group 'weather'."),
    ({"wind": {"states": BOTH}}, 'shocks.wind.states: expected a regime whose states these are; add regime = "...".'),
    ({"wind": {"regime": "market", "states": BOTH}}, "shocks.wind.regime: unknown regime 'market'."),
    ({"jump": {"size": SIZE}}, "shocks.jump: expected a probability or a rate of jumps, got neither."),
    (
        {"jump": {"rate": 1.0, "probability": 0.5, "size": SIZE}},
        "shocks.jump: expected a probability or a rate of jumps, got both.",
    ),
    (
        {"jump": {"rate": 1.0}},
        'shocks.jump.size: is missing. Give the law of a jump: size = { family = "normal", mean = -0.2, sd = 0.1 }.',
    ),
    (
        {"jump": {"rate": 1.0, "size": {"family": "gamma"}}},
        "shocks.jump.size: 'gamma' needs a, loc, scale (loc and scale may be left out); a missing.",
    ),
    ({"jump": {"rate": 1.0, "size": {**SIZE, "group": "weather"}}}, UNGROUPED),
    ({"wind": {"persistance": 0.5}}, "shocks.wind.persistance: unknown key 'persistance'. Did you mean 'persistence'?"),
    ({"jump": {"rates": 1.0, "size": SIZE}}, "shocks.jump.rates: unknown key 'rates'. Did you mean 'rate'?"),
    (
        {"jump": {"rate": -1.0, "size": SIZE}},
        "shocks.jump.rate: expected a number of at least 0 or the name of a factor, got -1.0.",
    ),
    (
        {"jump": {"probability": 1.5, "size": SIZE}},
        "shocks.jump.probability: expected a share from 0 to 1 or the name of a factor, got 1.5.",
    ),
    (
        {"jump": {"probability": "rat", "size": SIZE}},
        "shocks.jump.probability: unknown factor 'rat'. Did you mean 'rate'?",
    ),
    (
        {"jump": {"rate": 40.0, "size": SIZE}},
        (
            "shocks.jump.rate: expected a rate that hardly ever gives more than 64 jumps a year, got up to"
            " 40. For so many use one law of their sum."
        ),
    ),
    (
        {"jump": {"rate": 1.0, "size": SIZE, "persistence": 0.5}},
        "shocks.jump.persistence: does not go with jumps. Leave one of them out.",
    ),
    (
        {"jump": {"rate": 1.0, "size": SIZE, **NORMAL}},
        [f"shocks.jump.{key}: does not go with jumps. Leave one of them out." for key in ("family", "mean", "sd")],
    ),
]


@pytest.mark.parametrize(("shocks", "messages"), OF_SHOCKS)
def test_a_shock_that_cannot_be_is_refused(shocks, messages):
    assert problems(shocks=shocks) == ([messages] if isinstance(messages, str) else messages)


WITH_CHAIN = [
    ({"wind": {"regime": "markt"}}, "shocks.wind.regime: unknown regime 'markt'. Did you mean 'market'?"),
    (
        {"wind": {"regime": "market", **NORMAL}},
        [f"shocks.wind.{key}: does not go with a regime. Leave one of them out." for key in ("family", "mean", "sd")],
    ),
    (
        {"state": {"regime": "market", "persistence": 0.5}},
        "shocks.state.persistence: does not go with the state of a regime. Leave one of them out.",
    ),
    ({"wind": {"regime": "market", "states": {"calm": NORMAL}}}, "shocks.wind.states: has no law for state 'crisis'."),
    (
        {"wind": {"regime": "market", "states": {**BOTH, "crash": NORMAL}}},
        "shocks.wind.states.crash: unknown state 'crash'. Known: calm, crisis.",
    ),
    (
        {"wind": {"regime": "market", "states": {**BOTH, "calm": {"family": "normal", "mean": 0, "sd": 0}}}},
        "shocks.wind.states.calm.sd: expected more than 0, got 0. For no spread use family 'fixed'.",
    ),
]


@pytest.mark.parametrize(("shocks", "messages"), WITH_CHAIN)
def test_a_shock_by_states_that_cannot_be_is_refused(shocks, messages):
    found = problems(shocks=shocks, regimes={"market": CHAIN})
    assert found == ([messages] if isinstance(messages, str) else messages)


OF_CHAINS = [
    ({"states": ["calm"], "transition": [[1.0]]}, "states: expected at least two, got 1."),
    ({"states": ["calm", "calm"]}, "states: names a state twice."),
    ({"transition": [[1.0]]}, "transition: expected 2 rows of 2 probabilities, a row for each state."),
    ({"transition": [[0.9, 0.1], [1.0]]}, "transition: expected 2 rows of 2 probabilities, a row for each state."),
    ({"transition": [[0.9, 0.2], [0.4, 0.6]]}, "transition: expected probabilities of sum 1 after 'calm', got 1.1."),
    (
        {"transition": [[0.9, 0.1], [1.4, -0.4]]},
        "transition: expected probabilities from 0 to 1 after 'crisis', got 1.4.",
    ),
    ({"start": [1.0]}, "start: expected 2 probabilities, got 1."),
    ({"start": [0.7, 0.7]}, "start: expected probabilities of sum 1 at the start, got 1.4."),
]


@pytest.mark.parametrize(("chain", "message"), OF_CHAINS)
def test_a_chain_that_cannot_be_is_refused(chain, message):
    shocks = {"state": {"regime": "market"}}
    assert problems(shocks=shocks, regimes={"market": CHAIN | chain}) == [f"regimes.market.{message}"]


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


def test_a_group_is_of_shocks_or_of_factors():
    factors = {"rate": WALK["factors"]["rate"] | {"group": "weather"}}
    found = problems(shocks={"wind": {"group": "weather"}}, groups={"weather": {"correlation": 0.3}}, factors=factors)
    assert found == ["factors.rate.group: unknown group 'weather'."]


def test_a_group_of_shocks_must_be_one_that_can_be():
    found = problems(shocks={"wind": {"group": "weather"}}, groups={"weather": {"correlation": -1.5}})
    assert len(found) == 1 and found[0].startswith("groups.weather.correlation: ")


def test_a_chance_that_a_factor_gives_must_be_one():
    factors = {"chance": {"family": "normal", "mean": 0.5, "sd": 0.2}}
    shocks = {"jump": {"probability": "chance", "size": SIZE}}
    assert problems(shocks=shocks, factors=factors) == [
        "shocks.jump.probability: expected a number from 0 to 1, got -0.768."
    ]
    factors = {"chance": {"family": "uniform", "low": 2, "high": 3}}
    assert problems(shocks=shocks, factors=factors) == [
        "shocks.jump.probability: expected a number from 0 to 1, got 2.5."
    ]
    factors = {"rate": {"family": "lognormal", "median": 1, "sigma": 1}}
    (found,) = problems(shocks={"jump": {"rate": "rate", "size": SIZE}}, factors=factors)
    assert found.startswith(
        "shocks.jump.rate: expected a rate that hardly ever gives more than 64 jumps a year, got up to 56"
    )


def test_a_model_without_years_has_no_shocks():
    class Still(StaticModel):
        factors = {"x": Factor("1")}
        outcomes = {"y": Outcome("1")}

        def evaluate(self, factors, levers):
            return {"y": factors.x}

    with pytest.raises(UserError) as caught:
        static(Still(), {"x": NORMAL}, 16, shocks={"wind": NORMAL})
    assert [str(problem) for problem in caught.value.problems] == [
        "shocks: model 'Still' has no years, and no shocks. Remove the tables."
    ]
    chain = {"wet": {"states": ["dry", "wet"], "transition": [[0.5, 0.5], [0.5, 0.5]]}}
    with pytest.raises(UserError) as caught:
        static(Still(), {"x": NORMAL}, 16, regimes=chain)
    assert [str(problem) for problem in caught.value.problems] == [
        "regimes: model 'Still' has no years, and no regimes. Remove the tables."
    ]


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
