"""Beliefs that are moved by running again: correlations of groups, and levers of policies; and what all beliefs have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.analyses.turning import Difference
from engine.risk.estimation.intervals import Estimate
from engine.study import group_changes
from engine.study.study import Change, Group, Study

LOCATION, CORRELATION, LEVER = "prior", "correlation", "lever"
RUNS = "runs"
LOOKS = 4
"""Values of a correlation or a lever that are looked at on either side of the stated one."""


@dataclass(frozen=True)
class Belief:
    """A belief, and where a ranking turns; one that turns it at several values has one record of each.

    Args:
      kind: "prior" (the median of a factor), "correlation" (of a group) or "lever" (of a policy).
      name: of the factor, the group, or `POLICY.LEVER`.
      unit: of its values.
      stated: its value as the study states it.
      turn: its value where the ranking turns; where it does not, that which does most among those looked at.
      move: how far that is, with its interval: normal scores of a prior, which are its standard deviations if it is normal; else the
        distance in its unit.
      turns: whether the ranking turns.
      how: "weights" of stored futures, or "runs".
      back: whether the ranking is as stated again beyond this value.
      length: of a prior's move in independent normal scores, as that of all priors is measured: half its square is the relative entropy.
        Longer than `move` for a member of a group that no other member goes with.
    """

    kind: str
    name: str
    unit: str
    stated: float
    turn: float
    move: Estimate
    turns: bool
    how: str
    back: bool = False
    length: float = float("nan")


@dataclass(frozen=True)
class Line:
    """A belief that is moved, and a difference of two policies along it.

    Args:
      kind, name, unit, stated: as of `Belief`.
      start: where the line has the stated value: no move of a prior, else the value itself.
      sides: what is looked at on either side, from the start outwards.
      at: the difference; `anew`: the same on other futures, independent of those.
      value: of the belief, by the place on the line.
      how: "weights" or "runs", by the place on the line.
      scale: length of a move by 1 in independent normal scores.
      glance: the difference on each of a few of the futures, by the place on the line; None where all are as soon looked at.
    """

    kind: str
    name: str
    unit: str
    stated: float
    start: float
    sides: tuple[tuple[float, ...], ...]
    at: Difference
    anew: Difference
    value: Callable[[float], float] = float
    how: Callable[[float], str] = lambda _: RUNS
    scale: float = float("nan")
    glance: Callable[[float], Float[np.ndarray, "path"] | None] = lambda _: None


Changed = Callable[[Sequence[Change]], list[Estimate]]


def correlations(study: Study, changed: Changed, anew: Changed) -> Iterator[Line]:
    """The correlation of each group; of a matrix one multiple of all its correlations."""
    for name, group in study.groups.items():
        ends = group_changes.correlations(group)
        if ends is None:
            continue

        def change(value: float, group: Group = group) -> Change:
            return Change(groups={group.name: group_changes.correlated(group, value)})

        stated, low, high = ends
        yield _line(CORRELATION, name, "1", stated, (low, high), change, changed, anew)


def levers(
    study: Study,
    policies: Sequence[str],
    changed: Changed,
    anew: Changed,
    left_out: list[tuple[str, str]],
) -> Iterator[Line]:
    """Each lever of the policies, in all years and places at once, within the model's bounds."""
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

            def change(value: float, policy: str = policy.name, name: str = name) -> Change:
                return Change(levers={policy: {name: value}})

            yield _line(LEVER, label, lever.unit, stated, (low, high), change, changed, anew)


def _line(
    kind: str,
    name: str,
    unit: str,
    stated: float,
    ends: tuple[float, float],
    change: Callable[[float], Change],
    changed: Changed,
    anew: Changed,
) -> Line:
    sides = tuple(tuple(map(float, np.linspace(stated, end, LOOKS + 1)[1:])) for end in ends if end != stated)

    looks = [value for side in sides for value in side]
    held: dict[float, Estimate] = {}

    def at(value: float) -> Estimate:
        if value not in held:
            asked = looks if value in looks else [value]
            held.update(zip(asked, changed([change(one) for one in asked]), strict=True))
        return held[value]

    def of_others(value: float) -> Estimate:
        (one,) = anew([change(value)])
        return one

    return Line(kind, name, unit, stated, stated, sides, at, of_others)
