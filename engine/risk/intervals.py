"""Standard errors and 95 % intervals over independent units; the measures that need them are in `measures.py`.

Everything here works on many cells at once: leading axes are cells, the last axis is the path. A *unit* is a group of
paths that may depend on each other and not on anything else: one path, an antithetic pair, or a replicate of a Latin
hypercube. Dependence inside a unit enters through the variance of unit totals. Formulas, sources and measured coverage: `docs/method.md`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from scipy.special import bdtr, betaincinv, ndtri, stdtrit

from engine.risk.flags import Flag, Reason, text

Cells = Float[np.ndarray, "*cells"]
CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
Z = float(ndtri(1 - TAIL))
FEW_UNITS = 30
"""Below so many units an interval is Student's t, without correction for skewness, which so few do not show."""
SLICE = 1 << 15
"""Units that are looked at at a time: in double precision they stay in a core's cache."""
PAIR = 2
"""Paths in the largest unit that is no replicate. Replicates are few and large: the error from them is uncertain itself."""


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error and 95 % interval, NaN where there is none, and what must be known of it: `flags.py`."""

    estimate: float
    standard_error: float = np.nan
    low: float = np.nan
    high: float = np.nan
    flags: tuple[Flag, ...] = ()

    @property
    def flag(self) -> str:
        """What the flags say, in words."""
        return text(*self.flags)

    @staticmethod
    def of_row(row: Iterable[float], missing: Reason, flags: tuple[Flag, ...] = ()) -> Estimate:
        """The estimate that a cube holds as four numbers; `missing` is why it has no interval where no flag says so."""
        estimate, error, low, high = map(float, row)
        known = flags or np.isfinite(low)
        return Estimate(estimate, error, low, high, flags if known else (Flag(missing),))

    def __neg__(self) -> Estimate:
        return replace(self, estimate=-self.estimate, low=-self.high, high=-self.low)

    def flagged(self, *flags: Flag | None) -> Estimate:
        """The same estimate with the flags, its own last, each once; without its interval where one of them takes it away."""
        joined = tuple(dict.fromkeys(flag for flag in (*flags, *self.flags) if flag))
        if any(flag.withholds for flag in joined):
            return replace(self, low=np.nan, high=np.nan, flags=joined)
        return replace(self, flags=joined) if joined else self


@dataclass(frozen=True)
class Units:
    """Which independent unit each path belongs to.

    Args:
      paths: how many paths there are.
      size: paths in every unit, where all are alike and consecutive.
      owner: unit number of each path, ascending from 0 without gaps, where they are not all alike; else None.
    """

    paths: int
    size: int
    owner: Int[np.ndarray, "path"] | None = None

    @functools.cached_property
    def count(self) -> int:
        """How many units there are."""
        if self.owner is not None:
            return int(self.owner[-1]) + 1 if self.paths else 0
        return self.paths // self.size

    @functools.cached_property
    def sizes(self) -> np.ndarray:
        """Paths in each unit, float64; one number where all are alike."""
        if self.owner is None:
            return np.asarray(float(self.size))
        return np.bincount(self.owner, minlength=self.count).astype(np.float64)

    @property
    def replicated(self) -> bool:
        """Whether units are replicates."""
        return self.size > PAIR

    @functools.cached_property
    def reach(self) -> float:
        """Standard errors that a 95 % interval reaches: Student's over replicates, with one degree of freedom less than J.

        That of the normal law for paths and pairs, which are many wherever there is an interval at all.
        """
        if not self.replicated:
            return Z
        return float(stdtrit(self.count - 1, 1 - TAIL)) if self.count > 1 else np.nan

    @property
    def needed(self) -> int:
        """Units from which a mean has an interval: few replicates do not show how skewed they are, which may be all they are."""
        return FEW_UNITS if self.replicated else 2

    def power_sum(self, power: int) -> float:
        """Sum over units of the unit's size to a power."""
        return float(np.broadcast_to(self.sizes**power, (self.count,)).sum())

    def owners(self, path: Int[np.ndarray, "path"]) -> Int[np.ndarray, "path"]:
        """Unit numbers of some paths."""
        if self.owner is not None:
            return self.owner[path]
        return path if self.size == 1 else path // self.size

    def totals(self, values: Num[np.ndarray, "*cells path"]) -> Float[np.ndarray, "*cells unit"]:
        """Sum over the paths of each unit, float64 [..., unit]."""
        if self.owner is not None:
            starts = np.flatnonzero(np.diff(self.owner, prepend=-1))
            return np.add.reduceat(values, starts, axis=-1, dtype=np.float64)
        counted = values.dtype == bool  # whole numbers are added up faster
        numbers = values.view(np.int8) if counted else values
        if self.replicated:
            members = numbers.reshape(*numbers.shape[:-1], self.count, self.size)
            totals = np.add.reduce(members, axis=-1, dtype=np.int32 if counted else np.float64)
            return totals.astype(np.float64, copy=False)
        total: np.ndarray = numbers[..., :: self.size].astype(np.int32 if counted else np.float64)
        for member in range(1, self.size):
            np.add(total, numbers[..., member :: self.size], out=total)
        return total.astype(np.float64, copy=False)

    def totals_of(
        self, of: Callable[..., np.ndarray], *values: Num[np.ndarray, "cell path"]
    ) -> Float[np.ndarray, "cell unit"]:
        """Totals of what is made of each path alone, for so few paths at a time that it stays in a core's cache."""
        if self.owner is not None or self.replicated:
            return self.totals(of(*values))
        cells = len(values[0])
        totals = np.empty((cells, self.count))
        step = max(SLICE // cells, 1)
        for first in range(0, self.count, step):
            paths = slice(self.size * first, self.size * (first + step))
            totals[:, first : first + step] = self.totals(of(*(part[:, paths] for part in values)))
        return totals

    def take(self, mask: Bool[np.ndarray, "path"]) -> Units:
        """The units of the paths where the mask holds; a unit without such a path is no unit any more."""
        kept = np.flatnonzero(mask)
        if self.owner is None and self.size == 1:
            return Units(len(kept), 1)
        _, owner = np.unique(self.owners(kept), return_inverse=True)
        return Units(len(kept), self.size, owner)

    def kept(self, mask: Bool[np.ndarray, "path"]) -> Units:
        """The same; these themselves where the mask holds on every path."""
        return self if mask.all() else self.take(mask)


def as_units(paths: int, unit: int | Units) -> Units:
    """Consecutive groups of `unit` paths (the last may be short); given `Units`, those."""
    if isinstance(unit, Units):
        return unit
    if paths % unit:
        return Units(paths, unit, np.arange(paths) // unit)
    return Units(paths, unit)


@dataclass(frozen=True)
class Moments:
    """A mean over paths and what its error needs, one of each per cell.

    Args:
      mean: sum over all paths / number of paths.
      error: its standard error, sqrt(J / (J - 1) sum_j r_j^2) / n with r_j the total of unit j less its size times the mean.
      skewness: skewness of the mean itself, sum_j r_j^3 / (sum_j r_j^2)^1.5; 0 where units are too few to show it.
      units: J.
      needed: units from which it has an interval.
    """

    mean: Cells
    error: Cells
    skewness: Cells
    units: int
    needed: int = 2


@dataclass(frozen=True)
class Some:
    """Values at some paths of each cell, zero at all others: what a tail leaves. Cells and, in them, paths ascend."""

    cells: int
    cell: Int[np.ndarray, "value"]
    path: Int[np.ndarray, "value"]
    value: Float[np.ndarray, "value"]


def moments(values: Num[np.ndarray, "*cells path"], units: Units) -> Moments:
    """Moments of a mean over paths, from values [..., path]."""
    return moments_of_totals(units.totals(values), units)


def moments_of_totals(totals: Float[np.ndarray, "*cells unit"], units: Units) -> Moments:
    """Moments of a mean over paths, from the sum over each unit [..., unit]."""
    mean = totals.sum(axis=-1) / units.paths
    residual = totals - units.sizes * mean[..., None]
    square = residual * residual
    return _moments(mean, square.sum(axis=-1), dots(square, residual), units)


def moments_of_some(some: Some, units: Units) -> Moments:
    """Moments of the mean over *all* paths of values that are zero but at some of them, one per cell."""
    owner = units.owners(some.path)
    key = some.cell * np.int64(units.count) + owner
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    cell, size = some.cell[starts], units.sizes if units.owner is None else units.sizes[owner[starts]]
    totals = np.add.reduceat(some.value, starts, dtype=np.float64) if len(starts) else np.zeros(0)

    def by_cell(values: np.ndarray) -> np.ndarray:
        return np.bincount(cell, np.broadcast_to(values, cell.shape), some.cells)

    mean = by_cell(totals) / units.paths
    residual = totals - size * mean[cell]
    square = by_cell(residual**2) + mean**2 * (units.power_sum(2) - by_cell(size**2))
    cube = by_cell(residual**3) - mean**3 * (units.power_sum(3) - by_cell(size**3))
    return _moments(mean, square, cube, units)


def moments_of_tail(
    tail: Float[np.ndarray, "cell rank"],
    cell: Int[np.ndarray, "unit"],
    joint: Float[np.ndarray, "unit member"],
    units: Units,
) -> Moments:
    """As `moments_of_some`, for units of equal size, from the values alone and what shares its unit with another.

    With e the values, m their mean over all paths and T the total of one of J units of s paths:
    sum (T - s m)^2 = sum T^2 - J (s m)^2, sum (T - s m)^3 = sum T^3 - 3 s m sum T^2 + 2 J (s m)^3, and
    sum T^k = sum e^k but for the units in which there are several.

    Args:
      tail: the values that are not zero, and any zeros [cell, rank].
      cell: of each unit in which several are not zero [unit].
      joint: the values of these units [unit, member].
    """
    whole = joint.sum(axis=-1)
    more_square = np.bincount(cell, whole**2 - dots(joint, joint), len(tail))
    more_cube = np.bincount(cell, whole**3 - dots(joint * joint, joint), len(tail))
    mean = tail.sum(axis=-1) / units.paths
    expected, square = units.size * mean, dots(tail, tail) + more_square
    cube = dots(tail * tail, tail) + more_cube - 3 * expected * square + 2 * units.count * expected**3
    return _moments(mean, square - units.count * expected**2, cube, units)


def dots(a: Num[np.ndarray, "*cells n"], b: Num[np.ndarray, "*cells n"]) -> Num[np.ndarray, "*cells"]:
    """Sum over the last axis of a b. Not by BLAS, whose threads wait for one another where several threads call it."""
    return np.einsum("...j,...j->...", a, b)


def _moments(mean: np.ndarray, square: np.ndarray, cube: np.ndarray, units: Units) -> Moments:
    of = moments_of_sums(mean, square, cube, mean, units.count, units.paths)
    return replace(of, needed=units.needed)


def moments_of_sums(
    mean: np.ndarray, square: np.ndarray, cube: np.ndarray, size: np.ndarray, count: int, paths: int
) -> Moments:
    """Moments of a mean over paths, from the sums of the squares and the cubes of so many residuals, of totals of this size."""
    # a sum of squares of rounding errors is no variance
    square = np.where(square <= count * (1e-14 * size) ** 2, 0.0, square)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(square * count / np.float64(count - 1)) / paths
        known = (square > 0) & (count >= FEW_UNITS)
        skewness = np.where(known, cube / square**1.5, 0.0)
    return Moments(mean, error, skewness, count)


def mean_interval(of: Moments) -> tuple[Cells, Cells]:
    """95 % interval of a mean: Student's t, corrected for skewness by Hall's monotone cubic transformation.

    With T the studentised mean and A its skewness, ((1 + A T / 3)^3 - 1) / A + A / 6 is nearly normal; the interval
    inverts it. It is the plain one where A is 0, and NaN for fewer units than are needed, unless they are all alike.
    Source: Hall (1992), J. R. Statist. Soc. B 54, 221-228, doi:10.1111/j.2517-6161.1992.tb01876.x.
    """
    if of.units < 2:
        nothing = np.full_like(of.mean, np.nan)
        return nothing, nothing
    t = float(stdtrit(of.units - 1, 1 - TAIL))
    skewed = np.abs(of.skewness) > 1e-8
    a = np.where(skewed, of.skewness, 1.0)

    def studentised(point: float) -> np.ndarray:
        return np.where(skewed, 3 / a * (np.cbrt(1 + a * (point - a / 6)) - 1), point)

    error = of.error if of.units >= of.needed else np.where(of.error > 0, np.nan, 0.0)
    return of.mean - error * studentised(t), of.mean - error * studentised(-t)


def effective_count(share: Moments, units: Units) -> Cells:
    """How many independent paths would give this share of paths the error it has: n over the design effect.

    share (1 - share) / error^2, held between 1 and n J; from replicates less, by (1.96 / their `reach`)^2. Where all or no
    path has the property the design effect is unknown: the number of units stands in for it, or n - J for replicates,
    which are never worse than one path less each (Owen 1997, SIAM J. Numer. Anal. 34, 1884-1910).
    Source: Korn and Graubard (1998), Survey Methodology 24, 193-201.
    """
    if units.size == 1 and units.owner is None:
        return np.full_like(share.mean, float(units.paths))
    return design_count(share, units, max(units.count, units.paths - units.count))


def design_count(share: Moments, units: Units, unseen: float) -> Cells:
    """As `effective_count`, also of paths with weights, and `unseen` where all or no path has the property."""
    if units.count < 2:
        return np.ones_like(share.mean)
    variance = share.error**2 * (units.count - 1) / units.count
    spread = share.mean * (1 - share.mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        count = np.clip(spread / variance, 1.0, float(units.paths) * units.count)
    if units.replicated:
        count = np.maximum(count * (Z / units.reach) ** 2, 1.0)
    return np.where(spread > 0, count, float(unseen))


def tail_ranks(count: Cells, share: float, risk: float = TAIL) -> tuple[Cells, Cells]:
    """Ranks from the top between which the quantile with `share` of the law above it lies, each end missed with `risk`.

    Of `count` independent values, the low end is the `first`-th largest and the high end the `second`-th largest, with
    P(Bin(count, share) >= first) <= risk and P(Bin(count, share) < second) <= risk; second = 0: no value is high enough.
    Source: David and Nagaraja (2003), Order Statistics, 3rd ed., section 7.1, doi:10.1002/0471722162.
    """
    count = np.rint(count)
    return _binomial_quantile(1 - risk, count, share) + 1, _binomial_quantile(risk, count, share)


def _binomial_quantile(probability: float, count: np.ndarray, share: float) -> np.ndarray:
    """Smallest k with P(Bin(count, share) <= k) >= probability, searched from where Cornish and Fisher's expansion puts it."""
    z, whole = float(ndtri(probability)), np.asarray(count).astype(np.int64)
    near = count * share + z * np.sqrt(count * share * (1 - share)) + (z * z - 1) * (1 - 2 * share) / 6
    k = np.clip(np.ceil(near - 0.5), 0, count)
    while np.any(short := bdtr(k, whole, share) < probability):
        k = k + short
    while np.any(beyond := (k > 0) & (bdtr(np.maximum(k - 1, 0), whole, share) >= probability)):
        k = k - beyond
    return k


def wilson_interval(share: Cells, count: Cells, z: float = Z) -> tuple[Cells, Cells]:
    """95 % interval of a probability by Wilson's score with an effective count; fine for shares of 0 and 1.

    Args:
      z: how many standard errors it reaches; that of the normal law if not given.

    Source: Wilson (1927), J. Am. Statist. Assoc. 22, 209-212, doi:10.1080/01621459.1927.10502953.
    """
    extra = z**2 / count
    centre = (share + extra / 2) / (1 + extra)
    half = np.sqrt(extra * share * (1 - share) + extra**2 / 4) / (1 + extra)
    # at the ends the score interval closes exactly; rounding must not open or overshoot it
    low = np.where(share <= 0, 0.0, np.minimum(centre - half, share))
    high = np.where(share >= 1, 1.0, np.maximum(centre + half, share))
    return np.maximum(low, 0.0), np.minimum(high, 1.0)


def exact_interval(share: Cells, count: Cells, risk: float = TAIL) -> tuple[Cells, Cells]:
    """Interval of a probability that the binomial law itself gives, each end missed with at most `risk`; for counts of a few, or far ends.

    Source: Clopper and Pearson (1934), Biometrika 26, 404-413, doi:10.1093/biomet/26.4.404, with an effective count, as in `effective_count`.
    """
    hits = share * count
    misses = count - hits
    low = np.where(share > 0, betaincinv(np.maximum(hits, 1e-300), misses + 1, risk), 0.0)
    high = np.where(share < 1, betaincinv(hits + 1, np.maximum(misses, 1e-300), 1 - risk), 1.0)
    return np.minimum(low, share), np.maximum(high, share)


def combined_interval(
    first: tuple[float, float, float], second: tuple[float, float, float], correlation: float
) -> tuple[float, float]:
    """Interval of `first` - `second` from their own (estimate, low, high) and the correlation of the estimates.

    Asymmetric as its parts are, so that it stays honest for probabilities near 0 or 1.
    Source: Newcombe (1998), Statist. Med. 17, 2635-2650 (method 10),
    doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C.
    """
    (a, a_low, a_high), (b, b_low, b_high) = first, second

    def reach(da: float, db: float) -> float:
        return float(np.sqrt(max(da * da - 2 * correlation * da * db + db * db, 0.0)))

    return a - b - reach(a - a_low, b_high - b), a - b + reach(a_high - a, b - b_low)
