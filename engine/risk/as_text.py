"""An estimate as a table shows it: its number, its interval, what a difference may be called, and the mark of a note below."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.formatting import FLOAT32, decimals, rounded

if TYPE_CHECKING:
    from engine.risk.tables import Record

NO_INTERVAL = "†"
BINNED = "‡"
MOST_REASONS = 4


@dataclass(frozen=True)
class Cell:
    """A number of a table.

    Args:
      estimate: rounded to its standard error.
      interval: its 95 % interval in brackets; empty without one.
      verdict: "better" or "worse" where a difference's interval leaves out zero, "same" where it does not; else empty.
      mark: `NO_INTERVAL`, `BINNED` where the interval comes from a histogram, or nothing.
      flag: what the number's flags say.
    """

    estimate: str
    interval: str = ""
    verdict: str = ""
    mark: str = ""
    flag: str = ""


def judged(record: Record | None) -> int | None:
    """Sign of a difference as far as its interval shows it: 1, -1, 0 where zero lies inside; None without an interval."""
    if record is None or not (math.isfinite(record.low) and math.isfinite(record.high)):
        return None
    return 1 if record.low > 0 else -1 if record.high < 0 else 0


def cell(record: Record | None, scale: float = 1.0, loss: bool | None = None) -> Cell:
    """A record as a table shows it; an empty cell for none.

    Args:
      scale: 100 for a share in percent.
      loss: whether high is worse, for a difference, which is then judged; None for what is no difference.
    """
    if record is None:
        return Cell("")
    if math.isnan(record.estimate):
        return Cell("none", mark=NO_INTERVAL, flag=record.flag)
    places, sign = places_of(record, scale), judged(record)
    estimate = rounded(scale * record.estimate, places)
    if sign is None:
        return Cell(estimate, mark=NO_INTERVAL, flag=record.flag)
    verdict = "" if loss is None else "same" if sign == 0 else "worse" if (sign > 0) == loss else "better"
    ends = interval(record.low, record.high, scale, places)
    return Cell(estimate, ends, verdict, BINNED if record.binned else "", record.flag)


def places_of(record: Record, scale: float = 1.0) -> int | None:
    """Decimals that the record's standard error leaves; None where that is the rounding of what never varies."""
    known = record.standard_error > FLOAT32 * abs(record.estimate)
    return decimals(scale * record.standard_error) if known else None


def interval(low: float, high: float, scale: float, places: int | None) -> str:
    """`[-0.3, 1.2]`."""
    return f"[{rounded(scale * low, places)}, {rounded(scale * high, places)}]"


def reasons(flags: Iterable[str], elsewhere: str = "") -> str:
    """What flags say, each once: the first few, and how many more there are, `elsewhere` perhaps; empty for none."""
    sentences = list(dict.fromkeys(flags))
    more = len(sentences) - MOST_REASONS
    return "; ".join([*sentences[:MOST_REASONS], *([f"and {more} more{elsewhere}"] if more > 0 else ())])
