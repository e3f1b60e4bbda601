"""Two policies, or two outcomes, on the same futures: stochastic dominance, regret, and worst futures in common.

Stochastic dominance: for losses, high being worse, X dominates Y at first order where P(X > x) <= P(Y > x) at every
level x: everyone who prefers smaller losses prefers X. X dominates Y at second order where E(X - x)+ <= E(Y - x)+ at
every x: everyone who is also risk averse prefers X. Both orders are judged on the same futures, at levels between which
nearly all values of both lie; further out the sample is too small to tell.

*Dominates* is reported where the gap is below zero by 1.645 standard errors at every level: an intersection-union test,
wrong in at most 5 % of the cases without dominance. *Does not dominate* is reported where an interval of the gap that
holds at all levels at once (Bonferroni) excludes zero on the wrong side. Sources: Davidson and Duclos (2013),
Econometric Reviews 32, 84-125, doi:10.1080/07474938.2012.690332; Kaur, Prakasa Rao and Singh (1994), Econometric Theory
10, 849-866.

Worst futures in common: chi(q) = P(both in their worst 1 - q share) / (1 - q) is 1 - q where the two outcomes are
independent, 1 where their worst futures are the same. The tails are those of the sample's own ranks, which the interval
allows for: the influence of a path is 1{both} - a 1{first} - b 1{second}, with a the probability that the second is in
its tail where the first is at the edge of its own, and b the reverse. Source: Genest and Segers (2010), J. Multivariate
Anal. 101, 1837-1845, doi:10.1016/j.jmva.2010.03.018; chi: Coles, Heffernan and Tawn (1999), Extremes 2, 339-365.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

from engine.risk.estimation.events import Happens
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import Extremes, gravest
from engine.risk.estimation.influences import judged, single
from engine.risk.estimation.intervals import (
    Estimate,
    Paths,
    PolicyPaths,
    Unit,
    Units,
    finite_units,
    moments_of_totals,
    student,
)
from engine.risk.estimation.measures import Estimates
from engine.risk.estimation.shares import effective_count, share_of_moments
from engine.risk.estimation.tails import Measured, tail_count
from engine.risk.policies.ranks import batched

POINTS = 60
OUTSIDE = 0.002
"""Share of the pooled values of both policies that lies beyond the levels, on either side."""
FEWEST = 50
"""Least number of pooled values that lie beyond the levels on either side."""
ERROR = 0.05
"""Greatest probability of reporting dominance where there is none, and of denying it where it holds."""
SURE = 10
"""Paths on which the two policies must differ at a level before it can be evidence against dominance."""


class Verdict(enum.StrEnum):
    """What the sample shows of one policy's dominance over another."""

    BETTER = "dominates"
    WORSE = "is dominated"
    NEITHER = "neither dominates"
    NOT_BETTER = "does not dominate"
    NOT_WORSE = "is not dominated"
    SAME = "is the same"
    OPEN = "open"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Dominance:
    """How the distribution of an outcome under a first policy compares with that under a second.

    Args:
      verdict: what the sample shows.
      low, high: the range of levels that were compared, in the variable's own sign.
      better, worse: p values of the hypotheses that the first policy does not dominate, and that it is not dominated.
      at_best, at_worst: the level at which the first policy is better, or worse, by the most standard errors; NaN where
        no interval that holds at all levels at once shows it better, or worse.
      flag: why there is no verdict, or what was left out of the sample.
    """

    verdict: Verdict
    low: float = np.nan
    high: float = np.nan
    better: float = np.nan
    worse: float = np.nan
    at_best: float = np.nan
    at_worst: float = np.nan
    flag: Flag | None = None


