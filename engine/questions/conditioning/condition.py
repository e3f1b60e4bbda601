"""Conditioning on observations: every policy's risk on futures moved to where the facts are likely.

The likelihood of the facts on the study's own futures says how many of these are effective.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from engine.errors import Problem, Problems, UserError
from engine.lanes import compilation_cache
from engine.program import devices
from engine.program.posterior.sight import Sight
from engine.questions.futures import Observer, refuse_too_many, sound, unobserved
from engine.questions.variables import Values, outcomes_of
from engine.risk.drivers.tilting import tail_shape
from engine.risk.estimation.intervals import FEW_UNITS, TAIL, Units, as_units
from engine.study.actual_policy import followed
from engine.study.holdout import check_known, known_and_later
from engine.study.study import BLOCK, Block, Study
from engine.study.tables.facts import FUTURES, Facts, Moved
from engine.study.tables.observed import Observation

PLAIN = 1 << 18
"""Number of the study's own futures that are weighted by the likelihood of the facts."""
Figures = tuple[Observation, ...]
OfFactors = Float[np.ndarray, "factor"]


@dataclass(frozen=True)
class Weighed:
    """The first futures of a study with their weights.

    Args:
      weights: likelihood of the observations on each future, with mean 1; all 0 if they are impossible on every future.
      shape: Pareto shape k-hat of the weights; infinite where all are 0.
      effective: effective number of futures, (sum w)^2 / sum w^2, or that by independent units where it is less.
      nearest: of each figure the least distance of a future from it, in standard errors.
    """

    weights: Float[np.ndarray, "path"]
    shape: float
    effective: float
    nearest: Float[np.ndarray, "figure"]


def weighed(sight: Sight, paths: int, observe: Observer) -> Weighed:
    """The first `paths` futures of a study with their weights."""
    parts, nearest = [], np.full(len(sight.rows), np.inf)
    for first in range(0, paths, BLOCK):
        observe("weighing", first, paths)
        figures = sight.of_paths(first, min(BLOCK, paths - first))
        parts.append(sight.log_likelihood(figures))
        nearest = np.minimum(nearest, distances(sight, figures).min(axis=1))
    observe("weighing", paths, paths)
    sizes = np.concatenate(parts)
    possible = np.isfinite(sizes)
    if not possible.any():
        return Weighed(np.zeros(paths), np.inf, 0.0, nearest)
    weights = np.exp(sizes - sizes.max())
    weights /= weights.mean()
    units, alone = as_units(paths, sight.study.unit), float(weights.sum() ** 2 / (weights**2).sum())
    effective = min(alone, units.weighted(weights).effective * units.size)
    return Weighed(weights, tail_shape(sizes[possible]), effective, nearest)


def distances(sight: Sight, figures: Float[np.ndarray, "figure path"]) -> Float[np.ndarray, "figure path"]:
    """Absolute distances of figures from their observations, in standard errors; infinite where not finite."""
    return np.nan_to_num(np.abs(sight.apart(figures)), nan=np.inf)


@dataclass(frozen=True)
class Futures:
    """Futures of a study before or after conditioning, with the moments of its factors.

    Args:
      values: outcomes by name [policy, path].
      units: independent units: the study's for its own futures, whole runs for moved ones.
      later: values of the figures observed after the known ones [figure, path], without their observation errors.
      mean, sd, error: of each factor; the error is the standard error of the mean over runs.
    """

    values: Values
    units: Units
    later: Float[np.ndarray, "figure path"]
    mean: OfFactors
    sd: OfFactors
    error: OfFactors


@dataclass(frozen=True)
class Conditioned:
    """The result of `condition`.

    Args:
      study: with the policies that run.
      followed: the study with the followed policy alone.
      rows: the figures that are conditioned on.
      coming: the figures observed later, which are not conditioned on.
      weighed: the study's own futures with their weights.
      runs: the runs of moved futures.
      prior, posterior: plain futures as they are, and moved futures.
      missed: in a sentence, which figure no future reaches, or that the figures contradict each other; "" where some
        future meets all figures.
    """

    study: Study
    followed: Study
    rows: Figures
    coming: Figures
    weighed: Weighed
    runs: Sequence[Moved]
    prior: Futures
    posterior: Futures
    missed: str


