"""Risk measures from histograms by group of paths; errors over groups, intervals that allow for bin width.

Groups are independent and consist of whole units. An influence is the total over each group (`influences.py`). The
uncertainty that the bins leave is bounded with certainty and is added to both ends of an interval. Formulas:
`docs/method.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from engine.risk.estimation.evidence import FEWEST_FOR_ES, FEWEST_FOR_VAR
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import Extremes, gravest, material, squares_flag, tail_size, tails_flag
from engine.risk.estimation.histograms import Histogram
from engine.risk.estimation.influences import Evidence, Measure, deviation, opened, shifted, single
from engine.risk.estimation.intervals import Estimate, Groups, Levels, Moments, moments_of_totals
from engine.risk.estimation.measures import Estimates, correlation, estimated, share_difference
from engine.risk.estimation.tails import ATOM, share_of_moments, tail_count
from engine.study.study import LEVELS

Counts = Int[np.ndarray, "group"]
ONE_GROUP = Flag(Reason.ONE_GROUP, 1, 2)


@dataclass(frozen=True)
class Binned:
    """A histogram, high being worse, with its measures."""

    histogram: Histogram
    levels: Levels

    @staticmethod
    def of(histogram: Histogram, loss: bool, levels: Levels) -> Binned:
        """The histogram, or that of the negative values where high is better."""
        return Binned(histogram if loss else histogram.negated(), levels)

    @cached_property
    def groups(self) -> Groups:
        return Groups(self.histogram.sizes)

    @cached_property
    def measures(self) -> list[Measure]:
        """In the order of `evidence.measures`."""
        totals = self.histogram.totals
        of = moments_of_totals(totals, self.groups)
        var, es = zip(*(self._tail(level) for level in self.levels), strict=True)
        return [Measure(shifted(of, 1.0), totals, of, kind="mean"), self._tail(0.5)[0], self._deviation(), *var, *es]

    def _deviation(self) -> Measure:
        of, count = self.histogram, self.histogram.count
        if of.least == of.most:
            none = np.zeros(self.groups.count)
            zero = moments_of_totals(none, self.groups)
            return Measure(shifted(zero, 1.0), none, zero)
        totals, *ends = of.squares_about(of.mean)
        squares, scale = moments_of_totals(totals, self.groups), count / (count - 1)
        own = deviation(squares, count)
        least, most = (np.sqrt(scale * max(end, 0.0) / count) for end in ends)
        open = own[0] - least, most - own[0]
        *known, low, high = opened(own, open)
        influence = totals / (2 * own[0]) if own[0] > 0 else 0 * totals
        return Measure((*known, np.maximum(low, 0.0), high), influence, squares, open=open)

    def _tail(self, level: float) -> tuple[Measure, Measure]:
        """VaR and ES at a level."""
        of, n, groups = self.histogram, self.histogram.count, self.groups
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
        step = slope * of.most_alike(float(low), float(high)) / n
        var = Measure(own, slope * number, above, many, FEWEST_FOR_VAR, step, (q - q_low, q_high - q), "quantile")
        # groups are too few to estimate the skewness of a tail mean, so it comes from the bins
        shortfall = replace(moments_of_totals(excess, groups), skewness=of.skewness_beyond(rank, q))
        es = shifted(shortfall, 1 / (1 - level), q)
        _, *ends = of.sum_of_largest(rank)
        # for whole n (1 - a) the weight of VaR is zero; else it is negative
        es_low, es_high = (
            end / expected + (1 - rank / expected) * at for end, at in zip(ends, (q_high, q_low), strict=True)
        )
        open = np.maximum(es[0] - es_low, 0.0), np.maximum(es_high - es[0], 0.0)
        return var, Measure(opened(es, open), excess / (1 - level), shortfall, many, FEWEST_FOR_ES, open=open)

    @cached_property
    def ends(self) -> Extremes:
        """Least and largest values as interpolated in bins."""
        of = self.histogram
        ranks = np.arange(tail_size(of.count) + 1, 0, -1)
        return Extremes(-of.negated().largest(ranks)[::-1], of.largest(ranks), of.count)

    @cached_property
    def tails(self) -> list[Flag | None]:
        """Flags of the measures, derived as from values on paths."""
        mean, _, spread, *others = self.measures
        var, es = others[: len(self.levels)], others[len(self.levels) :]
        ends, centre = self.ends, self.histogram.mean
        return [
            tails_flag(ends, centre, self._squares(mean.of)),
            None,
            squares_flag(ends, centre, spread.of),
            *(None for _ in var),
            *(
                material(ends.upper, ends.largest, at.value.item(), self._squares(of.of))
                for at, of in zip(var, es, strict=True)
            ),
        ]

    def _squares(self, of: Moments) -> float:
        return float(of.error * self.histogram.count) ** 2


def summary(histogram: Histogram, loss: bool, levels: Levels = LEVELS) -> Estimates:
    """Mean, median, sd, VaR and ES of one variable, by name, as `measures.summary` computes them from paths.

    An estimate left uncertain by its bins has the flag `Reason.BINNED`; its interval allows for that.
    """
    own = Binned.of(histogram, loss, levels)
    return _evidence(own.measures, own.tails, own).estimates(levels, loss)


def difference(histogram: Histogram, baseline: Histogram, loss: bool, levels: Levels = LEVELS) -> Estimates:
    """Measures of one variable less those of another on the same groups of paths, by name (without "worse").

    The distribution of the difference itself is unknown, so a tail flag of either variable is a flag of the difference.
    """
    one, two = (Binned.of(part, loss, levels) for part in (histogram, baseline))
    gaps = [
        x.less(y, one.groups, np.array_equal(x.influence, y.influence))
        for x, y in zip(one.measures, two.measures, strict=True)
    ]
    tails = [gravest(pair) for pair in zip(one.tails, two.tails, strict=True)]
    return _evidence(gaps, tails, one, two).estimates(levels, loss)


def _evidence(measures: Sequence[Measure], tails: Sequence[Flag | None], *of: Binned) -> Evidence:
    constant, count = all(one.histogram.least == one.histogram.most for one in of), of[0].groups.count
    single = ONE_GROUP if count < 2 else None
    return Evidence(measures, tails, constant, single, Flag(Reason.FEW_GROUPS, count), Reason.FEW_EXCEEDANCES)


def mean(totals: Float[np.ndarray, "group"], groups: Groups) -> Estimate:
    """Mean over paths of a quantity, from its totals over groups."""
    return estimated(moments_of_totals(totals, groups)).flagged(ONE_GROUP if groups.count < 2 else None)


def regrets(histograms: Sequence[Histogram], totals: Float[np.ndarray, "policy group"], loss: bool) -> list[Estimate]:
    """Mean regret of each policy: its distance from the best policy on the same path.

    A regret is at most the policy's own value less the best of all, so its tail is no heavier than the policy's bad
    tail and the good tails of the others; these decide its flag.

    Args:
      histograms: of the outcome under each policy.
      totals: sums of the regrets over each group.
      loss: whether high is worse.
    """
    every = [Binned.of(histogram, loss, ()) for histogram in histograms]
    estimates = []
    for policy, of_groups in enumerate(totals):
        own = mean(of_groups, every[policy].groups)
        squares = (own.standard_error * every[policy].histogram.count) ** 2
        sides = [
            (of.ends, of.histogram.mean) if other == policy else (of.ends.negative, -of.histogram.mean)
            for other, of in enumerate(every)
        ]
        flag = gravest(material(side.upper, side.largest, centre, squares) for side, centre in sides)
        estimates.append(own if own.flags else own.flagged(flag))
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
    if groups.count < 2:
        return Estimate(of.mean.item(), flags=(ONE_GROUP,))
    if of.mean in (0.0, 1.0):
        return single(share_of_moments(of, np.asarray(max(1 / unit, 1 - 1 / unit) * groups.paths)))
    with np.errstate(divide="ignore"):
        count = np.clip(of.mean * (1 - of.mean) / of.error**2, 1.0, groups.paths)
    return single(share_of_moments(of, count, groups.reach))


def difference_of_shares(totals: Counts, baseline: Counts, sizes: Counts, unit: int) -> Estimate:
    """Difference of two shares on the same groups of paths, with its 95 % interval."""
    one, two = share(totals, sizes, unit), share(baseline, sizes, unit)
    if len(sizes) < 2:
        return Estimate(one.estimate - two.estimate, flags=(ONE_GROUP,))
    error = float(moments_of_totals(totals - baseline, Groups(sizes)).error)
    a, b = (part - sizes * (part.sum() / sizes.sum()) for part in (totals, baseline))
    return share_difference(one, two, error, correlation(a, b))
