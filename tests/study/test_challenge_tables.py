"""The section `challenge` of a study: how claims and choices are read, what is refused, what it leaves as it is."""

import pytest

from engine import UserError
from engine.study.challenge_tables import Claim, claim_of

NAMES = (["old", "reform"], ["ruin", "dry"], ["cost", "jobs"])

CLAIMS = {
    "reform better than old in ruin": Claim("reform", "old", "ruin", "probability", worse=False),
    "reform worse than old in ruin": Claim("reform", "old", "ruin", "probability", worse=True),
    "old better than reform in mean of cost": Claim("old", "reform", "cost", "mean", worse=False),
    "reform worse than old in ES99.9 of cost": Claim("reform", "old", "cost", "ES99.9", worse=True),
    "reform better than old in VaR95 of jobs": Claim("reform", "old", "jobs", "VaR95", worse=False),
}


@pytest.mark.parametrize("text", CLAIMS)
def test_a_claim_reads_as_it_is_written(text):
    assert claim_of(text, *NAMES) == CLAIMS[text]
    assert str(CLAIMS[text]) == text


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("reform likelier than old in ruin", "reform worse than old in ruin"),
        ("reform rarer than old in probability of ruin", "reform better than old in ruin"),
        ("reform better than old in cost", "reform better than old in mean of cost"),
        ("  reform better\n than old in ES95  of cost ", "reform better than old in ES95 of cost"),
    ],
)
def test_what_may_be_written_otherwise_is_the_same_claim(text, same):
    assert str(claim_of(text, *NAMES)) == same


def test_levels_that_a_study_adds_are_measures_too():
    text = "reform better than old in ES97.5 of cost"
    assert claim_of(text, *NAMES, levels=(0.95, 0.975)).measure == "ES97.5"
    with pytest.raises(UserError, match=r"unknown measure of 'cost' 'ES97.5'. Did you mean 'ES95'\?"):
        claim_of(text, *NAMES)


REFUSED = {
    "reform better than olde in ruin": ["unknown policy 'olde'. Did you mean 'old'?"],
    "reform better than reform in ruin": ["holds 'reform' against itself. Name two policies."],
    "reform better than old in ruins": ["unknown event or outcome 'ruins'. Did you mean 'ruin'?"],
    "reform better than old in median of cost": ["unknown measure of 'cost' 'median'. Did you mean 'mean'?"],
    "reform better than old in ES99 of ruin": [
        "'ES99' is no measure of an event. Leave 'ES99 of' out: in ruin."
    ],
    "reform likelier than old in cost": [
        "'likelier' is said of events; 'cost' is an outcome. Write 'worse'."
    ],
    "reform rarer than old in ES99 of cost": [
        "'rarer' is said of events; 'cost' is an outcome. Write 'better'."
    ],
    "refrom rarer than refrom in ES9 of cost": [
        "unknown policy 'refrom'. Did you mean 'reform'?",
        "holds 'refrom' against itself. Name two policies.",
        "'rarer' is said of events; 'cost' is an outcome. Write 'better'.",
        "unknown measure of 'cost' 'ES9'. Did you mean 'ES99'?",
    ],
    "reform beats old": [
        "expected POLICY better (or worse, likelier, rarer) than POLICY in [MEASURE of] VARIABLE, got 'reform beats old'. "
        "Write, say, 'reform better than old in ruin'."
    ],
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_claim_that_is_none_says_all_that_is_wrong(text):
    with pytest.raises(UserError) as refused:
        claim_of(text, *NAMES)
    assert [problem.message for problem in refused.value.problems] == REFUSED[text]
