"""No single choice reverses a claim of the shipped study by a milder change than `challenge` prints."""

import pytest

from engine import load_study
from engine.questions.challenge.challenge import FRESH, challenge
from engine.questions.challenge.choices import POLICIES, SPECIFICATION, of_assumptions, of_measures, of_policies
from engine.questions.challenge.claims import estimates, what
from engine.questions.challenge.universes import Verdict
from engine.questions.turning import root

CLAIMS = (
    "reform better than old in jobs_demolished",
    "reform worse than old in ES99 of displaced_person_years",
    "reform better than old in mean of total_bill",
)
PATHS = 1 << 14
DIGITS = 1e-3
"""Fraction by which the two searches may differ, as both stop where the difference is a tenth of its standard error."""


@pytest.fixture(scope="module")
def challenged():
    """The study of both policies, and what `challenge` finds about the claims."""
    return challenge(load_study("rustbelt"), CLAIMS, PATHS)


def singles(study):
    """Every assumption off and doubled, every other measurement, and every group of levers as under either policy."""
    found = [*of_assumptions(study), *of_measures(study), *of_policies(study)]
    names = {(one.dimension, one.name) for one in found}
    assert {(one.name, "off") for one in study.assumptions} < names
    assert {(one, "instead") for one in study.challenge.readings} < names
    assert {(group, policy) for group in study.lever_groups for policy in ("old", "reform")} < names
    return found


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(CLAIMS)), ids=("chance", "tail", "mean"))
@pytest.mark.parametrize("ledger", [SPECIFICATION, POLICIES])
def test_a_hand_search_of_single_choices_finds_no_milder_reversal(challenged, number, ledger):
    study, results = challenged
    assert [*dict.fromkeys(str(one.case.claim) for one in results)] == [*CLAIMS]
    (result,) = (one for one in results if str(one.case.claim) == CLAIMS[number] and one.case.ledger == ledger)
    case, least = result.case, study.challenge.matters
    worlds, tried = case.results.worlds, [one for one in singles(case.study) if one.ledger == ledger]

    def at(choice, fraction, replicate):
        simulated = () if choice.is_measured else (choice,)
        values = worlds.values(simulated, fraction, replicate)
        return estimates(case.study, case.claim, what(case.study, case.claim, (choice,), fraction), values)

    def turns(choice, least):
        both = (case.verdict(at(choice, 1.0, one), case.reach(len(tried)), least) for one in (0, FRESH))
        return all(one is Verdict.REVERSED for one in both)

    def fraction(choice):
        return 1.0 if choice.is_whole else root(lambda x: case.favour(at(choice, x or 1e-9, FRESH)), 0.0, 1.0)

    for rule in (0.0, least):
        printed = {one.universe[0]: one.fraction.estimate for one in result.reversals[rule] if one.departures == 1}
        mildest = min(printed.values(), default=2.0)
        turning = [one for one in tried if turns(one, rule)]
        assert turning or ledger == SPECIFICATION  # a group of levers as under one policy in both reverses each claim
        for choice in turning:
            assert fraction(choice) >= mildest - DIGITS, (rule, str(choice), printed)
