"""Risk measures from histograms by group of paths; errors over groups, intervals that allow for bin width.

Groups are independent and consist of whole units. An influence is the total over each group (`influences.py`). The
uncertainty that the bins leave is bounded with certainty and is added to both ends of an interval. Formulas:
`docs/method.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from engine.risk.estimation.heaviness import Extremes, gravest, material, tail_size
from engine.risk.estimation.histograms import Histogram, OfBins
from engine.risk.estimation.influences import (
    FEWEST_FOR_ES,
    FEWEST_FOR_VAR,
    MEDIAN,
    TIED,
    Distribution,
    Measure,
    deviation,
    judged,
    of_influence,
    opened,
    shifted,
    single,
)
from engine.risk.estimation.intervals import Estimate, Groups, Levels, Z, moments_of_totals
from engine.risk.estimation.measures import correlation
from engine.risk.estimation.properties import cached_property
from engine.risk.estimation.shares import combined_difference, share_of_moments
from engine.risk.estimation.tails import ATOM, tail_count
from engine.study.study import LEVELS

Counts = Int[np.ndarray, "group"]


@dataclass(frozen=True)
class Binned(Distribution):
    """A histogram, high being worse, with its measures.

    An estimate left uncertain by its bins has the flag `Reason.BINNED`; its interval allows for that.
    """

    histogram: Histogram
    levels: Levels = LEVELS

    @cached_property
    def units(self) -> Groups:
        """The groups."""
        return Groups(self.histogram.sizes)

    @cached_property
    def points(self) -> OfBins:
        """Mean of the values in each bin."""
        return self.histogram.means

    def totals(self, of_points: OfBins) -> Float[np.ndarray, "group"]:
        """Sum over each group of a function of the points."""
        return self.histogram.counts @ of_points

    @cached_property
    def constant(self) -> bool:
        """Whether all values are equal."""
        return self.histogram.least == self.histogram.most

    @cached_property
    def mean(self) -> Measure:
        return of_influence(self.histogram.totals, self.units, kind="mean")

    @cached_property
    def deviation(self) -> Measure:
        """Standard deviation."""
        of, count = self.histogram, self.histogram.count
        if self.constant:
            return of_influence(np.zeros(self.units.count), self.units)
        totals, *ends = of.squares_about(of.mean)
        squares, scale = moments_of_totals(totals, self.units), count / (count - 1)
        own = deviation(squares, count)
        least, most = (np.sqrt(scale * max(end, 0.0) / count) for end in ends)
        open = own[0] - least, most - own[0]
        *known, low, high = opened(own, open)
        influence = totals / (2 * own[0]) if own[0] > 0 else 0 * totals
        return Measure((*known, np.maximum(low, 0.0), high), influence, squares, open=open)

    @property
    def median(self) -> Measure:
        return self._tails[MEDIAN][0]

    def quantile(self, level: float) -> Measure:
        """VaR at a level."""
        return self._tails[level][0]

    def shortfall(self, level: float) -> Measure:
        """ES at a level."""
        return self._tails[level][1]

    @cached_property
    def _tails(self) -> dict[float, tuple[Measure, Measure]]:
        return {level: self._tail(level) for level in (MEDIAN, *self.levels)}

    def _tail(self, level: float) -> tuple[Measure, Measure]:
        """VaR and ES at a level."""
        of, n, groups = self.histogram, self.histogram.count, self.units
        rank, expected = tail_count(n, level), n * (1 - level)
        q, (q_low, q_high) = of.largest(rank), of.bounds(rank)
        number, excess = of.beyond(rank, q)
        above = moments_of_totals(number, groups)
        reach = groups.reach * above.error * n
        spread = low = high = np.array(np.nan)
        down = up = 0
        ended = n >= ATOM and of.largest(max(rank, ATOM)) == of.most
        if reach < (np.inf if ended else rank):
            down, up = min(int(np.ceil(rank + reach)), n), max(int(np.floor(rank - reach)), 1)
            spread = of.largest(up) - of.largest(down)
            low, high = of.bounds(down)[0], of.bounds(up)[1]
        many, slope = np.array(np.inf if ended else expected), spread * n / max(down - up, 1)
        own = q, spread / (2 * groups.reach), low, high
        tied = bool(spread > 0 and of.alike(rank, (down, up)) > max(TIED * (down - up), 1))
        var = Measure(own, slope * number, above, many, FEWEST_FOR_VAR, tied, (q - q_low, q_high - q), "quantile")
        # groups are too few to estimate the skewness of a tail mean, so it comes from the bins
        shortfall = replace(moments_of_totals(excess, groups), skewness=of.skewness_beyond(rank, q))
        es = shifted(shortfall, q, scale=1 / (1 - level))
        _, *ends = of.sum_of_largest(rank)
        # for whole n (1 - a) the weight of VaR is zero; else it is negative
        es_low, es_high = (
            end / expected + (1 - rank / expected) * at for end, at in zip(ends, (q_high, q_low), strict=True)
        )
        open = np.maximum(es[0] - es_low, 0.0), np.maximum(es_high - es[0], 0.0)
        influence, moments = excess / (1 - level), replace(shortfall, error=es[1])
        return var, Measure(opened(es, open), influence, moments, many, FEWEST_FOR_ES, open=open)

    @cached_property
    def ends(self) -> Extremes:
        """Least and largest values as interpolated in bins."""
        of = self.histogram
        ranks = np.arange(tail_size(of.count) + 1, 0, -1)
        return Extremes(-of.negated().largest(ranks)[::-1], of.largest(ranks), of.count)

    def less(self, baseline: Binned) -> list[Estimate]:
        """Estimates of these measures less those of another variable on the same groups of paths.

        The distribution of the difference itself is unknown, so a tail flag of either variable is a flag of the
        difference.
        """
        gaps = [
            one.less(two, self.units, np.array_equal(one.influence, two.influence))
            for one, two in zip(self.measures, baseline.measures, strict=True)
        ]
        tails = map(gravest, zip(self.tails, baseline.tails, strict=True))
        return judged(gaps, tails, self.constant and baseline.constant, self.units)


def regrets(every: Sequence[Binned], totals: Float[np.ndarray, "policy group"]) -> list[Estimate]:
    """Mean regret of each policy: its distance from the best policy on the same path.

    A regret is at most the policy's own value less the best of all, so its tail is no heavier than the policy's bad
    tail and the good tails of the others; these decide its flag.

    Args:
      every: the outcome under each policy.
      totals: sums of the regrets over each group.
    """
    estimates = []
    for policy, of_groups in enumerate(totals):
        own = of_influence(of_groups, every[policy].units)
        squares = every[policy].squares(own)
        sides = [
            (of.ends, of.histogram.mean) if other == policy else (of.ends.negative, -of.histogram.mean)
            for other, of in enumerate(every)
        ]
        flag = gravest(material(side.upper, side.largest, centre, squares) for side, centre in sides)
        estimates.append(single(own.column).flagged(every[policy].units.no_error or flag))
    return estimates


def share(totals: Counts, sizes: Counts, unit: int) -> Estimate:
    """Share of paths with a property, with its interval by Student's t over groups.

    The effective number of paths is p (1 - p) / error^2, at most the actual number. If all paths or none have the
    property it is the number of units, or in replicates the number of paths less one in each.

    Args:
      totals: number of paths with the property in each group.
      sizes: number of paths in each group.
      unit: number of paths in a unit.
    """
    groups = Groups(sizes)
    of = moments_of_totals(totals, groups)
    if groups.no_error:
        return Estimate(of.mean.item(), flags=(groups.no_error,))
    spread, unseen = of.mean * (1 - of.mean), max(1 / unit, 1 - 1 / unit) * groups.paths
    with np.errstate(divide="ignore", invalid="ignore"):
        count = np.where(spread > 0, np.clip(spread / of.error**2, 1.0, groups.paths), unseen)
    return single(share_of_moments(of, count, groups.reach if spread > 0 else Z))


def difference_of_shares(totals: Counts, baseline: Counts, sizes: Counts, unit: int) -> Estimate:
    """Difference of two shares on the same groups of paths, with its 95 % interval."""
    one, two = share(totals, sizes, unit), share(baseline, sizes, unit)
    if one.flags:
        return Estimate(one.estimate - two.estimate, flags=one.flags)
    error = float(moments_of_totals(totals - baseline, Groups(sizes)).error)
    a, b = (part - sizes * (part.sum() / sizes.sum()) for part in (totals, baseline))
    return single(combined_difference(one.column, two.column, error, correlation(a, b)))