def dominance(one: Paths, two: Paths, unit: Unit, loss: bool) -> tuple[Dominance, Dominance]:
    """Dominance of first and of second order between two policies, from their values on the same paths.

    First-order dominance implies second-order dominance and decides its verdict.
    """
    kept, units, lost = finite_units((one, two), unit)
    least = 4 * FEWEST
    if units.count < units.needed or units.paths < least:
        flag = lost or Flag(Reason.NO_PATHS if not units.paths else Reason.FEW_IN_SAMPLE, units.paths, least)
        return (Dominance(Verdict.UNKNOWN, flag=flag),) * 2
    sign = 1.0 if loss else -1.0
    x, y = (sign * values for values in kept)
    both = np.sort(np.concatenate([x, y]))
    outside = max(int(OUTSIDE * len(both)), FEWEST)
    levels = np.unique(both[np.linspace(outside, len(both) - 1 - outside, POINTS).astype(np.int64)])
    at, batches = sign * levels.astype(np.float64), batched(units)
    counts, excesses = _gaps(x, y, levels, batches)
    first = _judged(counts, at, batches, lost)
    heavy = None if np.array_equal(x, y) else gravest(Extremes.of(values).upper for values in (x, y))
    if heavy and heavy.withholds:
        second = Dominance(Verdict.UNKNOWN, first.low, first.high, flag=heavy)
    else:
        second = _judged(excesses, np.append(at[:1], at), batches, lost)
    if first.verdict in (Verdict.BETTER, Verdict.WORSE):
        second = replace(second, verdict=first.verdict)
    return first, second


Gaps = tuple[Float[np.ndarray, "level batch"], Int[np.ndarray, "level"]]
"""Gaps at each level, summed over batches, and the number of paths on which the two policies differ there."""


def _gaps(x: Paths, y: Paths, levels: np.ndarray, batches: Units) -> tuple[Gaps, Gaps]:
    """Gaps 1{x > l} - 1{y > l}, and gaps (x - l)+ - (y - l)+, at each level l; the latter begin with the means' gap."""
    passed = [np.searchsorted(levels, side) for side in (x, y)]
    above = np.subtract(*(_beyond(of, len(levels), batches) for of in passed))
    heights = [side.astype(np.float64) - float(levels[0]) for side in (x, y)]
    excess = np.subtract(*(_beyond(of, len(levels), batches, by) for of, by in zip(passed, heights, strict=True)))
    excess[1:] -= (levels - levels[0]).astype(np.float64)[:, None] * above[1:]
    differ = x != y
    either = [np.sort(side(x[differ], y[differ])) for side in (np.maximum, np.minimum)]
    higher, lower = (len(ascending) - np.searchsorted(ascending, levels, "right") for ascending in either)
    return (above[1:], higher - lower), (excess, np.append(differ.sum(), higher))


def _beyond(
    passed: Int[np.ndarray, "path"], levels: int, batches: Units, weights: Float[np.ndarray, "path"] | None = None
) -> Float[np.ndarray, "level batch"]:
    """Number, or weight, of each batch's paths with a value above each level; a first row is for all its paths.

    Args:
      passed: number of levels below the value of each path.
    """
    rows = levels + 1
    cell = batches.owners(np.arange(batches.paths)) * np.int64(rows) + passed
    held = np.bincount(cell, weights, batches.count * rows).reshape(batches.count, rows)
    return held[:, ::-1].cumsum(axis=1, dtype=np.float64)[:, ::-1].T


def _judged(gaps: Gaps, at: Float[np.ndarray, "level"], batches: Units, lost: Flag | None) -> Dominance:
    """What the gaps show, one at each of the levels `at`."""
    totals, apart = gaps
    of, ends = moments_of_totals(totals, batches), (float(at.min()), float(at.max()))
    # where both lie on the same side of the level on every path, the gap has no error and is left out
    moving = of.error > 0
    if not moving.any():
        return Dominance(Verdict.SAME, *ends, flag=lost)
    t, at, apart = of.mean[moving] / of.error[moving], at[moving], apart[moving]
    # the p value of a sign test with so few paths is no smaller
    better, worse = (float(np.maximum(ndtr(side), 0.5**apart).max()) for side in (t, -t))
    sure, limit = np.where(apart >= SURE, t, 0.0), student(batches.count, len(t))
    best = float(at[sure.argmin()]) if sure.min() < -limit else np.nan
    worst = float(at[sure.argmax()]) if sure.max() > limit else np.nan
    shown = {
        Verdict.BETTER: better <= ERROR,
        Verdict.WORSE: worse <= ERROR,
        Verdict.NEITHER: np.isfinite(best) and np.isfinite(worst),
        Verdict.NOT_BETTER: np.isfinite(worst),
        Verdict.NOT_WORSE: np.isfinite(best),
    }
    verdict = next((verdict for verdict, holds in shown.items() if holds), Verdict.OPEN)
    return Dominance(verdict, *ends, better, worse, best, worst, lost)


