"""What a comparison found, in one sentence that claims no more than its intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.analyses.findings import Findings
from engine.analyses.variables import PROBABILITY
from engine.risk.as_text import Cell, cell, judged
from engine.risk.dominance import Dominance, Verdict
from engine.risk.tables import Record

MOST = 2
"""Policies of which each is named; of more, the ranks are."""
_ORDERS = ("first", "second")


def subject(of: Findings) -> str:
    """What the sentence is of: the first outcome or event that was named, else the first headline outcome that there is, else what there is."""
    there = list(dict.fromkeys(r.variable for r in of.records if r.year is None))
    wanted = (*of.question.variables, *of.study.headline)
    return next((name for name in wanted if name in there), there[0] if there else "")


def sentence(of: Findings) -> str:
    """For one or two policies how each does against the baseline; for more which rank first."""
    name = subject(of)
    if not name:
        return _of_years(of)
    if len(of.others) > MOST:
        return _of_many(of, name)
    return " ".join(_of_one(of, name, policy) for policy in of.others)


def _of_one(of: Findings, name: str, policy: str) -> str:
    head = f"{policy} against {of.study.baseline}, {name}: "
    chance = of.by_key.get((f"difference_{PROBABILITY}", policy, name))
    if chance is not None:
        sign = judged(chance)
        if not sign:
            what = "cannot be distinguished" if sign == 0 else "has no interval"
            return f"{head}{what} ({_said(cell(chance, 100.0))} points)."
        side = "likelier" if sign > 0 else "less likely"
        return f"{head}{side} by {_size(chance, 100.0)} points."
    loss, unit = of.study.is_loss(name), of.study.unit_of(name)
    shortfall = f"ES{100 * of.question.level:g}"
    parts = [_measure(of, name, policy, measure, loss, unit) for measure in ("mean", shortfall)]
    worse = of.by_key.get(("worse", policy, name))
    if worse is not None:
        parts.append(f"the worse one in {_said(cell(worse, 100.0), ' %')} of futures")
    orders = of.orders.get((name, policy))
    if orders is not None:
        parts.append(_order(orders))
    return head + "; ".join(part for part in parts if part) + "."


def _measure(of: Findings, name: str, policy: str, measure: str, loss: bool, unit: str) -> str:
    gap = of.by_key.get((f"difference_{measure}", policy, name))
    if gap is None:
        return ""
    sign, unit = judged(gap), "" if unit == "1" else f" {unit}"
    if not sign:
        return f"{measure} {'cannot be distinguished' if sign == 0 else 'has no interval'} ({_said(cell(gap))}{unit})"
    side = "worse" if (sign > 0) == loss else "better"
    return f"{measure} {side} by {_size(gap, 1.0)}{unit}"


def _order(orders: tuple[Dominance, Dominance]) -> str:
    for word, one in zip(_ORDERS, orders, strict=True):
        if one.verdict in (Verdict.BETTER, Verdict.WORSE):
            return f"it {one.verdict} at {word} order"
    first, second = (one.verdict for one in orders)
    if second is Verdict.UNKNOWN or first is Verdict.UNKNOWN or first is Verdict.SAME:
        return ""
    return "neither dominates" if second is Verdict.NEITHER else "dominance is open"


def _of_many(of: Findings, name: str) -> str:
    """Which policies may be the best in a tail, and how many are on the front."""
    measure = next((m for m, by in of.gaps.items() if name in by and m != "mean"), "mean")
    gaps = of.gaps.get(measure, {}).get(name)
    names, base = of.study.policy_names, of.study.baseline
    if gaps is None:
        return f"{len(names)} policies, {name}: each against {base} below."
    estimate, low, high = gaps.ranks
    first = names[int(np.argmin(estimate))]
    may = [names[k] for k in np.flatnonzero(low == 1)]
    what = f"Of {len(names)} policies {first} has the {'lowest' if of.study.is_loss(name) else 'highest'} {measure} of {name}"
    if len(may) == 1:
        return f"{what}, and can be distinguished from all others."
    others = [one for one in may if one != first]
    listed = ", ".join(others) if len(others) <= 4 else f"{len(others)} others"
    return f"{what}, and cannot be distinguished from {listed}; ranks of {base}: {low[names.index(base)]} to {high[names.index(base)]}."


def _of_years(of: Findings) -> str:
    """Of yearly variables alone: in how many years and places a policy is clearly better and worse in the mean."""
    texts = []
    for policy in of.others:
        rows = [r for r in of.records if r.measure == "difference_mean" and r.policy == policy]
        sides = []
        for r in rows:
            sign = judged(r)
            sides.append(0 if not sign else -1 if (sign > 0) == of.study.model.yearly[r.variable].loss else 1)
        names = ", ".join(dict.fromkeys(r.variable for r in rows))
        texts.append(
            f"{policy} against {of.study.baseline}, mean of {names}: clearly better in {sides.count(1)} and worse in "
            f"{sides.count(-1)} of {len(sides)} years and places."
        )
    return " ".join(texts)


def _said(shown: Cell, sign: str = "") -> str:
    return f"{shown.estimate}{sign} {shown.interval}".strip()


def _size(gap: Record, scale: float) -> str:
    """The size of a difference whose sign is known, with its interval: `17.7 [17.5, 18.1]` for -17.7."""
    if gap.estimate < 0:
        gap = replace(gap, estimate=-gap.estimate, low=-gap.high, high=-gap.low)
    return _said(cell(gap, scale))
