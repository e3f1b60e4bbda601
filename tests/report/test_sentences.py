"""The answer in three sentences: a table of cases, each with the words that it must and must not hold."""

from __future__ import annotations

import itertools
import math

import pytest

from engine.report.sentences import Spoken, Subject, answer
from engine.report.text import cell, distance, minus, with_interval
from engine.risk.flags import Flag, Reason, text
from engine.risk.intervals import Estimate
from engine.risk.tables import Record, record
from engine.risk.wording import listed

MEASURES = ("mean", "ES95", "ES99")


def rec(
    measure: str, policy: str, variable: str, at: float, half: float = 0.0, flag: Flag | None = None
) -> Record:
    """A record with a symmetric interval, or with none where it is flagged."""
    ends = (math.nan, math.nan) if flag else (at - half, at + half)
    return record(measure, policy, variable, Estimate(at, half / 1.96, *ends, (flag,) if flag else ()))


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
                gaps.append(
                    rec("difference_probability", policy, event, chance - chances[base], chance_half, flag)
                )
    events = {event: Spoken("all is lost")} if event is not None else {}
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

# name, subject, for each sentence: words that must be there, words that must not
CASES = [
    (
        "a clear win",
        subject(LOSS, {"loss": {"old": 10.0, "new": 6.0}}, {"old": 0.07, "new": 0.01}),
        (["less likely under new, 1.00 %", "than under old, 7.00 %", "6.00 points less [5.90, 6.10]"], ["likelier"]),
        (["worst 1 % of futures", "lower, which is better, under new", "4.00 bn yuan less [3.90, 4.10]"], ["worse"]),
        (["In the one outcome new is not shown to be the worse one"], ["But"]),
    ),
    (
        "the baseline wins",
        subject(LOSS, {"loss": {"old": 6.0, "new": 10.0}}, {"old": 0.01, "new": 0.07}),
        (["is likelier under new", "6.00 points more [5.90, 6.10]"], ["less likely"]),
        (["higher, which is worse, under new", "4.00 bn yuan more"], ["better"]),
        (["In the one outcome old is not shown to be the worse one"], ["new is the worse"]),
    ),
    (
        "overlap",
        subject(LOSS, {"loss": {"old": 10.0, "new": 9.95}}, {"old": 0.0700, "new": 0.0695}),
        (["new and old cannot be told apart", "−0.05 points [−0.15, 0.05]"], ["likelier", "less likely"]),
        (["new and old cannot be told apart in loss"], ["better", "worse,", "lower", "higher"]),
        (["In no outcome can new and old be told apart"], ["But", "is the worse one"]),
    ),
    (
        "reversed sign: low is worse, and lower",
        subject(GROWTH, {"growth": {"old": 2.0, "new": -1.0}}, {"old": 0.07, "new": 0.01}),
        (["less likely under new"], []),
        (["growth is lower, which is worse, under new, −1.00 [−1.10, −0.90]", "3.00 less [2.90, 3.10]"], ["better"]),
        (["old is not shown to be the worse one"], []),
    ),
    (
        "reversed sign: low is worse, and higher",
        subject(GROWTH, {"growth": {"old": -1.0, "new": 2.0}}, {"old": 0.07, "new": 0.01}),
        (["less likely under new"], []),
        (["growth is higher, which is better, under new", "3.00 more [2.90, 3.10]"], ["worse"]),
        (["new is not shown to be the worse one"], []),
    ),
    (
        "too few paths for anything",
        subject(
            LOSS, {"loss": {"old": 10.0, "new": 6.0}}, {"old": 0.07, "new": 0.01},
            flags={("probability", "ruin"): Flag(Reason.ONE_UNIT), **{(m, "loss"): FEW_FLAG for m in MEASURES}},
        ),
        (["cannot be said: one independent unit: no error"], ["less likely", "points", "%"]),
        (["it cannot be said whether loss is worse", FEW], ["lower", "higher"]),
        (["for 1 comparison there is no interval", FEW], ["is the worse one,"]),
    ),
    (
        "too few paths for the worst 1 %",
        subject(LOSS, {"loss": {"old": 10.0, "new": 6.0}}, {"old": 0.07, "new": 0.01}, flags={("ES99", "loss"): FEW_FLAG}),
        (["less likely"], []),
        (["In the worst 5 % of futures", f"the worst 1 % cannot be compared: {FEW}"], ["In the worst 1 %"]),
        (["there is no interval and nothing is said"], []),
    ),
    (
        "better on average and worse at the bad end",
        subject(TWO, {"loss": {"old": 10.0, "new": 6.0}, "cost": {"old": (9.0, 17.0), "new": (8.0, 31.0)}}, {"old": 0.07, "new": 0.01}),
        (["less likely"], []),
        (["of the 2 outcomes, 1 is better and 1 is worse there under new"], []),
        (["But new is the worse one", "in 1 of 2 outcomes: public cost (14.00 % of GDP more [13.90, 14.10])"], ["average ["]),
    ),
    (
        "worse on average and better at the bad end",
        subject(TWO, {"loss": {"old": 10.0, "new": 6.0}, "cost": {"old": (8.0, 31.0), "new": (9.0, 17.0)}}, {"old": 0.07, "new": 0.01}),
        (["less likely"], []),
        (["2 are better there under new"], []),
        (["public cost (1.00 % of GDP more on average [0.90, 1.10])"], ["14.00"]),
    ),
    (
        "one policy",
        subject(LOSS, {"loss": {"old": 10.0}}, {"old": 0.07}),
        (["“all is lost” has a probability of 7.00 % [6.90, 7.10] under old"], ["likelier"]),
        (["In the worst 1 % of futures, loss is 10.00 bn yuan [9.90, 10.10]"], ["better", "worse."]),
        (["No other policy was run"], []),
    ),
    (
        "no event",
        subject(LOSS, {"loss": {"old": 10.0, "new": 6.0}}, {"old": 0.0, "new": 0.0}, event=None),
        (["On average, loss is lower, which is better, under new"], ["probability"]),
        (["In the worst 1 % of futures"], []),
        (["In the one outcome"], []),
    ),
    (
        "three policies, the two better ones not to be told apart",
        subject(
            LOSS, {"loss": {"old": 10.0, "new": 6.0, "half": 6.1}}, {"old": 0.07, "new": 0.0100, "half": 0.0105}
        ),
        (["7.00 %", "2 make it less likely", "new to 1.00 %", "not to be told apart from half"], ["likelier"]),
        (["of the 2 other policies, 2 are better, new with 6.00", "not to be told apart from half"], []),
        (["New and half are worse than old in none of the one outcome"], ["best"]),
    ),
    (
        "three policies, one better, one worse",
        subject(LOSS, {"loss": {"old": 10.0, "new": 6.0, "bad": 14.0}}, {"old": 0.07, "new": 0.01, "bad": 0.2}),
        (["1 makes it less likely and 1 makes it likelier, new to 1.00 %"], ["told apart"]),
        (["1 is better and 1 is worse, new with 6.00"], ["told apart"]),
        (["New is worse than old in none", "bad in 1"], []),
    ),
    (
        "three policies, none better",
        subject(LOSS, {"loss": {"old": 10.0, "new": 11.0, "bad": 14.0}}, {"old": 0.07, "new": 0.0705, "bad": 0.2}),
        (["1 makes it likelier and 1 cannot be told apart."], ["less likely"]),
        (["2 are worse."], ["better"]),
        (["Each of them is worse than old"], []),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_sentences_say_what_the_intervals_show_and_no_more(case):
    _, about, *expected = case
    said = answer(about)
    assert len(said) == 3
    for sentence, (wanted, unwanted) in zip(said, expected, strict=True):
        assert sentence.endswith(".") and sentence[0] == sentence[0].upper()
        for words in wanted:
            assert words in sentence, sentence
        for words in unwanted:
            assert words not in sentence, sentence


@pytest.mark.parametrize("gap", [-0.05, 0.0, 0.05])
def test_no_word_of_order_where_zero_lies_in_the_interval(gap):
    about = subject(LOSS, {"loss": {"old": 10.0, "new": 10.0 + gap}}, {"old": 0.07, "new": 0.07 + gap / 100})
    text = " ".join(answer(about))
    for word in ("likelier under", "less likely under", "better", "which is worse"):
        assert word not in text


def test_exact_equality_is_no_difference():
    about = subject(
        LOSS, {"loss": {"old": 1.0, "new": 1.0}}, {"old": 0.0, "new": 0.0}, half=0.0, chance_half=0.0
    )
    first, second, third = answer(about)
    assert (
        "cannot be told apart" in first and "cannot be told apart" in second and "can new and old be" in third
    )


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