REGRETS = {f"regret_VaR{100 * level:g}": level for level in (0.90, 0.95, 0.99)}
"""Levels of the reported quantiles of regret by their names."""
LARGEST = "regret_max"
"""Name of the largest regret in the sample; it grows with the number of paths and has no interval."""


def regrets(values: PolicyPaths, unit: Unit, loss: bool) -> list[Estimates]:
    """Of each policy's regret the quantiles "regret_VaR95" etc. and the largest value "regret_max"; {} without paths.

    Quantiles have intervals from order statistics and the flags of a VaR. The mean is `measures.Variables.regrets`.

    Args:
      values: outcome under every policy on the same paths.
      unit: paths in an independent unit, or the units themselves.
      loss: whether high is worse.
    """
    kept, units, lost = finite_units(tuple(values), unit)
    if not units.count:
        return [{} for _ in values]
    every = np.stack(kept)
    best = every.min(axis=0) if loss else every.max(axis=0)
    levels, found = tuple(REGRETS.values()), []
    for row in np.abs(every - best):
        seen = Measured(row[None], units, levels)
        at_risk = [seen.quantile(level) for level in levels]
        own = dict(zip(REGRETS, judged(at_risk, [None] * len(levels), seen.constant, units, lost), strict=True))
        found.append(own | {LARGEST: Estimate(float(row.max()), flags=(Flag(Reason.UNRECORDED),))})
    return found


FEWEST_IN_TAIL = 50
"""Paths that a tail must hold for the common share to have an interval."""
TIED = 1.5
"""Greatest ratio, either way, of the paths that a tail holds because of ties to the paths that it should hold."""
NEAR = 0.5
"""A path is at the edge of a tail where its rank is within this share of the tail's size of the edge."""


Tail = tuple[Happens, Happens]
"""Which paths lie in the tail, and which at its edge."""


def common_tails(losses: Sequence[Paths], unit: Unit, level: float) -> dict[tuple[int, int], Estimate]:
    """chi(level) of every pair (i, j), i < j, of several losses on the same paths, high being worse.

    Flagged and without an interval where the tail holds fewer than 50 paths or independent units are too few; NaN where
    ties leave no such tail.
    """
    kept, units, lost = finite_units(tuple(losses), unit)
    tails = [_tail(values, level) if units.count else None for values in kept]
    return {
        (i, j): _chi(tails[i], tails[j], units, level).flagged(lost) for i, j in combinations(range(len(losses)), 2)
    }


def _tail(values: Paths, level: float) -> Tail | None:
    n, k = len(values), tail_count(len(values), level)
    far, near = (min(max(round(k * share), 1), n) for share in (1 + NEAR, 1 - NEAR))
    ends = np.partition(values, (n - far, n - k, n - near))
    inside = values >= ends[n - k]
    if inside.sum() > TIED * k:  # many share the value at the edge
        inside = values > ends[n - k]
    if inside.sum() < k / TIED:
        return None
    return inside, (values >= ends[n - far]) & (values <= ends[n - near])


def _chi(one: Tail | None, two: Tail | None, units: Units, level: float) -> Estimate:
    if one is None or two is None:
        return Estimate(np.nan, flags=(Flag(Reason.UNRECORDED),))
    (first, at_first), (second, at_second) = one, two
    both = first & second
    size = 0.5 * (float(first.mean()) + float(second.mean()))
    chi = min(float(both.mean()) / size, 1.0)
    few = units.paths * (1 - level)
    if few < FEWEST_IN_TAIL or units.count < units.needed:
        return Estimate(chi, flags=(Flag(Reason.FEW_EXCEEDANCES, few, FEWEST_IN_TAIL),))
    a, b = float(second[at_first].mean()), float(first[at_second].mean())
    influence = both.astype(np.float64) - a * first - b * second
    of = replace(moments_of_totals(units.totals(influence / size), units), mean=np.asarray(chi))
    return single(share_of_moments(of, effective_count(of, units, size * units.paths)))
