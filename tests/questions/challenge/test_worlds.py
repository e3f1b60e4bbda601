"""A choice that is made whole is the study that makes it, bit for bit; one that is not made at all leaves every bit."""

import functools

import pytest

from engine.modelling.folds import total
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Yearly
from engine.questions.challenge.challenge import alternatives
from engine.questions.challenge.claims import estimates, what
from engine.questions.challenge.worlds import Worlds
from engine.study.loading import read_study
from engine.study.tables.challenge import claim_of
from tests.helpers import assert_close, assert_same
from tests.questions.assumed import LAKE, Lake
from tests.questions.challenge.models import Balance, balance, normal, text
from tests.user_models import outcomes

TWO = {name: LAKE["policies"][name] for name in ("keep", "save")}
CLAIM = "save better than keep in sum"
SAVED = {"2020": 0.2, "2021": 0.1, "2022": 0.1}
"""What save would release in full."""


def lake(model=None, **changes):
    """The lake under two policies, top tables changed."""
    stated = LAKE | {"policies": TWO, "lever_groups": {"gates": {"levers": ["release"]}}} | changes
    return read_study(stated, "lake.toml", model=model or Lake())


def fixed(name, **table):
    """The factors of the lake, one of them of another law."""
    group = {"group": "wet"} if "group" in LAKE["factors"][name] else {}
    return LAKE["factors"] | {name: {**table, **group}}


def of(worlds, text=CLAIM):
    """The choices of both ledgers by dimension and name."""
    study = worlds.study
    claim = claim_of(text, study.policy_names, study.events_by_name, study.model.outcomes)
    return {str(one): one for one in alternatives(worlds, [claim], worlds.values(()))}


def must_be(worlds, universe, study):
    """At its end what the study gives that states it, at its start what is stated, as every other program of that has
    it.
    """
    given, start = worlds.values(universe), worlds.values(universe, 0.0)
    for name, values in outcomes(study).items():
        assert_same(given[name], values)
    for name, values in outcomes(worlds.study).items():
        assert_same(start[name], values)
        assert_same(worlds.values(())[name], values)


ASSUMED = {
    "need": {"off": {"need": 0}, "doubled": {"need": "2x"}},
    "wet": {"off": {"groups": {"wet": {"correlation": 0}}}, "doubled": {"groups": {"wet": {"correlation": -0.5}}}},
}  # fmt: skip
WILLING = {"factors": {name: table for name, table in LAKE["factors"].items() if name != "will"}}
"""What the lake draws where nothing is left to anybody's will."""
GIVEN = {
    "gates: keep": {"policies": {"keep": {}, "save": TWO["save"] | {"release": 0.2}}},
    "gates: save": {"policies": {"keep": {"release": SAVED}, "save": {"release": SAVED}}} | WILLING,
    "implementation: in full": {"policies": {"keep": {}, "save": TWO["save"] | {"implementation": 1}}} | WILLING,
}  # fmt: skip


@functools.cache
def plain():
    """The lake as it is."""
    return Worlds(lake())


@pytest.mark.parametrize("name", GIVEN)
def test_levers_that_are_given_to_both_are_the_study_that_states_them(name):
    must_be(plain(), (of(plain())[name],), lake(**GIVEN[name]))


def test_choices_together_are_the_study_that_states_them_all():
    worlds = Worlds(lake(assumptions={"need": ASSUMED["need"], "wet": ASSUMED["wet"]}))
    chosen = of(worlds)
    universe = tuple(chosen[name] for name in ("need: off", "wet: off", "implementation: in full"))
    drawn = {**WILLING["factors"], "need": fixed("need", family="fixed", value=0.0)["need"]}
    tables = GIVEN["implementation: in full"] | {"groups": {"wet": {"correlation": 0}}, "factors": drawn}
    must_be(worlds, universe, lake(**tables))


class Works(PathModel):
    """Counts the years since a policy began."""

    factors = {"luck": Factor("1")}
    levers = {"cut": Lever("1", 0.0)}
    yearly = {"since": Yearly("year")}
    outcomes = {"age": Outcome("year", total("since"), loss=True)}

    def init(self, factors, levers):
        """Nothing but luck."""
        return factors.luck

    def step(self, state, year, factors, shocks, levers):
        """A year since the start, and luck."""
        return state, {"since": (year - levers.start) * 1.0 + levers.cut + state}


def works(old=2020, new=2022):
    """Two policies that begin in these years."""
    stated = {
        "name": "works",
        "baseline": "old",
        "run": {"paths": 512, "seed": 1},
        "time": {"first": 2020, "last": 2024},
        "factors": {"luck": normal(0.0, 1.0)},
        "policies": {
            "first": {},
            "old": {"before": "first", "start": old, "cut": 1.0},
            "new": {"before": "first", "start": new, "cut": 1.0},
        },
        "compare": ["old", "new"],
    }
    return read_study(stated, "works.toml", model=Works())


@pytest.mark.parametrize(("side", "years"), [("old", (2020, 2020)), ("new", (2022, 2022))])
def test_a_start_that_is_given_to_both_is_the_study_that_states_it(side, years):
    worlds = Worlds(works())
    chosen = of(worlds, "new better than old in age")
    must_be(worlds, tuple(one for one in chosen.values() if one.name == side), works(*years))


def test_a_normal_prior_that_is_moved_by_one_has_its_mean_moved_by_its_deviation():
    worlds = Worlds(balance())
    tables = text()
    tables["factors"]["a"] = normal(-0.15 + 0.1, 0.1)
    study = read_study(tables, "balance.toml", model=Balance())
    choice = of(worlds, "new better than old in cost")["a prior: up"]
    assert_close(worlds.values((choice,))["cost"], outcomes(study)["cost"])


@pytest.mark.parametrize("value", [0.5, "2x", "0.5x"])
def test_a_threshold_is_the_study_that_states_it(value):
    claim = claim_of("save better than keep in low", ("keep", "save"), ("low",), ())
    worlds = Worlds(lake(challenge={"thresholds": {"low": [value]}}))
    (choice,) = (one for one in of(worlds).values() if one.threshold)
    end = 2.0 if value == "2x" else 0.5
    for fraction, below in ((0.0, 1.0), (1.0, end), (0.5, 0.5 + 0.5 * end)):
        study = lake(events={"low": {"outcome": "lowest", "below": below}})
        given = estimates(worlds.study, claim, what(worlds.study, claim, (choice,), fraction), worlds.values(()))
        assert given == estimates(study, claim, what(study, claim, ()), outcomes(study))
        assert 0 < given.policy < 1
