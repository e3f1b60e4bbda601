"""The answer and what it costs: a table of cases, each with its sentences in full."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from engine.charts.labels import minus
from engine.report.brief import WORDS, first_screen, up
from engine.report.sentences import amounts, bracketed, rivals, sign, verdict, weighed, what, why, winner, worse
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import Record, record

MEASURES = ("mean", "ES95", "ES99")
UNITS = {"loss": "bn yuan", "cost": "% of GDP", "growth": "1", "jobs": "k persons"}
FEW_FLAG = Flag(Reason.FEW_EFFECTIVE_EXCEEDANCES, 12.3, 500)


def rec(measure: str, policy: str, variable: str, at: float, half: float = 0.0, flag: Flag | None = None) -> Record:
    """A record with a symmetric interval, or with none where it is flagged."""
    ends = (math.nan, math.nan) if flag else (at - half, at + half)
    return record(measure, policy, variable, Estimate(at, half / 1.96, *ends, (flag,) if flag else ()))


def test_paths_that_are_kept_out_are_no_reason_for_no_interval():
    few = rec("mean", "old", "loss", 1.0, flag=Flag(Reason.FEW_EXCEEDANCES, 41, 100))
    assert why(replace(few, flags=(*few.flags, Flag(Reason.NOT_FINITE, 8, 4096)))) == "there are too few futures"
    assert why(replace(few, flags=(Flag(Reason.NO_PATHS),))) == "values are missing"


def run_of(
    levels: dict[str, dict[str, float | tuple[float, float]]],
    chances: dict[str, float],
    half: float = 0.1,
    chance_half: float = 0.001,
    flags: dict[tuple[str, str], Flag] | None = None,
):
    """The records of a run whose first policy is the baseline.

    Args:
      levels: outcome -> policy -> its numbers: one for all measures, or (mean, ES).
      chances: policy -> probability of the event; a policy alone where there is no event.
      half: half the width of all intervals of outcomes; `chance_half` of probabilities.
      flags: (measure or "probability", variable) -> flag of its difference.
    """
    flags, policies = flags or {}, tuple(next(iter(levels.values())))
    base, risk, gaps = policies[0], [], []
    for (name, by_policy), policy, measure in itertools.product(levels.items(), policies, MEASURES):
        pairs = [at if isinstance(at, tuple) else (at, at) for at in (by_policy[policy], by_policy[base])]
        at, known = (pair[measure != "mean"] for pair in pairs)
        risk.append(rec(measure, policy, name, at, half))
        if policy != base:
            gaps.append(rec(f"difference_{measure}", policy, name, at - known, half, flags.get((measure, name))))
    for policy, chance in chances.items():
        risk.append(rec("probability", policy, "ruin", chance, chance_half))
        if policy != base:
            flag = flags.get(("probability", "ruin"))
            gaps.append(rec("difference_probability", policy, "ruin", chance - chances[base], chance_half, flag))
    study = SimpleNamespace(
        policy_names=policies, baseline=base, events_by_name={"ruin": None}, events=(), facts=None, paths=4096,
        observed=SimpleNamespace(rows=()),
        phrase=lambda kind, name: name, title=lambda kind, name: "All is lost",
        unit_of=UNITS.get, is_loss=lambda name: name != "growth", loss_of=lambda name: name != "growth",
    )  # fmt: skip
    return SimpleNamespace(
        study=study, outcomes=tuple(levels), events=("ruin",) * bool(chances), others=policies[1:],
        excluded=0, answers={}, given={},
        risk={(r.measure, r.policy, r.variable): r for r in risk},
        comparison={(r.measure, r.policy, r.variable): r for r in gaps},
    )  # fmt: skip


LOSS = {"loss": {"old": 10.0, "new": 6.0}}
SAME = {"loss": {"old": 10.0, "new": 10.0}}
WITHHELD = {(measure, "loss"): FEW_FLAG for measure in MEASURES}
# what the case is, the run, its verdict by the mean of the first outcome, gain and cost, and what gets worse
CASES = [
    (
        "a clear win",
        run_of(LOSS, {"old": 0.07, "new": 0.005}),
        "New is better than old in the mean of loss [bn yuan]: 6.0 against 10.0.",
        "Compared with old, new lowers loss [bn yuan] by 4.0, with no significant cost.",
        ["No event and no headline outcome is significantly worse under new."],
    ),
    (
        "a win that costs an event",
        run_of(LOSS, {"old": 0.01, "new": 0.07}),
        "New is better than old in the mean of loss [bn yuan]: 6.0 against 10.0.",
        "Compared with old, new lowers loss [bn yuan] by 4.0 but raises “All is lost” [% of futures] by 6.0 (worse).",
        ["Compared with old, new raises “All is lost” [% of futures] from 1.0 to 7.0."],
    ),
    (
        "the baseline wins",
        run_of({"loss": {"old": 6.0, "new": 10.0}}, {"old": 0.01, "new": 0.07}),
        "Old is better than new in the mean of loss [bn yuan]: 6.0 against 10.0.",
        "Compared with new, old lowers loss [bn yuan] by 4.0, with no significant cost.",
        ["No event and no headline outcome is significantly worse under old."],
    ),
    (
        "overlap of the outcome: the event decides",
        run_of(SAME, {"old": 0.07, "new": 0.01}),
        "New and old do not differ significantly in the mean of loss [bn yuan]: 10.0 and 10.0.",
        ("Compared with old, new lowers “All is lost” [% of futures] by 6.0, with no significant cost."),
        ["No event and no headline outcome is significantly worse under new."],
    ),
    (
        "no difference at all",
        run_of(SAME, {"old": 0.07, "new": 0.07}),
        "New and old do not differ significantly in the mean of loss [bn yuan]: 10.0 and 10.0.",
        "No policy is significantly better.",
        [],
    ),
    (
        "low is worse",
        run_of({"growth": {"old": 2.0, "new": -1.0}}, {"old": 0.2, "new": 0.4}),
        "Old is better than new in the mean of growth: 2.0 against −1.0.",
        "Compared with new, old raises growth by 3.0, with no significant cost.",
        ["No event and no headline outcome is significantly worse under old."],
    ),
    (
        "too few paths for anything",
        run_of(LOSS, {"old": 0.07, "new": 0.01}, flags={("probability", "ruin"): Flag(Reason.ONE_UNIT), **WITHHELD}),
        "It is unknown which policy is better in the mean of loss [bn yuan], because there are too few futures.",
        "No policy is significantly better.",
        [],
    ),
    (
        "better on average and worse at the bad end",
        run_of({**LOSS, "cost": {"old": (9.0, 17.0), "new": (8.0, 31.0)}}, {"old": 0.07, "new": 0.01}),
        "New is better than old in the mean of loss [bn yuan]: 6.0 against 10.0.",
        (
            "Compared with old, new lowers loss [bn yuan] by 4.0 but raises cost [% of GDP] by 14.0 in the worst"
            " hundredth of futures (worse)."
        ),
        [
            "Compared with old, new raises the mean of cost [% of GDP] in the worst hundredth of futures from 17.0 to"
            " 31.0."
        ],
    ),
    (
        "thousands stand before the numbers",
        run_of({"jobs": {"old": 720.04, "new": 530.06}, "growth": {"old": 2.0, "new": 1.0}}, {}, half=0.02),
        "New is better than old in the mean of jobs [thousand persons]: 530 against 720.",
        "Compared with old, new lowers jobs [thousand persons] by 190 but lowers growth by 1.00 (worse).",
        ["Compared with old, new lowers the mean of growth from 2.00 to 1.00."],
    ),
    (
        "one policy",
        run_of({"loss": {"old": 10.0}}, {"old": 0.07}),
        "Under old, the mean of loss [bn yuan] is 10.0.",
        "No policy is significantly better.",
        [],
    ),
    (
        "three policies, one better and one worse",
        run_of({"loss": {"old": 10.0, "new": 6.0, "bad": 14.0}}, {}),
        "New is the best of 3 policies, better than old in the mean of loss [bn yuan]: 6.0 against 10.0.",
        "Compared with old, new lowers loss [bn yuan] by 4.0, with no significant cost.",
        ["No event and no headline outcome is significantly worse under new."],
    ),
    (
        "three policies, none better",
        run_of({"loss": {"old": 10.0, "new": 10.0, "bad": 14.0}}, {}),
        "No policy is significantly better than old (10.0) in the mean of loss [bn yuan].",
        "No policy is significantly better.",
        [],
    ),
    (
        "three policies, the baseline the best",
        run_of({"loss": {"old": 10.0, "new": 11.0, "bad": 14.0}}, {}),
        "Old is better than all 2 other policies in the mean of loss [bn yuan]: 10.0 against 11.0.",
        "Compared with new, old lowers loss [bn yuan] by 1.0, with no significant cost.",
        ["No event and no headline outcome is significantly worse under old."],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_sentences_say_what_the_intervals_show_and_no_more(case):
    _, run, said, weight, costs = case
    assert [verdict(run, "mean", run.outcomes[0]), weighed(run), worse(run)] == [said, weight, costs]
    assert all(len(sentence.split()) <= 25 for sentence in (said, weight, *costs))
    screen = first_screen(run)
    assert [head for head, _, _ in screen] == ["Which policy", "How sure", "What would change it"]
    assert screen[0][1][0] == said  # the first outcome of the headline leads, whatever the rarest event does
    assert sum(len(f"{head} {' '.join(texts)}".split()) for head, texts, _ in screen) <= WORDS


def test_the_tail_decides_where_the_mean_does_not():
    run = run_of({"loss": {"old": (10.0, 30.0), "new": (10.0, 20.0)}}, {})
    assert winner(run) == ("new", "ES99", "loss")
    said = first_screen(run)[0][1]
    assert (
        said[0]
        == "New is better than old in the mean of loss [bn yuan] in the worst hundredth of futures: 20.0 against 30.0."
    )


def test_policies_that_are_as_good_are_named():
    run = run_of({"loss": {"old": 10.0, "new": 6.0, "half": 6.1}}, {})
    assert rivals(run) == ["The intervals of new and half overlap."]
    assert rivals(run_of(LOSS, {})) == []


def test_what_gets_worse_is_the_outcome_that_changes_most_and_the_event_with_the_most_points():
    levels = {**LOSS, "cost": {"old": 50.0, "new": 60.0}, "jobs": {"old": 2.0, "new": 3.0}}
    run = run_of(levels, {"old": 0.20, "new": 0.35})
    first = "Compared with old, new raises the mean of jobs [thousand persons] from 2.0 to 3.0."
    second = "Compared with old, new raises “All is lost” [% of futures] from 20.0 to 35.0."
    assert worse(run) == [first, second]
    # what the interval does not show is not named
    run.comparison["difference_probability", "new", "ruin"] = rec("difference_probability", "new", "ruin", 0.15, 0.2)
    assert worse(run) == [first]


@pytest.mark.parametrize("gap", [-0.05, 0.0, 0.05])
def test_no_word_of_order_where_zero_lies_in_the_interval(gap):
    run = run_of({"loss": {"old": 10.0, "new": 10.0 + gap}}, {"old": 0.07, "new": 0.07 + gap / 100})
    text = " ".join([*itertools.chain(*(said for _, said, _ in first_screen(run))), *worse(run)])
    for word in ("better than", "best", "lowers", "raises", "against"):
        assert word not in text


def test_answers_say_how_well_the_model_is_known_and_what_turns_it():
    run = run_of(LOSS, {})
    (_, (counting, model), _), (_, turns, _) = first_screen(run)[1:]
    assert counting == (
        "If the model is right, 4,096 futures give the mean of loss [bn yuan] to within 0.1 (95 % interval)."
    )
    assert "error of the model is unknown" in model and turns == (
        "It has not been computed what would change the ranking.",
    )
    asked = ("gates", "sensitivity", "condition", "backtest", "challenge", "flip")
    run.answers = {name: SimpleNamespace(finding=f"The {name}.") for name in asked}
    (_, (_, *model), _), (_, turns, _) = first_screen(run)[1:]
    assert model == ["The challenge.", "The backtest.", "The condition.", "The gates."] and turns == ("The flip.",)
    del run.answers["flip"]  # the challenge already stands above
    assert first_screen(run)[2][1] == ("The sensitivity.",)
    run.answers["sensitivity"] = SimpleNamespace(finding="It is so " * 9)  # there is no room for a long sentence
    assert first_screen(run)[2][1] == ("It has not been computed what would change the ranking.",)


def test_the_first_number_before_the_facts_stands_beside_that_given_them():
    run = run_of(LOSS, {})
    run.study.observed.rows = ("a figure",)
    assert first_screen(run)[3] == (
        "Before and after conditioning", ("The results given the observed figures have not been computed.",), ()
    )  # fmt: skip
    pairs = {"old": (10.0, 7.0), "new": (6.0, 5.0)}
    run.given = {
        ("mean", name, "loss"): tuple(rec("mean", name, "loss", x, 0.1) for x in pairs[name]) for name in pairs
    }
    rows = (("The mean of loss [bn yuan]", "before", "after"), ("Old", "10.0", "7.0"), ("New", "6.0", "5.0"))
    assert first_screen(run)[3] == ("Before and after conditioning", (), rows)
    run.answers = {name: SimpleNamespace(finding="It is so. " * 9) for name in ("challenge", "backtest", "condition")}
    screen = first_screen(run)  # sentences give way to the numbers
    words = " ".join(itertools.chain(*((head, *said, *itertools.chain(*table)) for head, said, table in screen)))
    assert len(words.split()) <= WORDS and screen[3][2] == rows and len(screen[1][1]) == 2


def test_an_outcome_that_is_neither_better_high_nor_low_decides_nothing():
    run = run_of(LOSS, {})
    run.study.loss_of = lambda name: None
    assert sign(run, "mean", "new", "loss") is None and winner(run) is None and worse(run) == []
    reason = "as the study does not state whether high or low values are worse."
    assert verdict(run, "mean", "loss") == f"No policy is better in the mean of loss [bn yuan], {reason}"


def test_numbers_are_rounded_to_their_errors_and_for_people():
    r = rec("difference_mean", "new", "loss", -1234.567, 30.0)
    assert bracketed("mean", r) == "−1,230 [−1,260, −1,200]" and amounts("mean", r) == ["−1,230"]
    assert bracketed("probability", rec("probability", "new", "ruin", 0.2345678, 1e-6)) == "23.5 [23.5, 23.5]"
    assert bracketed("mean", rec("mean", "new", "loss", 5.0, flag=FEW_FLAG)) == "5.00†"
    assert bracketed("mean", None) == ""
    assert amounts("mean", rec("mean", "new", "loss", math.nan)) == ["unknown"]
    # alike, to what the widest interval supports; without an interval as what stands beside it
    assert amounts("mean", rec("mean", "new", "loss", 0.02, 0.01), rec("mean", "old", "loss", 1.31, 2.6)) == ["0", "1"]
    assert (
        bracketed("mean", rec("mean", "new", "loss", 0.0616, flag=FEW_FLAG), rec("mean", "new", "loss", 1.91))
        == "0.06†"
    )
    assert what(run_of(LOSS, {}), "ruin") == "“All is lost” [% of futures]"
    assert minus("[-1, 2e-05]") == "[−1, 2e-05]"


@pytest.mark.parametrize(
    ("size", "said"), [(0.81, 0.9), (0.5, 0.5), (0.0301, 0.04), (9.2, 10.0), (12.0, 20.0), (0.0, 0.0)]
)
def test_how_well_a_number_is_known_is_never_rounded_down(size, said):
    assert up(size) == pytest.approx(said, rel=1e-12) and up(size) >= size
