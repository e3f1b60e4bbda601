"""The outcomes and events that a question names: their measures, values on futures, and differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from engine.errors import Problems
from engine.risk.estimation.events import event_outcomes, happens
from engine.risk.estimation.influences import level_of
from engine.risk.estimation.intervals import Estimate, Units
from engine.risk.estimation.measures import difference, probability_difference
from engine.study.study import Study

MEAN, PROBABILITY = "mean", "probability"
LEVEL = 0.99
SHORTFALL = f"ES{100 * LEVEL:g}"
Values = Mapping[str, Float[np.ndarray, "policy path"]]
"""Outcomes by name."""
Paths = Float[np.ndarray, "path"]
Mask = Bool[np.ndarray, "path"]
"""Which paths are meant."""


def measured(study: Study, variables: Sequence[str] | None) -> list[tuple[str, str]]:
    """Pairs of variable and measure: mean and ES99 of each outcome, probability of each event.

    Args:
      variables: outcomes and events; the headline and all events if not given.

    Raises:
      UserError: no such outcome or event.
    """
    chosen = [*study.headline, *study.events_by_name] if variables is None else [*dict.fromkeys(variables)]
    problems = Problems()
    problems.knows_each("--outcome", "outcome or event", chosen, study.variables)
    problems.refuse(study.source)
    return [
        (name, measure)
        for name in chosen
        for measure in ((PROBABILITY,) if name in study.events_by_name else (MEAN, SHORTFALL))
    ]


def outcomes_of(study: Study, variables: Iterable[str]) -> tuple[str, ...]:
    """The outcomes among some variables, and those that the events among them depend on, in the order of the model."""
    events, read = study.events_by_name, set[str]()
    for name in variables:
        read |= event_outcomes(study, events[name]) if name in events else {name}
    return tuple(name for name in study.model.outcomes if name in read)


def under(study: Study, variable: str, policy: str, values: Values) -> np.ndarray:
    """The values of an outcome under a policy on every path, or whether an event happens there."""
    row, event = study.row(policy), study.events_by_name.get(variable)
    if event is None:
        return values[variable][row]
    return happens(study, event, {name: of[row] for name, of in values.items()})


def gap(study: Study, variable: str, measure: str, one: np.ndarray, other: np.ndarray, units: int | Units) -> Estimate:
    """A measure of the values `one` less that of the values `other` on the same paths."""
    if measure == PROBABILITY:
        return probability_difference(one, other, units)
    return difference(one, other, units, study.is_loss(variable), (level_of(measure) or LEVEL,))[measure]
