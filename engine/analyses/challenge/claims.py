"""What futures show about a claim: its measure under both policies, with standard errors, and a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.analyses.challenge.choices import HORIZON, Choice
from engine.analyses.variables import Values, measured
from engine.risk.estimation.events import happens
from engine.risk.estimation.evidence import level_of
from engine.risk.estimation.exclusion import most_excluded
from engine.risk.estimation.intervals import as_units, moments_of_totals
from engine.risk.estimation.measures import Variables
from engine.study.components import Event
from engine.study.study import Study
from engine.study.tables.challenge import Claim

DECIDED = 2.0
"""Standard errors that a difference must exceed for a study without stated claims to be taken to claim it."""
Paths = Float[np.ndarray, "path"]


class Estimates(NamedTuple):
    """A claim's measure under its two policies.

    Args:
      policy, against: the measure under each policy; NaN where more paths are not finite than the study allows.
      error, policy_error, against_error: standard errors of the difference and of the two measures; NaN where unknown.
    """

    policy: float
    against: float
    error: float
    policy_error: float = math.nan
    against_error: float = math.nan

    @property
    def difference(self) -> float:
        """`policy` less `against`."""
        return self.policy - self.against

    @property
    def relative(self) -> float:
        """The absolute difference as a share of the larger absolute measure; 0 if both are 0."""
        largest = max(abs(self.policy), abs(self.against))
        return abs(self.difference) / largest if largest else 0.0

    @property
    def are_alike(self) -> bool:
        """Whether difference and error are 0 although the measure is not: the policies are then alike on every path."""
        return self.difference == 0.0 and self.error == 0.0 and self.policy != 0.0

    def equal(self, other: Estimates) -> bool:
        """Whether two universes give a claim the same measures and error to the bit, NaN being equal to NaN."""
        return np.array_equal(self[:3], other[:3], equal_nan=True)


@dataclass(frozen=True)
class Measured:
    """What a claim is about once choices change what is measured: an outcome, or events that must all happen.

    Args:
      name: name of the outcome or event.
      events: the single events that must all happen; empty for an outcome.
    """

    name: str
    events: tuple[Event, ...] = ()


def what(study: Study, claim: Claim, choices: Iterable[Choice], fraction: float = 1.0) -> Measured:
    """What a claim is about under choices of what is measured.

    Readings apply first, then the horizon, which knows the variables of every reading, then thresholds, a `fraction` of
    the way.
    """
    made = sorted((one for one in choices if one.is_measured), key=lambda one: one.dimension == HORIZON)
    name = _instead(claim.variable, made)
    parts = _parts(study, claim.variable, made, fraction) if name in study.events_by_name else ()
    return Measured(name, tuple(parts))


def _instead(name: str, made: Sequence[Choice]) -> str:
    for one in made:
        name = one.instead.get(name, name)
    return name


def _parts(study: Study, own: str, made: Sequence[Choice], fraction: float) -> Iterator[Event]:
    """The single events that make up an event, each with its readings and thresholds changed by the choices."""
    name = _instead(own, made)
    event = study.events_by_name[name]
    for part in event.all_of:
        yield from _parts(study, part, made, fraction)
    if event.all_of:
        return
    for of, threshold in (one.threshold for one in made if one.threshold):
        if of == name or (of == own and threshold.is_multiple):
            stated = event.threshold
            end = stated * threshold.value if threshold.is_multiple else threshold.value
            moved = end if fraction == 1.0 else stated + fraction * (end - stated)
            event = replace(event, above=moved) if event.above is not None else replace(event, below=moved)
    yield event


def estimates(study: Study, claim: Claim, of: Measured, values: Values) -> Estimates:
    """The estimates behind a claim on the futures of its two policies, with standard errors over independent units."""
    names = {event.outcome for event in of.events if event.outcome} or {of.name}
    good = np.logical_and.reduce([np.isfinite(values[name]).all(axis=0) for name in names])
    if int((~good).sum()) > most_excluded(study):
        return Estimates(math.nan, math.nan, math.nan)
    read = {name: values[name] if good.all() else values[name][:, good] for name in names}
    units, level = as_units(len(good), study.unit).take(good), level_of(claim.measure)
    if level is not None and claim.measure.startswith("VaR"):
        sides = read[of.name][_rows(study, claim)].astype(np.float64)
        both = Variables(tuple(sides), units, study.is_loss(of.name), (level,))
        less, own, error = (part[claim.measure] for part in (both.summary(0), both.summary(1), both.difference(1, 0)))
        return Estimates(own.estimate, less.estimate, error.standard_error, own.standard_error, less.standard_error)
    other, one = _sides(study, claim, of, read)
    spread = moments_of_totals(units.totals(np.stack([one - other, one, other])), units)
    return Estimates(float(one.mean()), float(other.mean()), *spread.error.tolist())


def contribution(study: Study, claim: Claim, values: Values) -> Paths:
    """The contribution of each path to a claim's difference as stated, of which the difference is the mean.

    It is 0 where it would not be finite.
    """
    other, one = _sides(study, claim, what(study, claim, ()), values)
    with np.errstate(invalid="ignore"):
        gap = one - other
    return np.where(np.isfinite(gap), gap, 0.0)


def _rows(study: Study, claim: Claim) -> list[int]:
    return [study.row(claim.against), study.row(claim.policy)]


def _sides(study: Study, claim: Claim, of: Measured, values: Values) -> Float[np.ndarray, "side path"]:
    """The contribution of each path to the claim's measure under both of its policies, `against` first."""
    rows = _rows(study, claim)
    if of.events:
        return np.logical_and.reduce([happens(study, event, values) for event in of.events])[rows].astype(np.float64)
    sides, level = values[of.name][rows].astype(np.float64), level_of(claim.measure)
    return sides if level is None else np.stack([_influence(side, level, study.is_loss(of.name)) for side in sides])


def _influence(values: Paths, level: float, loss: bool) -> Paths:
    """The contribution of each path to ES, of which ES is the mean.

    VaR + max(loss - VaR, 0) / (1 - level), where VaR is the smallest of the worst losses; in the sign of the values.
    """
    losses = values if loss else -values
    place = max(len(losses) - math.ceil(len(losses) * (1 - level) - 1e-9), 0)
    var = float(np.partition(losses, place)[place])
    excess = var + np.maximum(losses - var, 0.0) / (1 - level)
    return excess if loss else -excess


def implied(study: Study, policy: str, against: str, values: Values) -> Iterator[Claim]:
    """The claims that a study implies: differences in headline and events that are significant on its own futures.

    An outcome of which neither high nor low values are worse implies none.
    """
    for name, measure in measured(study, None):
        claim, loss = Claim(policy, against, name, measure, worse=True), study.loss_of(name)
        one = estimates(study, claim, what(study, claim, ()), values)
        if loss is not None and abs(one.difference) > DECIDED * one.error:
            yield replace(claim, worse=(one.difference > 0) is loss)
