"""Tables of a comparison: differences, chances of being worse, regret, dominance, thresholds, ranks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

from engine.analyses.columns import Rows, estimate, fields, labelled
from engine.analyses.findings import Findings
from engine.analyses.variables import PROBABILITY
from engine.answers import every_pair
from engine.answers.table import Column, Table, estimates, numbers, texts
from engine.risk.estimation.as_text import cell
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import Record
from engine.risk.policies.thresholds import ThresholdCurves

FEW = 2
"""With more policies beside the baseline, the brief table `worse` has only the outcomes asked for."""
MOST = 4
"""Most policies for which the brief tables show common tails."""
ORDERS = ("first order", "second order")
GAP, CHANCE = "difference_", f"difference_{PROBABILITY}"


def tables(of: Findings) -> Iterator[Table]:
    """All tables that are not by year or place; some may have no rows."""
    yield _events(of)
    yield _differences(of)
    yield _worse(of)
    yield _regret(of)
    yield _dominance(of)
    yield _ranks(of)
    yield every_pair.pairs(of.study, of.gaps)
    yield _thresholds(of)


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


def verdicts(values: Sequence[str]) -> Column:
    """A column of verdicts, as `judged` gives them."""
    return texts("verdict", values, "what the policy is, as far as the interval shows", head="it is")


def ended(value: float, low: float, high: float) -> Estimate:
    """An estimate with an interval, but without a standard error."""
    return Estimate(float(value), math.nan, float(low), float(high))


def _estimates(of: Findings, measure: str, rows: Rows) -> list[Estimate | None]:
    return [estimate(of.by_key.get((measure, policy, name))) for name, policy in rows]


def _differences(of: Findings) -> Table:
    gaps = {m: m.removeprefix(GAP) for m, *_ in of.by_key if m.startswith(GAP) and m != CHANCE}
    column, brief = {"about": "policy less the baseline", "head": "less"}, ("mean", tail(of))
    title = f"Outcomes less {of.study.baseline}"
    return _by_measure(of, "difference", title, gaps, "measure of risk", of.others, brief, column)


def _by_measure(
    of: Findings,
    name: str,
    title: str,
    called: Mapping[str, str],
    about: str,
    policies: Sequence[str],
    brief: Sequence[str],
    column: Mapping[str, str],
) -> Table:
    """A table of some measures by outcome and policy; for differences also with verdicts.

    Args:
      name, column: name of the column of estimates, and its other fields.
      called, about: measure in the records -> its label in the table, and what these labels mean.
      brief: labels of the measures that the brief table shows.
    """
    gaps = name == "difference"
    keys = list(product(outcomes_of(of) if gaps else judged_outcomes(of), called, policies))
    rows = [(outcome, called[measure], policy) for outcome, measure, policy in keys]
    columns = (
        *labelled(rows, outcome="outcome", measure=about, policy="policy"),
        texts("unit", [of.study.unit_of(outcome) for outcome, *_ in rows], "unit of its numbers", over=("outcome",)),
        estimates(name, [estimate(of.by_key.get((m, p, outcome))) for outcome, m, p in keys], **column),
        *([verdicts([verdict(of, m, p, outcome) for outcome, m, p in keys])] if gaps else ()),
    )
    whole = brief_outcomes(of)
    seen = [outcome in whole and measure in brief for outcome, measure, _ in rows]
    return Table("differences" if gaps else name, title, columns, ("outcome", "measure", "policy"), seen, "policy")


def _events(of: Findings) -> Table:
    rows = [
        *product((name for name in of.study.events_by_name if (CHANCE, of.others[0], name) in of.by_key), of.others)
    ]
    columns = (
        *labelled(rows, event="event", policy="policy"),
        estimates(
            "difference",
            _estimates(of, CHANCE, rows),
            "policy less the baseline: probability",
            head="less",
            shown="points",
        ),
        verdicts([verdict(of, CHANCE, policy, name) for name, policy in rows]),
    )
    title = f"Probability of events less {of.study.baseline}"
    return Table("events", title, columns, ("event", "policy"), across="policy")


def _worse(of: Findings) -> Table:
    names = judged_outcomes(of)
    brief, rows = names if len(of.others) <= FEW else brief_outcomes(of), list(product(names, of.others))
    columns = (
        *labelled(rows, outcome="outcome", policy="policy"),
        estimates(
            "worse",
            _estimates(of, "worse", rows),
            "probability of being worse than the baseline",
            head="worse in",
            shown="%",
        ),
        estimates(
            "variance_ratio",
            _estimates(of, "variance_ratio", rows),
            "variance under independent draws over that on common futures",
        ),
    )
    title = f"How often worse than {of.study.baseline} on the same future"
    return Table("worse", title, columns, ("outcome", "policy"), [name in brief for name, _ in rows], "policy")


def _regret(of: Findings) -> Table:
    called = {m: m.partition("_")[2] or "mean" for m, *_ in of.by_key if m.startswith("regret")}
    column, brief = {"about": "what it lacks of the best policy of the same future"}, ("mean", "VaR95")
    about = "mean, quantiles and largest"
    return _by_measure(of, "regret", "Regret", called, about, of.study.policy_names, brief, column)


def _dominance(of: Findings) -> Table:
    rows = list(product(dict.fromkeys(name for name, _ in of.orders), ORDERS, of.others))
    held = [of.orders[name, policy][ORDERS.index(order)] for name, order, policy in rows]
    about = {
        "better": "p value of dominating", "worse": "p value of being dominated",
        "low": "lowest level that was looked at", "high": "highest level that was looked at",
        "at_best": "level at which it is surely better", "at_worst": "level at which it is surely worse",
    }  # fmt: skip
    columns = (
        *labelled(rows, outcome="outcome", order="order of dominance", policy="policy"),
        texts("verdict", [one.verdict for one in held], "the policy against the baseline", head="it"),
        *fields(numbers, held, about, brief=False),
    )
    brief = brief_outcomes(of)
    title = f"Stochastic dominance over {of.study.baseline}"
    seen = [name in brief for name, *_ in rows]
    return Table("dominance", title, columns, ("outcome", "order", "policy"), seen, "policy")


def _thresholds(of: Findings) -> Table:
    """Exceedance probabilities of each event's outcome; an event with fewer levels has empty rows."""
    points = range(max((len(curves.levels) for curves in of.curves.values()), default=0))
    rows = list(product(of.curves, of.study.policy_names, points))
    at = [(of.curves[name], of.study.row(policy), k) for name, policy, k in rows]

    def each(get: Any) -> list[Any]:
        return [get(curves, p, k) if k < len(curves.levels) else None for curves, p, k in at]

    def band(part: str, end: str, curves: ThresholdCurves, p: int, k: int) -> float:
        return float(getattr(getattr(curves, part), end)[p, k])

    def alone(part: str, curves: ThresholdCurves, p: int, k: int) -> Estimate:
        ends = (band(part, end, curves, p, k) for end in ("estimate", "low", "high"))
        return ended(*ends).flagged(curves.flag)

    columns = [
        *labelled(rows, event="event", policy="policy", point="number of the level"),
        numbers(
            "level",
            each(lambda curves, p, k: curves.levels[k]),
            "level of the event's outcome, in its unit",
            over=("event", "point"),
        ),
    ]
    about = {"share": "probability to pass the level", "difference": "the same, policy less the baseline"}
    for name, part in (("share", "share"), ("difference", "gap")):
        shown_in = "%" if name == "share" else "points"
        columns.append(estimates(name, each(partial(alone, part)), about[name], shown=shown_in))
    title, dims = "The chance to pass each level", ("event", "policy", "point")
    return Table("thresholds", title, columns, dims, [False] * len(rows))


def _ranked(of: Findings) -> list[str]:
    return list(dict.fromkeys(name for by_name in of.gaps.values() for name in by_name))


def _ranks(of: Findings) -> Table:
    policies = of.study.policy_names
    rows = list(product(of.gaps, _ranked(of), policies))
    held = [
        gaps.ranks[:, policies.index(policy)].tolist() if (gaps := of.gaps[measure].get(name)) else None
        for measure, name, policy in rows
    ]
    about = {"rank": "rank, 1 the best", "best": "the best that it may have", "worst": "the worst"}
    columns = (
        *labelled(rows, measure="measure that is ranked by", variable="outcome or event", policy="policy"),
        texts(
            "between",
            [own and "{} [{}, {}]".format(*own) for own in held],
            "rank, and between which it lies",
            head="rank",
        ),
        *(
            numbers(name, [own and own[k] for own in held], words, brief=False)
            for k, (name, words) in enumerate(about.items())
        ),
    )
    title, dims = "Ranks, 1 the best; brackets hold all at once", ("measure", "variable", "policy")
    seen = [own is not None and len(of.others) >= FEW for own in held]
    return Table("ranks", title, columns, dims, seen, "policy")
