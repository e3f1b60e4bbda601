"""Tables of a comparison: differences, chances of being worse, regret, dominance, thresholds, ranks, years, tails."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

from engine.analyses.columns import by_position, made
from engine.analyses.comparison import Findings
from engine.analyses.variables import PROBABILITY
from engine.answers import every_pair
from engine.answers.table import Table, counts, estimates, numbers, texts
from engine.risk.estimation.as_text import SHARES, cell
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import Record
from engine.risk.policies.thresholds import ThresholdCurves

FEW = 2
"""With more policies beside the baseline, the brief table `worse` has only the outcomes asked for."""
MOST = 4
"""Most policies for which the brief tables show common tails."""
ORDERS = ("first order", "second order")
GAP, CHANCE = "difference_", f"difference_{PROBABILITY}"


OUTCOME, EVENT = made(texts, "outcome", "outcome"), made(texts, "event", "event")
POLICY, UNIT = made(texts, "policy", "policy"), made(texts, "unit", "unit of its numbers", over=("outcome",))
VERDICT = made(texts, "verdict", "what the policy is, as far as the interval shows", head="it is")


def tables(of: Findings) -> Iterator[Table]:
    """All tables of a comparison; some may have no rows."""
    yield _events(of)
    yield _differences(of)
    yield _worse(of)
    yield _regret(of)
    yield _dominance(of)
    yield _ranks(of)
    yield every_pair.pairs(of.study, of.gaps)
    yield _thresholds(of)
    yield _by_year(of)
    yield _common(of)


def outcomes_of(of: Findings) -> list[str]:
    """Outcomes with any results."""
    there = {name for _, _, name in of.by_key}
    return [name for name in of.study.model.outcomes if name in there]


def judged_outcomes(of: Findings) -> list[str]:
    """Those of which high or low values are worse."""
    return [name for name in outcomes_of(of) if of.study.loss_of(name) is not None]


def brief_outcomes(of: Findings) -> list[str]:
    """Outcomes that the brief tables show: those that were named, else the headline."""
    wanted = of.question.variables or of.study.headline
    return [name for name in outcomes_of(of) if name in wanted]


def tail(of: Findings) -> str:
    """The expected shortfall at the level that was asked for, such as "ES99"."""
    return f"ES{100 * of.question.level:g}"


def judged(gap: Record | None, loss: bool | None) -> str:
    """The verdict of a difference on a policy: "better", "worse" or "not distinguishable".

    "" without an interval, and where neither high nor low is worse.
    """
    called = cell(gap, 1.0, loss).verdict
    return "not distinguishable" if called == "same" else called


def verdict(of: Findings, measure: str, policy: str, name: str) -> str:
    """The verdict of a measure of an outcome or event on a policy, as `judged` gives it."""
    return judged(of.by_key.get((measure, policy, name)), of.study.loss_of(name))


def _estimate(of: Findings, measure: str, policy: str, name: str) -> Estimate | None:
    found = of.by_key.get((measure, policy, name))
    return None if found is None else found.alone


def _events(of: Findings) -> Table:
    names = [name for name in of.study.events_by_name if (CHANCE, of.others[0], name) in of.by_key]
    columns = by_position(
        [
            (name, policy, _estimate(of, CHANCE, policy, name), verdict(of, CHANCE, policy, name))
            for name, policy in product(names, of.others)
        ],
        EVENT,
        POLICY,
        made(estimates, "difference", "policy less the baseline: probability", head="less", shown="points"),
        VERDICT,
    )
    title = f"Probability of events less {of.study.baseline}"
    return Table("events", title, columns, ("event", "policy"), across="policy")


def _differences(of: Findings) -> Table:
    gaps = {measure: measure.removeprefix(GAP) for measure, *_ in of.by_key if measure.startswith(GAP)}
    gaps.pop(CHANCE, None)
    rows = [
        (name, called, policy, of.study.unit_of(name), _estimate(of, gap, policy, name), verdict(of, gap, policy, name))
        for name, (gap, called), policy in product(outcomes_of(of), gaps.items(), of.others)
    ]
    columns = by_position(
        rows,
        OUTCOME,
        made(texts, "measure", "measure of risk"),
        POLICY,
        UNIT,
        made(estimates, "difference", "policy less the baseline", head="less"),
        VERDICT,
    )
    title, dims = f"Outcomes less {of.study.baseline}", ("outcome", "measure", "policy")
    brief = {*product(brief_outcomes(of), ("mean", tail(of)))}
    return Table("differences", title, columns, dims, [row[:2] in brief for row in rows], "policy")


def _worse(of: Findings) -> Table:
    names = judged_outcomes(of)
    rows = [
        (name, policy, _estimate(of, "worse", policy, name), _estimate(of, "variance_ratio", policy, name))
        for name, policy in product(names, of.others)
    ]
    columns = by_position(
        rows,
        OUTCOME,
        POLICY,
        made(estimates, "worse", "probability of being worse than the baseline", head="worse in", shown="%"),
        made(estimates, "variance_ratio", "variance under independent draws over that on common futures"),
    )
    brief = names if len(of.others) <= FEW else brief_outcomes(of)
    title = f"How often worse than {of.study.baseline} on the same future"
    return Table("worse", title, columns, ("outcome", "policy"), [row[0] in brief for row in rows], "policy")


def _regret(of: Findings) -> Table:
    called = {m: m.partition("_")[2] or "mean" for m, *_ in of.by_key if m.startswith("regret")}
    rows = [
        (name, word, policy, of.study.unit_of(name), _estimate(of, measure, policy, name))
        for name, (measure, word), policy in product(judged_outcomes(of), called.items(), of.study.policy_names)
    ]
    columns = by_position(
        rows,
        OUTCOME,
        made(texts, "measure", "mean, quantiles and largest"),
        POLICY,
        UNIT,
        made(estimates, "regret", "what it lacks of the best policy of the same future"),
    )
    brief = {*product(brief_outcomes(of), ("mean", "VaR95"))}
    dims = ("outcome", "measure", "policy")
    return Table("regret", "Regret", columns, dims, [row[:2] in brief for row in rows], "policy")


def _dominance(of: Findings) -> Table:
    rows = []
    for name, (k, order), policy in product(dict.fromkeys(name for name, _ in of.orders), enumerate(ORDERS), of.others):
        one = of.orders[name, policy][k]
        levels = one.low, one.high, one.at_best, one.at_worst
        rows.append((name, order, policy, one.verdict, one.better, one.worse, *levels))
    columns = by_position(
        rows,
        OUTCOME,
        made(texts, "order", "order of dominance"),
        POLICY,
        made(texts, "verdict", "the policy against the baseline", head="it"),
        made(numbers, "better", "p value of dominating", brief=False),
        made(numbers, "worse", "p value of being dominated", brief=False),
        made(numbers, "low", "lowest level that was looked at", brief=False),
        made(numbers, "high", "highest level that was looked at", brief=False),
        made(numbers, "at_best", "level at which it is surely better", brief=False),
        made(numbers, "at_worst", "level at which it is surely worse", brief=False),
    )
    title, brief = f"Stochastic dominance over {of.study.baseline}", brief_outcomes(of)
    seen = [row[0] in brief for row in rows]
    return Table("dominance", title, columns, ("outcome", "order", "policy"), seen, "policy")


def _ranks(of: Findings) -> Table:
    policies, rows = of.study.policy_names, list[tuple[Any, ...]]()
    names = dict.fromkeys(name for by_name in of.gaps.values() for name in by_name)
    for measure, name, (p, policy) in product(of.gaps, names, enumerate(policies)):
        gaps = of.gaps[measure].get(name)
        own = gaps.ranks[:, p].tolist() if gaps else (None, None, None)
        rows.append((measure, name, policy, "{} [{}, {}]".format(*own) if gaps else None, *own))
    columns = by_position(
        rows,
        made(texts, "measure", "measure that is ranked by"),
        made(texts, "variable", "outcome or event"),
        POLICY,
        made(texts, "between", "rank, and between which it lies", head="rank"),
        made(numbers, "rank", "rank, 1 the best", brief=False),
        made(numbers, "best", "the best that it may have", brief=False),
        made(numbers, "worst", "the worst", brief=False),
    )
    title, dims = "Ranks, 1 the best; brackets hold all at once", ("measure", "variable", "policy")
    seen = [row[3] is not None and len(of.others) >= FEW for row in rows]
    return Table("ranks", title, columns, dims, seen, "policy")


def _thresholds(of: Findings) -> Table:
    """Exceedance probabilities of each event's outcome; an event with fewer levels has empty rows."""
    points = range(max((len(curves.levels) for curves in of.curves.values()), default=0))
    rows = [
        (name, policy, k, *(_at(curves, p, k) if k < len(curves.levels) else (None, None, None)))
        for (name, curves), (p, policy), k in product(of.curves.items(), enumerate(of.study.policy_names), points)
    ]
    columns = by_position(
        rows,
        EVENT,
        POLICY,
        made(counts, "point", "number of the level"),
        made(numbers, "level", "level of the event's outcome, in its unit", over=("event", "point")),
        made(estimates, "share", "probability to pass the level", shown="%"),
        made(estimates, "difference", "the same, policy less the baseline", shown="points"),
    )
    title, dims = "The chance to pass each level", ("event", "policy", "point")
    return Table("thresholds", title, columns, dims, [False] * len(rows))


