"""A measure is a number and its influence: how much each path moves it.

Influences of values on the same paths may be subtracted, so the difference of two measures is a measure. Its error is
that of the mean of the influences, over independent units. The influence of x on the mean is x; on a quantile, its
slope times 1{x > quantile}; on the standard deviation, (x - mean)^2 / (2 sd); on ES, (x - VaR)+ / (1 - a). Everything
works on many cells at once, high being worse. `ROWS` has the measures of every table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool

from engine.errors import UserError
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import material, squares_flag, tails_flag
from engine.risk.estimation.intervals import Cells, Estimate, Groups, Levels, Moments, Units, mean_interval, moments_of
from engine.risk.estimation.properties import cached_property
from engine.risk.estimation.row_statistics import Made
from engine.study.study import LEVELS

MEDIAN = 0.5
"""Level of the median, and of the measures without a level."""


@dataclass(frozen=True)
class Row:
    """A measure of every outcome, policy and difference of two policies.

    Args:
      name: its name; its level, if it has one, is added.
      number: its number with the influence, a `Measure`, of a distribution (`tails.Measured` of paths,
        `histogram_measures.Binned` of bins) at a level.
      tail: whose variance must be finite for its interval: that of the values, of their squares, or of the excesses
        over VaR; empty for a measure that rests on ranks.
      by_level: whether it has a level.
      signed: whether its sign changes with that of the variable.
    """

    name: str
    number: Callable[[Any, float], Any]
    tail: Literal["", "values", "squares", "excesses"] = ""
    by_level: bool = False
    signed: bool = True


ROWS = [
    Row("mean", lambda of, _: of.mean, "values"),
    Row("median", lambda of, _: of.median),
    Row("sd", lambda of, _: of.deviation, "squares", signed=False),
    Row("VaR", lambda of, level: of.quantile(level), by_level=True),
    Row("ES", lambda of, level: of.shortfall(level), "excesses", by_level=True),
]
"""Mean, median, sd (standard deviation), VaR and ES: the measures of every table, in its order."""


def rows(levels: Sequence[float] = LEVELS) -> list[tuple[Row, float]]:
    """Each measure at each of its levels, in the order of every table."""
    return [(row, level) for row in ROWS for level in (levels if row.by_level else (MEDIAN,))]


def measures(levels: Sequence[float] = LEVELS) -> tuple[str, ...]:
    """Names of an outcome's measures in the order of every table."""
    return tuple(f"{row.name}{100 * level:g}" if row.by_level else row.name for row, level in rows(levels))


MEASURES = measures()
"""Names of the measures at the standard levels."""
FEWEST_FOR_VAR = 50
"""Effective exceedances that VaR, and a difference of VaRs, needs for an interval."""
FEWEST_FOR_ES = 100
FEWEST_FOR_ES_DIFFERENCE = 500
"""Effective exceedances that a difference of ESs needs for an interval (ES: `FEWEST_FOR_ES`); by coverage study."""


def level_of(measure: str) -> float | None:
    """The level a of "VaR99" or "ES99.9" as a fraction; None for measures without a level."""
    found = re.fullmatch(r"(?:VaR|ES)(\d+(?:\.\d+)?)", measure)
    return round(float(found[1]) / 100, 8) if found else None


def stated_level(text: str | float | None) -> float | None:
    """The level that "99", "99%", 99 or 0.99 states, as a fraction between 0.5 and 1; None for None.

    Raises:
      UserError: for anything that is no such level of at most six digits.
    """
    if text is None:
        return None
    try:
        number = float(str(text).strip().rstrip("%"))
    except ValueError:
        number = float("nan")
    percent = 100 * number if number < 1 else number
    if not 50 < percent < 100 or abs(percent - float(f"{percent:g}")) > 1e-9:
        wanted = "per cent between 50 and 100, of at most six digits, such as 97.5"
        raise UserError("level", [f"expected {wanted}; got '{text}'."])
    return round(float(f"{percent:g}") / 100, 8)


def levels_of(measure: str) -> tuple[float, ...]:
    """The level of a VaR or ES alone; the standard levels for other measures and for levels not between 0.5 and 1."""
    level = level_of(measure)
    return LEVELS if level is None or not 0.5 < level < 1 else (level,)


Which = Bool[np.ndarray, "cell"]
Column = tuple[np.ndarray, ...]
"""Estimate, standard error, low and high end of the interval [cell]; a `Table` has a last axis over measures."""
Table = Column
Influence = Any
"""`Made` of each path, or float64 totals over groups [group]."""
TIED = 1 / 8
"""So many tied paths move a quantile by half a standard error."""
Ends = tuple[np.ndarray | float, np.ndarray | float]


