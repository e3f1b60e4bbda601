"""What futures show about a claim: its measure under both policies, with standard errors, and a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.questions.challenge.choices import HORIZON, Choice
from engine.questions.futures import sound, units_of
from engine.questions.variables import Paths, Values, measured
from engine.risk.estimation.events import happens, hold
from engine.risk.estimation.exclusion import most_excluded
from engine.risk.estimation.influences import level_of
from engine.risk.estimation.intervals import moments_of_totals
from engine.risk.estimation.measures import Variables
from engine.study.components import Clauses, Event
from engine.study.study import Study
from engine.study.tables.challenge import Claim
from engine.study.values import as_number

DECIDED = 2.0
"""Standard errors that a difference must exceed for a study without stated claims to be taken to claim it."""


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
        return all(a == b or (a != a and b != b) for a, b in zip(self[:3], other[:3], strict=True))


@dataclass(frozen=True)
class Measured:
    """What a claim is about once choices change what is measured: an outcome, or events.

    Args:
      name: name of the outcome or event.
      measure: as that of a claim.
      events: single events, of which at least one in every clause must happen; empty for an outcome.
    """

    name: str
    measure: str
    events: Clauses[Event] = ()


def what(study: Study, claim: Claim, choices: Iterable[Choice], fraction: float = 1.0) -> Measured:
    """What a claim is about under choices of what is measured.

    Readings apply first, then the horizon, which knows the variables of every reading, then thresholds, a `fraction` of
    the way.
    """
    made = sorted(choices, key=lambda one: one.dimension == HORIZON)
    thresholds = [one.threshold for one in made if one.threshold]

    def instead(name: str, choices: Iterable[Choice]) -> tuple[str, list[Choice]]:
        others = []  # a choice applies once: it may put a combination of an event in the place of that event
        for one in choices:
            if name in one.instead:
                name = one.instead[name]
            else:
                others.append(one)
        return name, others

    def clauses(own: str, choices: Iterable[Choice] = made) -> Clauses[Event]:
        name, others = instead(own, choices)
        event = study.events_by_name[name]
        if event.parts:
            return event.combined(clauses(part, others) for part in event.parts)
        for of, threshold in thresholds:
            if of == name or (of == own and isinstance(threshold, str)):
                stated = event.threshold
                moved = (1.0 - fraction) * stated + fraction * as_number(threshold, stated)
                event = event.model_copy(update={"below" if event.above is None else "above": moved})
        return ((event,),)

    name, _ = instead(claim.variable, made)
    measure = claim.measure
    if level_of(measure) is not None:
        kind = measure.rstrip(".0123456789")
        measure = next((f"{kind}{one.tail:g}" for one in made if one.tail is not None), measure)
    return Measured(name, measure, clauses(claim.variable) if name in study.events_by_name else ())


def estimates(study: Study, claim: Claim, of: Measured, values: Values) -> Estimates:
    """The estimates behind a claim on the futures of its two policies, with standard errors over independent units.

    Args:
      values: outcomes by name under the two policies of the claim, `against` first [policy, path].
    """
    read = {name: values[name] for name in ({str(event.outcome) for event in chain(*of.events)} or {of.name})}
    good = sound((read,))
    if int((~good).sum()) > most_excluded(study):
        return Estimates(math.nan, math.nan, math.nan)
    read = {name: np.compress(good, both, axis=1) for name, both in read.items()}
    units, level = units_of(study, good), level_of(of.measure)
    if level is not None and of.measure.startswith("VaR"):
        both = Variables(read[of.name].astype(np.float64), units, study.is_loss(of.name), (level,))
        less, own, gap = (part[of.measure] for part in (both.summary(0), both.summary(1), both.difference(1, 0)))
        return Estimates(own.estimate, less.estimate, gap.standard_error, own.standard_error, less.standard_error)
    other, one = _contributions(study, of, read)
    spread = moments_of_totals(units.totals(np.stack([one - other, one, other])), units)
    return Estimates(float(one.mean()), float(other.mean()), *spread.error.tolist())


def contribution(study: Study, claim: Claim, values: Values) -> Paths:
    """The contribution of each path to a claim's difference as stated, of which the difference is the mean.

    It is 0 where it would not be finite.
    """
    other, one = _contributions(study, what(study, claim, ()), values)
    with np.errstate(invalid="ignore"):
        gap = one - other
    return np.where(np.isfinite(gap), gap, 0.0)


def _contributions(study: Study, of: Measured, values: Values) -> Float[np.ndarray, "policy path"]:
    """The contribution of each path to the measure under each policy; for ES in the sign of the values.

    ES is the mean of VaR + max(loss - VaR, 0) / (1 - level), where VaR is the smallest of the worst losses.
    """
    if of.events:
        return np.asarray(hold(of.events, lambda event: happens(study, event, values)), np.float64)
    own, level = values[of.name].astype(np.float64), level_of(of.measure)
    if level is None:
        return own
    sign, count = (1.0 if study.is_loss(of.name) else -1.0), own.shape[-1]
    place = max(count - math.ceil(count * (1 - level) - 1e-9), 0)
    var = np.partition(sign * own, place)[:, place, None]
    return sign * (var + np.maximum(sign * own - var, 0.0) / (1 - level))


def implied(study: Study, policy: str, against: str, values: Values) -> Iterator[Claim]:
    """The claims that a study implies: differences in headline and events that are significant on its own futures.

    An outcome of which neither high nor low values are worse implies none.
    """
    for name, measure in measured(study, None):
        claim, loss = Claim(policy, against, name, measure, worse=True), study.loss_of(name)
        one = estimates(study, claim, what(study, claim, ()), values)
        if loss is not None and abs(one.difference) > DECIDED * one.error:
            yield replace(claim, worse=(one.difference > 0) is loss)
