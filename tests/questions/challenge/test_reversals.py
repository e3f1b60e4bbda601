"""What turns a claim is found, as mild as it is, on a bill that is linear in what is drawn."""

import functools

import pytest

from engine.questions.challenge.challenge import challenge
from engine.questions.challenge.question import sentences, tables
from tests.questions.challenge.models import CASES, CLAIM, balance, false, found

SEED = 1
"""Of many seeds: benchmarks/coverage_challenge.py."""
CLOSE = 0.02


@functools.cache
def held(name):
    """The answer to a case."""
    study = balance(SEED, **CASES[name].study)
    return challenge(study, paths=study.paths)[1]


@pytest.mark.parametrize("name", CASES)
def test_the_mildest_set_is_found_and_none_that_leaves_the_claim_standing(name):
    """And how far on the way the claim turns; where nothing turns it, nothing is reported."""
    case, every = CASES[name], found(held(name))
    assert not false(balance(SEED, **case.study), held(name)) and bool(every) == bool(case.mildest)
    if every:
        first = min(every, key=lambda one: (len(one.dimensions), one.fraction))
        assert first.dimensions == case.mildest
        assert first.fraction == pytest.approx(case.fraction, rel=CLOSE)


def test_a_single_choice_of_a_pair_leaves_the_claim_standing_at_its_closed_form():
    for choice in ("a: off", "b: off"):
        (seen,) = (one for one in held("pair")[0].case.worlds if [*map(str, one.universe)] == [choice])
        assert seen.verdict == "holds" and seen.estimates.difference == pytest.approx(-0.35, abs=0.03)


@pytest.mark.parametrize("matters", [0.10, 0.19])
def test_a_reversal_by_size_is_as_large_as_matters_and_one_in_sign_is_significant(matters):
    """With a off the new policy is behind by .4 of 2.4, a share of .167; the same rule says where the claim holds."""
    study = balance(**CASES["assumption"].study, challenge={"claims": [CLAIM], "matters": matters})
    _, results = challenge(study)
    sign, size = (min((len(one.dimensions) for one in found(results, least)), default=9) for least in (0.0, matters))
    assert sign == 1 and (size == 1) is (matters < 0.167)
    verdicts = {str(one.universe[0]): one.verdict for one in results[0].case.worlds if one.departures == 1}
    assert verdicts["a: off"] == "reversed"
    rows = {row["ledger"]: row for name in tables(results) if name.name == "claims" for row in name.rows()}
    assert rows["specification"]["turned_by"].startswith("“a” off")
    assert (rows["specification"]["turned_by_size"] == rows["specification"]["turned_by"]) is (matters < 0.167)


def test_a_set_may_mix_a_definition_of_policies_with_a_view_of_the_world():
    """Without its gain of .7 and with a off, which saves .6, the new policy is behind by .3; neither does it alone."""
    study = balance(gain=0.7, savings={"a": 0.6})
    _, results = challenge(study)
    (mixed,) = (one for one in results if one.case.ledger == "mixed")
    assert {frozenset(choice.dimension for choice in one.universe) for one in mixed.reversals[0.0][:1]} == {
        frozenset({"pay", "a"})
    }
    assert mixed.reversals[0.0][0].fraction.estimate == pytest.approx(1 / 1.3, rel=CLOSE)
    assert not false(study, results)
    assert "The choices are: pay as under old in both policies and “a” off." in [*sentences(results)]
