"""A study given what was observed: every policy's risk on futures that were moved to where facts are likely, and on its own by their weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.analyses.conditioning.weighing import Weighed, weighed
from engine.analyses.futures import refuse_too_many, sound
from engine.analyses.variables import Values, outcomes_of
from engine.analyses.variants import Observer, unobserved
from engine.errors import Problems
from engine.program.moving.sight import Sight
from engine.program.running import compilation_cache, devices
from engine.program.running.contract import Program
from engine.risk.estimation.intervals import Units, Z, as_units
from engine.risk.estimation.weighted_sample import LARGEST_SHAPE
from engine.study.followed import followed
from engine.study.study import BLOCK, Block, Study
from engine.study.tables.facts_tables import FUTURES, Facts, Moved
from engine.study.tables.observed_tables import Observation
from engine.study.watched import check_known, known_and_later

PLAIN = 1 << 18
"""Futures of the study that stand beside those that were moved."""


@dataclass(frozen=True)
class Futures:
    """Futures of a study before or after what was observed is known.

    Args:
      values: outcomes that are asked for, by name [policy, path].
      weights: with a mean of 1.
      units: independent ones: of the study's, or whole runs.
      later: figures after the last one that is known [figure, path], without their errors.
    """

    values: Values
    weights: Float[np.ndarray, "path"]
    units: Units
    later: Float[np.ndarray, "figure path"]


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of each factor, with the standard error of the mean, and how many of these a 95 % interval reaches."""

    mean: Float[np.ndarray, "factor"]
    sd: Float[np.ndarray, "factor"]
    error: Float[np.ndarray, "factor"]
    reach: float = Z


@dataclass(frozen=True)
class Conditioned:
    """What `condition` gives.

    Args:
      study: with the policies that run.
      followed: the study of the policy that was followed, with as many paths as its own futures that were looked at.
      rows: the figures that are taken as known, then those that come later.
      exact: figures whose variable has no discrepancy.
      weighed: the plain futures.
      runs: of futures that were moved.
      prior, posterior: futures before and after.
      by_weight: plain futures by their weights; None where these cannot be trusted.
      before, after: factors of the policy that was followed.
    """

    study: Study
    followed: Study
    rows: tuple[Observation, ...]
    coming: tuple[Observation, ...]
    exact: tuple[Observation, ...]
    weighed: Weighed
    runs: tuple[Moved, ...]
    prior: Futures
    posterior: Futures
    by_weight: Futures | None
    before: Moments
    after: Moments


def condition(
    study: Study,
    until: int | None,
    policy: str | None,
    runs: Sequence[Moved],
    device: str | None = None,
    observe: Observer = unobserved,
) -> Conditioned:
    """The futures of a study given what was observed up to some year: those that were moved there, beside 262,144 of its own and these by weight.

    Args:
      until: last year that is known; the last one with a figure if not given.
      policy: the one that was followed; the study's `observed.policy`, or the only one that runs, if not given.
      runs: of moved futures.
      device: "cpu" or "gpu"; the GPUs if there are any.
      observe: is told what is being done, and how much of how much is done.

    Raises:
      UserError: nothing was observed until then, some of it has no error, nobody says under which policy; values that are not finite on more paths than the study allows.
    """
    study.refuse_broken_model()
    one = followed(study, policy)
    problems = Problems()
    check_known(one, until, "--until", problems)
    problems.refuse(study.source)
    rows, coming = known_and_later(one, until)
    compilation_cache.keep_programs()
    sight = Sight(one, rows, device)
    plain = weighed(sight, PLAIN - PLAIN % one.unit, observe)
    whole = _Whole(study, one, coming, sight, device, observe)
    (prior, before), by_weight = whole.of_plain(plain)
    posterior, after = whole.of_moved(runs)
    for futures in (prior, posterior):
        refuse_too_many(replace(study, paths=len(futures.weights)), sound((futures.values,)))
    exact = tuple(row for row in rows if row.variable not in one.observed.discrepancy)
    return Conditioned(
        study,
        replace(one, paths=len(plain.log_weights)),
        rows,
        coming,
        exact,
        plain,
        (*runs,),
        prior,
        posterior,
        by_weight if plain.shape <= LARGEST_SHAPE else None,
        before,
        after,
    )


