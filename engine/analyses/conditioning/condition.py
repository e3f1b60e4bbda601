"""A study given what was observed: its futures weighed by the likelihood of facts, or moved to where these are likely, and every policy's risk on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.analyses.backtest.backtest import followed
from engine.analyses.backtest.figures import why_apart
from engine.analyses.conditioning import tempering
from engine.analyses.conditioning.sight import Sight
from engine.analyses.conditioning.tempering import FUTURES, RUNS, Moved
from engine.analyses.conditioning.weighing import FIRST, MOST, Weighed, weighed
from engine.analyses.futures import refuse_too_many, sound
from engine.analyses.reverse_stress import as_numbers
from engine.analyses.variables import Values, outcomes_of
from engine.analyses.variants import Observer, unobserved
from engine.errors import Problem, Problems, UserError
from engine.program import arguments, compilation_cache, devices
from engine.program.contract import Program, Scores
from engine.risk.intervals import Units, Z, as_units
from engine.risk.weighted_sample import LARGEST_SHAPE
from engine.study.observed_tables import Observation
from engine.study.study import BLOCK, Block, Study

LEAST = 20_000
"""Effective futures from which weights are enough: 200 of them in the worst 1 %."""
EARLY = 8
"""Runs after which it is looked at first whether they agree."""
APART = 1.0
"""How far the log of the mean likelihood may differ between runs (standard deviation) before they are taken to disagree."""


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
      followed: the study of the policy that was followed, with as many paths as were weighed.
      rows: the figures that are taken as known, then those that come later.
      exact: figures whose variable has no discrepancy.
      weighed: the plain futures.
      runs: of futures that were moved; none where weights are enough.
      prior, posterior: futures before and after.
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
    before: Moments
    after: Moments


def condition(
    study: Study,
    until: int | None = None,
    policy: str | None = None,
    paths: int | None = None,
    device: str | None = None,
    observe: Observer = unobserved,
) -> Conditioned:
    """The futures of a study given what was observed up to some year.

    Args:
      until: last year that is known; the last one with a figure if not given.
      policy: the one that was followed; the study's `observed.policy`, or the only one that runs, if not given.
      paths: plain futures that are weighed; 262,144, or up to 2,097,152 where so many are enough, if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.
      observe: is told what is being done, and how much of how much is done.

    Raises:
      UserError: nothing was observed until then, nobody says under which policy; what was observed is impossible, or so far from all futures that
        they cannot be moved there, or has no error: all that can be seen at once, with what would help; values that are not finite on more paths than the study allows.
    """
    study.refuse_broken_model()
    one = followed(study, policy)
    rows, coming = known_and_later(one, until)
    compilation_cache.keep_programs()
    sight = Sight(one, rows, device)
    plain = _weighed(one, sight, paths, observe)
    runs: tuple[Moved, ...] = ()
    if not plain.is_enough(LEAST):
        runs = _moved(one, sight, plain, observe)
    whole = _Whole(study, one, coming, sight, device, observe)
    (prior, before), known = whole.of_plain(plain)
    posterior, after = whole.of_moved(runs) if runs else known
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
        runs,
        prior,
        posterior,
        before,
        after,
    )


def known_and_later(
    study: Study, until: int | None
) -> tuple[tuple[Observation, ...], tuple[Observation, ...]]:
    """Figures up to a year, and those after it: of what backtest scores, in the first reading.

    Args:
      until: the last year; all years if not given.

    Raises:
      UserError: there is none until then; or some have no error, so that no future meets them.
    """
    names = ("", study.observed.readings[0])
    usable = [row for row in study.observed.rows if row.reading in names and not why_apart(study, row, ())]
    rows = tuple(row for row in usable if until is None or row.time <= until)
    problems = Problems()
    if not rows:
        of = "in the study's years" if until is None else f"until {until}"
        text = f"nothing can be taken as known {of}: no figure that was read in its source and that nothing here has seen. Take a later year, or state figures."
        problems.add("--until" if until is not None else "observed", text)
    for row in rows:
        if not study.observed.error(row):
            remedy = f"Give it a standard_error, or say what the model leaves out: observed.discrepancy.{row.variable}."
            problems.add(
                f"observed: {row.name}", f"has no error, so that no future meets it exactly. {remedy}"
            )
    problems.refuse(study.source)
    return rows, tuple(row for row in usable if row not in rows)


def _weighed(study: Study, sight: Sight, paths: int | None, observe: Observer) -> Weighed:
    unit = study.unit
    if paths is not None:
        if paths < 2 * unit or paths % unit:
            text = f"expected at least {2 * unit}, in whole units of {unit}; got {paths}."
            raise UserError(study.source, [Problem("paths", text)])
        return weighed(sight, paths, observe)
    few = weighed(sight, FIRST - FIRST % unit, observe)
    if few.is_enough(LEAST) or not few.effective:
        return few
    wanted = FIRST
    while wanted < MOST and few.effective * wanted < 1.1 * LEAST * FIRST:
        wanted *= 2
    if few.shape > LARGEST_SHAPE or few.effective * wanted < LEAST * FIRST:
        return few
    more = weighed(sight, wanted - wanted % unit, observe)
    return more if more.is_enough(LEAST) else few


def _moved(study: Study, sight: Sight, plain: Weighed, observe: Observer) -> tuple[Moved, ...]:
    if not np.isfinite(plain.log_weights).any():
        text = f"is impossible on all of {len(plain.log_weights):,} futures: their values there are no numbers. Mend the model, or leave the figures out."
        raise UserError(study.source, [Problem("observed", text)])
    total, runs = RUNS * FUTURES, list[Moved]()
    for run in range(RUNS):
        observe("moving", run * FUTURES, total)
        runs.append(tempering.moved(sight, run))
        if run + 1 in (EARLY, RUNS):
            _refuse_disagreement(study, sight, runs)
    observe("moving", total, total)
    return tuple(runs)


def _refuse_disagreement(study: Study, sight: Sight, runs: Sequence[Moved]) -> None:
    stuck = sum(not one.arrived for one in runs)
    spread = float(np.std([one.evidence for one in runs], ddof=1))
    if stuck or spread > APART:
        how = (
            f"{stuck} of {len(runs)} runs got stuck"
            if stuck
            else f"{len(runs)} runs disagree (log of the mean likelihood: sd {spread:.2f})"
        )
        text = f"is too far from all futures: {how}. Farthest is {_farthest(sight, runs)}. State a larger error or discrepancy, or leave it out."
        raise UserError(study.source, [Problem("observed", text)])


def _farthest(sight: Sight, runs: Sequence[Moved]) -> str:
    figures = sight.of_scores(as_numbers(sight.study, runs[0].points))
    away = np.abs(np.nanmedian(figures, axis=1) - sight.observed) / sight.errors
    row = sight.rows[int(np.argmax(away))]
    return f"{row.name}, {float(away.max()):.1f} of its errors off"


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
        self.study, self.one, self.sight, self.observe = study, one, sight, observe
        self.names = outcomes_of(study, [*study.headline, *study.events_by_name])
        self.program: Program = devices.program(study, device)
        self.coming = Sight(one, coming, device) if coming else None

    def of_plain(self, plain: Weighed) -> tuple[tuple[Futures, Moments], tuple[Futures, Moments]]:
        """The first futures as they are, and weighed."""
        count, at = len(plain.weights), self.study.places(self.names)
        parts, later = [], []
        kinds = [
            (weights, _Sums(len(self.sight.study.inputs))) for weights in (np.ones(count), plain.weights)
        ]
        for first in range(0, count, BLOCK):
            self.observe("simulating", first, count)
            block = Block(0, first, min(BLOCK, count - first))
            parts.append(self.program.collect(block, self.program.submit(block)).outcomes[:, at])
            draws = self.sight.program.draws(block)
            for weights, sums in kinds:
                sums.add(draws, weights[first : first + block.count], plain.unit)
            if self.coming is not None:
                later.append(self.coming.of_paths(first, block.count))
        self.observe("simulating", count, count)
        figures = np.concatenate(later, axis=-1) if later else np.zeros((0, count))
        values = self._named(parts)
        one, other = (
            (Futures(values, weights, plain.units, figures), sums.moments()) for weights, sums in kinds
        )
        return one, other

    def of_moved(self, runs: Sequence[Moved]) -> tuple[Futures, Moments]:
        """The futures of runs, each one independent unit; what comes after the last figure is drawn anew."""
        at, parts, later, means, squares = self.study.places(self.names), [], [], [], []
        for number, run in enumerate(runs):
            known = as_numbers(self.sight.study, run.points)
            first = tempering.FRESH + (len(runs) + number) * (FUTURES << 16)
            parts.append(self.program.outcomes_of(self._extended(self.program, known, first))[:, at])
            if self.coming is not None:
                later.append(self.coming.of_scores(self._extended(self.coming.program, known, first)))
            draws = self.sight.program.trace_of(known).draws.astype(np.float64)
            means.append(draws.mean(axis=1))
            squares.append((draws**2).mean(axis=1))
        mean, square = np.mean(means, axis=0), np.mean(squares, axis=0)
        error = np.std(means, axis=0, ddof=1) / np.sqrt(len(runs))
        count = len(runs) * FUTURES
        figures = np.concatenate(later, axis=-1) if later else np.zeros((0, count))
        units = as_units(count, FUTURES)
        futures = Futures(self._named(parts), np.ones(count), units, figures)
        return futures, Moments(mean, np.sqrt(np.maximum(square - mean**2, 0.0)), error, units.reach)

    def _extended(self, program: Program, known: Scores, first: int) -> Scores:
        """Random numbers of a program with those that are known in their place."""
        scores = np.array(program.scores(Block(0, first, known.shape[-1])))
        rows = {stream: row for row, stream in enumerate(arguments.streams(program.study))}
        for row, stream in enumerate(arguments.streams(self.sight.study)):
            if stream in rows:
                scores[rows[stream]] = known[row]
        return scores

    def _named(self, parts: Sequence[np.ndarray]) -> Values:
        whole = np.concatenate(parts, axis=-1)
        return {name: whole[:, k] for k, name in enumerate(self.names)}


class _Sums:
    """What weighted means of factors and their errors need, block by block: totals over units, their squares and products."""

    def __init__(self, factors: int):
        self.count = 0
        self.weight, self.square_of_weight = 0.0, 0.0
        self.first, self.second, self.squares, self.products = (np.zeros(factors) for _ in range(4))

    def add(
        self, draws: Float[np.ndarray, "factor path"], weights: Float[np.ndarray, "path"], unit: int
    ) -> None:
        """Some more paths."""
        units = as_units(len(weights), unit)
        totals, own = units.totals(draws * weights), units.totals(weights)
        self.count += units.count
        self.weight += float(own.sum())
        self.square_of_weight += float((own**2).sum())
        self.first += totals.sum(axis=1)
        self.second += (draws.astype(np.float64) ** 2 * weights).sum(axis=1)
        self.squares += (totals**2).sum(axis=1)
        self.products += totals @ own

    def moments(self) -> Moments:
        """Mean, sd and the mean's error, that of a ratio over units."""
        mean = self.first / self.weight
        left = self.squares - 2 * mean * self.products + mean**2 * self.square_of_weight
        error = np.sqrt(np.maximum(left, 0.0) * self.count / max(self.count - 1, 1)) / self.weight
        return Moments(mean, np.sqrt(np.maximum(self.second / self.weight - mean**2, 0.0)), error)


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
