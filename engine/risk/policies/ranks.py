"""All policies against each other: ranks by mean, expected shortfall and probability of events.

Two policies are distinguishable where the interval of their paired difference excludes zero; the intervals hold for all
pairs at once (Bonferroni). A policy's rank lies between 1 plus the number of policies that are surely better,
and the number of policies less those that are surely worse. Source: Mogstad, Romano, Shaikh and Wilhelm (2024), Rev.
Econ. Stud. 91, 476-518, doi:10.1093/restud/rdad006.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.risk.estimation.events import ByName, event_outcomes, happens
from engine.risk.estimation.intervals import Happens, Units, as_units, moments_of_totals
from engine.risk.estimation.tables import Record, against_baseline
from engine.risk.policies.contrasts import of_shortfall
from engine.risk.policies.together import batched, reach
from engine.study.components import Event
from engine.study.study import Study

Pairs = Float[np.ndarray, "policy policy"]

Row = tuple[Float[np.ndarray, "policy batch"], Bool[np.ndarray, "policy policy"]]
"""Sums of a measure over the paths of each batch, high being worse, and which pairs of policies get an interval."""


@dataclass(frozen=True)
class Gaps:
    """One measure of every policy, high being worse, and its differences between all pairs of policies.

    Args:
      measure: value under each policy [policy].
      gap: value under the first policy less that under the second [policy, policy].
      low, high: 95 % interval of the gap, for all pairs at once; NaN for a pair without an interval.
    """

    measure: Float[np.ndarray, "policy"]
    gap: Pairs
    low: Pairs
    high: Pairs

    @property
    def better(self) -> np.ndarray:
        """Whether the interval says that the first policy is better, lying wholly below zero [policy, policy]."""
        return self.high < 0

    @property
    def ranks(self) -> Int[np.ndarray, "3 policy"]:
        """Rank of each policy by the estimates, 1 the best; its least and its greatest possible rank [3, policy]."""
        order = np.argsort(np.argsort(self.measure, kind="stable"), kind="stable") + 1
        count = len(self.measure)
        return np.stack([order, 1 + self.better.sum(axis=0), count - self.better.sum(axis=1)])


def gaps(measures: Sequence[Row], batches: Units) -> list[Gaps]:
    """Gaps of several measures, with intervals that hold for all pairs of all measures at once.

    The ends are NaN for pairs that get no interval.
    """
    wide = reach(sum(int(np.triu(told, 1).sum()) for _, told in measures), batches)
    answer = []
    for total, told in measures:
        own = total.sum(axis=-1) / batches.paths
        gap = own[:, None] - own
        half = wide * moments_of_totals(total[:, None] - total, batches).error
        half = np.where(told, half, np.nan)
        answer.append(Gaps(own, gap, gap - half, gap + half))
    return answer


FEWEST = 50
"""Paths with an event under only one of two policies from which the event can distinguish the two."""


def of_outcomes(
    study: Study, chosen: Sequence[str], outcomes: ByName, records: Iterable[Record], level: float | None = None
) -> dict[str, dict[str, Gaps]]:
    """Gaps between all pairs of policies, by measure and outcome; empty for fewer than two independent units.

    For each measure the intervals hold for all outcomes at once.

    Args:
      chosen: names of the outcomes.
      outcomes: values by name [policy, path].
      records: differences from the baseline; a pair has an interval where both of its policies' differences have one.
      level: level of ES, which is compared beside the mean; None for the mean alone.
    """
    sound, units = _sound(study, outcomes, chosen)
    if units.count < 2:
        return {}
    batches = batched(units)
    rows: dict[str, list[Row]] = {"mean": []}
    if level:
        rows[f"ES{100 * level:g}"] = []
    bounded = {(r.variable, r.measure, r.policy) for r in records if np.isfinite(r.low)}
    for name in chosen:
        values, loss = outcomes[name][:, sound], study.is_loss(name)
        for measure, of_measure in rows.items():
            if level and measure != "mean":
                values = of_shortfall(values, np.ones(units.paths, bool), units, level, loss).values
            gap = against_baseline(measure)
            there = np.array([p == study.baseline or (name, gap, p) in bounded for p in study.policy_names])
            of_measure.append(((1.0 if loss else -1.0) * batches.totals(values), there[:, None] & there))
    return {measure: dict(zip(chosen, gaps(of, batches), strict=True)) for measure, of in rows.items()}


def of_events(study: Study, events: Sequence[Event], outcomes: ByName) -> dict[str, dict[str, Gaps]]:
    """Gaps in the probability of each event between all pairs of policies; empty for fewer than two independent units.

    A pair has an interval where the event happens under only one of the two policies on at least `FEWEST` paths.
    """
    read = {name: outcomes[name] for name in sorted({name for e in events for name in event_outcomes(study, e)})}
    sound, units = _sound(study, read, read)
    if units.count < 2:
        return {}
    batches = batched(units)
    rows: list[Row] = []
    for event in events:
        own = happens(study, event, read)[:, sound]
        many = np.array([[np.count_nonzero(one != two) >= FEWEST for two in own] for one in own])
        rows.append((batches.totals(own), many))
    return {"probability": dict(zip((event.name for event in events), gaps(rows, batches), strict=True))}


def _sound(study: Study, outcomes: ByName, names: Iterable[str]) -> tuple[Happens | slice, Units]:
    """Which paths have finite values of all these outcomes, and their units; no path for no outcomes."""
    finite = [np.isfinite(outcomes[name]).all(axis=0) for name in names]
    sound = np.logical_and.reduce(finite) if finite else np.zeros(0, bool)
    units = as_units(len(sound), study.unit).take(sound)
    return (slice(None) if sound.all() else sound), units
