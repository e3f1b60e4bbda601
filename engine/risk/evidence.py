"""Measures of a variable, or of the gap between two, become estimates: which of them has an interval, in whose sign, and why not.

Where the numbers come from makes no difference here: `measures.py` has them from paths, `binned.py` from histograms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.risk.flags import Flag, Reason
from engine.risk.intervals import Estimate
from engine.risk.tails import LEVELS, Table

MEASURES = ("mean", *(f"VaR{100 * level:g}" for level in LEVELS), *(f"ES{100 * level:g}" for level in LEVELS))
DIFFERENCES = (*MEASURES, "worse")
FEWEST_FOR_VAR = 50
"""Effective exceedances from which VaR, and a difference of VaRs, has an interval."""
FEWEST_FOR_ES = 100
FEWEST_FOR_ES_DIFFERENCE = 500
"""Effective exceedances from which ES, and a difference of ESs, has an interval: by the coverage study."""


def level_of(measure: str) -> float | None:
    """The level a of "VaR99" or "ES99.9"; None for measures that have none."""
    return next((level for level in LEVELS if measure in (f"VaR{100 * level:g}", f"ES{100 * level:g}")), None)


@dataclass(frozen=True)
class Evidence:
    """Measures of one variable, or of the gap between two, high being worse, and what speaks against their intervals.

    Args:
      table: estimate, standard error, low, high, each [measure] in the order of `MEASURES`, or of `DIFFERENCES`.
      mean: what keeps the mean from having an interval; tail: what keeps ES.
      exceedances: by level; those of the variable that has fewer, where there are two.
      few: how it is called that these are too few.
      for_es: exceedances from which ES has an interval.
      constant: whether nothing varies, which needs no exceedances and has no tails.
      single: what keeps every measure from having an error; None if nothing does.
      width: how far the bins of histograms leave the ends of each interval open; nothing for paths.
      unknown: why an interval has no ends where no other flag says so.
    """

    table: Table
    mean: Flag | None
    tail: Flag | None
    exceedances: Sequence[float]
    few: Reason
    for_es: int
    constant: bool
    single: Flag | None = None
    width: Sequence[float] = ()
    unknown: Flag | None = None

    def estimates(self, loss: bool, lost: Flag | None = None) -> dict[str, Estimate]:
        """The estimates by name, in the variable's own sign.

        Args:
          loss: whether high is worse; else all was computed from the negative values.
          lost: the flag of values that were left out.
        """
        names = DIFFERENCES[: len(self.table[0])]
        columns = oriented(self.table, [loss or name not in MEASURES for name in names])
        rows = zip(names, self._flags(), *(column.tolist() for column in columns), strict=True)
        estimates = {name: Estimate(*row).flagged(lost, flag) for name, flag, *row in rows}
        for name, width in zip(estimates, self.width, strict=False):
            own = estimates[name]
            if not own.flags and np.isnan(own.low + own.high):
                estimates[name] = own.flagged(self.unknown)
            elif not own.flags and width:
                estimates[name] = replace(own, flags=(Flag(Reason.BINNED, width / (own.high - own.low)),))
        return estimates

    def _flags(self) -> list[Flag | None]:
        """What takes the interval of each measure; of ES, a mean that need not exist is the first thing to say."""
        count = len(self.table[0])
        if self.single or self.constant:
            return [self.single] * count
        var, es = (
            [None if seen >= needed else Flag(self.few, seen, needed) for seen in self.exceedances]
            for needed in (FEWEST_FOR_VAR, self.for_es)
        )
        meanless = self.tail is not None and self.tail.reason is Reason.NO_MEAN
        flags = [self.mean, *var, *(self.tail if meanless else few or self.tail for few in es)]
        return [*flags, *[None] * (count - len(flags))]


def oriented(table: Table, same: np.ndarray | Sequence[bool] | bool) -> Table:
    """A table of losses in the variables' own signs: where that is not the `same`, -estimate, and the ends change places."""
    estimate, error, low, high = table
    return np.where(same, estimate, -estimate), error, np.where(same, low, -high), np.where(same, high, -low)


def judged(
    table: Table,
    exceedances: Float[np.ndarray, "level cell"],
    constant: Bool[np.ndarray, "cell"],
    for_es: int,
) -> Table:
    """A table of many cells [cell, measure] without the intervals for which exceedances [level, cell] are too few.

    Tails are not judged for heaviness, which needs one look per cell.
    """
    few = np.zeros(table[0].shape, bool)
    few[:, 1 : len(MEASURES)] = np.concatenate([exceedances < FEWEST_FOR_VAR, exceedances < for_es]).T
    few &= ~constant[:, None]
    estimate, error, low, high = table
    return estimate, error, np.where(few, np.nan, low), np.where(few, np.nan, high)
