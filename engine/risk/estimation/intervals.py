"""Standard errors and 95 % intervals over independent units; the measures that need them are in `measures.py`.

Everything here works on many cells at once: leading axes are cells, the last axis is the path. A *unit* is a group of
paths that may depend on each other and not on anything else: one path, an antithetic pair, or a replicate of
Sobol' points. Dependence inside a unit enters through the variance of unit totals. Formulas, sources and measured
coverage: `docs/method.md`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from scipy.special import ndtri, stdtrit

from engine.risk.estimation.flags import Flag, Reason, text
from engine.risk.estimation.sums import BLOCK, Made, sums

Paths = Float[np.ndarray, "path"]
PolicyPaths = Float[np.ndarray, "policy path"]
Happens = Bool[np.ndarray, "path"]
Cells = Float[np.ndarray, "*cells"]
Index = Int[np.ndarray, "value"]
Levels = tuple[float, ...]
"""Levels of VaR and ES, ascending."""
CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
Z = float(ndtri(1 - TAIL))
FEW_UNITS = 30
"""Number of units below which Student's interval is not corrected for skewness, which cannot be estimated."""
NEAR = 0.1
"""Largest share of the sum of squares that may come from a provisional mean being off; more would cost digits."""
PAIR = 2
"""Largest number of paths in a unit that is no replicate; replicates are few, and errors from them uncertain."""


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

    @staticmethod
    def of_row(row: Iterable[float], missing: Reason, flags: tuple[Flag, ...] = ()) -> Estimate:
        """The estimate that a cube stores as four numbers; `missing` is why it has no interval if no flag says so."""
        estimate, error, low, high = map(float, row)
        known = flags or np.isfinite(low)
        return Estimate(estimate, error, low, high, flags if known else (Flag(missing),))

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
    """

    paths: int
    size: int
    owner: Int[np.ndarray, "path"] | None = None

    @functools.cached_property
    def count(self) -> int:
        """Number of units, J."""
        if self.owner is not None:
            return int(self.owner[-1]) + 1 if self.paths else 0
        return self.paths // self.size

    @functools.cached_property
    def sizes(self) -> np.ndarray:
        """Number of paths in each unit, float64; a single number where all units are equally large."""
        if self.owner is None:
            return np.asarray(float(self.size))
        return np.bincount(self.owner, minlength=self.count).astype(np.float64)

    @property
    def alone(self) -> bool:
        """Whether every path is a unit."""
        return self.size == 1 and self.owner is None

    @property
    def small(self) -> bool:
        """Whether all units are single paths, or all are pairs."""
        return self.owner is None and not self.replicated

    @property
    def replicated(self) -> bool:
        """Whether units are replicates, that is, larger than antithetic pairs."""
        return self.size > PAIR

    @functools.cached_property
    def reach(self) -> float:
        """Half-width of a 95 % interval in standard errors: Student's t with J - 1 degrees of freedom for J replicates.

        For paths and pairs the normal 1.96, as there are many of them wherever there is an interval at all.
        """
        if not self.replicated:
            return Z
        return float(stdtrit(self.count - 1, 1 - TAIL)) if self.count > 1 else np.nan

    @property
    def needed(self) -> int:
        """Number of units that an interval of a mean needs: few replicates do not show how skewed they are."""
        return FEW_UNITS if self.replicated else 2

    def owners(self, path: Int[np.ndarray, "path"]) -> Int[np.ndarray, "path"]:
        """Unit number of each of these paths."""
        if self.owner is not None:
            return self.owner[path]
        return path if self.size == 1 else path // self.size

    def totals(self, values: Num[np.ndarray, "*cells path"]) -> Float[np.ndarray, "*cells unit"]:
        """Sum over the paths of each unit, float64 [..., unit]."""
        if self.owner is not None:
            starts = np.flatnonzero(np.diff(self.owner, prepend=-1))
            return np.add.reduceat(values, starts, axis=-1, dtype=np.float64)
        counted = values.dtype == bool  # integers are added faster
        if self.replicated:
            numbers = values.view(np.int8) if counted else values
            members = numbers.reshape(*numbers.shape[:-1], self.count, self.size)
            totals = np.add.reduce(members, axis=-1, dtype=np.int32 if counted else np.float64)
            return totals.astype(np.float64, copy=False)
        if self.size == 1:
            return values.astype(np.float64)
        if counted:
            both = np.ascontiguousarray(values).view(np.uint16)
            return ((both & 1) + (both >> 8)).astype(np.float64)
        numbers = values.astype(np.float64, copy=False)
        return numbers[..., 0::2] + numbers[..., 1::2]

    def take(self, mask: Happens) -> Units:
        """Units of the paths where the mask holds; units without such a path are dropped and the others renumbered.

        These units themselves where it holds on every path.
        """
        if mask.all():
            return self
        kept = np.flatnonzero(mask)
        if self.alone:
            return Units(len(kept), 1)
        _, owner = np.unique(self.owners(kept), return_inverse=True)
        return Units(len(kept), self.size, owner)


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

    @staticmethod
    def joined(parts: Sequence[Moments]) -> Moments:
        """Moments of single cells, or of rows of cells, in one row."""
        mean, error, skewness = map(np.hstack, zip(*((of.mean, of.error, of.skewness) for of in parts), strict=True))
        return replace(parts[0], mean=mean, error=error, skewness=skewness)


def moments(values: Num[np.ndarray, "*cells path"], units: Units) -> Moments:
    """Moments of a mean over paths, from values [..., path]."""
    if values.dtype.kind != "f" or values.ndim != 2:
        return moments_of_totals(units.totals(values), units)
    return moments_of(Made.of("difference", values), units)


def moments_of(made: Made, units: Units) -> Moments:
    """Moments of the mean, for each row, of the values that `made` computes for each path.

    Unit totals are measured from their mean over the first block, and corrected to the overall mean at the end. If the
    first mean was so far off that digits were lost, all is summed once more.
    """
    if not (units.small and units.count and made.x.dtype.kind == "f"):
        return moments_of_totals(units.totals(made.values()), units)
    some = min(units.count, BLOCK)
    offset = sums(made, units.size, some, np.zeros(len(made.x)))[0] / some
    for _ in range(2):
        total, square, cube = sums(made, units.size, units.count, offset)
        off = total / units.count
        apart = units.count * off**2
        if np.all(apart <= NEAR * square):
            break
        offset, off, apart = offset + off, 0 * off, 0 * apart
    cube = cube - 3 * off * square + 2 * units.count * off**3
    return moments_of_residuals((offset + off) / units.size, square - apart, cube, units)


def moments_of_totals(totals: Float[np.ndarray, "*cells unit"], units: Units) -> Moments:
    """Moments of a mean over paths, from the sum over each unit [..., unit]."""
    mean = totals.sum(axis=-1) / units.paths
    residual = totals - units.sizes * mean[..., None]
    squares = residual * residual
    return moments_of_residuals(mean, squares.sum(axis=-1), dots(squares, residual), units)


def moments_of_some(cells: int, cell: Index, path: Index, value: Float[np.ndarray, "value"], units: Units) -> Moments:
    """Moments of the mean over *all* paths of values that are zero except at some paths, such as those in a tail.

    Args:
      cells: number of cells.
      cell, path: cell and path of each value; cells ascend, and so do the paths within a cell.
      value: the values.
      units: the units.
    """
    owner, sizes = units.owners(path), np.broadcast_to(units.sizes, units.count)
    starts = np.flatnonzero(np.diff(cell * np.int64(units.count) + owner, prepend=-1))
    cell, size = cell[starts], sizes[owner[starts]]
    totals = np.add.reduceat(value, starts, dtype=np.float64)
    mean = summed_by(cell, totals, cells) / units.paths
    residual = totals - size * mean[cell]
    square, cube = (
        summed_by(cell, residual**k, cells) + (-mean) ** k * ((sizes**k).sum() - summed_by(cell, size**k, cells))
        for k in (2, 3)
    )
    return moments_of_residuals(mean, square, cube, units)


def moments_of_tail(
    sums: tuple[Cells, Cells, Cells],
    cell: Int[np.ndarray, "unit"],
    joint: Float[np.ndarray, "unit member"],
    units: Units,
) -> Moments:
    """As `moments_of_some` for units of equal size, from sums over single values and the units with several of them.

    The sum over units of T^k, T being a unit's total, is the sum over values of x^k corrected for units with several
    nonzero values.

    Args:
      sums: sums over the values, their squares and their cubes.
      cell: cell of each unit with several nonzero values [unit].
      joint: the values of these units [unit, member].
      units: the units.
    """
    whole = joint.sum(axis=-1)
    total, square, cube = sums
    square = square + np.bincount(cell, whole**2 - dots(joint, joint), len(total))
    cube = cube + np.bincount(cell, whole**3 - dots(joint * joint, joint), len(total))
    # with m the mean of J units of s paths, sum (T - s m)^2 = sum T^2 - J (s m)^2, and
    # sum (T - s m)^3 = sum T^3 - 3 s m sum T^2 + 2 J (s m)^3
    mean = total / units.paths
    expected = units.size * mean
    cube = cube - 3 * expected * square + 2 * units.count * expected**3
    return moments_of_residuals(mean, square - units.count * expected**2, cube, units)


def power_sums(values: Float[np.ndarray, "cell value"]) -> tuple[Cells, Cells, Cells]:
    """Sums of the values, of their squares and of their cubes, by cell."""
    return values.sum(axis=-1), dots(values, values), dots(values * values, values)


def summed_by(cell: Index, values: np.ndarray, cells: int) -> np.ndarray:
    """Sum of the values of each cell, float64 [cell]; `cell` must ascend."""
    sums = np.zeros(cells)
    ends = np.searchsorted(cell, np.arange(cells + 1))
    held = np.flatnonzero(np.diff(ends))
    sums[held] = np.add.reduceat(values, ends[held], dtype=np.float64)
    return sums


def dots(a: Num[np.ndarray, "*cells n"], b: Num[np.ndarray, "*cells n"]) -> Num[np.ndarray, "*cells"]:
    """Sum over the last axis of a b.

    Computed without BLAS, whose threads wait for one another where several threads call it.
    """
    return np.einsum("...j,...j->...", a, b)


def moments_of_residuals(mean: np.ndarray, square: np.ndarray, cube: np.ndarray, units: Units) -> Moments:
    """Moments of a mean over paths, from the mean and the sums over units of r^2 and r^3 (see `Moments`)."""
    return moments_of_sums(mean, square, cube, mean, units.count, units.paths, units.needed)


def moments_of_sums(
    mean: np.ndarray, square: np.ndarray, cube: np.ndarray, size: np.ndarray, count: int, paths: int, needed: int = 2
) -> Moments:
    """Moments of a mean over paths, from the sums of the squares and the cubes of residuals.

    Args:
      mean: the mean.
      square, cube: sums of the squared and the cubed residuals.
      size: magnitude of the totals, which tells rounding errors from variance.
      count: number of residuals.
      paths: number of paths.
      needed: as in `Moments`.
    """
    # a sum of squares that is rounding error alone counts as zero variance
    square = np.where(square <= count * (1e-14 * size) ** 2, 0.0, square)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(square * count / np.float64(count - 1)) / paths
        known = (square > 0) & (count >= FEW_UNITS)
        skewness = np.where(known, cube / square**1.5, 0.0)
    return Moments(mean, error, skewness, count, needed)


def mean_interval(of: Moments) -> tuple[Cells, Cells]:
    """95 % interval of a mean: Student's t, corrected for skewness by Hall's monotone cubic transformation.

    With T the studentised mean and A its skewness, ((1 + A T / 3)^3 - 1) / A + A / 6 is nearly normal; the interval
    inverts it. It is the plain one where A is 0, and NaN for fewer units than are needed, unless they are all alike.
    Source: Hall (1992), J. R. Statist. Soc. B 54, 221-228, doi:10.1111/j.2517-6161.1992.tb01876.x.
    """
    if of.units < 2:
        return (np.full_like(of.mean, np.nan),) * 2
    t = float(stdtrit(of.units - 1, 1 - TAIL))
    skewed = np.abs(of.skewness) > 1e-8
    a = np.where(skewed, of.skewness, 1.0)

    def studentised(point: float) -> np.ndarray:
        return np.where(skewed, 3 / a * (np.cbrt(1 + a * (point - a / 6)) - 1), point)

    error = of.error if of.units >= of.needed else np.where(of.error > 0, np.nan, 0.0)
    return of.mean - error * studentised(t), of.mean - error * studentised(-t)
