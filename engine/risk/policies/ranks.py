"""All policies against each other: ranks by mean, expected shortfall and probability of events.

Two policies are distinguishable where the interval of their paired difference excludes zero; the intervals hold for all
pairs at once (Bonferroni). Units are gathered into at most `MOST` batches, which are as independent as units are, so
that memory does not grow with the number of paths. A policy's rank lies between 1 plus the number of policies that are
surely better, and the number of policies less those that are surely worse. Source: Mogstad, Romano, Shaikh and Wilhelm
(2024), Rev. Econ. Stud. 91, 476-518, doi:10.1093/restud/rdad006.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata

from engine.risk.estimation.events import ByName, event_outcomes, happens
from engine.risk.estimation.intervals import Happens, Units, as_units, moments_of_totals, student
from engine.risk.estimation.tables import Record, against_baseline
from engine.risk.policies.contrasts import of_shortfall
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
        order = rankdata(self.measure, "ordinal")
        return np.stack([order, 1 + self.better.sum(axis=0), len(order) - self.better.sum(axis=1)])


MOST = 4096
"""Greatest number of batches; a standard error from so many has a relative error of 1 %."""
FEWEST = 50
"""Paths with an event under only one of two policies from which the event can distinguish the two."""


def batched(units: Units) -> Units:
    """Neighbouring units gathered into at most `MOST` batches, which serve as units."""
    if units.count <= MOST:
        return units
    owner = units.owners(np.arange(units.paths)) * np.int64(MOST) // units.count
    return Units(units.paths, units.size, owner)


def gaps(rows: Mapping[str, Row], batches: Units) -> dict[str, Gaps]:
    """Gaps of one measure of several variables, with intervals that hold for all pairs of all variables at once.

    The ends are NaN for pairs that get no interval.
    """
    pairs = sum(int(np.triu(judged, 1).sum()) for _, judged in rows.values())
    wide = student(batches.count, pairs) if pairs else np.nan
    found = {}
    for name, (totals, judged) in rows.items():
        own = totals.sum(axis=-1) / batches.paths
        gap, error = own[:, None] - own, moments_of_totals(totals[:, None] - totals, batches).error
        half = np.where(judged, wide * error, np.nan)
        found[name] = Gaps(own, gap, gap - half, gap + half)
    return found


def of_outcomes(
    study: Study, chosen: Sequence[str], outcomes: ByName, records: Iterable[Record], level: float
) -> dict[str, dict[str, Gaps]]:
    """Gaps between all pairs of policies, by measure and outcome; empty for fewer than two independent units.

    For each measure the intervals hold for all outcomes at once.

    Args:
      chosen: names of the outcomes.
      outcomes: values by name [policy, path].
      records: differences from the baseline; a pair has an interval where both of its policies' differences have one.
      level: level of ES, which is compared beside the mean.
    """
    sound, units = _sound(study, outcomes, chosen)
    if units.count < 2:
        return {}
    bounded = {(r.variable, r.measure, r.policy) for r in records if np.isfinite(r.low)}
    batches, found = batched(units), {}
    for measure in ("mean", f"ES{100 * level:g}"):
        rows, gap = dict[str, Row](), against_baseline(measure)
        for name in chosen:
            values, loss = outcomes[name][:, sound], study.is_loss(name)
            if measure != "mean":
                values = of_shortfall(values, np.ones(units.paths, bool), units, level, loss).values
            known = np.array([p == study.baseline or (name, gap, p) in bounded for p in study.policy_names])
            totals = batches.totals(values)
            rows[name] = totals if loss else -totals, known[:, None] & known
        found[measure] = gaps(rows, batches)
    return found


def of_events(study: Study, events: Sequence[Event], outcomes: ByName) -> dict[str, dict[str, Gaps]]:
    """Gaps in the probability of each event between all pairs of policies; empty for fewer than two independent units.

    A pair has an interval where the event happens under only one of the two policies on at least `FEWEST` paths.
    """
    read = {name: outcomes[name] for name in sorted({name for e in events for name in event_outcomes(study, e)})}
    sound, units = _sound(study, read, read)
    if units.count < 2:
        return {}
    batches, rows = batched(units), dict[str, Row]()
    for event in events:
        own = happens(study, event, read)[:, sound]
        apart = np.array([np.count_nonzero(own != one, axis=-1) for one in own])
        rows[event.name] = batches.totals(own), apart >= FEWEST
    return {"probability": gaps(rows, batches)}


def _sound(study: Study, outcomes: ByName, names: Iterable[str]) -> tuple[Happens | slice, Units]:
    """Which paths have finite values of all these outcomes, and their units; no path for no outcomes."""
    finite = [np.isfinite(outcomes[name]).all(axis=0) for name in names]
    sound = np.logical_and.reduce(finite) if finite else np.zeros(0, bool)
    units = as_units(len(sound), study.unit).take(sound)
    return (slice(None) if sound.all() else sound), units
