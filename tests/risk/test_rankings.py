"""Rankings over structures: what holds, what flips, what is open, and the sentences that say so."""

from types import SimpleNamespace

import pytest

from engine.risk.rankings import STATED, Ranking, Verdict, sentences


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
    assert said(every) == (
        "With an assumption dropped or doubled 1 of 6 rankings with an interval turns round. "
        "Average jobs: worse under old, but under new with a doubled. Worse under old in all 3 structures: the chance of ruin. "
        "Worse under new in all 3 structures: average cost and cost in the worst 1 % of futures. "
        "Clear in some of them and turned round in none: the chance of flood. Undecided in all of them: the chance of fire. "
        "Without an interval, for few paths or a heavy tail: the chance of war."
    )
    assert said(every[4:]).startswith(
        "Whichever assumption is dropped or doubled, none of 2 rankings with an interval turns round. Clear"
    )
    assert (
        "Average jobs: undecided as stated, but under new with a off, but under old with a doubled."
        in said([ranking(0, 1, -1, variable="jobs", measure="mean")])
    )
    assert "turn" not in said([ranking(None, None, None, variable="war")])
    assert said([]) == "A single policy runs, and there is nothing to rank it against."


def said(among):
    """The sentences of a study of four events and two outcomes without labels."""
    study = SimpleNamespace(
        phrase=lambda kind, name: name,
        events_by_name={"ruin": 0, "flood": 0, "fire": 0, "war": 0},
        model=SimpleNamespace(outcomes={"cost": 0, "jobs": 0}),
    )
    return " ".join(sentences(study, among, {name: name for name in (STATED, "a off", "a doubled")}))