class _Whole:
    """All policies' outcomes, factors and later figures on futures of a study."""

    def __init__(
        self,
        study: Study,
        one: Study,
        coming: Sequence[Observation],
        sight: Sight,
        device: str | None,
        observe: Observer,
    ):
        self.study, self.one, self.sight, self.observe, self.device = study, one, sight, observe, device
        self.names = outcomes_of(study, [*study.headline, *study.events_by_name])
        self.program: Program = devices.program(study, device)
        self.coming = Sight(one, coming, device) if coming else None

    def of_plain(self, plain: Weighed) -> tuple[tuple[Futures, Moments], Futures]:
        """The first futures as they are, with what they say of factors; and weighed."""
        count, at = len(plain.weights), self.study.places(self.names)
        parts, later, sums, squares = [], [], 0.0, 0.0
        for first in range(0, count, BLOCK):
            self.observe("simulating", first, count)
            block = Block(0, first, min(BLOCK, count - first))
            parts.append(self.program.collect(block, self.program.submit(block)).outcomes[:, at])
            draws = self.sight.program.draws(block).astype(np.float64)
            sums, squares = sums + draws.sum(axis=1), squares + (draws**2).sum(axis=1)
            if self.coming is not None:
                later.append(self.coming.of_paths(first, block.count))
        self.observe("simulating", count, count)
        figures = np.concatenate(later, axis=-1) if later else np.zeros((0, count))
        values, mean = self._named(parts), np.asarray(sums / count)
        sd = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
        plainly, by_weight = (
            Futures(values, weights, plain.units, figures) for weights in (np.ones(count), plain.weights)
        )
        return (plainly, Moments(mean, sd, np.full_like(mean, np.nan))), by_weight

    def of_moved(self, runs: Sequence[Moved]) -> tuple[Futures, Moments]:
        """The futures of runs, each one independent unit; what comes after the last figure is drawn anew."""
        at, parts, later, means, squares = self.study.places(self.names), [], [], [], []
        facts = Facts(0, self.one.baseline, runs.__getitem__)
        program, *coming = (
            devices.program(replace(study, facts=facts), self.device)
            for study in (self.study, *([self.coming.study] if self.coming else []))
        )
        for number, run in enumerate(runs):
            block = Block(0, number * FUTURES, FUTURES)
            parts.append(program.collect(block, program.submit(block)).outcomes[:, at])
            if self.coming is not None:
                later.append(self.coming.of_scores(coming[0].scores(block)))
            draws = self.sight.program.trace_of(run.scores).draws.astype(np.float64)
            means.append(draws.mean(axis=1))
            squares.append((draws**2).mean(axis=1))
        mean, square = np.mean(means, axis=0), np.mean(squares, axis=0)
        error = (
            np.std(means, axis=0, ddof=1) / np.sqrt(len(runs))
            if len(runs) > 1
            else np.full_like(mean, np.nan)
        )
        count = len(runs) * FUTURES
        figures = np.concatenate(later, axis=-1) if later else np.zeros((0, count))
        units = as_units(count, FUTURES)
        futures = Futures(self._named(parts), np.ones(count), units, figures)
        return futures, Moments(mean, np.sqrt(np.maximum(square - mean**2, 0.0)), error, units.reach)

    def _named(self, parts: Sequence[np.ndarray]) -> Values:
        whole = np.concatenate(parts, axis=-1)
        return {name: whole[:, k] for k, name in enumerate(self.names)}


def places(study: Study, rows: Sequence[Observation], futures: Futures) -> Float[np.ndarray, "figure"]:
    """Where later figures lie among the futures, each given its error and the discrepancy of its variable: share of weight below."""
    found = []
    for row, values in zip(rows, futures.later, strict=True):
        noise = np.random.default_rng([study.seed, *f"later {row.name}".encode()]).standard_normal(
            len(values)
        )
        noisy = values + study.observed.error(row) * noise
        good = np.isfinite(noisy)
        found.append(
            float((futures.weights[good] * (noisy[good] < row.value)).sum() / futures.weights[good].sum())
        )
    return np.array(found)
