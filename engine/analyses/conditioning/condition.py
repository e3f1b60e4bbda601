"""Conditioning on observations: every policy's risk on futures moved to where the facts are likely.

Beside them stand the study's own futures, weighted by the likelihood of the facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from engine.analyses.futures import refuse_too_many, sound
from engine.analyses.variables import Values, outcomes_of
from engine.analyses.variants import Observer, unobserved
from engine.errors import Problem, Problems, UserError
from engine.lanes import compilation_cache
from engine.program import devices
from engine.program.contract import Program
from engine.program.posterior.sight import Sight
from engine.risk.drivers.tilting import tail_shape
from engine.risk.estimation.heaviness import LARGEST_SHAPE
from engine.risk.estimation.intervals import FEW_UNITS, TAIL, Units, Z, as_units
from engine.study.actual_policy import followed
from engine.study.holdout import check_known, known_and_later
from engine.study.study import BLOCK, Block, Study
from engine.study.tables.facts import FUTURES, Facts, Moved
from engine.study.tables.observed import Observation

PLAIN = 1 << 18
"""Number of the study's own futures that are weighted for comparison with the moved ones."""


@dataclass(frozen=True)
class Weighed:
    """The first futures of a study with their weights.

    Args:
      log_weights: log-likelihood of the observations on each future.
      unit: number of futures in an independent unit.
    """

    log_weights: Float[np.ndarray, "path"]
    unit: int

    @cached_property
    def weights(self) -> Float[np.ndarray, "path"]:
        """The weights, with mean 1; all 0 where the observations are impossible on every future."""
        largest = self.log_weights.max(initial=-np.inf)
        if not np.isfinite(largest):
            return np.zeros_like(self.log_weights)
        weights = np.exp(self.log_weights - largest)
        return np.asarray(weights / weights.mean())

    @property
    def units(self) -> Units:
        """The independent units of the futures."""
        return as_units(len(self.log_weights), self.unit)

    @cached_property
    def shape(self) -> float:
        """Pareto shape k-hat of the weights; infinite where all are 0."""
        finite = self.log_weights[np.isfinite(self.log_weights)]
        return tail_shape(finite) if len(finite) else float("inf")

    @cached_property
    def effective(self) -> float:
        """Effective number of futures, (sum w)^2 / sum w^2, or that by independent units where it is less.

        It is 0 where all weights are 0.
        """
        if not self.weights.any():
            return 0.0
        alone = float(self.weights.sum() ** 2 / (self.weights**2).sum())
        return min(alone, self.units.weighted(self.weights).effective * self.unit)


def weighed(sight: Sight, paths: int, observe: Observer) -> Weighed:
    """The first `paths` futures of a study with their weights."""
    parts = []
    for first in range(0, paths, BLOCK):
        observe("weighing", first, paths)
        count = min(BLOCK, paths - first)
        parts.append(sight.log_likelihood(sight.of_paths(first, count)))
    observe("weighing", paths, paths)
    return Weighed(np.concatenate(parts), sight.study.unit)


@dataclass(frozen=True)
class Futures:
    """Futures of a study before or after conditioning.

    Args:
      values: outcomes by name [policy, path].
      weights: of the futures, with mean 1.
      units: independent units: the study's for its own futures, whole runs for moved ones.
      later: values of the figures observed after the known ones [figure, path], without their observation errors.
    """

    values: Values
    weights: Float[np.ndarray, "path"]
    units: Units
    later: Float[np.ndarray, "figure path"]


@dataclass(frozen=True)
class Moments:
    """Mean, standard deviation and standard error of the mean of each factor.

    `reach` times that error is half a 95 % interval.
    """

    mean: Float[np.ndarray, "factor"]
    sd: Float[np.ndarray, "factor"]
    error: Float[np.ndarray, "factor"]
    reach: float = Z


@dataclass(frozen=True)
class Conditioned:
    """The result of `condition`.

    Args:
      study: with the policies that run.
      followed: the study with the followed policy alone, and as many paths as plain futures were simulated.
      rows: the figures that are conditioned on.
      coming: the figures observed later, which are not conditioned on.
      weighed: the study's own futures with their weights.
      runs: the runs of moved futures.
      prior, posterior: plain futures as they are, and moved futures.
      by_weight: plain futures with their weights; None where the weights cannot be trusted.
      before, after: moments of the factors before and after.
      missed: which figure no future meets, and by how much; None where some future meets all figures.
    """

    study: Study
    followed: Study
    rows: tuple[Observation, ...]
    coming: tuple[Observation, ...]
    weighed: Weighed
    runs: tuple[Moved, ...]
    prior: Futures
    posterior: Futures
    by_weight: Futures | None
    before: Moments
    after: Moments
    missed: str | None


