"""On which paths an event happens, and which paths are left out of a run because a value is not finite.

An event happens where an outcome passes a threshold, or where all or any of several outcomes do.

A path is left out if any outcome of the model under any policy is not finite on it, and with it the other half of its
antithetic pair. So all policies are compared on the same futures, and no pair is incomplete. In a replicate the other
paths stay, as one bad path in a thousand would otherwise leave none.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from engine.study.components import Clauses, Event, One
from engine.study.study import Study

ByName = Mapping[str, np.ndarray]
"""Arrays by the name of an outcome or another variable."""
Happens = Bool[np.ndarray, "path"]
PAIR = 2
"""Largest number of paths in a unit that is no replicate; replicates are few, and errors from them uncertain."""
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


def excluded(study: Study, values: Float[np.ndarray, "... path"]) -> Happens:
    """Whether each path is left out, bool [path].

    Args:
      values: all outcomes, or all yearly values, of the paths, which are whole pairs except at a run's end.
    """
    sound = np.isfinite(values).reshape(-1, values.shape[-1]).all(axis=0)
    return with_units(study, ~sound)


def with_units(study: Study, bad: Happens) -> Happens:
    """Which paths are bad or share an antithetic pair with a bad path, bool [path]."""
    if study.unit != PAIR:
        return bad
    pairs = np.add.reduceat(bad, np.arange(0, len(bad), PAIR)) > 0
    return np.repeat(pairs, PAIR)[: len(bad)]


def without_excluded(
    study: Study, outcomes: Float[np.ndarray, "policy outcome path"]
) -> Float[np.ndarray, "policy outcome path"]:
    """The outcomes of a block as they are stored: NaN for all policies and outcomes on paths that are left out."""
    out = excluded(study, outcomes)
    return np.where(out, np.float32(np.nan), outcomes) if out.any() else outcomes


def most_excluded(study: Study) -> int:
    """Largest number of paths that a run may leave out: the share `run.nonfinite` of its paths, rounded down."""
    return math.floor(study.nonfinite * study.paths * (1 + 1e-12))


def notice(count: int, paths: int) -> str:
    """The sentence `3 of 1,000,000 paths are kept out of every number: values on them are not finite`."""
    are = "is" if count == 1 else "are"
    return f"{count:,} of {paths:,} paths {are} kept out of every number: values on them are not finite"
