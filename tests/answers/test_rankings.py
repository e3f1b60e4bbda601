"""Rankings over structures: what holds, what flips, what is open, and the sentences that say so."""

import pytest

from engine.answers.rankings import STATED, Ranking, Verdict


def ranking(*signs, variable="ruin", measure="probability"):
    """A ranking of new against old with a sign for each structure."""
    return Ranking(variable, measure, "new", "old", dict(zip((STATED, "a off", "a doubled"), signs, strict=True)))


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
