"""The answer and what gets worse: a table of cases, each with its sentences in full."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from engine.answers.wording import listed
from engine.report.sections.chances import _finding_worse
from engine.report.sentences import Spoken, Subject, answer, why, worsened
from engine.report.text import cell, distance, minus, with_interval
from engine.risk.estimation.flags import Flag, Reason, text
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import Record, record

MEASURES = ("mean", "ES95", "ES99")


def rec(measure: str, policy: str, variable: str, at: float, half: float = 0.0, flag: Flag | None = None) -> Record:
    """A record with a symmetric interval, or with none where it is flagged."""
    ends = (math.nan, math.nan) if flag else (at - half, at + half)
    return record(measure, policy, variable, Estimate(at, half / 1.96, *ends, (flag,) if flag else ()))


def test_paths_that_are_kept_out_are_no_reason_for_no_interval():
    few = rec("mean", "old", "loss", 1.0, flag=Flag(Reason.FEW_EXCEEDANCES, 41, 100))
    assert why(replace(few, flags=(*few.flags, Flag(Reason.NOT_FINITE, 8, 4096)))) == "too few futures"
    assert why(replace(few, flags=(Flag(Reason.NO_PATHS),))) == "values are missing"


@pytest.mark.parametrize(
    ("known", "said"), [((1, 1), "2 outcomes"), ((1, 0), "1 outcome with an interval"), ((0, 0), "no interval")]
)
def test_outcomes_without_an_interval_are_not_counted(known, said):
    names = ("loss", "cost")
    held = {
        ("worse", "New", name): rec("worse", "New", name, 0.8, 0.1, None if one else Flag(Reason.ONE_UNIT))
        for name, one in zip(names, known, strict=True)
    }
    text = _finding_worse(SimpleNamespace(others=("New",), comparison=held), names)
    assert said in text and (not any(known) or f"new in {sum(known)} of {said}." in text)


def subject(
    outcomes: dict[str, Spoken],
    levels: dict[str, dict[str, float | tuple[float, float]]],
    chances: dict[str, float],
    half: float = 0.1,
    chance_half: float = 0.001,
    flags: dict[tuple[str, str], Flag] | None = None,
    event: str | None = "ruin",
) -> Subject:
    """A comparison of policies, the first of them the baseline.

    Args:
      levels: outcome -> policy -> its numbers: one for all measures, or (mean, ES).
      chances: policy -> probability of the event.
      half: half the width of all intervals of outcomes; `chance_half` of probabilities.
      flags: (measure or "probability", variable) -> flag of its difference.
    """
    flags, policies = flags or {}, tuple(chances)
    base = policies[0]
    risk, gaps = [], []
    for name, by_policy in levels.items():
        for policy, measure in itertools.product(policies, MEASURES):
            pair = by_policy[policy]
            mean, tail = pair if isinstance(pair, tuple) else (pair, pair)
            at = mean if measure == "mean" else tail
            other = by_policy[base]
            known = other if not isinstance(other, tuple) else other[measure != "mean"]
            flag = flags.get((measure, name))
            risk.append(rec(measure, policy, name, at, half))
            if policy != base:
                gaps.append(rec(f"difference_{measure}", policy, name, at - known, half, flag))
    for policy, chance in chances.items():
        if event is not None:
            risk.append(rec("probability", policy, event, chance, chance_half))
            if policy != base:
                flag = flags.get(("probability", event))
                gaps.append(rec("difference_probability", policy, event, chance - chances[base], chance_half, flag))
    events = {event: Spoken("All is lost")} if event is not None else {}
    return Subject(
        policies, base, outcomes, events,
        {(r.measure, r.policy, r.variable): r for r in risk},
        {(r.measure, r.policy, r.variable): r for r in gaps},
    )  # fmt: skip


LOSS = {"loss": Spoken("loss", "bn yuan")}
GROWTH = {"growth": Spoken("growth", "1", loss=False)}
TWO = {"loss": Spoken("loss", "bn yuan"), "cost": Spoken("public cost", "% of GDP")}
FEW_FLAG = Flag(Reason.FEW_EFFECTIVE_EXCEEDANCES, 12.3, 500)
FEW = text(FEW_FLAG)

# name, subject, what is said of its answer and of what gets worse: each sentence in full, in its order
CASES = [
    (
        "a clear win",
        subject(LOSS, {"loss": {"old": 10.0, "new": 6.0}}, {"old": 0.07, "new": 0.005}, chance_half=0.001),
        [
            "“All is lost” is less likely under new, 0.50 % of futures, than under old, 7.00 %.",
            "By the model’s probability it is very unlikely under old and exceptionally unlikely under new.",
            "In the worst hundredth of futures, loss would be 6.00 under new, better than 10.00 bn yuan under old.",
        ],
        ["No event and no headline outcome is shown to be worse under new."],
    ),
    (
        "the baseline wins",
        subject(LOSS, {"loss": {"old": 6.0, "new": 10.0}}, {"old": 0.01, "new": 0.07}),
        [
            "“All is lost” is likelier under new, 7.00 % of futures, than under old, 1.00 %.",
            "By the model’s probability it is very unlikely under old and under new.",
            "In the worst hundredth of futures, loss would be 10.00 under new, worse than 6.00 bn yuan under old.",
        ],
        ["No event and no headline outcome is shown to be worse under old."],
    ),
    (
        "overlap",
        subject(LOSS, {"loss": {"old": 10.0, "new": 9.95}}, {"old": 0.0700, "new": 0.0695}),
        [
            "In how likely “All is lost” is, new and old cannot be told apart: 6.95 % and 7.00 % of futures.",
            "By the model’s probability it is very unlikely under old and under new.",
            "In the worst hundredth of futures, new and old cannot be told apart in loss: 9.95 and 10.00 bn yuan.",
        ],
        ["No policy is shown to be the better one, so nothing is named that it would cost."],
    ),
    (
        "reversed sign: low is worse, and lower",
        subject(GROWTH, {"growth": {"old": 2.0, "new": -1.0}}, {"old": 0.4, "new": 0.2}),
        [
            "“All is lost” is less likely under new, 20.00 % of futures, than under old, 40.00 %.",
            "By the model’s probability it is about as likely as not under old and unlikely under new.",
            "In the worst hundredth of futures, growth would be −1.00 under new, worse than 2.00 under old.",
        ],
        ["On average over all futures, growth would be 150 % lower under new: −1.00, against 2.00 under old."],
    ),
    (
        "reversed sign: low is worse, and higher; no word of likelihood holds the interval of one",
        subject(GROWTH, {"growth": {"old": -1.0, "new": 2.0}}, {"old": 0.331, "new": 0.01}, chance_half=0.002),
        [
            "“All is lost” is less likely under new, 1.00 % of futures, than under old, 33.10 %.",
            "By the model’s probability it is very unlikely under new.",
            "In the worst hundredth of futures, growth would be 2.00 under new, better than −1.00 under old.",
        ],
        ["No event and no headline outcome is shown to be worse under new."],
    ),
    (
        "too few paths for anything",
        subject(
            LOSS,
            {"loss": {"old": 10.0, "new": 6.0}},
            {"old": 0.07, "new": 0.01},
            flags={("probability", "ruin"): Flag(Reason.ONE_UNIT), **{(m, "loss"): FEW_FLAG for m in MEASURES}},
        ),
        [
            "Whether “All is lost” is likelier under new than under old cannot be said: too few futures.",
            "By the model’s probability it is very unlikely under old and under new.",
            "In the worst hundredth of futures, it cannot be said under which policy loss is worse: too few futures.",
        ],
        ["No policy is shown to be the better one, so nothing is named that it would cost."],
    ),
    (
        "too few paths for the worst 1 %",
        subject(
            LOSS, {"loss": {"old": 10.0, "new": 6.0}}, {"old": 0.07, "new": 0.01}, flags={("ES99", "loss"): FEW_FLAG}
        ),
        [
            "“All is lost” is less likely under new, 1.00 % of futures, than under old, 7.00 %.",
            "By the model’s probability it is very unlikely under old and under new.",
            "In the worst twentieth of futures, loss would be 6.00 under new, better than 10.00 bn yuan under old.",
            "In the worst hundredth it would be 6.00 and 10.00 bn yuan, which cannot be compared: too few futures.",
        ],
        ["No event and no headline outcome is shown to be worse under new."],
    ),
    (
        "better on average and worse at the bad end",
        subject(
            TWO,
            {"loss": {"old": 10.0, "new": 6.0}, "cost": {"old": (9.0, 17.0), "new": (8.0, 31.0)}},
            {"old": 0.07, "new": 0.01},
        ),
        [
            "“All is lost” is less likely under new, 1.00 % of futures, than under old, 7.00 %.",
            "By the model’s probability it is very unlikely under old and under new.",
            "In the worst hundredth of futures, loss would be 6.00 under new, better than 10.00 bn yuan under old.",
            "Under new, of the 2 outcomes, 2 are better on average.",
        ],
        [
            (
                "In the worst hundredth of futures, public cost would be 82 % higher under new: 31.00,"
                " against 17.00 % of GDP under old."
            )
        ],
    ),
    (
        "worse on average and better at the bad end",
        subject(
            TWO,
            {"loss": {"old": 10.0, "new": 6.0}, "cost": {"old": (8.0, 31.0), "new": (9.0, 17.0)}},
            {"old": 0.07, "new": 0.01},
        ),
        [
            "“All is lost” is less likely under new, 1.00 % of futures, than under old, 7.00 %.",
            "By the model’s probability it is very unlikely under old and under new.",
            "In the worst hundredth of futures, loss would be 6.00 under new, better than 10.00 bn yuan under old.",
            "Under new, of the 2 outcomes, 1 is better on average and 1 is worse.",
        ],
        [
            (
                "On average over all futures, public cost would be 12 % higher under new: 9.00, against"
                " 8.00 % of GDP under old."
            )
        ],
    ),
    (
        "one policy",
        subject(LOSS, {"loss": {"old": 10.0}}, {"old": 0.07}),
        [
            "“All is lost” would happen in 7.00 % of futures under old.",
            "By the model’s probability it is very unlikely under old.",
            "In the worst hundredth of futures, loss would be 10.00 bn yuan under old.",
            "No other policy was run, so nothing is compared.",
        ],
        [],
    ),
    (
        "no event",
        subject(LOSS, {"loss": {"old": 10.0, "new": 6.0}}, {"old": 0.0, "new": 0.0}, event=None),
        [
            "On average over all futures, loss would be 6.00 under new, better than 10.00 bn yuan under old.",
            "In the worst hundredth of futures, loss would be 6.00 under new, better than 10.00 bn yuan under old.",
        ],
        ["No event and no headline outcome is shown to be worse under new."],
    ),
    (
        "three policies, the two better ones not to be told apart",
        subject(LOSS, {"loss": {"old": 10.0, "new": 6.0, "half": 6.1}}, {"old": 0.07, "new": 0.0100, "half": 0.0105}),
        [
            "“All is lost” would happen in 7.00 % of futures under old.",
            "Of the 2 other policies it is less likely under 2.",
            "The best is new, with 1.00 %.",
            "By these intervals it cannot be told apart from half.",
            "By the model’s probability it is very unlikely under old, under new and under half.",
            "In the worst hundredth of futures, loss would be 10.00 bn yuan under old.",
            "Of the 2 other policies, 2 are better there.",
            "The best is new, with 6.00 bn yuan.",
            "By these intervals it cannot be told apart from half.",
        ],
        ["No event and no headline outcome is shown to be worse under new."],
    ),
    (
        "three policies, one better, one worse",
        subject(LOSS, {"loss": {"old": 10.0, "new": 6.0, "bad": 14.0}}, {"old": 0.07, "new": 0.01, "bad": 0.2}),
        [
            "“All is lost” would happen in 7.00 % of futures under old.",
            "Of the 2 other policies it is less likely under 1 and likelier under 1.",
            "The best is new, with 1.00 %.",
            "By the model’s probability it is very unlikely under old and under new and unlikely under bad.",
            "In the worst hundredth of futures, loss would be 10.00 bn yuan under old.",
            "Of the 2 other policies, 1 is better there and 1 is worse.",
            "The best is new, with 6.00 bn yuan.",
        ],
        ["No event and no headline outcome is shown to be worse under new."],
    ),
    (
        "three policies, none better",
        subject(LOSS, {"loss": {"old": 10.0, "new": 11.0, "bad": 14.0}}, {"old": 0.07, "new": 0.0705, "bad": 0.2}),
        [
            "“All is lost” would happen in 7.00 % of futures under old.",
            "Of the 2 other policies it is likelier under 1 and 1 cannot be told apart.",
            "By the model’s probability it is very unlikely under old and under new and unlikely under bad.",
            "In the worst hundredth of futures, loss would be 10.00 bn yuan under old.",
            "Of the 2 other policies, 2 are worse.",
        ],
        ["No event and no headline outcome is shown to be worse under old."],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_sentences_say_what_the_intervals_show_and_no_more(case):
    _, about, said, worse = case
    assert answer(about) == said
    assert worsened(about, about.outcomes) == worse
    assert all(len(sentence.split()) <= 25 for sentence in (*said, *worse))


def test_an_event_of_several_says_what_it_is_made_of():
    about = subject(LOSS, {"loss": {"old": 10.0, "new": 6.0}}, {"old": 0.07, "new": 0.01})
    about = replace(about, events={"ruin": replace(about.events["ruin"], parts=("banks wrecked", "jobs lost"))})
    assert answer(about)[1] == "That means, in one and the same future: banks wrecked and jobs lost."


def test_what_gets_worse_is_the_event_with_the_most_points_then_the_outcome_that_changes_most():
    levels = {"loss": {"old": 10.0, "new": 6.0}, "cost": {"old": 50.0, "new": 60.0}, "debt": {"old": 2.0, "new": 3.0}}
    spoken = {**TWO, "debt": Spoken("debt", "bn yuan")}
    about = subject(spoken, levels, {"old": 0.07, "new": 0.01})
    risk, gaps = dict(about.risk), dict(about.comparison)
    for event, there, here in (("small", 0.10, 0.15), ("large", 0.20, 0.35)):
        for policy, at in (("old", there), ("new", here)):
            risk["probability", policy, event] = rec("probability", policy, event, at, 0.001)
        gaps["difference_probability", "new", event] = rec("difference_probability", "new", event, here - there, 0.001)
    events = {**about.events, "small": Spoken("A little"), "large": Spoken("A lot")}
    about = replace(about, risk=risk, comparison=gaps, events=events)
    first = "“A lot” becomes likelier by 15.00 points under new: 35.00, against 20.00 % of futures under old."
    second = "On average over all futures, debt would be 50 % higher under new: 3.00, against 2.00 bn yuan under old."
    assert worsened(about, ["cost", "debt"]) == [first, second]
    assert worsened(about, []) == [first]
    # what the interval does not show is not named
    gaps["difference_probability", "new", "large"] = rec("difference_probability", "new", "large", 0.15, 0.2)
    assert "“A little” becomes likelier by 5.00 points" in worsened(replace(about, comparison=gaps), [])[0]


@pytest.mark.parametrize("gap", [-0.05, 0.0, 0.05])
def test_no_word_of_order_where_zero_lies_in_the_interval(gap):
    about = subject(LOSS, {"loss": {"old": 10.0, "new": 10.0 + gap}}, {"old": 0.07, "new": 0.07 + gap / 100})
    text = " ".join(answer(about))
    for word in ("likelier under", "less likely under", "better", "worse"):
        assert word not in text
    assert "becomes" not in " ".join(worsened(about, about.outcomes))


def test_exact_equality_is_no_difference():
    about = subject(LOSS, {"loss": {"old": 1.0, "new": 1.0}}, {"old": 0.0, "new": 0.0}, half=0.0, chance_half=0.0)
    first, _, second = answer(about)
    assert "new and old cannot be told apart" in first and "new and old cannot be told apart" in second


def test_numbers_are_rounded_to_their_errors():
    r = rec("difference_mean", "new", "loss", -1234.567, 30.0)
    assert cell(r, 1.0, True).estimate == "−1,235"
    assert cell(r, 1.0, True).interval == "[−1,265, −1,205]"
    assert cell(r, 1.0, True).verdict == "better"
    assert cell(r, 1.0, False).verdict == "worse"
    assert distance(r, 1.0, " km less") == "1,235 km less [1,205, 1,265]"
    assert with_interval(rec("mean", "new", "loss", 5.0, flag=FEW_FLAG), 1.0, " km") == "5.000 km"
    assert minus("[-1, 2e-05]") == "[−1, 2e-05]"
    assert [listed(list(text)) for text in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]
