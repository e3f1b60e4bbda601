"""Every policy against every other: all pairs by mean, expected shortfall and the chance of events, all held together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np

from engine.risk import ranks
from engine.risk.contrasts import of_shortfall
from engine.risk.events import event_outcomes, happens
from engine.risk.intervals import as_units
from engine.risk.ranks import Gaps
from engine.risk.simultaneous import batched
from engine.risk.tables import Record, against_baseline
from engine.study.study import Event, Study

FEWEST = 50
"""Paths on which an event happens under one of two policies alone, from which they can be distinguished by it."""


def of_outcomes(
    study: Study,
    chosen: Sequence[str],
    outcomes: Mapping[str, np.ndarray],
    records: Iterable[Record],
    level: float | None = None,
) -> dict[str, dict[str, Gaps]]:
    """All pairs of policies, by measure and outcome; all outcomes of a measure are held together. Nothing of a single unit of paths.

    Args:
      outcomes: of these names, [policy, path].
      records: differences from the baseline, which say what has intervals.
      level: of ES, beside the mean; the mean alone if not given.
    """
    if not chosen:
        return {}
    sound = np.logical_and.reduce([np.isfinite(outcomes[name]).all(axis=0) for name in chosen])
    units = as_units(len(sound), study.unit).kept(sound)
    whole = bool(sound.all())
    if units.count < 2:
        return {}
    batches, measures = batched(units), ["mean", *([f"ES{100 * level:g}"] if level else ())]
    totals: dict[str, list[np.ndarray]] = {measure: [] for measure in measures}
    told: dict[str, list[np.ndarray]] = {measure: [] for measure in measures}
    bounded = {(r.variable, r.measure, r.policy) for r in records if np.isfinite(r.low)}
    for name in chosen:
        values, loss = outcomes[name], study.is_loss(name)
        for measure in measures:
            own = (
                of_shortfall(values, sound, units, level, loss).values
                if level and measure != "mean"
                else values
            )
            totals[measure].append((1.0 if loss else -1.0) * batches.totals(own if whole else own[:, sound]))
            gap = against_baseline(measure)
            there = np.array([p == study.baseline or (name, gap, p) in bounded for p in study.policy_names])
            told[measure].append(there[:, None] & there)
    return {
        measure: dict(zip(chosen, ranks.gaps(totals[measure], batches, told[measure]), strict=True))
        for measure in totals
    }


def of_events(
    study: Study, events: Sequence[Event], outcomes: Mapping[str, np.ndarray]
) -> dict[str, dict[str, Gaps]]:
    """All pairs of policies by the probability of each event; distinguishable where it happens under one alone on paths enough."""
    if not events:
        return {}
    read = {name: outcomes[name] for name in sorted(set().union(*(event_outcomes(study, e) for e in events)))}
    sound = np.logical_and.reduce([np.isfinite(values).all(axis=0) for values in read.values()])
    units = as_units(len(sound), study.unit).kept(sound)
    whole = bool(sound.all())
    if units.count < 2:
        return {}
    batches = batched(units)
    totals: list[np.ndarray] = []
    told: list[np.ndarray] = []
    for event in events:
        own = happens(study, event, read)
        own = own if whole else own[:, sound]
        totals.append(batches.totals(own))
        apart = np.zeros((len(own), len(own)), bool)
        for i, j in combinations(range(len(own)), 2):
            apart[i, j] = apart[j, i] = np.count_nonzero(own[i] != own[j]) >= FEWEST
        told.append(apart)
    by_event = zip((event.name for event in events), ranks.gaps(totals, batches, told), strict=True)
    return {"probability": dict(by_event)}
