"""The worst futures of a run, simulated again: their draws and yearly shocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from engine.analyses import variants
from engine.analyses.variables import LEVEL, outcomes_of
from engine.errors import Problem, UserError, unknown
from engine.program.contract import Program
from engine.risk.drivers.worst_share import NEAR, WorstShare, of_event, of_outcome
from engine.risk.estimation.events import happens, thresholds
from engine.risk.estimation.exclusion import with_units
from engine.risk.estimation.intervals import Units, as_units
from engine.study.components import Event
from engine.study.study import Block, Study

AT_ONCE = 1 << 15
"""Paths whose random numbers are in memory at a time."""
MOST = 1 << 17
"""Most worst futures that are held; if a run has more, fewer of its paths are used."""
IN_FULL = 1 << 10
"""Paths whose yearly values are in memory at a time."""


@dataclass(frozen=True)
class TailSubject:
    """What is explained: an outcome at a level, or an event, under one policy.

    Args:
      level: None for an event.
    """

    study: Study
    variable: str
    policy: str
    level: float | None

    @property
    def event(self) -> Event | None:
        """The event; None for an outcome."""
        return self.study.events_by_name.get(self.variable)

    @property
    def at(self) -> int:
        """Index of the policy in the study."""
        return self.study.row(self.policy)

    @property
    def read(self) -> tuple[str, ...]:
        """The outcomes that it depends on, in the order of the model."""
        return outcomes_of(self.study, [self.variable])


def tail_subject(study: Study, variable: str, policy: str | None, level: float | None) -> TailSubject:
    """What is to be explained, from names; the baseline and 0.99 if policy and level are not given.

    Raises:
      UserError: no such outcome, event or policy; a level for an event; all problems at once.
    """
    problems = []
    if variable not in study.variables:
        problems.append(Problem("--outcome", unknown("outcome or event", variable, study.variables)))
    if policy is not None and policy not in study.policy_names:
        problems.append(Problem("--policy", unknown("policy", policy, study.policy_names)))
    is_event = variable in study.events_by_name
    if is_event and level is not None:
        text = f"is of outcomes; the event '{variable}' has its own threshold. Leave --level out."
        problems.append(Problem("--level", text))
    if problems:
        raise UserError(study.source, problems)
    return TailSubject(study, variable, policy or study.baseline, None if is_event else level or LEVEL)


@dataclass(frozen=True)
class Limit:
    """The thresholds that outcomes have to pass for a future to be one of the worst, or for the event to happen.

    Args:
      terms: outcome, 1 if it must be above and -1 if below, the threshold, and the outcome's standard deviation.
    """

    terms: tuple[tuple[str, float, float, float], ...]

    def of(self, values: Mapping[str, np.ndarray]) -> Float[np.ndarray, "path"]:
        """The margin of each path, the least over all terms [standard deviations]; negative where one is not passed."""
        margins = [sign * (values[name].astype(np.float64) - at) / scale for name, sign, at, scale in self.terms]
        least: np.ndarray = np.min(margins, axis=0)
        return least


@dataclass(frozen=True)
class TailFutures:
    """The worst futures, and those around VaR that its standard error needs; both together are "held".

    Args:
      share: which paths are the worst, their weights, and the independent units.
      numbers: numbers of the paths that are not left out; `share` indexes these.
      values: the outcomes that `watched` depends on, by name, under its policy, on the paths of `numbers`.
      tail, near: indices among the held paths of the worst ones, and of those around VaR.
      scores: their normal scores [stream, held].
      draws: their factors [factor, held].
      shocks: their shocks [year, stream, held]; None if the model has none.
      limit: the thresholds that the outcomes pass on the worst paths.
      excluded: how many paths are left out because a value on them is not finite.
    """

    watched: TailSubject
    share: WorstShare
    numbers: Int[np.ndarray, "path"]
    values: Mapping[str, Float[np.ndarray, "path"]]
    tail: Int[np.ndarray, "tail"]
    near: Int[np.ndarray, "near"]
    scores: Float[np.ndarray, "stream held"]
    draws: Float[np.ndarray, "factor held"]
    shocks: Float[np.ndarray, "year stream held"] | None
    limit: Limit
    excluded: int


def tail_futures(program: Program, watched: TailSubject, stored: Mapping[str, np.ndarray]) -> TailFutures:
    """The worst futures among the paths of the watched study.

    Args:
      stored: outcomes that a run has stored, by name [policy, path]; others are simulated again.

    Raises:
      UserError: the event happens on no path, or no path is left.
    """
    study = watched.study
    values = outcomes(program, watched, stored)
    paths = _looked_at(watched, values)
    if paths < study.paths:
        study = replace(study, paths=paths)
        watched, values = replace(watched, study=study), {name: one[:paths] for name, one in values.items()}
    bad = with_units(study, ~np.all([np.isfinite(one) for one in values.values()], axis=0))
    units = as_units(study.paths, study.unit)
    numbers = np.flatnonzero(~bad)
    if not len(numbers):
        raise UserError(study.source, [f"'{watched.variable}' is finite on no path."])
    if bad.any():
        units, values = units.take(~bad), {name: one[numbers] for name, one in values.items()}
    share = _share(watched, values, units)
    held = np.union1d(share.path, share.near)
    scores = _scores(program, study, numbers[held])
    draws, shocks = _in_full(program, scores)
    tail, near = np.searchsorted(held, share.path), np.searchsorted(held, share.near)
    return TailFutures(
        watched, share, numbers, values, tail, near, scores, draws, shocks,
        _limit(watched, values, share), int(bad.sum()),
    )  # fmt: skip


def outcomes(
    program: Program, watched: TailSubject, stored: Mapping[str, np.ndarray]
) -> dict[str, Float[np.ndarray, "path"]]:
    """The outcomes that `watched` depends on, by name, under its policy on every path: stored, else simulated again."""
    study, names = watched.study, watched.read
    have = {name: stored[name][watched.at] for name in names if name in stored}
    if len(have) == len(names):
        return have
    at = study.places(names)
    blocks = [outcomes[watched.at, at] for _, outcomes in variants.results([("", program)], study.blocks())]
    return dict(zip(names, np.concatenate(blocks, axis=-1), strict=True))


def _looked_at(watched: TailSubject, values: Mapping[str, np.ndarray]) -> int:
    """How many of the first paths are used: whole units, with no more of the worst than `MOST`."""
    study = watched.study
    if watched.event is None:
        assert watched.level is not None
        held = (1 + NEAR) * (1 - watched.level) * study.paths
    else:
        held = float(happens(study, watched.event, values).sum())
    if held <= MOST:
        return study.paths
    return max(int(study.paths * MOST / held) // study.unit, 1) * study.unit


def _share(watched: TailSubject, values: Mapping[str, np.ndarray], units: Units) -> WorstShare:
    study = watched.study
    if watched.event is None:
        assert watched.level is not None
        return of_outcome(values[watched.variable], units, watched.level, study.is_loss(watched.variable))
    happened = happens(study, watched.event, values)
    if not happened.any():
        text = (
            f"'{watched.variable}' happens under '{watched.policy}' on none of {len(happened):,} paths, "
            "so there is nothing to explain. Run more paths, or ask for an outcome."
        )
        raise UserError(study.source, [text])
    return of_event(happened, units)


def _limit(watched: TailSubject, values: Mapping[str, np.ndarray], share: WorstShare) -> Limit:
    study = watched.study
    scales = {name: float(of.std(dtype=np.float64)) or 1.0 for name, of in values.items()}
    if watched.event is None:
        name = watched.variable
        worst = share.sign * values[name][share.path].astype(np.float64)
        return Limit(((name, share.sign, share.sign * float(worst.min()), scales[name]),))
    passed = dict.fromkeys(thresholds(study, watched.event))
    return Limit(tuple((name, 1.0 if above else -1.0, at, scales[name]) for name, above, at in passed))


def _scores(program: Program, study: Study, path: Int[np.ndarray, "held"]) -> Float[np.ndarray, "stream held"]:
    """The normal scores of some paths."""
    parts = []
    for first in range(0, study.paths, AT_ONCE):
        count = min(AT_ONCE, study.paths - first)
        wanted = path[np.searchsorted(path, first) : np.searchsorted(path, first + count)] - first
        if len(wanted):
            parts.append(program.scores(Block(0, first, count))[:, wanted])
    return np.concatenate(parts, axis=1)


def _in_full(program: Program, scores: Float[np.ndarray, "stream held"]) -> tuple[np.ndarray, np.ndarray | None]:
    """Draws and shocks of the futures with these scores."""
    draws, shocks = [], []
    for first in range(0, scores.shape[1], IN_FULL):
        trace = program.trace_of(scores[:, first : first + IN_FULL])
        draws.append(trace.draws)
        if trace.shocks is not None:
            shocks.append(trace.shocks)
    return np.concatenate(draws, axis=-1), np.concatenate(shocks, axis=-1) if shocks else None
