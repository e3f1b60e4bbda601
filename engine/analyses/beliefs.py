"""Beliefs that are moved by running again: correlations of groups, and levers of policies; and what all beliefs have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.risk.intervals import Estimate, Z
from engine.study import group_changes
from engine.study.study import Change, Group, Study

LOCATION, CORRELATION, LEVER = "prior", "correlation", "lever"
HALVINGS = 7


@dataclass(frozen=True)
class Belief:
    """A belief, and where a ranking turns.

    Args:
      kind: "prior" (the median of a factor), "correlation" (of a group) or "lever" (of a policy).
      name: of the factor, the group, or `POLICY.LEVER`.
      unit: of its values.
      stated: its value as the study states it.
      turn: its value where the ranking turns; the farthest that was looked at on the side that does most where it does not.
      move: how far that is, with its interval: normal scores of a prior, which are its standard deviations if it is normal; else the
        distance in its unit.
      turns: whether the ranking turns.
      how: "weights" of stored futures, or "runs".
    """

    kind: str
    name: str
    unit: str
    stated: float
    turn: float
    move: Estimate
    turns: bool
    how: str


Difference = Callable[[float], Estimate]


def turned(one: Estimate, sign: float) -> bool:
    """Whether a difference that had a sign is told to have the other: one that vanishes, as where an event is certain under both, has not."""
    return sign * one.estimate + Z * one.standard_error < 0


def bisected(at: Difference, start: float, end: float, sign: float) -> Estimate:
    """Where a difference of the given sign at the start loses it before the end, with the interval that its own error leaves.

    Args:
      at: the difference with its error, by the value that is moved.
    """
    low, high = start, end
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if sign * at(middle).estimate < 0:
            high = middle
        else:
            low = middle
    one, two = at(low), at(high)
    rise = (two.estimate - one.estimate) / (high - low) if high != low else 0.0
    # the last step of a straight line
    turn = (
        low - one.estimate / rise
        if rise and min(low, high) <= low - one.estimate / rise <= max(low, high)
        else 0.5 * (low + high)
    )
    wide = (at(end).estimate - at(start).estimate) / (end - start)
    slope = wide if abs(wide) > 0 else rise
    error = abs(two.standard_error / slope) if slope else float("nan")
    return Estimate(turn, error, turn - Z * error, turn + Z * error)


def correlations(study: Study, difference: Callable[[Change], Estimate], sign: float) -> Iterator[Belief]:
    """How far the correlation of each group must move; a matrix by one multiple of all its correlations."""
    for name, group in study.groups.items():
        ends = group_changes.correlations(group)
        if ends is None:
            continue

        def at(value: float, group: Group = group) -> Estimate:
            return difference(Change(groups={group.name: group_changes.correlated(group, value)}))

        stated, low, high = ends
        yield _moved(CORRELATION, name, "1", stated, (low, high), at, sign)


def levers(
    study: Study,
    policies: Sequence[str],
    difference: Callable[[Change], Estimate],
    sign: float,
    left_out: list[tuple[str, str]],
) -> Iterator[Belief]:
    """How far each lever of the policies must move, in all years and places at once, within the model's bounds."""
    for policy in (one for one in study.policies if one.name in policies):
        for name, lever in study.model.levers.items():
            label = f"{policy.name}.{name}"
            values = np.unique(policy.levers[name])
            if name in policy.drawn:
                continue  # it is a prior
            if len(values) > 1:
                left_out.append((label, "differs by year or place"))
                continue
            stated = float(values[0])
            if not (np.isfinite(lever.low) and np.isfinite(lever.high)) and not stated:
                left_out.append((label, "is 0 and has no bounds"))
                continue
            low = lever.low if np.isfinite(lever.low) else min(0.0, 3 * stated)
            high = lever.high if np.isfinite(lever.high) else max(0.0, 3 * stated)

            def at(value: float, policy: str = policy.name, name: str = name) -> Estimate:
                return difference(Change(levers={policy: {name: value}}))

            yield _moved(LEVER, label, lever.unit, stated, (low, high), at, sign)


def _moved(
    kind: str, name: str, unit: str, stated: float, ends: tuple[float, float], at: Difference, sign: float
) -> Belief:
    turns = []
    far: list[tuple[float, float]] = []
    for end in ends:
        if end == stated:
            continue
        there = at(end)
        far.append((sign * there.estimate, end))
        if turned(there, sign):
            turns.append(bisected(at, stated, end, sign))
    if not turns:
        most = min(far)[1] if far else stated
        gap = abs(most - stated)
        return Belief(kind, name, unit, stated, most, Estimate(gap, np.nan, np.nan, np.nan), False, "runs")
    turn = min(turns, key=lambda one: abs(one.estimate - stated))
    low, high = sorted((turn.low - stated, turn.high - stated))
    move = Estimate(turn.estimate - stated, turn.standard_error, low, high)
    return Belief(kind, name, unit, stated, turn.estimate, move, True, "runs")
