"""Measures of a variable, or of the gap between two, become estimates: which of them has an interval, in whose sign, and why not.

Where the numbers come from makes no difference here: `measures.py` has them from paths, `binned.py` from histograms.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from engine.errors import UserError
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tails import Table
from engine.study.study import LEVELS


def measures(levels: Sequence[float] = LEVELS) -> tuple[str, ...]:
    """Names of the measures of an outcome, in the order of every table: mean, median, sd (standard deviation), VaR, ES."""
    names = [f"{100 * level:g}" for level in levels]
    return "mean", "median", "sd", *(f"VaR{name}" for name in names), *(f"ES{name}" for name in names)


MEASURES = measures()
"""Those that every study has."""
FEWEST_FOR_VAR = 50
"""Effective exceedances from which VaR, and a difference of VaRs, has an interval."""
FEWEST_FOR_ES = 100
FEWEST_FOR_ES_DIFFERENCE = 500
"""Effective exceedances from which ES, and a difference of ESs, has an interval: by the coverage study."""


def level_of(measure: str) -> float | None:
    """The level a of "VaR99" or "ES99.9"; None for measures that have none."""
    found = re.fullmatch(r"(?:VaR|ES)(\d+(?:\.\d+)?)", measure)
    return round(float(found[1]) / 100, 8) if found else None


def stated_level(text: str | float | None) -> float | None:
    """The level that "99", "99%", 99 or 0.99 means, any above 50 %; None where none is asked for.

    Raises:
      UserError: it is no such level.
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
    """The level of one VaR or ES, for what needs no other; those of every study where the name has none."""
    level = level_of(measure)
    return LEVELS if level is None or not 0.5 < level < 1 else (level,)


@dataclass(frozen=True)
class Evidence:
    """Measures of one variable, or of the gap between two, high being worse, and what is to be known of them.

    Args:
      levels: of VaR and ES.
      table: estimate, standard error, low, high, each [measure] in the order of `measures`, a difference perhaps with "worse".
      mean: what is to be known of the mean; spread: of the deviation; beyond: of ES, by level.
      exceedances: by level; those of the variable that has fewer, where there are two. middle: of the median.
      few: how it is called that these are too few.
      for_es: exceedances from which ES has an interval.
      constant: whether nothing varies, which needs no exceedances and has no tails.
      single: what keeps every measure from having an error; None if nothing does.
      width: how far the bins of histograms leave the ends of each interval open; nothing for paths.
      unknown: why an interval has no ends where no other flag says so.
    """

    levels: tuple[float, ...]
    table: Table
    mean: Flag | None
    spread: Flag | None
    beyond: Sequence[Flag | None]
    exceedances: Sequence[float]
    middle: float
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
        names = (*measures(self.levels), "worse")
        return dict(zip(names, self.in_order(loss, lost), strict=False))

    def in_order(self, loss: bool, lost: Flag | None = None) -> list[Estimate]:
        """The same in the order of `measures`, of levels too that names do not tell apart."""
        names = (*measures(self.levels), "worse")[: len(self.table[0])]
        columns = oriented(self.table, [loss or name in ("sd", "worse") for name in names])
        rows = zip(self._flags(), *(column.tolist() for column in columns), strict=True)
        found = [Estimate(*row).flagged(lost, *flags) for flags, *row in rows]
        for k, (own, width) in enumerate(zip(found, self.width, strict=False)):
            if any(flag.withholds for flag in own.flags):
                continue
            if np.isnan(own.low + own.high):
                found[k] = own.flagged(self.unknown)
            elif width:
                found[k] = own.flagged(Flag(Reason.BINNED, width / (own.high - own.low)))
        return found

    def _flags(self) -> list[tuple[Flag | None, ...]]:
        """What must be known of each measure. Of a heavy tail with too few paths in it both are said, if both take the interval."""
        count = len(self.table[0])
        if self.single or self.constant:
            return [(self.single,)] * count
        (middle, *var), (_, *es) = (
            [None if n >= needed else Flag(self.few, n, needed) for n in (self.middle, *self.exceedances)]
            for needed in (FEWEST_FOR_VAR, self.for_es)
        )
        both = [
            (tail if tail and (tail.withholds or not few) else None, few)
            for few, tail in zip(es, self.beyond, strict=True)
        ]
        flags = [(self.mean,), (middle,), (self.spread,), *((few,) for few in var), *both]
        return [*flags, *[()] * (count - len(flags))]


def oriented(table: Table, same: np.ndarray | Sequence[bool] | bool) -> Table:
    """A table of losses in the variables' own signs: where that is not the `same`, -estimate, and the ends change places."""
    estimate, error, low, high = table
    return np.where(same, estimate, -estimate), error, np.where(same, low, -high), np.where(same, high, -low)


def judged(
    table: Table,
    exceedances: Float[np.ndarray, "level cell"],
    middle: Float[np.ndarray, "cell"],
    constant: Bool[np.ndarray, "cell"],
    for_es: int,
) -> Table:
    """A table of many cells [cell, measure] without the intervals for which exceedances, also of the median, are too few.

    Tails are not judged for heaviness, which needs one look per cell.
    """
    few = np.zeros(table[0].shape, bool)
    tails = np.concatenate([exceedances < FEWEST_FOR_VAR, exceedances < for_es]).T
    few[:, 1] = middle < FEWEST_FOR_VAR
    few[:, 3 : 3 + tails.shape[1]] = tails
    few &= ~constant[:, None]
    estimate, error, low, high = table
    return estimate, error, np.where(few, np.nan, low), np.where(few, np.nan, high)
