"""Risk functionals from histograms by group of paths, with what their bins leave open; errors over groups.

Groups are independent and hold whole units, so that a total over a group takes the part that a path, or a unit, takes
in `measures.py`: the same influence functions, Student's t with one degree of freedom less than there are groups. What
the bins leave open is known for certain and is added to both ends of an interval. Formulas: `docs/method.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.special import stdtrit

from engine.risk.evidence import FEWEST_FOR_ES, FEWEST_FOR_ES_DIFFERENCE, Evidence
from engine.risk.flags import Flag, Reason
from engine.risk.heaviness import largest_flag, tail_size
from engine.risk.histograms import Histogram
from engine.risk.intervals import FEW_UNITS, TAIL, Estimate, Moments, Z, wilson_interval
from engine.risk.measures import correlation, share_difference
from engine.risk.tails import LEVELS, shifted, tail_count

Groups = Float[np.ndarray, "group"]
Counts = Int[np.ndarray, "group"]
ONE_GROUP = Flag(Reason.ONE_GROUP, 1, 2)

Row = tuple[float, float, float, float]
"""Estimate, standard error, low end, high end."""
Ends = tuple[float, float]
"""How far below and above an estimate the value of this very sample may lie."""


def over_groups(totals: Num[np.ndarray, "group"], sizes: Counts) -> Moments:
    """Moments of a mean over paths, from the totals and the sizes of independent groups [group]."""
    count, paths = len(sizes), sizes.sum()
    mean = totals.sum() / paths
    residual = totals - sizes * mean
    square = np.sum(residual**2)
    # a sum of squares of rounding errors is no variance
    square = np.where(square <= count * (1e-14 * np.abs(totals).max()) ** 2, 0.0, square)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(square * count / np.float64(count - 1)) / paths
        known = (square > 0) & (count >= FEW_UNITS)
        skewness = np.where(known, np.sum(residual**3) / square**1.5, 0.0)
    return Moments(mean, error, skewness, count)


@dataclass(frozen=True)
class _Tail:
    """VaR and ES of one histogram at one level, high being worse.

    Args:
      var, es: as rows; the ends of `var` hold what the bins leave open, those of `es` do not yet.
      var_open, es_open: how far below and above the estimate the value of this very sample may lie.
      slope: change of the quantile with the share above it.
      number, excess: exceedances of VaR, and their sum above it, by group.
    """

    var: Row
    es: Row
    var_open: Ends
    es_open: Ends
    slope: float
    number: Groups
    excess: Groups


def _tail(histogram: Histogram, level: float) -> _Tail:
    n, sizes = histogram.count, histogram.sizes
    rank = tail_count(n, level)
    q = float(histogram.largest(rank))
    q_low, q_high = (float(end) for end in histogram.bounds(rank))
    number, excess = histogram.beyond(rank, q)
    # groups are too few to show how skewed the mean of a tail is; the bins show it
    shortfall = replace(over_groups(excess, sizes), skewness=histogram.skewness_beyond(rank, q))
    es = _row(shortfall, 1 / (1 - level), q)
    _, *ends = histogram.sum_of_largest(rank)
    expected = n * (1 - level)
    # for whole n (1 - a) the weight of VaR is nothing; else it is negative
    es_low, es_high = (
        end / expected + (1 - rank / expected) * var for end, var in zip(ends, (q_high, q_low), strict=True)
    )
    es_open = max(es[0] - es_low, 0.0), max(es_high - es[0], 0.0)
    student = _student(len(sizes))
    reach = student * float(over_groups(number, sizes).error) * n
    row, slope = (q, np.nan, np.nan, np.nan), np.nan
    if reach < rank:
        down, up = min(int(np.ceil(rank + reach)), n), max(int(np.floor(rank - reach)), 1)
        spread = float(histogram.largest(up) - histogram.largest(down))
        low, high = float(histogram.bounds(down)[0]), float(histogram.bounds(up)[1])
        row, slope = (q, spread / (2 * student), low, high), spread * n / max(down - up, 1)
    return _Tail(row, es, (q - q_low, q_high - q), es_open, slope, number, excess)


def summary(histogram: Histogram, loss: bool) -> dict[str, Estimate]:
    """Mean, VaR and ES of one variable, by name, as `measures.summary` gives them from paths.

    An estimate whose bins leave something open bears the flag `Reason.BINNED`, and has its interval.
    """
    bad = histogram if loss else histogram.negated()
    levels = [_tail(bad, level) for level in LEVELS]
    rows = [_row(over_groups(bad.totals, bad.sizes)), *(t.var for t in levels), *(t.es for t in levels)]
    width = [*(t.var_open for t in levels), *(t.es_open for t in levels)]
    # the ends of VaR hold it already
    rows[1 + len(LEVELS) :] = map(_widened, rows[1 + len(LEVELS) :], width[len(LEVELS) :])
    upper = heaviness(bad)
    mean = upper or heaviness(bad.negated())
    return _evidence(rows, width, mean, upper, FEWEST_FOR_ES, (bad,)).estimates(loss)


def difference(histogram: Histogram, baseline: Histogram, loss: bool) -> dict[str, Estimate]:
    """Measures of one variable less those of another on the same groups of paths, by name (without "worse").

    The tails of the gap itself are not known: its mean is flagged where a tail of either variable is heavy.
    """
    x, y = (part if loss else part.negated() for part in (histogram, baseline))
    sizes = x.sizes
    student = _student(len(sizes))
    pairs = [(_tail(x, level), _tail(y, level)) for level in LEVELS]
    gaps = [one.var[0] - two.var[0] for one, two in pairs]
    rows = [_row(over_groups(x.totals - y.totals, sizes))]
    for q, (one, two) in zip(gaps, pairs, strict=True):
        error = float(over_groups(one.slope * one.number - two.slope * two.number, sizes).error)
        rows.append((q, error, q - student * error, q + student * error))
    for level, q, (one, two) in zip(LEVELS, gaps, pairs, strict=True):
        rows.append(_row(over_groups(one.excess - two.excess, sizes), 1 / (1 - level), q))
    width = [_apart(one.var_open, two.var_open) for one, two in pairs]
    width += [_apart(one.es_open, two.es_open) for one, two in pairs]
    rows[1:] = map(_widened, rows[1:], width)
    upper = heaviness(x) or heaviness(y)
    mean = upper or heaviness(x.negated()) or heaviness(y.negated())
    return _evidence(rows, width, mean, upper, FEWEST_FOR_ES_DIFFERENCE, (x, y)).estimates(loss)


def _apart(one: Ends, two: Ends) -> Ends:
    """How far the gap between two values can be off, below and above."""
    return one[0] + two[1], one[1] + two[0]


def _evidence(
    rows: Sequence[Row],
    width: Sequence[Ends],
    mean: Flag | None,
    tail: Flag | None,
    for_es: int,
    histograms: Sequence[Histogram],
) -> Evidence:
    groups, count = len(histograms[0].sizes), histograms[0].count
    return Evidence(
        tuple(np.array(rows).T),
        mean,
        tail,
        [count * (1 - level) for level in LEVELS],
        Reason.FEW_EXCEEDANCES,
        for_es,
        all(histogram.least == histogram.most for histogram in histograms),
        ONE_GROUP if groups < 2 else None,
        [0.0, *map(sum, width)],
        Flag(Reason.FEW_GROUPS, groups),
    )


def mean(totals: Groups, sizes: Counts, flag: Flag | None = None) -> Estimate:
    """Mean over paths of what has these totals by group."""
    return Estimate(*_row(over_groups(totals, sizes))).flagged(ONE_GROUP if len(sizes) < 2 else flag)


def share(totals: Counts, sizes: Counts, unit: int) -> Estimate:
    """Share of paths with a property, from how many of each group have it: Wilson's score with Student's t.

    The effective number of paths is p (1 - p) / error^2, and not more than there are; where all paths or none have the
    property it is the number of units, or of paths but one in each replicate.
    """
    of = over_groups(totals, sizes)
    paths, p = int(sizes.sum()), float(of.mean)
    if len(sizes) < 2:
        return Estimate(p, np.nan, np.nan, np.nan, (ONE_GROUP,))
    if p in (0.0, 1.0):
        alone = np.asarray(max(1 / unit, 1 - 1 / unit) * paths)
        low, high = (float(end) for end in wilson_interval(np.asarray(p), alone))
        return Estimate(p, (high - low) / (2 * Z), low, high)
    with np.errstate(divide="ignore"):
        count = np.clip(p * (1 - p) / of.error**2, 1.0, paths)
    low, high = (float(end) for end in wilson_interval(np.asarray(p), count, _student(len(sizes))))
    return Estimate(p, float(of.error), low, high)


def difference_of_shares(totals: Counts, baseline: Counts, sizes: Counts, unit: int) -> Estimate:
    """One share less another on the same groups of paths."""
    one, two = share(totals, sizes, unit), share(baseline, sizes, unit)
    if len(sizes) < 2:
        return Estimate(one.estimate - two.estimate, np.nan, np.nan, np.nan, (ONE_GROUP,))
    error = float(over_groups(totals - baseline, sizes).error)
    a, b = (part - sizes * (part.sum() / sizes.sum()) for part in (totals, baseline))
    return share_difference(one, two, error, correlation(a, b))


def tails_flag(histogram: Histogram) -> Flag | None:
    """The flag of a heavy tail on either side."""
    return heaviness(histogram) or heaviness(histogram.negated())


def heaviness(histogram: Histogram) -> Flag | None:
    """The flag of a heavy upper tail, as `heaviness.tail_flag` gives it from values, and these as the bins guess them."""
    k = tail_size(histogram.count)
    if not k or histogram.least == histogram.most:
        return None
    return largest_flag(histogram.largest(np.arange(k + 1, 0, -1)))


def _student(groups: int) -> float:
    return float(stdtrit(groups - 1, 1 - TAIL)) if groups > 1 else np.nan


def _row(of: Moments, scale: float = 1.0, shift: float = 0.0) -> Row:
    estimate, error, low, high = map(float, shifted(of, scale, shift))
    return estimate, error, low, high


def _widened(row: Row, width: Ends) -> Row:
    estimate, error, low, high = row
    return estimate, error, low - width[0], high + width[1]
