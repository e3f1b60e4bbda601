"""What would turn a ranking: how far each belief must move, alone and together, before two policies change places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Float

from engine.analyses.beliefs import LOCATION, Belief, bisected, correlations, levers, turned
from engine.analyses.futures import (
    LEVEL,
    MEAN,
    PROBABILITY,
    SHORTFALL,
    Futures,
    Values,
    of_paths,
    outcomes_of,
    refuse_too_many,
    sound,
)
from engine.analyses.joint_move import JointMove, joint_move
from engine.analyses.joint_scores import Joint
from engine.analyses.variants import PATHS, Observer, unobserved
from engine.errors import Problem, UserError, unknown
from engine.program import arguments
from engine.program.contract import Scores
from engine.risk.events import happens
from engine.risk.intervals import Estimate, as_units
from engine.risk.measures import difference, probability_difference
from engine.risk.tilting import LARGEST_SHAPE, Tilt, nearest_turn, normalised, tail_shape, weighted_mean
from engine.study.study import Change, Study

FARTHEST = 3.0
"""Normal scores that a prior is moved by, at most."""
STEP = 0.25
STARTS = 2
RERUN_PATHS = 1 << 15
Paths = Float[np.ndarray, "path"]


@dataclass(frozen=True)
class Flip:
    """What `flip` gives.

    Args:
      study: with the paths that were looked at.
      variable, measure: what the policies are ranked by: mean or ES of an outcome, probability of an event.
      first, second: the policies.
      difference: the first less the second, as stated.
      beliefs: those that turn the ranking, the nearest first, then those that do not within their range.
      joint: the smallest move of all priors together that turns it; None where none is seen.
      nearest: the law of all futures, shocks too, nearest to the stated one under which the difference is zero, as far as its weights can
        be trusted; None of ES, or where no law of the futures seen does.
      left_out: what was not looked at, and why.
    """

    study: Study
    variable: str
    measure: str
    first: str
    second: str
    difference: Estimate
    beliefs: tuple[Belief, ...]
    joint: JointMove | None
    nearest: Tilt | None
    left_out: tuple[tuple[str, str], ...]


def flip(
    study: Study,
    variable: str,
    first: str,
    second: str,
    measure: str | None = None,
    paths: int | None = None,
    device: str | None = None,
    observe: Observer = unobserved,
) -> Flip:
    """How far each belief must move before two policies change places, and the nearest joint move of all.

    A prior is moved by its normal score, and stays within its support: by weights of the futures that are there as far as these can be
    trusted (k-hat at most .7), else by running again. Correlations and levers are moved by running again.

    Args:
      variable: an outcome or an event.
      measure: "mean" or "ES99" of an outcome; the mean if not given.
      paths: from the first on; the study's, at most 131,072, if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.
      observe: is told what is being done, and how much of how much is done.

    Raises:
      UserError: no such outcome, event, policy or measure; paths that are no whole units; values that are not finite on more paths than the study allows.
    """
    study.refuse_broken_model()
    measure = _measure(study, variable, first, second, measure)
    study = of_paths(study, paths, PATHS)
    names = {first, second}
    kept = tuple(policy for policy in study.policies if policy.name in names)
    base = study.baseline if study.baseline in names else first
    study = replace(study, policies=kept, baseline=base)
    futures = Futures(study, outcomes_of(study, [variable]), device)
    look = _Look(futures, variable, measure, first, second)
    (own,) = futures.mixed([{}])
    good = sound((own,))
    refuse_too_many(study, good)
    stated = look.difference(own)
    sign = 1.0 if stated.estimate >= 0 else -1.0
    few = min(study.paths, RERUN_PATHS) // study.unit * study.unit
    left_out: list[tuple[str, str]] = []
    again = partial(look.changed, few)
    beliefs = [
        *_locations(look, own, good, sign, few, left_out, observe),
        *correlations(study, again, sign),
        *levers(study, (first, second), again, sign, left_out),
    ]
    tilt = None if measure == SHORTFALL else nearest_turn(look.gaps(own)[good])
    order = sorted(beliefs, key=_far)
    alone = [(one.name, one.move.estimate) for one in order if one.turns and one.kind == LOCATION][:STARTS]
    joint = joint_move(study, look.futures.scores(0, few), look.of_scores, sign, alone)
    return Flip(study, variable, measure, first, second, stated, tuple(order), joint, tilt, tuple(left_out))


def _measure(study: Study, variable: str, first: str, second: str, measure: str | None) -> str:
    events, outcomes = [event.name for event in study.events], [*study.model.outcomes]
    problems = []
    if variable not in (*outcomes, *events):
        problems.append(Problem("--outcome", unknown("outcome or event", variable, [*outcomes, *events])))
    problems += [
        Problem("--policies", unknown("policy", name, study.policy_names))
        for name in (first, second)
        if name not in study.policy_names
    ]
    if not problems and first == second:
        problems.append(Problem("--policies", f"expected two policies, got '{first}' twice."))
    known = (PROBABILITY,) if variable in events else (MEAN, SHORTFALL)
    if measure is not None and measure not in known:
        problems.append(Problem("--measure", unknown("measure", measure, known)))
    if problems:
        raise UserError(study.source, problems)
    return measure or known[0]


@dataclass(frozen=True)
class _Look:
    """One difference of two policies, from outcomes, from weights, and from the program fed with something else."""

    futures: Futures
    variable: str
    measure: str
    first: str
    second: str

    @property
    def study(self) -> Study:
        return self.futures.study

    def difference(self, values: Values) -> Estimate:
        """With its interval; on paths where all is finite."""
        good = sound((values,))
        units = as_units(len(good), self.study.unit)
        units = units if good.all() else units.take(good)
        one, two = (self._of(policy, values)[good] for policy in (self.first, self.second))
        if self.measure == PROBABILITY:
            return probability_difference(one, two, units)
        loss = self.study.model.outcomes[self.variable].loss
        return difference(one, two, units, loss, (LEVEL,))[self.measure]

    def gaps(self, values: Values) -> Paths:
        """The difference on every path, whose mean it is; of a mean or a probability."""
        one, two = (self._of(policy, values).astype(np.float64) for policy in (self.first, self.second))
        with np.errstate(invalid="ignore"):  # infinite under both
            return one - two

    def of_scores(self, scores: Scores) -> Paths:
        """The difference on every path that is made of random numbers; of ES what each path adds to it."""
        values = self.futures.made(scores)
        if self.measure != SHORTFALL:
            gaps = self.gaps(values)
            return np.where(np.isfinite(gaps), gaps, 0.0)  # such a path has no say
        good = sound((values,))
        alike, gaps = np.ones(int(good.sum())), np.zeros(len(good))
        one, two = (
            self._excess(self._of(policy, values)[good], alike) for policy in (self.first, self.second)
        )
        gaps[good] = one - two
        return gaps

    def weighted(self, values: Values, good: np.ndarray, weights: Paths) -> Estimate:
        """The difference under weights with mean 1 of the good paths."""
        units = as_units(len(good), self.study.unit)
        units = units if good.all() else units.take(good)
        if self.measure != SHORTFALL:
            return weighted_mean(self.gaps(values)[good], weights, units)
        one, two = (
            self._excess(self._of(policy, values)[good], weights) for policy in (self.first, self.second)
        )
        return weighted_mean(one - two, weights, units)

    def changed(self, paths: int, change: Change) -> Estimate:
        """The difference where the program is fed with a change, on the first so many paths."""
        return self.difference(self.futures.changed(change, paths))

    def _of(self, policy: str, values: Values) -> np.ndarray:
        row = self.study.policy_names.index(policy)
        if self.measure == PROBABILITY:
            (event,) = (event for event in self.study.events if event.name == self.variable)
            return happens(self.study, event, {name: x[row] for name, x in values.items()})
        return values[self.variable][row]

    def _excess(self, values: np.ndarray, weights: Paths) -> Paths:
        """What each path adds to ES under the weights: VaR and what is beyond it."""
        sign = 1.0 if self.study.model.outcomes[self.variable].loss else -1.0
        losses = sign * values.astype(np.float64)
        order = np.argsort(losses)
        below = np.cumsum(weights[order]) / weights.sum()
        var = losses[order[min(int(np.searchsorted(below, LEVEL)), len(order) - 1)]]
        return sign * (var + np.maximum(losses - var, 0.0) / (1 - LEVEL))


def _locations(
    look: _Look,
    own: Values,
    good: np.ndarray,
    sign: float,
    few: int,
    left_out: list[tuple[str, str]],
    observe: Observer,
) -> Iterator[Belief]:
    """How far the prior of each factor must move."""
    study = look.study
    scores = look.futures.scores(0, study.paths)
    names = [one.name for one in arguments.streams(study)]
    joints = {
        name: Joint.of(study, name)
        for name, group in study.groups.items()
        if group.copula.family == "gaussian"
    }
    moving = [item for item in study.inputs if item.marginal.quantile(0.25) < item.marginal.quantile(0.75)]
    for k, item in enumerate(moving):
        if item.group and item.group not in joints:
            left_out.append(
                (item.name, f"moves with others by a copula that is {study.groups[item.group].copula.family}")
            )
            continue
        if item.group and joints[item.group].is_one:
            left_out.append((item.name, "follows from other members of its group"))
            continue
        if item.group:
            joint = joints[item.group]
            member = study.groups[item.group].members.index(item.name)
            pull, size = joint.pull(scores, member)
            shift = joint.shift(member)
            rows = joint.rows
        else:
            rows = [names.index(arguments.factor_stream(item))]
            pull, size, shift = scores[rows[0]], 1.0, np.ones(1)
        by_weight = partial(_weighted, look, own, good, pull[good], size)
        by_rerun = partial(_moved, look, scores, rows, shift, few)
        at, how = _turn(by_weight, by_rerun, sign)
        law = item.marginal
        stated = float(law.quantile(0.5))
        value = stated if at is None else float(law.at_score(np.array(at.estimate)))
        yield Belief(
            LOCATION,
            item.name,
            item.unit,
            stated,
            value,
            at or Estimate(FARTHEST, 0.0, 0.0, 0.0),
            at is not None,
            how,
        )
        observe("priors", k + 1, len(moving))


def _weighted(
    look: _Look, own: Values, good: np.ndarray, pull: Paths, size: float, move: float
) -> Estimate | None:
    """The difference with a prior moved, by weights; None where these cannot be trusted."""
    log_weights = move * pull - 0.5 * move * move * size
    if tail_shape(log_weights) > LARGEST_SHAPE:
        return None
    return look.weighted(own, good, normalised(log_weights))


def _moved(
    look: _Look, scores: np.ndarray, rows: Sequence[int], shift: np.ndarray, few: int, move: float
) -> Estimate:
    """The same by running again."""
    mixed = scores[:, :few].copy()
    mixed[rows] += move * shift[:, None]
    return look.difference(look.futures.made(mixed))


def _turn(
    by_weight: Callable[[float], Estimate | None], by_rerun: Callable[[float], Estimate], sign: float
) -> tuple[Estimate | None, str]:
    """The least move at which the difference turns, with its interval, and how it was seen: "weights" or "runs"."""
    turns: list[tuple[Estimate, str]] = []
    for side in (1.0, -1.0):
        below, reach = 0.0, 0.0
        for k in range(1, int(FARTHEST / STEP) + 1):
            reach = side * k * STEP
            seen = by_weight(reach)
            if seen is None:
                end = by_rerun(side * FARTHEST)
                if turned(end, sign):
                    turns.append((bisected(by_rerun, below, side * FARTHEST, sign), "runs"))
                break
            if turned(seen, sign):
                turns.append((bisected(by_weight, below, reach, sign), "weights"))  # type: ignore[arg-type]
                break
            below = reach if sign * seen.estimate > 0 else below
    return min(turns, key=lambda one: abs(one[0].estimate), default=(None, ""))


def _far(one: Belief) -> tuple[bool, float]:
    """Those that turn the ranking first, by how far they move: a prior in normal scores, others by the share of what they are."""
    size = abs(one.move.estimate)
    return not one.turns, size if one.kind == LOCATION else size / max(abs(one.stated), 1e-9)
