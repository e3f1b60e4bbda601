"""Standard errors and 95 % intervals over independent units; the measures that need them are in `measures.py`.

Everything here works on many cells at once: leading axes are cells, the last axis is the path. A *unit* is a group of
paths that may depend on each other and not on anything else: one path, an antithetic pair, or a replicate of
Sobol' points. Dependence inside a unit enters through the variance of unit totals. Formulas, sources and measured
coverage: `docs/method.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.special import ndtri, stdtrit

from engine.risk.estimation.events import Happens
from engine.risk.estimation.exclusion import PAIR
from engine.risk.estimation.flags import Flag, Reason, text
from engine.risk.estimation.properties import cached_property
from engine.risk.estimation.row_statistics import Made, sums

Paths = Float[np.ndarray, "path"]
PolicyPaths = Float[np.ndarray, "policy path"]
Cells = Float[np.ndarray, "*cells"]
Index = Int[np.ndarray, "some"]
Levels = tuple[float, ...]
"""Levels of VaR and ES, ascending."""
CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
Z = float(ndtri(1 - TAIL))
FEW_UNITS = 30
"""Number of units below which Student's interval is not corrected for skewness, which cannot be estimated."""
FIRST = 1 << 7
"""Number of units whose mean is the provisional mean of all."""
NEAR = 0.1
"""Largest share of the sum of squares that may come from a provisional mean being off; more would cost digits."""


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error, 95 % interval and flags (`flags.py`); NaN for a missing error or interval."""

    estimate: float
    standard_error: float = np.nan
    low: float = np.nan
    high: float = np.nan
    flags: tuple[Flag, ...] = ()

    @property
    def flag(self) -> str:
        """Text of the flags."""
        return text(*self.flags)

    @property
    def column(self) -> tuple[float, float, float, float]:
        """The estimate, its standard error and the ends of its interval."""
        return self.estimate, self.standard_error, self.low, self.high

    @staticmethod
    def normal(value: float, error: float, reach: float = Z) -> Estimate:
        """The estimate with an interval of `reach` standard errors to each side."""
        return Estimate(value, error, value - reach * error, value + reach * error)

    def __neg__(self) -> Estimate:
        return replace(self, estimate=-self.estimate, low=-self.high, high=-self.low)

    def flagged(self, *flags: Flag | None) -> Estimate:
        """The estimate with `flags` before its own, each once; without interval if any of them withholds it."""
        joined = tuple(dict.fromkeys(flag for flag in (*flags, *self.flags) if flag))
        if any(flag.withholds for flag in joined):
            return replace(self, low=np.nan, high=np.nan, flags=joined)
        return replace(self, flags=joined) if joined else self


@dataclass(frozen=True)
class Units:
    """Which independent unit each path belongs to.

    Args:
      paths: number of paths.
      size: paths in every unit, where all units are equally large and their paths consecutive.
      owner: unit number of each path, ascending from 0 without gaps, where units are not equally large; else None.
      weights: weight of each path, with mean 1; None where all paths weigh the same.
    """

    paths: int
    size: int
    owner: Int[np.ndarray, "path"] | None = None
    weights: Paths | None = None

    @cached_property
    def count(self) -> int:
        """Number of units, J."""
        if self.owner is not None:
            return int(self.owner[-1]) + 1 if self.paths else 0
        return self.paths // self.size

    @cached_property
    def sizes(self) -> np.ndarray:
        """Number of paths, or their weight, in each unit, float64; a single number where all units are alike."""
        alike = self.weights is None and self.owner is None
        return np.asarray(float(self.size)) if alike else self.totals(np.ones(self.paths))

    @property
    def alone(self) -> bool:
        """Whether every path is a unit, and all weigh the same."""
        return self.size == 1 and self.small

    @property
    def small(self) -> bool:
        """Whether all units are single paths, or all are pairs, of the same weight."""
        return self.owner is None and self.weights is None and not self.replicated

    @cached_property
    def kish(self) -> float:
        """Kish's effective number of paths (sum w)^2 / sum w^2: as many of equal weight have the same error."""
        return self.paths if self.weights is None else float(self.paths**2 / dots(self.weights, self.weights))

    @property
    def effective(self) -> float:
        """Kish's effective number of units, from their weights. Source: Kish (1965), Survey Sampling, section 11.7."""
        sizes = np.broadcast_to(self.sizes, self.count)
        return float(sizes.sum() ** 2 / dots(sizes, sizes)) if sizes.any() else 0.0

    @property
    def replicated(self) -> bool:
        """Whether units are replicates, that is, larger than antithetic pairs."""
        return self.size > PAIR

    @cached_property
    def reach(self) -> float:
        """Half-width of a 95 % interval in standard errors: Student's t with J - 1 degrees of freedom for J replicates.

        For paths and pairs the normal 1.96, as there are many of them wherever there is an interval at all.
        """
        return student(self.count) if self.replicated else Z

    @property
    def needed(self) -> int:
        """Number of units that an interval of a mean needs: few replicates do not show how skewed they are."""
        return FEW_UNITS if self.replicated else 2

    few_beyond = Reason.FEW_EFFECTIVE_EXCEEDANCES
    """Reason of a flag for too few values beyond a quantile."""

    @property
    def no_error(self) -> Flag | None:
        """Flag for a single unit, which gives no standard error; None for several."""
        return Flag(Reason.ONE_UNIT, 1, 2) if self.count < 2 else None

    @property
    def few_with_weight(self) -> Flag | None:
        """Flag for few effective paths out of many, which may hold so much weight that no tail shows it; else None."""
        few = self.kish < min(FEW_UNITS, self.paths / 2)
        return Flag(Reason.FEW_IN_SAMPLE, self.kish, FEW_UNITS) if few else None

    @property
    def scarce(self) -> Flag | None:
        """Flag for fewer units than an interval needs, or for few paths with nearly all weight."""
        few = Flag(Reason.FEW_REPLICATES, self.count, self.needed) if self.count < self.needed else None
        return self.no_error or few or self.few_with_weight

    @property
    def unknown(self) -> Flag:
        """Flag of an interval that has no ends although no other flag explains it."""
        return self.scarce or Flag(Reason.FEW_IN_SAMPLE)

    def owners(self, path: Int[np.ndarray, "path"]) -> Int[np.ndarray, "path"]:
        """Unit number of each of these paths."""
        if self.owner is not None:
            return self.owner[path]
        return path if self.size == 1 else path // self.size

    def totals(self, values: Num[np.ndarray, "*cells path"]) -> Float[np.ndarray, "*cells unit"]:
        """Sum over the paths of each unit, of values times weights, float64 [..., unit]."""
        if self.weights is not None:
            values = self.weights * values
        if self.owner is not None:
            starts = np.flatnonzero(np.diff(self.owner, prepend=-1))
            return np.add.reduceat(values, starts, axis=-1, dtype=np.float64)
        if values.dtype == bool and self.size > PAIR:  # without a copy in double precision
            return values.reshape(*values.shape[:-1], self.count, self.size).sum(axis=-1, dtype=np.float64)
        numbers = values.astype(np.float64, copy=False)
        if self.size == PAIR:
            return numbers[..., 0::2] + numbers[..., 1::2]
        return numbers.reshape(*numbers.shape[:-1], self.count, self.size).sum(axis=-1) if self.size > 1 else numbers

    def take(self, mask: Happens) -> Units:
        """Units of the paths where the mask holds; units without such a path are dropped and the others renumbered.

        These units themselves where it holds on every path.
        """
        if mask.all():
            return self
        kept = np.flatnonzero(mask)
        owner = None if self.size == 1 and self.owner is None else np.unique(self.owners(kept), return_inverse=True)[1]
        units = Units(len(kept), self.size, owner)
        return units if self.weights is None else units.weighted(self.weights[kept])

    def weighted(self, weights: Paths) -> Units:
        """The same units of paths with weights in any scale; paths of weight zero are left out of all numbers."""
        sound = np.isfinite(weights)
        if not weights[sound].any():
            return replace(self, weights=weights)
        each = weights.astype(np.float64) / weights[sound].max()  # equal ones are exactly 1
        return replace(self, weights=each / each[sound].mean())


