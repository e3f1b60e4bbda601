"""Rankings over structures: what holds, what flips, what is open, and the sentences that say so."""

from types import SimpleNamespace

import pytest

from engine.answers.rankings import STATED, Ranking, Verdict, sentences


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
    assert (
        said(every)
        == "1 of 6 rankings with an interval is reversed if an assumption is dropped or doubled. By average jobs, the"
        " worse policy is old, but new with a doubled. In all 3 structures the worse policy is old by the chance of"
        " ruin. In all 3 structures the worse policy is new by average cost and cost in the worst 1 % of futures. Clear"
        " in some structures and reversed in none: the chance of flood. Clear in no structure: the chance of fire."
        " Without an interval, for few paths or a heavy tail: the chance of war."
    )
    assert said(every[4:]).startswith(
        "None of 2 rankings with an interval is reversed if an assumption is dropped or doubled. Clear"
    )
    assert "By average jobs, no policy is worse as stated, but new with a off, but old with a doubled." in said(
        [ranking(0, 1, -1, variable="jobs", measure="mean")]
    )
    assert "reversed" not in said([ranking(None, None, None, variable="war")])
    assert said([]) == "A single policy runs, and there is nothing to rank it against."


@pytest.mark.parametrize(
    ("signs", "variable", "said"),
    [
        (
            (-1, 1, 1, 1, 1),
            "ruin",
            "By the chance of ruin, the worse policy is old, but new with plant exit off and 3 more.",
        ),
        (
            (0, 1, -1, 1, 1),
            "banks wrecked",
            "By the chance of banks wrecked, no policy is worse as stated, but new in 3, old in 1 of 5 structures.",
        ),
        (
            (None,) * 5,
            "banks wrecked on paper by what nobody at all has ever looked at until now",
            "Without an interval, for few paths or a heavy tail: 1 ranking.",
        ),
    ],
)
def test_a_sentence_too_long_names_fewer_and_counts_the_others(signs, variable, said):
    structures = (STATED, "plant exit off", "exit doubled", "bank rescues off", "bank rescues doubled")
    one = Ranking(variable, "probability", "new", "old", dict(zip(structures, signs, strict=True)))
    told = [*sentences(study(variable), [one], {name: name for name in structures})]
    assert told[-1] == said
    assert max(len(text.split()) for text in told) <= 25


def said(among):
    """The sentences of a study of four events and two outcomes without labels."""
    every = sentences(
        study("ruin", "flood", "fire", "war"), among, {name: name for name in (STATED, "a off", "a doubled")}
    )
    return " ".join(every)


def study(*events):
    """A study of these events and two outcomes without labels."""
    return SimpleNamespace(
        phrase=lambda kind, name: name,
        events_by_name=dict.fromkeys(events),
        model=SimpleNamespace(outcomes={"cost": 0, "jobs": 0}),
    )
