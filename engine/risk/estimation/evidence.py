"""From computed measures to estimates in the variable's own sign: which have an interval, and why others do not.

The measures, or differences of measures, come from paths (`measures.py`) or histograms (`histogram_measures.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from engine.errors import UserError
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Estimate, Levels
from engine.risk.estimation.tails import Table
from engine.study.study import LEVELS


def measures(levels: Sequence[float] = LEVELS) -> tuple[str, ...]:
    """Names of an outcome's measures in the order of every table: mean, median, sd (standard deviation), VaR, ES."""
    names = [f"{100 * level:g}" for level in levels]
    return "mean", "median", "sd", *(f"VaR{name}" for name in names), *(f"ES{name}" for name in names)


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


@dataclass(frozen=True)
class Evidence:
    """Measures of one variable, or differences between two, high being worse, with what decides their flags.

    Args:
      levels: levels of VaR and ES.
      table: estimate, standard error, low and high end, each [measure] in the order of `measures`; for a difference
        perhaps also "worse".
      tails: flags of the mean, of the standard deviation and of ES at each level.
      exceedances: effective exceedances of the median and of VaR at each level, of the variable that has fewer.
      for_es: number of exceedances that ES needs for an interval.
      constant: whether nothing varies; then neither exceedances nor tails are judged.
      single: flag of all measures where no standard error can be computed; else None.
      unknown: flag of an interval that has no ends although no other flag explains it.
      few: reason to report where exceedances are too few.
      width: part of each interval's width that comes from the bins of histograms; empty for paths.
    """

    levels: Levels
    table: Table
    tails: Sequence[Flag | None]
    exceedances: Sequence[float]
    for_es: int
    constant: bool
    single: Flag | None
    unknown: Flag
    few: Reason = Reason.FEW_EFFECTIVE_EXCEEDANCES
    width: Sequence[float] = ()

    def estimates(self, loss: bool, lost: Flag | None = None) -> dict[str, Estimate]:
        """The estimates by name, in the variable's own sign.

        Args:
          loss: whether high is worse; if not, the table is that of the negative values.
          lost: flag for values that were left out.
        """
        return dict(zip((*measures(self.levels), "worse"), self.in_order(loss, lost), strict=False))

    def in_order(self, loss: bool, lost: Flag | None = None) -> list[Estimate]:
        """The same estimates in the order of `measures`; works also where two levels have the same name."""
        names = (*measures(self.levels), "worse")[: len(self.table[0])]
        columns = oriented(self.table, [loss or name in ("sd", "worse") for name in names])
        width = self.width or [0.0] * len(names)
        rows = zip(self._flags(), width, *(column.tolist() for column in columns), strict=True)
        return [self._explained(Estimate(*row).flagged(lost, *flags), width) for flags, width, *row in rows]

    def _explained(self, own: Estimate, width: float) -> Estimate:
        """The estimate, flagged where its interval has no ends and no flag says why, or has a width due to bins."""
        if any(flag.withholds for flag in own.flags):
            return own
        if np.isnan(own.low + own.high):
            # an error without an interval is that of two quantiles of tied values
            tied = np.isfinite(own.standard_error) and self.unknown.reason is not Reason.FEW_REPLICATES
            return own.flagged(Flag(Reason.TIED) if tied else self.unknown)
        whole = own.high - own.low
        return own.flagged(Flag(Reason.BINNED, width / whole)) if width and whole else own

    def _flags(self) -> list[tuple[Flag | None, ...]]:
        """Flags of each measure; of ES both a heavy tail and few exceedances, if each withholds the interval."""
        count = len(self.table[0])
        if self.single or self.constant:
            return [(self.single,)] * count
        (middle, *var), (_, *es) = (
            [None if n >= needed else Flag(self.few, n, needed) for n in self.exceedances]
            for needed in (FEWEST_FOR_VAR, self.for_es)
        )
        mean, spread, *beyond = self.tails
        both = [
            (tail if tail and (tail.withholds or not few) else None, few) for few, tail in zip(es, beyond, strict=True)
        ]
        flags = [(mean,), (middle,), (spread,), *((few,) for few in var), *both]
        return [*flags, *[()] * (count - len(flags))]


def oriented(table: Table, same: np.ndarray | Sequence[bool] | bool) -> Table:
    """A table of losses in the variables' own signs: where not `same`, estimates are negated and the ends swapped."""
    estimate, error, low, high = table
    return np.where(same, estimate, -estimate), error, np.where(same, low, -high), np.where(same, high, -low)


def judged(
    table: Table, exceedances: Float[np.ndarray, "quantile cell"], constant: Bool[np.ndarray, "cell"], for_es: int
) -> Table:
    """A table of many cells [cell, measure] with intervals set to NaN where exceedances are too few.

    Tails are not judged for heaviness, which has to be done cell by cell.
    """
    few = np.zeros(table[0].shape, bool)
    tails = np.concatenate([exceedances < FEWEST_FOR_VAR, exceedances[1:] < for_es]).T
    few[:, 1], few[:, 3 : 2 + tails.shape[1]] = tails[:, 0], tails[:, 1:]
    few &= ~constant[:, None]
    estimate, error, low, high = table
    return estimate, error, np.where(few, np.nan, low), np.where(few, np.nan, high)
