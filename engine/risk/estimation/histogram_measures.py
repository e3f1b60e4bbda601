"""Risk measures from histograms by group of paths; errors over groups, intervals that allow for bin width.

Groups are independent and consist of whole units. The total over a group plays the part that a path or unit plays in
`measures.py`: the same influence functions, and Student's t with one degree of freedom less than there are groups. The
uncertainty that the bins leave is bounded with certainty and is added to both ends of an interval. Formulas:
`docs/method.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.special import stdtrit

from engine.risk.estimation.evidence import FEWEST_FOR_ES, FEWEST_FOR_ES_DIFFERENCE, Evidence
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import Extremes, gravest, largest_flag, material, squares_flag, tail_size
from engine.risk.estimation.histograms import Groups, Histogram
from engine.risk.estimation.intervals import TAIL, Estimate, Levels, Moments, Z, moments_of_sums
from engine.risk.estimation.measures import Estimates, correlation, estimated, share_difference
from engine.risk.estimation.shares import share_interval
from engine.risk.estimation.tails import ATOM, TIED, Column, deviation, shifted, tail_count
from engine.study.study import LEVELS

Counts = Int[np.ndarray, "group"]
ONE_GROUP = Flag(Reason.ONE_GROUP, 1, 2)
SURE = 100
"""Values are taken for tied where they would seem so by chance at most once in so many intervals."""

Ends = tuple[np.ndarray | float, ...]
"""Distances below and above an estimate within which the exact value from the sample must lie."""


@dataclass(frozen=True)
class _Binned:
    """A measure from bins.

    Args:
      row: estimate, standard error and interval, whose ends allow for bin width.
      open: distances within which the exact value from the sample must lie.
    """

    row: Column
    open: Ends


def over_groups(totals: Num[np.ndarray, "group"], sizes: Counts) -> Moments:
    """Moments of a mean over paths, from the totals and the numbers of paths of independent groups [group]."""
    count, paths = len(sizes), sizes.sum()
    mean = totals.sum() / paths
    residual = totals - sizes * mean
    square, cube = np.sum(residual**2), np.sum(residual**3)
    return moments_of_sums(mean, square, cube, np.abs(totals).max(), count, paths)


@dataclass(frozen=True)
class _Tail:
    """VaR and ES of one histogram at one level, high being worse.

    Args:
      var, es: the two measures.
      slope: change of the quantile per unit of the share of values above it.
      expected: expected number of exceedances, n (1 - level).
      exceedances: the same; infinite where VaR is the largest value and the variable seems to be bounded by it.
      number, excess: number of exceedances of VaR, and the sum of their excesses, by group.
      down, up: ranks of the low and the high end of VaR's interval, counted from the largest value; 0 without an
        interval.
    """

    var: _Binned
    es: _Binned
    slope: np.ndarray
    expected: float
    exceedances: float
    number: Groups
    excess: Groups
    down: int
    up: int


def _tail(histogram: Histogram, level: float) -> _Tail:
    n, sizes = histogram.count, histogram.sizes
    rank = tail_count(n, level)
    q = histogram.largest(rank)
    q_low, q_high = histogram.bounds(rank)
    number, excess = histogram.beyond(rank, q)
    # groups are too few to estimate the skewness of a tail mean, so it comes from the bins
    shortfall = replace(over_groups(excess, sizes), skewness=histogram.skewness_beyond(rank, q))
    es = shifted(shortfall, 1 / (1 - level), q)
    _, *ends = histogram.sum_of_largest(rank)
    expected = n * (1 - level)
    # for whole n (1 - a) the weight of VaR is zero; else it is negative
    es_low, es_high = (
        end / expected + (1 - rank / expected) * var for end, var in zip(ends, (q_high, q_low), strict=True)
    )
    es_open = np.maximum(es[0] - es_low, 0.0), np.maximum(es_high - es[0], 0.0)
    student = _student(len(sizes))
    reach = student * over_groups(number, sizes).error * n
    spread = low = high = np.array(np.nan)
    down = up = 0
    ended = n >= ATOM and histogram.largest(max(rank, ATOM)) == histogram.most
    if reach < (np.inf if ended else rank):
        down, up = min(int(np.ceil(rank + reach)), n), max(int(np.floor(rank - reach)), 1)
        spread = histogram.largest(up) - histogram.largest(down)
        low, high = histogram.bounds(down)[0], histogram.bounds(up)[1]
    row, slope = (q, spread / (2 * student), low, high), spread * n / max(down - up, 1)
    many = np.inf if ended else expected
    var = _Binned(row, (q - q_low, q_high - q))
    return _Tail(var, _widened(es, es_open), slope, expected, many, number, excess, down, up)


def summary(histogram: Histogram, loss: bool, levels: Levels = LEVELS) -> Estimates:
    """Mean, median, sd, VaR and ES of one variable, by name, as `measures.summary` computes them from paths.

    An estimate left uncertain by its bins has the flag `Reason.BINNED`; its interval allows for that.
    """
    own = _Measured.of(histogram, loss, levels)
    bad, tails = own.histogram, own.tails
    found = _in_order(over_groups(bad.totals, bad.sizes), own.spread, [t.var for t in tails], [t.es for t in tails[1:]])
    seen = [tail.exceedances for tail in tails]
    return _evidence(levels, found, own.flags(), seen, FEWEST_FOR_ES, bad).estimates(loss)


def difference(histogram: Histogram, baseline: Histogram, loss: bool, levels: Levels = LEVELS) -> Estimates:
    """Measures of one variable less those of another on the same groups of paths, by name (without "worse").

    The distribution of the difference itself is unknown, so a tail flag of either variable is a flag of the difference.
    """
    mine, other = (_Measured.of(part, loss, levels) for part in (histogram, baseline))
    x, y, sizes = mine.histogram, other.histogram, mine.histogram.sizes
    pairs = list(zip(mine.tails, other.tails, strict=True))
    ranked = [_gap_of_quantiles(x, y, *pair) for pair in pairs]
    beyond = [
        _widened(
            shifted(over_groups(one.excess - two.excess, sizes), 1 / (1 - level), q.row[0]), _apart(one.es, two.es)
        )
        for level, q, (one, two) in zip(levels, ranked[1:], pairs[1:], strict=True)
    ]
    of_spread = over_groups(mine.influence - other.influence, sizes)
    gap = shifted(of_spread, 1.0, mine.spread.row[0] - other.spread.row[0] - of_spread.mean)
    spread = _widened(gap, _apart(mine.spread, other.spread))
    found = _in_order(over_groups(x.totals - y.totals, sizes), spread, ranked, beyond)
    flags = [gravest(pair) for pair in zip(mine.flags(), other.flags(), strict=True)]
    seen = [min(one.exceedances, two.exceedances) for one, two in pairs]
    return _evidence(levels, found, flags, seen, FEWEST_FOR_ES_DIFFERENCE, x, y).estimates(loss)


def _in_order(mean: Moments, spread: _Binned, ranked: list[_Binned], beyond: list[_Binned]) -> list[_Binned]:
    """Measures in the order of `evidence.measures`; `ranked` are the median, then VaR at each level."""
    return [_Binned(shifted(mean, 1.0), (0.0, 0.0)), ranked[0], spread, *ranked[1:], *beyond]


def _gap_of_quantiles(x: Histogram, y: Histogram, one: _Tail, two: _Tail) -> _Binned:
    """Difference of two quantiles, as in `differences.py`; a bin counts as a tie if it may hold a single value."""
    q, sizes, student = one.var.row[0] - two.var.row[0], x.sizes, _student(len(x.sizes))
    error = over_groups(one.slope * one.number - two.slope * two.number, sizes).error
    alike = max(_alike(x, one) * one.slope, _alike(y, two) * two.slope)
    reach = np.nan if alike > TIED * x.count * error else student * error
    return _widened((q, error, q - reach, q + reach), _apart(one.var, two.var))


def _alike(histogram: Histogram, tail: _Tail) -> int:
    """Largest number of tied paths in a bin of the quantile's interval; 0 for none.

    A bin of tied values has a whole mean in steps. Others have one by chance, once in as many bins as they have values.
    """
    if not tail.down:
        return 0
    first, last = histogram.bins_of(np.array([tail.down, tail.up]))
    count, steps = (part[first : last + 1] for part in (histogram.pooled, histogram.steps))
    whole = steps % count == 0
    all_tied = whole.all() and np.prod(count, dtype=np.float64) > SURE
    tied = whole & (count > 1) & (all_tied | (count > SURE * len(count)))
    return int(count[tied].max(initial=0))


@dataclass(frozen=True)
class _Measured:
    """A histogram, high being worse, with what its measures and differences from others need.

    Args:
      tails: the median, then VaR and ES at each level.
      spread: standard deviation.
      squares: moments of the squared distances from the mean.
      influence: the groups' totals of (x - mean)^2 / (2 sd), float64 [group].
    """

    histogram: Histogram
    tails: list[_Tail]
    spread: _Binned
    squares: Moments
    influence: Groups

    @staticmethod
    def of(histogram: Histogram, loss: bool, levels: Levels) -> _Measured:
        bad = histogram if loss else histogram.negated()
        tails, none = [_tail(bad, level) for level in (0.5, *levels)], np.zeros(len(bad.sizes))
        if bad.least == bad.most:
            zero = over_groups(none, bad.sizes)
            return _Measured(bad, tails, _Binned(shifted(zero, 1.0), (0.0, 0.0)), zero, none)
        totals, *ends = bad.squares_about(bad.mean)
        squares, scale = over_groups(totals, bad.sizes), bad.count / (bad.count - 1)
        row = deviation(squares, bad.count)
        least, most = (np.sqrt(scale * max(end, 0.0) / bad.count) for end in ends)
        wide = _widened(row, (row[0] - least, most - row[0]))
        spread = _Binned((*row[:2], np.maximum(wide.row[2], 0.0), wide.row[3]), wide.open)
        return _Measured(bad, tails, spread, squares, totals / (2 * row[0]) if row[0] > 0 else none)

    def flags(self) -> list[Flag | None]:
        """Flags of the mean, of the standard deviation and of ES at each level, derived as from values on paths."""
        of = self.histogram
        high, low = _Side.of(of), _Side.of(of.negated())

        def squares(totals: Groups) -> float:
            return (float(over_groups(totals, of.sizes).error) * of.count) ** 2

        ends = Extremes(-low.largest, high.largest, of.count)
        return [
            gravest(side.flag(side.mean, squares(of.totals)) for side in (high, low)),
            squares_flag(ends, high.mean, self.squares),
            *(high.flag(tail.var.row[0].item(), squares(tail.excess)) for tail in self.tails[1:]),
        ]


def _apart(one: _Binned, two: _Binned) -> Ends:
    """Distances below and above the difference of two measures within which its exact value from the sample lies."""
    return one.open[0] + two.open[1], one.open[1] + two.open[0]


def _evidence(
    levels: Levels,
    found: Sequence[_Binned],
    flags: Sequence[Flag | None],
    exceedances: Sequence[float],
    for_es: int,
    *histograms: Histogram,
) -> Evidence:
    groups = len(histograms[0].sizes)
    return Evidence(
        levels,
        tuple(np.array([one.row for one in found]).T),
        flags,
        exceedances,
        for_es,
        all(histogram.least == histogram.most for histogram in histograms),
        ONE_GROUP if groups < 2 else None,
        Flag(Reason.FEW_GROUPS, groups),
        Reason.FEW_EXCEEDANCES,
        [float(sum(one.open)) for one in found],
    )


def mean(totals: Groups, sizes: Counts) -> Estimate:
    """Mean over paths of a quantity, from its totals over groups and the numbers of paths in them."""
    return estimated(over_groups(totals, sizes)).flagged(ONE_GROUP if len(sizes) < 2 else None)


def regrets(histograms: Sequence[Histogram], totals: Float[np.ndarray, "policy group"], loss: bool) -> list[Estimate]:
    """Mean regret of each policy: its distance from the best policy on the same path.

    A regret is at most the policy's own value less the best of all, so its tail is no heavier than the policy's bad
    tail and the good tails of the others; these decide its flag.

    Args:
      histograms: of the outcome under each policy.
      totals: sums of the regrets over each group.
      loss: whether high is worse.
    """
    bad = [histogram if loss else histogram.negated() for histogram in histograms]
    sides = [(_Side.of(own), _Side.of(own.negated())) for own in bad]
    estimates = []
    for policy, of_groups in enumerate(totals):
        own = mean(of_groups, bad[policy].sizes)
        squares = (own.standard_error * bad[policy].count) ** 2
        good = [side for other, (_, side) in enumerate(sides) if other != policy]
        flag = gravest(side.flag(side.mean, squares) for side in (sides[policy][0], *good))
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
    of = over_groups(totals, sizes)
    paths, p = int(sizes.sum()), float(of.mean)
    if len(sizes) < 2:
        return Estimate(p, flags=(ONE_GROUP,))
    if certain := p in (0.0, 1.0):
        count, reach = np.asarray(max(1 / unit, 1 - 1 / unit) * paths), Z
    else:
        with np.errstate(divide="ignore"):
            count, reach = np.clip(p * (1 - p) / of.error**2, 1.0, paths), _student(len(sizes))
    low, high = map(float, share_interval(np.asarray(p), count, reach))
    return Estimate(p, (high - low) / (2 * Z) if certain else float(of.error), low, high)


def difference_of_shares(totals: Counts, baseline: Counts, sizes: Counts, unit: int) -> Estimate:
    """Difference of two shares on the same groups of paths, with its 95 % interval."""
    one, two = share(totals, sizes, unit), share(baseline, sizes, unit)
    if len(sizes) < 2:
        return Estimate(one.estimate - two.estimate, flags=(ONE_GROUP,))
    error = float(over_groups(totals - baseline, sizes).error)
    a, b = (part - sizes * (part.sum() / sizes.sum()) for part in (totals, baseline))
    return share_difference(one, two, error, correlation(a, b))


@dataclass(frozen=True)
class _Side:
    """Upper tail of a histogram: its largest values as interpolated in bins, their flag, the mean of all values."""

    largest: Float[np.ndarray, "value"]
    wrong: Flag | None
    mean: float

    @staticmethod
    def of(histogram: Histogram) -> _Side:
        largest = histogram.largest(np.arange(tail_size(histogram.count) + 1, 0, -1))
        return _Side(largest, largest_flag(largest), histogram.mean)

    def flag(self, centre: float, squares: float) -> Flag | None:
        """The flag, unless immaterial: as in `heaviness.material`."""
        return material(self.wrong, self.largest, centre, squares)


def _student(groups: int) -> float:
    return float(stdtrit(groups - 1, 1 - TAIL)) if groups > 1 else np.nan


def _widened(row: Column, open: Ends) -> _Binned:
    """The measure whose interval does not allow for bin width yet."""
    estimate, error, low, high = row
    return _Binned((estimate, error, low - open[0], high + open[1]), open)
