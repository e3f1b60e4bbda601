"""What turns a claim is found, as mild as it is, on a bill that is linear in what is drawn."""

import functools

import pytest

from engine.questions.challenge.challenge import challenge
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


@pytest.mark.parametrize(("matters", "turns"), [(0.10, True), (0.19, False)])
def test_a_reversal_smaller_than_matters_is_none(matters, turns):
    """With a off the new policy is behind by .4 of 2.4, a share of .167."""
    study = balance(**CASES["assumption"].study, challenge={"claims": [CLAIM], "matters": matters})
    _, (first, *_) = challenge(study)
    sets = [one.universe for one in first.reversals]
    assert any(len(one) == 1 for one in sets) is turns
    verdicts = {str(one.universe[0]): one.verdict for one in first.case.worlds if one.departures == 1}
    assert verdicts["a: off"] == ("reversed" if turns else "undecided")
