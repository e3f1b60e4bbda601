"""An estimate as a table shows it: number, interval, verdict of a difference, and the mark of a footnote."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.formatting import FLOAT32, decimals, rounded

if TYPE_CHECKING:
    from engine.risk.estimation.intervals import Estimate
    from engine.risk.estimation.tables import Record

NO_INTERVAL = "†"
BINNED = "‡"
HEAVY = "§"
SPREAD = "±"
SHARES = ("probability", "share", "worse")
GAPS = ("difference_", "contrast_")


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Args:
      estimate: the number, rounded to its standard error.
      interval: its 95 % interval in brackets; empty without one.
      verdict: "better" or "worse" where the interval of a difference excludes zero, "same" where it does not; otherwise
        empty.
      mark: `NO_INTERVAL`, `HEAVY` where the interval may be too narrow, `BINNED` where it comes from a histogram, or
        empty.
      spread: the wider side of the interval, such as `±0.3`, for cells without room for both ends; empty without an
        interval.
      record: the record that the cell shows.
    """

    estimate: str
    interval: str = ""
    verdict: str = ""
    mark: str = ""
    spread: str = field(default="", compare=False)
    record: Record | None = field(default=None, compare=False, repr=False)


def shown_in(measure: str, unit: str = "1") -> tuple[float, str]:
    """Factor and unit with which a measure's numbers are shown.

    Probabilities are shown in percent; differences of probabilities in percentage points, since "3 % less" than 10 %
    may be read as 9.7 %; all else in the variable's own unit with factor 1.
    """
    if measure.rpartition("_")[2] not in SHARES:
        return 1.0, unit
    return 100.0, "points" if measure.startswith(GAPS) else "%"


def judged(record: Record | Estimate | None) -> int | None:
    """Sign of a difference according to its interval: 1 or -1, 0 where it holds zero, None without an interval."""
    if record is None or not (math.isfinite(record.low) and math.isfinite(record.high)):
        return None
    return 1 if record.low > 0 else -1 if record.high < 0 else 0


def cell(record: Record | None, scale: float = 1.0, loss: bool | None = None) -> Cell:
    """The table cell of a record; an empty cell for None.

    Args:
      scale: factor of the shown numbers, such as 100 for percent.
      loss: for a difference that is to have a verdict, whether high is worse; None for anything else.
    """
    if record is None:
        return Cell("")
    if math.isnan(record.estimate):
        return Cell("none", mark=NO_INTERVAL, record=record)
    places, sign = places_of(record, scale), judged(record)
    estimate = rounded(scale * record.estimate, places)
    if sign is None:
        return Cell(estimate, mark=NO_INTERVAL, record=record)
    judge = loss is not None and record.bare_measure != "sd"  # a wider spread is neither better nor worse
    verdict = "" if not judge else "same" if sign == 0 else "worse" if (sign > 0) == loss else "better"
    ends = interval(record.low, record.high, scale, places)
    mark = HEAVY if record.has("heavy_tail") else BINNED if record.has("binned") else ""
    wider = max(record.high - record.estimate, record.estimate - record.low)
    spread = f"{SPREAD}{rounded(scale * wider, places)}"
    return Cell(estimate, ends, verdict, mark, spread, record)


def places_of(record: Record | Estimate, scale: float = 1.0) -> int | None:
    """Decimals to show according to the standard error; None where that is only rounding error of a constant."""
    known = record.standard_error > FLOAT32 * abs(record.estimate)
    return decimals(scale * record.standard_error) if known else None


def interval(low: float, high: float, scale: float, places: int | None) -> str:
    """The interval as text, such as `[-0.3, 1.2]`."""
    return f"[{rounded(scale * low, places)}, {rounded(scale * high, places)}]"
