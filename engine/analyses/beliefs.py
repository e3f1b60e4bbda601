"""The beliefs that may turn a ranking: priors of factors, correlations of groups, and levers of policies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from engine.analyses.joint_scores import Joint, joints
from engine.analyses.policy_gap import Look, Paths
from engine.analyses.turning import Difference
from engine.risk.drivers.tilting import normalised
from engine.risk.estimation.intervals import Estimate
from engine.study import group_changes
from engine.study.components import Change
from engine.study.study import Group, Input

LOCATION, CORRELATION, LEVER = "prior", "correlation", "lever"
WEIGHTS, RUNS = "weights", "runs"
FARTHEST = 3.0
"""Largest move of a single prior, in normal scores."""
STEP = 0.5
MOVES = tuple(tuple(map(float, side * np.arange(STEP, FARTHEST + STEP, STEP))) for side in (1.0, -1.0))
"""Moves of a prior that are tried on either side, from the stated one outwards."""
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
      length: size of a prior's move in independent normal scores, as joint moves of all priors are measured. It exceeds
        `move` for a member of a dependent group whose fellow members stay.
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


LeftOut = list[tuple[str, str]]
"""Beliefs that are not examined, and why."""
Weigh = Callable[[Paths], Estimate]
"""The difference on all paths, from their weights."""


def priors(here: Look, there: Look, weigh: Weigh, good: np.ndarray, left_out: LeftOut) -> Iterator[Line]:
    """A line for the prior of each factor, moved by its normal score.

    Priors that cannot be moved alone are added to `left_out`.

    Args:
      here, there: the differences on the futures that are searched, and on futures independent of those.
      good: mask of all paths, of those that `weigh` takes weights of.
    """
    study = here.study
    scores, joint_of = here.futures.numbers(study.paths), joints(study)
    for item in study.inputs:
        group = study.groups.get(item.group or "")
        if not varies(item):
            continue
        if group and group.copula.family != "gaussian":
            left_out.append((item.name, f"moves with others by a copula that is {group.copula.family}"))
            continue
        joint = joint_of[item.name]
        if joint.is_one:
            left_out.append((item.name, "follows from other members of its group"))
            continue
        pull, size = joint.pull(scores, item.name)
        yield _prior(item, joint, here, there, weigh, pull[good], size)


def varies(item: Input) -> bool:
    """Whether the middle half of a factor's prior is more than one value."""
    return bool(item.marginal.quantile(0.25) < item.marginal.quantile(0.75))


def _prior(
    item: Input, joint: Joint, here: Look, there: Look, weigh: Weigh, pull: Paths, size: float
) -> Line:  # fmt: skip
    """The line of a prior.

    By Kish's formula, n exp(-m^2 q) of n futures are effective after a move m, where q is `size`. The difference is
    computed by weights where these are as many as are simulated again otherwise.
    """
    rows, shift = joint.shift(item.name)

    def how(move: float) -> str:
        return WEIGHTS if here.study.paths * math.exp(-move * move * size) >= here.paths else RUNS

    @cache
    def at(move: float) -> Estimate:
        if how(move) == WEIGHTS:
            return weigh(normalised(move * pull - 0.5 * move * move * size))
        return here.estimate(here.moved(rows, move * shift))

    def anew(move: float) -> Estimate:
        return there.estimate(there.moved(rows, move * shift))

    def median(move: float) -> float:
        return float(item.marginal.at_score(np.array(move)))

    stated = float(item.marginal.quantile(0.5))
    scale = float(np.linalg.norm(shift))
    return Line(LOCATION, item.name, item.unit, stated, 0.0, MOVES, at, anew, median, how, scale)


def correlations(here: Look, there: Look) -> Iterator[Line]:
    """A line for the correlation of each group of factors; for a matrix, for one common multiple of its entries."""
    for name, group in here.study.groups.items():
        ends = group_changes.correlations(group)
        if ends is None:
            continue

        def change(value: float, group: Group = group) -> Change:
            return Change(groups={group.name: group_changes.correlated(group, value)})

        stated, low, high = ends
        yield _changed(CORRELATION, name, "1", stated, (low, high), change, here, there)


def levers(here: Look, there: Look, left_out: LeftOut) -> Iterator[Line]:
    """A line for each lever of the policies, which is moved in all years and places at once within the model's bounds.

    A lever whose value is drawn is a prior, and has no line here. Levers that differ by year or place, or are 0 without
    bounds, are added to `left_out` with the reason.
    """
    study = here.study
    for policy in (one for one in study.policies if one.name in (here.first, here.second)):
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

            yield _changed(LEVER, label, lever.unit, stated, (low, high), change, here, there)


def _changed(
    kind: str,
    name: str,
    unit: str,
    stated: float,
    ends: Sequence[float],
    change: Callable[[float], Change],
    here: Look,
    there: Look,
) -> Line:
    """The line of a belief whose values are changes of the study."""
    sides = tuple(tuple(map(float, np.linspace(stated, end, LOOKS + 1)[1:])) for end in ends if end != stated)
    looks = [value for side in sides for value in side]
    held: dict[float, Estimate] = {}

    def at(value: float) -> Estimate:
        if value not in held:
            asked = looks if value in looks else [value]
            held.update(zip(asked, here.changed([change(one) for one in asked]), strict=True))
        return held[value]

    def anew(value: float) -> Estimate:
        (one,) = there.changed([change(value)])
        return one

    return Line(kind, name, unit, stated, stated, sides, at, anew)
