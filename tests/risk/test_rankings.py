"""Rankings over structures: what holds, what flips, what is open, and the sentence that says so."""

import pytest

from engine.risk.rankings import STATED, Ranking, Verdict, sentence


def ranking(*signs, variable="ruin", measure="probability"):
    """A ranking of new against old with a sign for each structure."""
    return Ranking(
        variable, measure, "new", "old", dict(zip((STATED, "a off", "a doubled"), signs, strict=True))
    )


@pytest.mark.parametrize(
    ("signs", "verdict"),
    [
        ((-1, -1, -1), Verdict.HOLDS),
        ((-1, 0, 1), Verdict.FLIPS),
        ((0, 1, -1), Verdict.FLIPS),
        ((-1, 0, -1), Verdict.OPEN),
        ((-1, None, -1), Verdict.OPEN),
        ((0, 0, 1), Verdict.OPEN),
        ((0, None, 0), Verdict.UNDECIDED),
        ((None, None, None), Verdict.UNKNOWN),
    ],
)
def test_a_flip_needs_two_clear_signs(signs, verdict):
    assert ranking(*signs).verdict is verdict


def test_the_sentence_says_no_more_than_the_signs():
    every = [
        ranking(-1, -1, -1),
        ranking(1, 1, 1, variable="cost", measure="mean"),
        ranking(1, 1, 1, variable="cost", measure="ES99"),
        ranking(-1, 0, 1, variable="jobs", measure="mean"),
        ranking(0, 0, 1, variable="flood"),
        ranking(0, 0, 0, variable="fire"),
        ranking(None, None, None, variable="war"),
    ]
    assert sentence(every, 3) == (
        "In each of 3 structures, likelier under old: ruin; worse under new: mean and ES99 of cost; flips: mean of jobs (worse under "
        "old as stated, under new with a doubled); clear in some and turned round in none: flood; undecided in all: fire; "
        "without an interval, for too few paths or too heavy a tail: war."
    )
    assert sentence(every[4:], 3).startswith(
        "No ranking is clear in each of 3 structures; no ranking flips; clear"
    )
    assert "undecided as stated, worse under new with a off, worse under old with a doubled" in sentence(
        [ranking(0, 1, -1, variable="jobs", measure="mean")], 3
    )
    assert sentence([], 3) == "A single policy runs, and there is nothing to rank it against."
