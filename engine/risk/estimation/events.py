"""On which paths an event happens: an outcome passes a threshold, or all or any of several outcomes do."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from itertools import chain
from typing import Any

import numpy as np

from engine.study.components import Clauses, Event, One
from engine.study.study import Study

ByName = Mapping[str, np.ndarray]
"""Arrays by the name of an outcome or another variable."""


def event_outcomes(study: Study, event: Event) -> set[str]:
    """Names of the outcomes that an event depends on, also through the events that it combines."""
    return {name for name, _, _ in chain(*thresholds(study, event))}


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
    passes = {True: operator.gt, False: operator.lt}
    return hold(thresholds(study, event), lambda one: passes[one[1]](values[one[0]], one[2]))


def hold(clauses: Clauses[One], holds: Callable[[One], Any]) -> Any:
    """Where at least one statement of every clause holds: a bool array of NumPy or JAX, as `holds` gives it."""
    return reduce(operator.and_, (reduce(operator.or_, map(holds, clause)) for clause in clauses))


def thresholds(study: Study, event: Event) -> Clauses[tuple[str, bool, float]]:
    """Thresholds of an event, each an outcome, whether above, and the number.

    The event happens where at least one threshold of every clause is passed.
    """
    if event.outcome is None:
        return event.combined(thresholds(study, study.events_by_name[name]) for name in event.parts)
    return (((event.outcome, event.above is not None, float(event.threshold)),),)