@dataclass(frozen=True)
class Groups:
    """Independent groups of whole units, of which totals are known and not the paths: number of paths in each."""

    sizes: Int[np.ndarray, "group"]
    needed = 2
    few_beyond = Reason.FEW_EXCEEDANCES

    @property
    def count(self) -> int:
        """Number of groups."""
        return len(self.sizes)

    @property
    def no_error(self) -> Flag | None:
        """Flag for a single group, which gives no standard error; None for several."""
        return Flag(Reason.ONE_GROUP, 1, 2) if self.count < 2 else None

    @property
    def unknown(self) -> Flag:
        """Flag of an interval that has no ends although no other flag explains it."""
        return Flag(Reason.FEW_GROUPS, self.count)

    @cached_property
    def paths(self) -> int:
        """Number of paths in all groups."""
        return int(self.sizes.sum())

    @cached_property
    def reach(self) -> float:
        """Half-width of a 95 % interval in standard errors."""
        return student(self.count)


def student(count: int, numbers: int = 1) -> float:
    """97.5 % quantile of Student's t with one degree of freedom less than the count; NaN for fewer than two.

    For intervals that hold for several numbers at once, Bonferroni's limit.
    """
    return float(stdtrit(count - 1, 1 - TAIL / numbers)) if count > 1 else np.nan