@dataclass(frozen=True)
class Measure:
    """A number of each cell with its interval and its influence.

    Args:
      column: the number, its standard error, and the ends of its interval.
      influence: of each path, or the totals over groups of paths [group]; known up to a constant.
      of: moments of the influence; of a quantile, of the share above it.
      exceedances: effective number of paths beyond the quantile that the number is, or depends on.
      needed: number of exceedances that an interval needs.
      tied: whether a quantile is tied: more than a share `TIED` of the paths in its interval have its value.
      open: distances below and above within which the exact number from the sample must lie, if it comes from bins.
      kind: "mean" where the number is the mean of its influence, "quantile" where its interval comes from ranks.
    """

    column: Column
    influence: Influence
    of: Moments
    exceedances: Cells = field(default_factory=lambda: np.array(np.inf))
    needed: int = 0
    tied: Which | bool = False
    open: Ends = (0.0, 0.0)
    kind: Literal["mean", "quantile", "other"] = "other"

    @property
    def value(self) -> Cells:
        """The number."""
        return self.column[0]

    def _error_of_alike(self, other: Measure, influence: Any, units: Units | Groups, error: Cells) -> Cells:
        """The errors of differences of quantiles, with those of cells where all units happen to be alike filled in.

        That is the least error that the spread of the paths allows; for bins, that of independent quantiles.
        """
        if not np.any(error <= 0):
            return error
        if isinstance(influence, Made):
            least = np.std(influence.values(), axis=-1) / np.sqrt(units.paths * units.count)
        else:
            least = np.hypot(self.column[1], other.column[1])
        return np.where(error <= 0, least, error)

    def less(self, other: Measure, units: Units | Groups, constant: Which | bool) -> Measure:
        """This measure less another one on the same paths.

        The interval of a difference of quantiles is the normal one; there is none where values are tied. Units that
        happen to be all alike show no error of it: it then has the least error that the spread of the paths allows, and
        for bins that of independent quantiles.

        Args:
          constant: whether values differ by the same amount on all paths, so that there is no error.
        """
        influence = self.influence - other.influence
        of, value = moments_of(influence, units), self.value - other.value
        error = of.error
        if self.kind == "mean":
            value = of.mean
        if self.kind == "quantile":
            error = self._error_of_alike(other, influence, units, error)
            of = replace(of, skewness=np.zeros_like(of.skewness), needed=2)
        known = np.isfinite(self.column[1] + other.column[1])
        _, *seen = shifted(replace(of, error=error), value - of.mean, known)
        if units.count > 1:  # a constant has no error
            seen = [np.where(constant, still, part) for still, part in zip((0.0, value, value), seen, strict=True)]
        error, low, high = seen
        tied = (self.tied | other.tied) & (error > 0)
        open = self.open[0] + other.open[1], self.open[1] + other.open[0]
        column = opened((value, error, np.where(tied, np.nan, low), np.where(tied, np.nan, high)), open)
        fewer = np.minimum(self.exceedances, other.exceedances)
        needed = FEWEST_FOR_ES_DIFFERENCE if self.needed == FEWEST_FOR_ES else self.needed
        return Measure(column, influence, of, fewer, needed, open=open)


def of_influence(
    influence: Influence, units: Units | Groups, shift: Cells | float = 0.0, known: Which | bool = True, **more: Any
) -> Measure:
    """The measure that is the mean of its influence plus a shift; without an interval where not `known`."""
    of = moments_of(influence, units)
    return Measure(shifted(of, shift, known), influence, of, **more)


def shifted(of: Moments, shift: Cells | float = 0.0, known: Which | bool = True, scale: float = 1.0) -> Column:
    """The mean and its interval, times `scale` plus `shift`, as a column; the number alone where not `known`."""
    low, high = mean_interval(of)
    parts = scale * of.error, scale * low + shift, scale * high + shift
    return scale * of.mean + shift, *(np.where(known, part, np.nan) for part in parts)


def opened(column: Column, open: Ends) -> Column:
    """The number with an interval that is wider by these distances below and above."""
    return *column[:2], column[2] - open[0], column[3] + open[1]


def deviation(squares: Moments, paths: float) -> Column:
    """Standard deviation, sqrt(sum (x - mean)^2 / (n - 1)), from moments of (x - mean)^2.

    The ends are the square roots of those of the variance's interval; the error is the variance's over 2 sd.
    """
    scale = paths / (paths - 1) if paths > 1 else np.nan
    low, high = (np.sqrt(scale * np.maximum(end, 0.0)) for end in mean_interval(squares))
    estimate = np.sqrt(scale * squares.mean)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(estimate > 0, scale * squares.error / (2 * estimate), scale * squares.error)
    return estimate, error, low, high


