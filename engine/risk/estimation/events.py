"""Which paths an event happens on: thresholds on outcomes, and several of them at once."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

import numpy as np

from engine.study.study import Event, Study


def event_outcomes(study: Study, event: Event) -> set[str]:
    """Names of the outcomes that an event reads, through the events it is made of."""
    return {name for name, _, _ in thresholds(study, event)}


def known_events(study: Study, outcomes: Iterable[str]) -> tuple[Event, ...]:
    """The events that read no other outcomes than these."""
    known = set(outcomes)
    return tuple(event for event in study.events if event_outcomes(study, event) <= known)


def event_indicators(study: Study, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Whether each event happens, in the order of the study: arrays shaped like the outcomes, which come by name.

    Above and below are strict; an outcome that is not a number is no event. Events that read other outcomes are left out.
    """
    return {event.name: happens(study, event, values) for event in known_events(study, values)}


def happens(study: Study, event: Event, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Whether one event happens: an array shaped like the outcomes that it reads, which come by name."""
    parts = [
        values[name] > limit if above else values[name] < limit
        for name, above, limit in thresholds(study, event)
    ]
    return functools.reduce(np.logical_and, parts)


def thresholds(study: Study, event: Event) -> tuple[tuple[str, bool, float], ...]:
    """What has to be passed together where an event happens: an outcome, whether above it, and the threshold."""
    if event.outcome is None:
        parts = [thresholds(study, study.events_by_name[name]) for name in event.all_of]
        return tuple(one for part in parts for one in part)
    above = event.above is not None
    limit = event.above if above else event.below
    assert limit is not None
    return ((event.outcome, above, float(limit)),)