Unit = int | Units
"""Paths in an independent unit, or the units themselves."""


def as_units(paths: int, unit: Unit) -> Units:
    """Units of consecutive `unit` paths (the last may be short); if `unit` is `Units`, returned as they are."""
    if isinstance(unit, Units):
        return unit
    if paths % unit:
        return Units(paths, unit, np.arange(paths) // unit)
    return Units(paths, unit)


@dataclass(frozen=True)
class Moments:
    """A mean over paths with its standard error and skewness, one of each per cell.

    Args:
      mean: sum over all paths / number of paths.
      error: its standard error, sqrt(J / (J - 1) sum_j r_j^2) / n with r_j the total of unit j less its size times the
        mean.
      skewness: skewness of the mean itself, sum_j r_j^3 / (sum_j r_j^2)^1.5; 0 where units are too few to estimate it.
      units: J.
      needed: number of units that an interval needs.
    """

    mean: Cells
    error: Cells
    skewness: Cells
    units: int
    needed: int = 2


def moments_of(made: Made | Float[np.ndarray, "*cells unit"], units: Units | Groups) -> Moments:
    """Moments of the mean, for each row, of the values that `made` computes for each path, or of totals over units.

    Unit totals are measured from their mean over the first units, and corrected to the overall mean at the end. If the
    first mean was so far off that digits were lost, all is summed once more.
    """
    if not isinstance(made, Made):
        return moments_of_totals(made, units)
    assert isinstance(units, Units), "groups have totals alone"
    if not (units.small and units.count and made.x.dtype.kind == "f"):
        return moments_of_totals(units.totals(made.values()), units)
    some = min(units.count, FIRST)
    offset = made.values(slice(units.size * some)).sum(axis=-1, dtype=np.float64) / some
    for _ in range(2):
        total, square, cube = sums(made, units.size, units.count, offset)
        off = total / units.count
        apart = units.count * off**2
        if np.all(apart <= NEAR * square):
            break
        offset, off, apart = offset + off, 0 * off, 0 * apart
    cube = cube - 3 * off * square + 2 * units.count * off**3
    return moments_of_residuals((offset + off) / units.size, square - apart, cube, units)


def moments_of_totals(totals: Num[np.ndarray, "*cells unit"], units: Units | Groups) -> Moments:
    """Moments of a mean over paths, from the sum over each unit [..., unit]."""
    mean = totals.sum(axis=-1) / units.paths
    residual = totals - units.sizes * mean[..., None]
    squares = residual * residual
    return moments_of_residuals(mean, squares.sum(axis=-1), dots(squares, residual), units)


def moments_of_some(values: Float[np.ndarray, "*cells some"], path: Index, units: Units) -> Moments:
    """Moments of the mean over *all* paths of values that are zero except at some paths, such as those in a tail.

    Args:
      values: the values, weights included.
      path: path of each of them, ascending.
    """
    owner = units.owners(path)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    totals = np.add.reduceat(values, starts, axis=-1, dtype=np.float64)
    mean = totals.sum(axis=-1) / units.paths
    sizes = np.broadcast_to(units.sizes, units.count)
    residual, others = totals - sizes[owner[starts]] * mean[..., None], np.delete(sizes, owner[starts])
    square = residual * residual
    # of units without any of the values the residual is their size times the mean
    of_squares = square.sum(axis=-1) + mean**2 * dots(others, others)
    of_cubes = dots(square, residual) - mean**3 * dots(others * others, others)
    return moments_of_residuals(mean, of_squares, of_cubes, units)


def dots(a: Num[np.ndarray, "*cells n"], b: Num[np.ndarray, "*cells n"]) -> Num[np.ndarray, "*cells"]:
    """Sum over the last axis of a b.

    Computed without BLAS, whose threads wait for one another where several threads call it.
    """
    return np.einsum("...j,...j->...", a, b)


def moments_of_residuals(mean: np.ndarray, square: np.ndarray, cube: np.ndarray, units: Units | Groups) -> Moments:
    """Moments of a mean over paths, from the mean and the sums over units of r^2 and r^3 (see `Moments`)."""
    # a sum of squares that is rounding error alone counts as zero variance
    size = 1e-14 * mean * np.max(units.sizes, initial=1)
    square = np.where(square <= units.count * size**2, 0.0, square)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(square * units.count / np.float64(units.count - 1)) / units.paths
        known = (square > 0) & (units.count >= FEW_UNITS)
        skewness = np.where(known, cube / square**1.5, 0.0)
    return Moments(mean, error, skewness, units.count, units.needed)


def mean_interval(of: Moments) -> tuple[Cells, Cells]:
    """95 % interval of a mean: Student's t, corrected for skewness by Hall's monotone cubic transformation.

    With T the studentised mean and A its skewness, ((1 + A T / 3)^3 - 1) / A + A / 6 is nearly normal; the interval
    inverts it. It is the plain one where A is 0, and NaN for fewer units than are needed, unless they are all alike.
    Source: Hall (1992), J. R. Statist. Soc. B 54, 221-228, doi:10.1111/j.2517-6161.1992.tb01876.x.
    """
    if of.units < 2:
        return (np.full_like(of.mean, np.nan),) * 2
    t = student(of.units)
    skewed = np.abs(of.skewness) > 1e-8
    a = np.where(skewed, of.skewness, 1.0)

    def studentised(point: float) -> np.ndarray:
        return np.where(skewed, 3 / a * (np.cbrt(1 + a * (point - a / 6)) - 1), point)

    error = of.error if of.units >= of.needed else np.where(of.error > 0, np.nan, 0.0)
    return of.mean - error * studentised(t), of.mean - error * studentised(-t)


def finite_units(arrays: tuple[np.ndarray, ...], unit: Unit) -> tuple[tuple[np.ndarray, ...], Units, Flag | None]:
    """The arrays [path] without the units in which any value is not finite, the remaining units, and the flag for it.

    Of a replicate only the bad paths are left out, as one bad path in a thousand would otherwise leave no replicate.
    Paths of weight zero are left out without a flag.
    """
    units = as_units(len(arrays[0]), unit)
    if units.weights is not None and not (held := units.weights != 0).all():
        arrays, units = tuple(array[held] for array in arrays), units.take(held)
    checked = [array for array in (*arrays, units.weights) if array is not None and array.dtype.kind != "b"]
    each = [np.isfinite(array) for array in checked]
    if all(of.all() for of in each):
        return arrays, units, None
    finite = np.logical_and.reduce(each)
    lost = Flag(Reason.NOT_FINITE, int(np.sum(~finite)), units.paths)
    if not units.replicated:
        owner = units.owners(np.arange(units.paths))
        finite = ~np.isin(owner, owner[~finite])
    return tuple(array[finite] for array in arrays), units.take(finite), lost
