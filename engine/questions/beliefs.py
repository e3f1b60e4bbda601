"""The beliefs that may turn a ranking: priors of factors, correlations of groups, and levers of policies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from engine.questions.lever_sets import span
from engine.questions.policy_gap import Move, PolicyGap
from engine.questions.prior_scores import varies
from engine.questions.turning import Difference
from engine.questions.variables import Values
from engine.risk.estimation.intervals import Estimate
from engine.study.components import Change
from engine.study.study import Group, Input, Study
from engine.study.tables import groups
from engine.study.tables.triggers import is_value, whole

WEIGHTS, RUNS = "weights", "runs"
FARTHEST = 3.0
"""Largest move of a single prior, in normal scores."""
STEP = 0.5
MOVES = tuple(tuple(map(float, side * np.arange(STEP, FARTHEST + STEP, STEP))) for side in (1.0, -1.0))
"""Moves of a prior that are tried on either side, from the stated one outwards."""
LOOKS = 4
"""Values of a correlation or a lever that are tried on either side of the stated one."""
SINGULAR = 1e-6
"""If the smallest eigenvalue of the correlation matrix is below this, some members follow from the others."""


@dataclass(frozen=True)
class Line:
    """A one-dimensional family of values of a belief, and the difference of two policies along it.

    Args:
      label: the belief by the name of its column (`factor` for its prior, `group` for its correlation, or `lever`), its
        stated value and its unit.
      start: the place on the line of the stated value: 0, no move, for a prior; else the value itself.
      sides: the places that are tried on either side, from the start outwards.
      run: the difference at a place from futures that are simulated there.
      at: the difference by place on the line, on the futures that are searched; computed once for each.
      value: the belief's value by place on the line.
      by: "weights" of stored futures or "runs" with the belief changed, by place on the line.
      direction: of a prior, the move of the independent scores for a place of 1.
    """

    label: Mapping[str, Any]
    start: float
    sides: tuple[tuple[float, ...], ...]
    run: Callable[[PolicyGap, float], Estimate]
    at: Difference
    value: Callable[[float], float] = float
    by: Callable[[float], str] = lambda _: RUNS
    direction: Move = field(default_factory=lambda: np.zeros(0))


LeftOut = list[dict[str, str]]
"""Beliefs that are not examined, and why."""


def joint_scores(study: Study) -> Float[np.ndarray, "factor score"]:
    """The matrix from the independent normal scores that are drawn once per path to the joint scores of all factors.

    The joint score of a factor in no Gaussian group is its own. The part of a group is read off its copula by feeding
    it unit vectors.
    """
    unit = np.eye(len(study.streams[0]))
    own = {stream: unit[k] for k, stream in enumerate(study.streams[0])}
    scores = {item.name: own[item.stream] for item in study.inputs}
    with jax.enable_x64(True):
        for group in study.groups.values():
            if group.copula.family == "gaussian":
                members = {name: scores[name] for name in group.members}
                shared = [own[stream] for stream in group.streams]
                scores |= group.copula.scores(members, shared, group.copula.parameters(np.float64))
        return np.array([np.asarray(scores[item.name]) for item in study.inputs]).reshape(len(study.inputs), len(unit))


def priors(here: PolicyGap, own: Values, left_out: LeftOut) -> Iterator[Line]:
    """A line for the prior of each factor, moved by its normal score; other members of its group stay.

    A move m of the score shifts the independent scores e by m s, the smallest shift that moves no other member. Its
    density ratio is exp(m s e - m^2 s^2 / 2), and n exp(-m^2 s^2) of n futures are effective (Kish). The difference is
    computed by weights where these are as many as are simulated otherwise.

    Args:
      here: the difference on the futures that are searched.
      own: the outcomes on all paths that are searched.
      left_out: to which priors that cannot be moved alone are added.
    """
    study, weigh = here.futures.study, here.weigher(own)
    matrix = joint_scores(study)
    directions = np.linalg.pinv(matrix).T
    pulls = directions @ here.futures.numbers(study.paths)[: matrix.shape[1]]
    names = [item.name for item in study.inputs]

    def line(item: Input, direction: Move, pull: np.ndarray) -> Line:
        square = float(direction @ direction)

        def by(move: float) -> str:
            return WEIGHTS if study.paths * math.exp(-move * move * square) >= here.paths else RUNS

        def run(gap: PolicyGap, move: float) -> Estimate:
            return gap.estimate(gap.moved(move * direction))

        @cache
        def at(move: float) -> Estimate:
            return weigh(np.exp(move * pull)) if by(move) == WEIGHTS else run(here, move)

        def median(move: float) -> float:
            return float(item.marginal.at_score(np.array(move)))

        label = {"factor": item.name, "stated": float(item.marginal.quantile(0.5)), "unit": item.unit}
        return Line(label, 0.0, MOVES, run, at, median, by, direction)

    for item, direction, pull in zip(study.inputs, directions, pulls, strict=True):
        if not varies(item):
            continue
        group = study.groups.get(item.group or "")
        members = [names.index(name) for name in (group.members if group else (item.name,))]
        correlation = matrix[members] @ matrix[members].T
        if group and group.copula.family != "gaussian":
            why = f"moves with others by a copula that is {group.copula.family}"
        elif np.linalg.eigvalsh(correlation)[0] < SINGULAR:
            why = "follows from other members of its group"
        else:
            yield line(item, direction, pull)
            continue
        left_out.append({"belief": item.name, "why": why})


def correlations(here: PolicyGap) -> Iterator[Line]:
    """A line for the correlation of each group of factors; for a matrix, for one common multiple of its entries."""
    for name, group in here.futures.study.groups.items():
        if ends := groups.correlations(group):

            def change(value: float, group: Group = group) -> Change:
                return Change(groups={group.name: groups.correlated(group, value)})

            stated, *bounds = ends
            yield _changed({"group": name, "stated": stated, "unit": "1"}, bounds, change, here)


def levers(here: PolicyGap, left_out: LeftOut) -> Iterator[Line]:
    """A line for each lever of the policies, which is moved in all years and places at once within the model's bounds.

    A lever whose value is drawn is a prior, and has no line here. Levers that differ by year or place, or are 0 without
    bounds, are added to `left_out` with the reason.
    """
    study = here.futures.study
    for policy in (one for one in study.policies if one.name in (here.more, here.less)):
        for name, lever in study.model.levers.items():
            if name in policy.drawn or (is_value(name) and not policy.levers[name].any()):
                continue  # its factor is moved as a prior, or no trigger sets it
            label, values = f"{policy.name}.{name}", whole(policy).levers[name]
            stated, *others = map(float, np.unique(values))
            if others or not (stated or np.isfinite([lever.low, lever.high]).all()):
                why = "differs by year or place" if others else "is 0 and has no bounds"
                left_out.append({"belief": label, "why": why})
                continue

            def change(value: float, policy: str = policy.name, name: str = name) -> Change:
                return Change(levers={policy: {name: value}})

            ends = span(study, name, values)
            yield _changed({"lever": label, "stated": stated, "unit": lever.unit}, ends, change, here)


def _changed(
    label: Mapping[str, Any], ends: Iterable[float], change: Callable[[float], Change], here: PolicyGap
) -> Line:
    """The line of a belief whose values are changes of the study."""
    stated = label["stated"]
    sides = tuple(tuple(map(float, np.linspace(stated, end, LOOKS + 1)[1:])) for end in ends if end != stated)
    held: dict[float, Estimate] = {}

    def at(value: float) -> Estimate:
        if value not in held:
            # the values that are tried first are simulated side by side
            values = [value] if held else [one for side in sides for one in side]
            held.update(zip(values, here.changed([*map(change, values)]), strict=True))
        return held[value]

    def run(gap: PolicyGap, value: float) -> Estimate:
        (one,) = gap.changed([change(value)])
        return one

    return Line(label, stated, sides, run, at)