def _at(curves: ThresholdCurves, p: int, k: int) -> tuple[float, Estimate, Estimate]:
    """A level, the probability to pass it, and the difference from the baseline."""
    share, gap = (
        Estimate(float(band.estimate[p, k]), math.nan, float(band.low[p, k]), float(band.high[p, k])).flagged(
            curves.flag
        )
        for band in (curves.share, curves.gap)
    )
    return curves.levels[k], share, gap


def _by_year(of: Findings) -> Table:
    """Differences, chances of being worse and regret of yearly variables that were named, by place and year."""
    variables = of.study.model.yearly
    held = {
        (one.variable, ", ".join(one.place.values()), one.year, one.measure, one.policy): one
        for one in of.records
        if one.year is not None
    }
    labels = [dict.fromkeys(part) for part in zip(*held, strict=True)]
    rows, seen = [], []
    for key in product(*labels) if labels else ():
        (name, _, _, measure, _), one = key, held.get(key)
        unit = "1" if measure in SHARES else variables[name].unit
        said = judged(one, variables[name].loss) if measure.startswith(GAP) else ""
        rows.append((*key, unit, one and one.alone, said))
        seen.append(one is not None and measure in (f"{GAP}mean", f"{GAP}{tail(of)}"))
    dims = ("variable", "place", "year", "measure", "policy")
    columns = by_position(
        rows,
        made(texts, "variable", "yearly variable"),
        made(texts, "place", "place"),
        made(counts, "year", "calendar year"),
        made(texts, "measure", "measure"),
        POLICY,
        made(texts, "unit", "unit of its numbers", over=("variable", "measure")),
        made(estimates, "value", "in its unit"),
        VERDICT,
    )
    return Table("by_year", f"By year, less {of.study.baseline}", columns, dims, seen, "policy")


def _common(of: Findings) -> Table:
    """The share of worst futures that pairs of outcomes, or of places, have in common."""
    rows = []
    for (kind, first, second), policy in product(dict.fromkeys(key[:3] for key in of.common), of.study.policy_names):
        pair = f"{first}, {second}{'' if kind == 'outcome' else f': {kind}'}"
        rows.append((pair, policy, kind, first, second, of.common.get((kind, first, second, policy))))
    share, over = f"{100 * (1 - of.question.level):.3g} %", {"over": ("pair",), "brief": False}
    columns = by_position(
        rows,
        made(texts, "pair", "two outcomes, or two places of one"),
        POLICY,
        made(texts, "of", "the outcome that places are of, or 'outcome'", **over),
        made(texts, "first", "outcome or place", **over),
        made(texts, "second", "outcome or place", **over),
        made(estimates, "share", f"share of the worst {share} that two have in common", shown="%"),
    )
    seen = [len(of.study.policies) <= MOST] * len(rows)
    title = f"Worst {share} of futures in common; {share} by chance"
    return Table("common", title, columns, ("pair", "policy"), seen, "policy")
