"""Beliefs about correlations of groups and levers of policies, and the records for every kind of belief."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.analyses.turning import Difference
from engine.risk.estimation.intervals import Estimate
from engine.study import group_changes
from engine.study.components import Change
from engine.study.study import Group, Study

LOCATION, CORRELATION, LEVER = "prior", "correlation", "lever"
RUNS = "runs"
LOOKS = 4
"""Values of a correlation or a lever that are tried on either side of the stated one."""


@dataclass(frozen=True)
class Belief:
    """A belief, and the value at which it turns a ranking; one that turns it at several values has one record for each.

    Args:
      kind: "prior" (the median of a factor), "correlation" (of a group) or "lever" (of a policy).
      name: name of the factor or group, or `POLICY.LEVER`.
      unit: of its values.
      stated: its value as the study states it.
      turn: its value where the ranking turns; if it does not, the value tried whose difference is nearest to turning.
      move: distance from `stated` to `turn` with its interval: in normal scores for a prior, which are standard
        deviations if the prior is normal; else in the belief's unit.
      turns: whether the ranking turns.
      how: computed by "weights" on stored futures, or by "runs" with the belief changed.
      back: whether beyond this value the ranking is as stated again.
      length: size of a prior's move in independent normal scores, as joint moves of all priors are measured: half its
        square is the relative entropy. It exceeds `move` for a member of a dependent group whose fellow members stay.
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
    """A one-dimensional family of values of a belief, and the difference of two policies along it.

    Args:
      kind, name, unit, stated: as of `Belief`.
      start: the place on the line of the stated value: 0, no move, for a prior; else the value itself.
      sides: the places that are tried on either side, from the start outwards.
      at: the difference by place on the line, on the futures that are searched.
      anew: the same on futures independent of those.
      value: the belief's value by place on the line.
      how: "weights" or "runs", by place on the line.
      scale: length in independent normal scores of a move by 1.
      glance: the difference on each of a few futures, by place on the line; None where all futures cost no more.
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
    """A line for the correlation of each group of factors; for a matrix, for one common multiple of its entries."""
    for name, group in study.groups.items():
        ends = group_changes.correlations(group)
        if ends is None:
            continue

        def change(value: float, group: Group = group) -> Change:
            return Change(groups={group.name: group_changes.correlated(group, value)})

        stated, low, high = ends
        yield _line(CORRELATION, name, "1", stated, (low, high), change, changed, anew)


def levers(
    study: Study, policies: Sequence[str], changed: Changed, anew: Changed, left_out: list[tuple[str, str]]
) -> Iterator[Line]:
    """A line for each lever of the policies, which is moved in all years and places at once within the model's bounds.

    A lever whose value is drawn is a prior, and has no line here. Levers that differ by year or place, or are 0 without
    bounds, are added to `left_out` with the reason.
    """
    for policy in (one for one in study.policies if one.name in policies):
        for name, lever in study.model.levers.items():
            label = f"{policy.name}.{name}"
            values = np.unique(policy.levers[name])
            if name in policy.drawn:
                continue  # its factor is moved as a prior
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
