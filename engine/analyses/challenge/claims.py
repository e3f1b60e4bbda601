"""What futures show about a claim: its measure under both policies, the difference, and a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from jaxtyping import Float

from engine.analyses.challenge.choices import HORIZON, Choice
from engine.analyses.variables import PROBABILITY, Values, measured
from engine.risk.estimation.events import happens
from engine.risk.estimation.evidence import level_of
from engine.risk.estimation.exclusion import most_excluded
from engine.risk.estimation.intervals import as_units, moments_of_totals
from engine.risk.estimation.measures import Variables
from engine.study.components import Event
from engine.study.study import Study
from engine.study.tables.challenge import Claim

RARE = 1e-3
"""Probability below which an event counts as no longer happening, if it is more frequent as stated."""
DECIDED = 2.0
"""Standard errors that a difference must exceed for a study without stated claims to be taken to claim it."""
Paths = Float[np.ndarray, "path"]


class Verdict(StrEnum):
    """The verdict of one universe on a claim; `NOTHING` where its event no longer happens."""

    HOLDS = "holds"
    REVERSED = "reversed"
    NOTHING = "nothing"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class ClaimEstimates:
    """The estimates behind a claim on some futures.

    Args:
      policy, against: the claim's measure under its two policies.
      difference: `policy` less `against`.
      error, policy_error, against_error: standard errors of the difference and of the two measures; NaN where unknown.
    """

    policy: float
    against: float
    difference: float
    error: float
    policy_error: float = math.nan
    against_error: float = math.nan

    @property
    def relative(self) -> float:
        """The absolute difference as a share of the larger absolute measure; 0 if both are 0."""
        largest = max(abs(self.policy), abs(self.against))
        return abs(self.difference) / largest if largest else 0.0

    @property
    def are_one(self) -> bool:
        """Whether difference and error are 0 although the measure is not: the policies are then alike on every path."""
        return self.difference == 0.0 and self.error == 0.0 and self.policy != 0.0

    def favour(self, study: Study, claim: Claim) -> float:
        """The difference, with its sign such that positive values support the claim."""
        sign = 1.0 if study.is_loss(claim.variable) == claim.worse else -1.0
        return sign * self.difference

    def verdict(self, study: Study, claim: Claim, reach: float, matters: float, rare: float) -> Verdict:
        """The verdict on the claim.

        Args:
          reach: standard errors beyond which the sign of a difference is significant.
          matters: smallest difference that counts as a reversal, as a share of the larger measure.
          rare: probability below which an event counts as not happening.
        """
        if claim.measure == PROBABILITY and max(self.policy, self.against) < rare:
            return Verdict.NOTHING
        size = self.favour(study, claim)
        if not math.isfinite(size) or math.isnan(self.error) or abs(size) <= reach * self.error:
            return Verdict.UNDECIDED
        if size > 0:
            return Verdict.HOLDS
        return Verdict.REVERSED if self.relative >= matters else Verdict.UNDECIDED


NOWHERE = ClaimEstimates(math.nan, math.nan, math.nan, math.nan)
"""Stands for a universe in which more paths are not finite than the study allows."""


def rare(study: Study, claim: Claim, stated: ClaimEstimates) -> float:
    """The probability below which a claim's event counts as not happening.

    It is 0.001, or a tenth of the event's stated probability if that is less.
    """
    return min(RARE, 0.1 * max(stated.policy, stated.against))


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
    if name not in study.events_by_name:
        return Measured(name)
    return Measured(name, tuple(_parts(study, claim.variable, made, fraction)))


def _instead(name: str, made: Sequence[Choice]) -> str:
    for one in made:
        name = one.instead.get(name, name)
    return name


def _parts(study: Study, own: str, made: Sequence[Choice], fraction: float) -> Iterator[Event]:
    """The single events that make up an event, each with its readings and thresholds changed by the choices."""
    name = _instead(own, made)
    event = study.events_by_name[name]
    if event.all_of:
        for part in event.all_of:
            yield from _parts(study, part, made, fraction)
        return
    for one in made:
        if one.threshold is not None and one.threshold[0] in (own, name):
            threshold = one.threshold[1]
            if threshold.is_multiple or one.threshold[0] == name:
                event = _with_threshold(event, threshold.value, threshold.is_multiple, fraction)
    yield event


def _with_threshold(event: Event, value: float, is_multiple: bool, fraction: float) -> Event:
    stated = event.threshold
    end = stated * value if is_multiple else value
    moved = end if fraction == 1.0 else stated + fraction * (end - stated)
    return replace(event, above=moved) if event.above is not None else replace(event, below=moved)


def claim_estimates(study: Study, claim: Claim, of: Measured, values: Values) -> ClaimEstimates:
    """The estimates behind a claim on the futures of its two policies, with standard errors over independent units."""
    names = {event.outcome for event in of.events if event.outcome} or {of.name}
    rows = [study.row(claim.policy), study.row(claim.against)]
    good = np.logical_and.reduce([np.isfinite(values[name]).all(axis=0) for name in names])
    if int((~good).sum()) > most_excluded(study):
        return NOWHERE
    read = {name: values[name] if good.all() else values[name][:, good] for name in names}
    units = as_units(len(good), study.unit).take(good)
    level = level_of(claim.measure)
    if level is not None and claim.measure.startswith("VaR"):
        one, other = (read[of.name][row].astype(np.float64) for row in rows)
        both = Variables((one, other), units, study.is_loss(of.name), (level,))
        found = [part[claim.measure] for part in (both.summary(0), both.summary(1), both.difference(0, 1))]
        return ClaimEstimates(
            *(part.estimate for part in found), *(part.standard_error for part in (found[2], *found[:2]))
        )
    one, other = _sides(study, claim, of, read)
    spread = moments_of_totals(units.totals(np.stack([one - other, one, other])), units)
    means = float(one.mean()), float(other.mean())
    return ClaimEstimates(*means, means[0] - means[1], *spread.error.tolist())


def contribution(study: Study, claim: Claim, values: Values) -> Paths:
    """The contribution of each path to a claim's difference as stated, of which the difference is the mean.

    It is 0 where it would not be finite.
    """
    one, other = _sides(study, claim, what(study, claim, ()), values)
    with np.errstate(invalid="ignore"):
        gap = one - other
    return np.where(np.isfinite(gap), gap, 0.0)


def _sides(study: Study, claim: Claim, of: Measured, values: Values) -> Float[np.ndarray, "side path"]:
    """The contribution of each path to the claim's measure under both of its policies, `policy` first."""
    rows = [study.row(claim.policy), study.row(claim.against)]
    if of.events:
        return np.logical_and.reduce([happens(study, event, values) for event in of.events])[rows].astype(np.float64)
    sides, level = values[of.name][rows].astype(np.float64), level_of(claim.measure)
    return sides if level is None else np.stack([influence(side, level, study.is_loss(of.name)) for side in sides])


def influence(values: Paths, level: float, loss: bool) -> Paths:
    """The contribution of each path to ES, of which ES is the mean.

    VaR + max(loss - VaR, 0) / (1 - level), where VaR is the smallest of the worst losses; in the sign of the values.
    """
    losses = values if loss else -values
    place = max(len(losses) - math.ceil(len(losses) * (1 - level) - 1e-9), 0)
    var = float(np.partition(losses, place)[place])
    excess = var + np.maximum(losses - var, 0.0) / (1 - level)
    return excess if loss else -excess


def made_by(study: Study, policy: str, against: str, stated: Values) -> tuple[Claim, ...]:
    """The claims that a study implies: differences in headline and events that are significant on its own futures."""
    claims = []
    for name, measure in measured(study, None):
        claim = Claim(policy, against, name, measure, worse=True)
        one = claim_estimates(study, claim, what(study, claim, ()), stated)
        if abs(one.difference) > DECIDED * one.error:
            claims.append(replace(claim, worse=one.favour(study, claim) > 0))
    return tuple(claims)
