"""On which paths an event happens: an outcome passes a threshold, or several outcomes do."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

import numpy as np

from engine.study.components import Event
from engine.study.study import Study

ByName = Mapping[str, np.ndarray]
"""Arrays by the name of an outcome or another variable."""


def event_outcomes(study: Study, event: Event) -> set[str]:
    """Names of the outcomes that an event depends on, also through the events that it combines."""
    return {name for name, _, _ in thresholds(study, event)}


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
    parts = [values[name] > limit if above else values[name] < limit for name, above, limit in thresholds(study, event)]
    return functools.reduce(np.logical_and, parts)


def thresholds(study: Study, event: Event) -> tuple[tuple[str, bool, float], ...]:
    """Thresholds that must all be passed for an event to happen: outcome, whether above, and the threshold."""
    if event.outcome is None:
        parts = [thresholds(study, study.events_by_name[name]) for name in event.all_of]
        return tuple(one for part in parts for one in part)
    return ((event.outcome, event.above is not None, float(event.threshold)),)