class Distribution:
    """A variable, high being worse: its measures, and the estimates of these with their flags.

    Args:
      units: independent units of its paths, or groups of these.
      levels: levels of VaR and ES, ascending.
      constant: whether nothing varies; then neither exceedances nor tails are judged.
      ends: its least and largest values, `heaviness.Extremes`.
      mean, quantile: some of its measures.
    """

    units: Any
    levels: Levels
    constant: Any
    ends: Any
    mean: Any
    quantile: Callable[[float], Measure]

    def squares(self, measure: Measure) -> float:
        """Sum over the paths of the squared deviations behind the standard error of a mean."""
        return float((measure.of.error * self.units.paths).item()) ** 2

    def tail(self, tail: str, measure: Measure, level: float = MEDIAN) -> Flag | None:
        """Flag of the tail on which a measure at a level rests, which is one of `Row.tail`."""
        squares, mean = self.squares(measure), self.mean.value.item()
        if tail == "values":
            return tails_flag(self.ends, mean, squares)
        if tail == "squares":
            return squares_flag(self.ends, mean, measure.of.mean.item(), squares)
        ends, var = self.ends, self.quantile(level).value.item()
        return material(ends.upper, ends.largest, var, squares * (1 - level) ** 2)

    @cached_property
    def measures(self) -> list[Measure]:
        """All of them, in the order of `rows`."""
        return [row.number(self, level) for row, level in rows(self.levels)]

    @cached_property
    def tails(self) -> list[Flag | None]:
        """Flag of the tail on which each measure rests."""
        every = zip(rows(self.levels), self.measures, strict=True)
        return [self.tail(row.tail, of, level) if row.tail else None for (row, level), of in every]

    def own(self, lost: Flag | None = None) -> list[Estimate]:
        """Estimates of all measures; `lost` is the flag for values that were left out."""
        return judged(self.measures, self.tails, self.constant, self.units, lost)


def judged(
    measures: Iterable[Measure],
    tails: Iterable[Flag | None],
    constant: Which | bool,
    units: Units | Groups,
    lost: Flag | None = None,
) -> list[Estimate]:
    """Estimates of measures with their flags; of ES both a heavy tail and few exceedances, if each withholds.

    Flagged too where an interval has no ends and no flag says why, and where it has a width due to bins.

    Args:
      tails: flag of the tail on which each of them rests.
      constant: whether nothing varies; then neither exceedances nor tails are judged.
      lost: flag for values that were left out.
    """
    estimates = []
    for of, tail in zip(measures, tails, strict=True):
        many = float(np.max(of.exceedances))
        few = None if many >= of.needed else Flag(units.few_beyond, many, of.needed)
        if units.no_error or constant:
            tail = few = None
        heavy = tail if tail and (tail.withholds or not few) else None
        own = single(of.column).flagged(lost, units.no_error, heavy, few)
        width, whole = float(sum(of.open)), own.high - own.low
        shown = not any(flag.withholds for flag in own.flags)
        if shown and np.isnan(whole):
            # an error without an interval is that of two quantiles of tied values
            tied = np.isfinite(own.standard_error) and units.unknown.reason is not Reason.FEW_REPLICATES
            own = own.flagged(Flag(Reason.TIED) if tied else units.unknown)
        elif shown and width and whole:
            own = own.flagged(Flag(Reason.BINNED, width / whole))
        estimates.append(own)
    return estimates


def named(estimates: Iterable[Estimate], levels: Levels, loss: bool) -> dict[str, Estimate]:
    """Estimates of all measures at these levels by name, in the variable's own sign, of which high is worse if `loss`.

    Args:
      estimates: in the order of `rows`, high being worse.
    """
    every = zip(rows(levels), estimates, strict=True)
    return dict(
        zip(measures(levels), (one if loss or not row.signed else -one for (row, _), one in every), strict=True)
    )


def single(column: Column) -> Estimate:
    """The estimate in a column that has one cell."""
    return Estimate(*(np.asarray(part).item() for part in column))


def oriented(table: Table | np.ndarray, same: np.ndarray | Sequence[bool] | bool) -> Table:
    """A table of losses in the variables' own signs: where not `same`, estimates are negated and the ends swapped."""
    estimate, error, low, high = table
    return np.where(same, estimate, -estimate), error, np.where(same, low, -high), np.where(same, high, -low)