def condition(
    study: Study,
    until: int | None,
    policy: str | None,
    runs: Sequence[Moved],
    device: str | None = None,
    observe: Observer = unobserved,
) -> Conditioned:
    """The futures of a study given the observations up to a year: moved ones, and the weights of 262,144 of its own.

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
    one, rows, coming = followed_and_figures(study, until, policy)
    compilation_cache.keep_programs()
    sight, paths = Sight(one, rows, device), PLAIN - PLAIN % one.unit
    plain = weighed(sight, paths, observe)
    missed = missed_by_all(sight, runs, plain.nearest)
    if missed and plain.effective < FEW_UNITS:
        text = (
            f"expected figures that some futures come close to, got none. {missed} Of {paths:,} weighted futures"
            f" {plain.effective:,.0f} are effective; {FEW_UNITS} are needed. State a larger error or discrepancy, or"
            " remove figures."
        )
        raise UserError(study.source, [Problem("observed", text)])

    def futures(facts: Facts | None, units: Units) -> Futures:
        whole = replace(study, paths=units.paths, facts=facts)
        return _simulated(whole, replace(one, facts=facts), coming, units, device, observe)

    prior = futures(None, as_units(paths, one.unit))
    posterior = futures(
        Facts(until=0, policy=one.baseline, held=runs.__getitem__), as_units(len(runs) * FUTURES, FUTURES)
    )
    return Conditioned(study, one, rows, coming, plain, runs, prior, posterior, missed)


def followed_and_figures(study: Study, until: int | None, policy: str | None) -> tuple[Study, Figures, Figures]:
    """The study with the followed policy alone, the figures known until a year, and the later ones."""
    one, problems = followed(study, policy), Problems()
    check_known(one, until, "--until", problems)
    problems.refuse(study.source)
    return one, *known_and_later(one, until)


def missed_by_all(sight: Sight, runs: Sequence[Moved], nearest: Float[np.ndarray, "figure"]) -> str:
    """Whether no future meets the figures, in a sentence that names the worst; "" where some future meets them all.

    A future meets n figures if each is within the standard errors that a normal error exceeds with a chance of 2.5 %
    / n to each side (Bonferroni). A figure that no future meets is out of reach; figures that are met one by one and by
    no moved future together contradict each other.

    Args:
      nearest: of each figure the least distance of the study's own futures.
    """
    away = np.hstack([distances(sight, sight.of_scores(run.scores)) for run in runs])
    limit = ndtri(1 - TAIL / len(sight.rows))
    alone, together = np.minimum(nearest, away.min(axis=1)), away[:, np.argmin(away.max(axis=0))]
    for far, text in (
        (
            alone,
            "No future comes close to the observed {name}: the nearest simulated value differs from it by {size:,.1f}"
            " standard errors.",
        ),
        (
            together,
            "The observed figures contradict each other: some future comes close to each of them, but no future to all."
            " The nearest future differs from {name} by {size:,.1f} standard errors.",
        ),
    ):
        k = np.argmax(far)
        if far[k] > limit:
            return text.format(name=sight.rows[k].name, size=far[k])
    return ""


def _simulated(
    study: Study, one: Study, coming: Sequence[Observation], units: Units, device: str | None, observe: Observer
) -> Futures:
    """The futures of a study, a block or a run of moved futures at a time.

    Args:
      one: the study with the followed policy alone.

    Raises:
      UserError: values are not finite on more paths than the study allows.
    """
    program, later = devices.program(study, device), Sight(one, coming, device) if coming else None
    drawn = [item.name for item in study.inputs]
    factors = [drawn.index(item.name) for item in one.inputs]
    size = BLOCK if study.facts is None else FUTURES
    names = outcomes_of(study, [*study.headline, *study.events_by_name])
    places, parts, moments, counts = study.places(names), [], [], []
    for first in range(0, units.paths, size):
        observe("simulating", first, units.paths)
        block = Block(0, first, min(size, units.paths - first))
        figures = later.of_paths(first, block.count) if later else np.zeros((0, block.count))
        parts.append((program.submit(block).of(block)[:, places], figures))
        draws = program.draws(block)[factors].astype(np.float64)
        moments.append((draws.mean(axis=1), (draws**2).mean(axis=1)))
        counts.append(block.count)
    observe("simulating", units.paths, units.paths)
    outcomes, figures = (np.concatenate(of, axis=-1) for of in zip(*parts, strict=True))
    values = {name: outcomes[:, k] for k, name in enumerate(names)}
    refuse_too_many(study, sound((values,)))
    mean, square = np.average(moments, axis=0, weights=counts)
    sd = np.sqrt(np.maximum(square - mean**2, 0.0))
    means = [part for part, _ in moments]
    error = np.std(means, axis=0, ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.full_like(mean, np.nan)
    return Futures(values, units, figures, mean, sd, error)


def places(study: Study, rows: Sequence[Observation], futures: Futures) -> Float[np.ndarray, "figure"]:
    """Places of later figures among the futures: the share of values below each figure.

    The error and discrepancy of the figure are added to the values.
    """
    found = []
    for row, values in zip(rows, futures.later, strict=True):
        noise = np.random.default_rng([study.seed, *f"later {row.name}".encode()]).standard_normal(len(values))
        noisy = values + study.observed.error(row) * noise
        found.append(float(np.mean(noisy[np.isfinite(noisy)] < row.value)))
    return np.array(found)