def condition(
    study: Study,
    until: int | None,
    policy: str | None,
    runs: Sequence[Moved],
    device: str | None = None,
    observe: Observer = unobserved,
) -> Conditioned:
    """The futures of a study given the observations up to a year: moved ones, and 262,144 of its own by weight.

    Args:
      until: last year whose figures are conditioned on; the last one with a figure if not given.
      policy: the policy that was followed; the study's `observed.policy`, or the only one that runs, if not given.
      runs: the runs of moved futures.
      device: "cpu" or "gpu"; the GPUs if there are any.
      observe: called with the stage, how much is done, and how much there is.

    Raises:
      UserError: no observations until then, one of them without an error, no policy said to be followed, figures that
        no future meets and that leave fewer effective futures than an interval needs, or values that are not finite on
        more paths than the study allows.
    """
    study.refuse_broken_model()
    one = followed(study, policy)
    problems = Problems()
    check_known(one, until, "--until", problems)
    problems.refuse(study.source)
    rows, coming = known_and_later(one, until)
    compilation_cache.keep_programs()
    sight = Sight(one, rows, device)
    plain, missed = weighed(sight, PLAIN - PLAIN % one.unit, observe), missed_by_all(sight, runs)
    if missed is not None and plain.effective < FEW_UNITS:
        text = (
            f"is too far from all futures: the nearest is {missed}, and of {len(plain.log_weights):,} futures of the"
            f" study {plain.effective:,.0f} are effective, {FEW_UNITS} needed. State a larger error or discrepancy, or"
            " leave it out."
        )
        raise UserError(study.source, [Problem("observed", text)])
    whole = _Whole(study, one, coming, sight, device, observe)
    (prior, before), by_weight = whole.of_plain(plain)
    posterior, after = whole.of_moved(runs)
    for futures in (prior, posterior):
        refuse_too_many(replace(study, paths=len(futures.weights)), sound((futures.values,)))
    return Conditioned(
        study,
        replace(one, paths=len(plain.log_weights)),
        rows,
        coming,
        plain,
        (*runs,),
        prior,
        posterior,
        by_weight if plain.shape <= LARGEST_SHAPE else None,
        before,
        after,
        missed,
    )


def missed_by_all(sight: Sight, runs: Sequence[Moved]) -> str | None:
    """By how much the nearest moved future misses which figure, in words; None where it meets all figures.

    The nearest is the future whose farthest figure is least far. It meets n figures if each is within the standard
    errors that a normal error exceeds with a chance of 2.5 % / n to each side (Bonferroni).
    """
    figures = np.concatenate([sight.of_scores(run.scores) for run in runs], axis=1)
    with np.errstate(invalid="ignore"):
        away = np.nan_to_num(np.abs(figures - sight.observed[:, None]) / sight.errors[:, None], nan=np.inf)
    nearest = away[:, np.argmin(away.max(axis=0))]
    k = int(np.argmax(nearest))
    if nearest[k] <= ndtri(1 - TAIL / len(sight.rows)):
        return None
    return f"{nearest[k]:,.1f} standard errors from {sight.rows[k].name}"


class _Whole:
    """Simulates outcomes of all policies, factors and later figures on plain and on moved futures."""

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
        """Plain futures unweighted, with the moments of factors; and the same futures weighted."""
        count, at = len(plain.weights), self.study.places(self.names)
        parts, later, sums, squares = [], [], 0.0, 0.0
        for first in range(0, count, BLOCK):
            self.observe("simulating", first, count)
            block = Block(0, first, min(BLOCK, count - first))
            parts.append(self.program.submit(block).of(block)[:, at])
            draws = self.sight.program.draws(block).astype(np.float64)
            sums, squares = sums + draws.sum(axis=1), squares + (draws**2).sum(axis=1)
            if self.coming is not None:
                later.append(self.coming.of_paths(first, block.count))
        self.observe("simulating", count, count)
        figures = np.concatenate(later, axis=-1) if later else np.zeros((0, count))
        values, mean = self._by_name(parts), np.asarray(sums / count)
        sd = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
        plainly, by_weight = (
            Futures(values, weights, plain.units, figures) for weights in (np.ones(count), plain.weights)
        )
        return (plainly, Moments(mean, sd, np.full_like(mean, np.nan))), by_weight

    def of_moved(self, runs: Sequence[Moved]) -> tuple[Futures, Moments]:
        """The moved futures, each run an independent unit, with the moments of factors.

        For later figures, the random numbers that the facts say nothing of are drawn as in any run.
        """
        at, parts, later, means, squares = self.study.places(self.names), [], [], [], []
        facts = Facts(0, self.one.baseline, runs.__getitem__)
        program, *coming = (
            devices.program(replace(study, facts=facts), self.device)
            for study in (self.study, *([self.coming.study] if self.coming else []))
        )
        for number, run in enumerate(runs):
            block = Block(0, number * FUTURES, FUTURES)
            parts.append(program.submit(block).of(block)[:, at])
            if self.coming is not None:
                later.append(self.coming.of_scores(coming[0].scores(block)))
            draws = self.sight.program.trace_of(run.scores).draws.astype(np.float64)
            means.append(draws.mean(axis=1))
            squares.append((draws**2).mean(axis=1))
        mean, square = np.mean(means, axis=0), np.mean(squares, axis=0)
        error = np.std(means, axis=0, ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else np.full_like(mean, np.nan)
        count = len(runs) * FUTURES
        figures = np.concatenate(later, axis=-1) if later else np.zeros((0, count))
        units = as_units(count, FUTURES)
        futures = Futures(self._by_name(parts), np.ones(count), units, figures)
        return futures, Moments(mean, np.sqrt(np.maximum(square - mean**2, 0.0)), error, units.reach)

    def _by_name(self, parts: Sequence[np.ndarray]) -> Values:
        whole = np.concatenate(parts, axis=-1)
        return {name: whole[:, k] for k, name in enumerate(self.names)}


def places(study: Study, rows: Sequence[Observation], futures: Futures) -> Float[np.ndarray, "figure"]:
    """Places of later figures among the futures: the weighted share of values below each figure.

    The error and discrepancy of the figure are added to the values.
    """
    found = []
    for row, values in zip(rows, futures.later, strict=True):
        noise = np.random.default_rng([study.seed, *f"later {row.name}".encode()]).standard_normal(len(values))
        noisy = values + study.observed.error(row) * noise
        good = np.isfinite(noisy)
        found.append(float((futures.weights[good] * (noisy[good] < row.value)).sum() / futures.weights[good].sum()))
    return np.array(found)
