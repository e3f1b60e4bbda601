"""On which paths an event happens: where an outcome passes a threshold, or where all or any of several outcomes do."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import Any

import numpy as np
from jaxtyping import Bool

from engine.study.components import Clauses, Event, One
from engine.study.study import Study

ByName = Mapping[str, np.ndarray]
"""Arrays by the name of an outcome or another variable."""
Happens = Bool[np.ndarray, "path"]
OPERATORS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True)
class Term:
    """One comparison of an outcome with a number.

    Args:
      name: the outcome.
      sign: one of < <= > >=.
      number: what the outcome is compared with.
    """

    name: str
    sign: str
    number: float

    def holds(self, values: Mapping[str, Any]) -> Any:
        """Where it holds: a bool array in the shape of the outcomes, which are given by name."""
        return OPERATORS[self.sign](values[self.name], self.number)


def event_outcomes(study: Study, event: Event) -> set[str]:
    """Names of the outcomes that an event depends on, also through the events that it combines."""
    return {term.name for term in chain(*thresholds(study, event))}


def known_events(study: Study, outcomes: Iterable[str]) -> tuple[Event, ...]:
    """The events of a study that depend on these outcomes alone."""
    known = set(outcomes)
    return tuple(event for event in study.events if event_outcomes(study, event) <= known)


def event_indicators(study: Study, values: ByName) -> dict[str, np.ndarray]:
    """Whether each event happens, by event name in the order of the study: bool arrays in the shape of the outcomes.

    Comparisons are strict; a NaN passes no threshold. Events that depend on outcomes not in `values` are left out.
    """
    return {event.name: happens(study, event, values) for event in known_events(study, values)}


def happens(study: Study, event: Event, values: ByName) -> np.ndarray:
    """Whether one event happens: a bool array in the shape of the outcomes, which are given by name."""
    return hold(thresholds(study, event), lambda term: term.holds(values))


def hold(clauses: Clauses[One], holds: Callable[[One], Any]) -> np.ndarray:
    """Where at least one statement of every clause holds, as `holds` says of each."""
    held: np.ndarray = reduce(operator.and_, (reduce(operator.or_, map(holds, clause)) for clause in clauses))
    return held


def thresholds(study: Study, event: Event) -> Clauses[Term]:
    """Comparisons with the thresholds of an event, which happens where at least one of every clause holds."""
    if event.outcome is None:
        return event.combined(thresholds(study, study.events_by_name[name]) for name in event.parts)
    return ((Term(event.outcome, "<" if event.above is None else ">", event.threshold),),)
