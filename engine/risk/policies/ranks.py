"""All policies against each other: ranks by mean, expected shortfall and probability of events.

Two policies are distinguishable where the interval of their paired difference excludes zero; the intervals hold for all
pairs at once (Bonferroni). Units are gathered into at most `MOST` batches, which are as independent as units are, so
that memory does not grow with the number of paths. A policy's rank lies between 1 plus the number of policies that are
surely better, and the number of policies less those that are surely worse. Source: Mogstad, Romano, Shaikh and Wilhelm
(2024), Rev. Econ. Stud. 91, 476-518, doi:10.1093/restud/rdad006.

`Contrasts` are weighted sums of one measure over many variables on the same paths. The measure is a mean, a probability
or ES. Each is the mean over paths of an influence: for a mean the value itself, for a probability the indicator of the
event, for ES VaR + (x - VaR)+ / (1 - a) at level a, with each variable's own VaR. A weighted sum of measures is thus
the mean of the weighted sum of influences, and its interval follows from the variation of that sum over independent
units, as in `measures.difference`. Variables are added a few at a time; only the sums per path are kept in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata

from engine.risk.estimation.events import ByName, Happens, event_outcomes, happens
from engine.risk.estimation.heaviness import Extremes
from engine.risk.estimation.influences import FEWEST_FOR_ES_DIFFERENCE, judged, single
from engine.risk.estimation.intervals import Estimate, Paths, Units, as_units, moments_of_totals, student
from engine.risk.estimation.measures import Sample, correlation, nothing
from engine.risk.estimation.shares import combined_difference, effective_count, share_of_moments
from engine.risk.estimation.tables import Record, against_baseline
from engine.risk.estimation.tails import Measured
from engine.study.components import Event
from engine.study.study import Study

ROUNDING = 2.0**-48
"""A sum smaller than this share of the total size of its terms counts as rounding error in double precision."""
Values = Float[np.ndarray, "variable path"]


@dataclass(frozen=True)
class Influence:
    """What each path contributes to a measure of some variables, in the variables' own sign.

    For a mean it is the value itself, for a probability the indicator of the event.

    Args:
      values: contributions, whose mean over all paths is the measure [variable, path]; NaN on paths that are left out.
      exceedances: least effective number of exceedances behind the measure among the variables; infinite where the
        measure needs none.
      heavy: whether the bad tail of any of the variables is flagged as possibly too heavy.
    """

    values: Values
    exceedances: float = np.inf
    heavy: bool = False


def of_shortfall(values: Values, sound: Happens, units: Units, level: float, loss: bool) -> Influence:
    """Influence of ES at a level; high values are worse if `loss`, low values otherwise.

    Args:
      sound: which paths are kept; the influence is NaN on the others.
      units: independent units of the kept paths.
    """
    influence = np.full(values.shape, np.nan)
    if not units.paths:
        return Influence(influence)
    sign = 1.0 if loss else -1.0
    seen = Measured(sign * values[:, sound], units, (level,))
    var, of = seen.quantile(level).value[:, None], seen.shortfall(level)
    influence[:, sound] = sign * (var + of.influence.values())
    many = np.where(seen.constant, np.inf, of.exceedances)
    heavy = any(Extremes.of_sorted(ascending).upper for ascending in seen.ascending)
    return Influence(influence, float(many.min()), heavy)


class Contrasts:
    """Weighted sums of one measure over many variables, accumulated a few variables at a time.

    Args:
      weights: weight of each variable in each sum [sum, variable].
      paths: number of paths.
    """

    def __init__(self, weights: Float[np.ndarray, "sum variable"], paths: int):
        self._weights = weights
        self._sums = np.zeros((len(weights), paths))
        self._sizes = np.zeros(paths)
        self._exceedances, self._heavy = np.inf, False

    def add(self, which: slice, influence: Influence) -> None:
        """Adds the influences of some of the variables; `which` is their slice of the variable axis."""
        values = influence.values.astype(np.float64, copy=False)
        self._sums += self._weights[:, which] @ values
        self._sizes += np.abs(values).sum(axis=0)
        self._exceedances = min(self._exceedances, influence.exceedances)
        self._heavy |= influence.heavy

    def estimates(self, sound: Happens, units: Units, is_share: bool = False) -> list[Estimate]:
        """Each sum with its 95 % interval and the flags that a difference of two measures would have.

        The interval is Student's with Hall's correction for skewness, or that of `_of_shares` for probabilities.

        Args:
          sound: which paths are kept.
          units: independent units of the kept paths.
          is_share: whether the measure is a probability; the positive and the negative weights of each sum must then
            each add up to at most 1.
        """
        return [self._estimate(self._row(row)[sound], units, is_share) for row in range(len(self._sums))]

    def largest(
        self, rows: Sequence[int], sign: float, sound: Happens, units: Units, is_share: bool = False
    ) -> list[int]:
        """Position in `rows` of the largest sum times `sign`, then those of the sums not distinguishable from it.

        Two sums are not distinguishable where the 95 % interval of their difference holds zero or does not exist.
        """
        values = [sign * self._row(row)[sound] for row in rows]
        first = int(np.argmax([row.mean() for row in values]))

        def alike(other: Paths) -> bool:
            # halved, so that the weights of a difference of two sums are bounded as those of one sum
            return not self._estimate((values[first] - other) / 2, units, is_share).low > 0

        return [first, *(k for k, other in enumerate(values) if k != first and alike(other))]

    def _row(self, row: int) -> Paths:
        """A sum on every path; zero where the terms cancel up to rounding."""
        values = self._sums[row]
        return np.where(np.abs(values) <= ROUNDING * self._sizes, 0.0, values)

    def _estimate(self, values: Paths, units: Units, is_share: bool) -> Estimate:
        if not units.paths:
            return nothing(None)
        sample = Sample(values[None], units)
        mean = sample.mean
        if is_share and units.count > 1:
            return _of_shares(values, units, mean.of.error.item())
        tail = sample.flag(mean) if self._heavy or np.isinf(self._exceedances) else None
        measure = replace(mean, exceedances=np.array(self._exceedances), needed=FEWEST_FOR_ES_DIFFERENCE)
        return judged([measure], [tail], not mean.of.error > 0, units)[0]


def _of_shares(values: Paths, units: Units, error: float) -> Estimate:
    """Weighted sum of probabilities, from what each path adds to it, -1 to 1, and the standard error of its mean.

    The positive and the negative contributions are two means of values between 0 and 1. Each has the interval of a
    share, with the number of paths that its own variance amounts to; the difference is that of two probabilities. So an
    event seen on few paths, or on none, still has an interval of positive width.
    """
    totals = np.stack([units.totals(np.maximum(side, 0.0)) for side in (values, -values)])
    of = moments_of_totals(totals, units)
    # values between 0 and 1 vary less than an indicator of the same mean, so the actual variance is used for single
    # paths too
    count = effective_count(of, units, max(units.count, units.paths - units.count))
    up, down = np.transpose(share_of_moments(of, count))
    return single(combined_difference(up, down, error, correlation(*(totals - units.sizes * of.mean[:, None]))))


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
    pairs = sum(int(np.triu(bounded, 1).sum()) for _, bounded in rows.values())
    wide = student(batches.count, pairs) if pairs else np.nan
    found = {}
    for name, (totals, bounded) in rows.items():
        own = totals.sum(axis=-1) / batches.paths
        gap, error = own[:, None] - own, moments_of_totals(totals[:, None] - totals, batches).error
        half = np.where(bounded, wide * error, np.nan)
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
