"""`challenge` answers every study and every claim, or says what is wrong with them."""

import pytest

from engine.errors import UserError
from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.questions.challenge.challenge import challenge
from engine.questions.challenge.question import sentences, tables
from engine.questions.challenge.universes import Verdict
from engine.questions.challenge.worlds import Worlds
from engine.study.loading import read_study
from tests.questions.assumed import lake
from tests.questions.challenge.models import CASES, CLAIM, balance, found, normal, text
from tests.refusals import at
from tests.user_models import farms

RUN = {"paths": 512}
ONE = {"policies": {"old": {}}, "challenge": {}}
ALIKE = {"policies": {"old": {}, "new": {}}}
EVENTS = {"ruin": {"outcome": "cost", "above": 1e6}}


def said(given):
    """The findings of an answer; its tables are made too, and hold rows where there is a claim."""
    _, results = given
    assert bool([*tables(results)]) is bool(results)
    return [*sentences(results)]


def ungrouped():
    """Factors in no group."""
    every = text()["factors"]
    return {name: {key: of for key, of in table.items() if key != "group"} for name, table in every.items()}


def test_everything_that_is_wrong_with_claims_is_said_at_once():
    with pytest.raises(UserError) as refused:
        challenge(balance(), ["nwe better than old in costs", CLAIM, "new beats old"])
    first, second = (f"--claim '{text}'" for text in ("nwe better than old in costs", "new beats old"))
    assert [one.place for one in refused.value.problems] == [first, first, second]
    assert refused.value.problems[0] == at(first, "policy 'nwe'")
    assert refused.value.problems[1] == at(first, "outcome 'costs'")


def test_a_study_of_one_policy_is_refused_with_the_remedy():
    with pytest.raises(UserError, match=r"got one\. .* compare = \[\.\.\.\]"):
        challenge(balance(**ONE))
    with pytest.raises(UserError, match=r"policy 'new'\..* old\."):
        challenge(balance(**ONE), [CLAIM])


@pytest.mark.parametrize("paths", [0, 1])
def test_too_few_paths_are_refused(paths):
    with pytest.raises(UserError, match="expected at least 2"):
        challenge(balance(), paths=paths)


UNDECIDED = {
    "an outcome that is always nothing": (balance, {}, "new better than old in none"),
    "an event that happens under neither": (balance, {"events": EVENTS}, "new better than old in ruin"),
    "policies that differ in nothing": (balance, ALIKE, CLAIM),
}


@pytest.mark.parametrize("name", UNDECIDED)
def test_a_claim_that_nothing_decides_is_not_borne_out(name):
    study, changes, claim = UNDECIDED[name]
    given = challenge(study(run=RUN, **changes), [claim])
    assert [one.case.stated.verdict for one in given[1]] == [Verdict.UNDECIDED] * 3
    assert not any(one.case.worlds for one in given[1]) and not found(given[1])
    assert len(said(given)) == 1


def test_a_claim_whose_opposite_the_futures_show_is_turned_as_stated():
    """No choice is blamed for what is so without it: 1 against 2."""
    given = challenge(balance(), ["new worse than old in cost"])
    assert all(one.case.stated.verdict is Verdict.REVERSED and not one.reversals for one in given[1])
    (only,) = said(given)
    assert "lower under new" in only and only.endswith("1.00 against 2.00 under old.")


def test_what_turns_a_claim_is_said_in_words():
    only = said(challenge(balance(**CASES["levers"].study)))[0]
    assert only.startswith("With 1 other choice (pay as")
    assert "higher under new" in only and only.endswith("2.39 against 1.99 under old.")


ANSWERED = {
    "a dimension with one choice": (balance, {"assumptions": {"a": {"off": {"a": 0}}}}),
    "neither assumptions nor groups": (
        balance,
        {"assumptions": {}, "groups": {}, "lever_groups": {}, "factors": ungrouped()},
    ),
    "no claims of its own": (balance, {"challenge": {}}),
    "a path model of three policies": (lake, {}),
    "shocks, labels and antithetic pairs": (lambda **run: farms(paths=512), {}),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_a_study_of_any_kind_is_answered(name):
    study, changes = ANSWERED[name]
    changes = changes if study is not balance else {"run": RUN} | changes
    given = challenge(study(**changes))
    results = given[1]
    assert results
    count = len({one.case.claim for one in results})
    assert len(said(given)) >= count + (count > 1)
    assert all(one.case.stated.verdict is Verdict.HOLDS for one in results)
    (profile,) = (table for table in tables(results) if table.name == "profile")
    for row in profile.rows():
        assert not row["universes"] or sum(row[one] for one in Verdict) == pytest.approx(1.0)


def test_no_choices_at_all_are_two_empty_ledgers():
    """Every factor a number, and one lever apart: given to both it makes the policies one, which is not counted."""
    fixed = {name: {"family": "fixed", "value": 0.25} for name in text()["factors"]}
    given = challenge(balance(run=RUN, assumptions={}, groups={}, factors=fixed))
    assert [len(one.case.choices) for one in given[1]] == [0, 2, 2]
    assert not any(one.case.worlds for one in given[1]) and not found(given[1])
    assert said(given)


class Loan(StaticModel):
    """A model of one's own, which is not finite where its factor is below zero."""

    factors = {"rate": Factor("1")}
    levers = {"new": Lever("1")}
    outcomes = {"owed": Outcome("1", loss=True)}

    def evaluate(self, factors, levers):
        """The root of the rate, less what the new policy saves."""
        return {"owed": factors.rate**0.5 - 0.5 * levers.new}


def test_universes_that_are_not_finite_are_undecided_and_those_that_are_count():
    stated = {
        "name": "loan",
        "baseline": "old",
        "run": {"paths": 512, "seed": 1},
        "policies": {"old": {}, "new": {"new": 1.0}},
        "factors": {"rate": normal(9.0, 1.0)},
        "assumptions": {"rate": {"off": {"rate": "-1x"}, "doubled": {"rate": "2x"}}},
        "challenge": {"claims": ["new better than old in owed"]},
    }
    _, (held, *_) = challenge(read_study(stated, "loan.toml", model=Loan()))
    verdicts = {str(one.universe[0]): one.verdict for one in held.case.worlds if one.departures == 1}
    assert verdicts["rate: off"] is Verdict.UNDECIDED
    assert verdicts["rate: doubled"] is Verdict.HOLDS
    assert not found([held])


def test_a_study_that_is_no_number_as_it_is_stated_is_refused(monkeypatch):
    whole = Worlds.values
    broken = lambda *given: {name: values * float("nan") for name, values in whole(*given).items()}  # noqa: E731
    monkeypatch.setattr(Worlds, "values", broken)
    with pytest.raises(UserError, match="not finite"):
        challenge(balance(run=RUN))
