"""Estimates as a table on the screen shows them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.formatting import FLOAT32, decimals, rounded

if TYPE_CHECKING:
    from engine.risk.tables import Record

FLAG = "†"
BINNED = "‡"
MARKS = FLAG + BINNED


@dataclass(frozen=True)
class Cell:
    """An estimate as a table shows it.

    Args:
      estimate: the number, with a dagger where it has no interval, and a double one where it comes from a histogram.
      interval: its 95 % interval in brackets, or nothing.
      verdict: "better" or "worse" where a difference's interval leaves out zero, else nothing.
    """

    estimate: str
    interval: str = ""
    verdict: str = ""


EMPTY = Cell("")


def cell(record: Record | None, scale: float = 1.0, loss: bool | None = None) -> Cell:
    """An estimate with its interval.

    Args:
      scale: 100 for a share shown in percent.
      loss: whether high is worse, for a difference, which is then judged; None for what is no difference.
    """
    if record is None:
        return EMPTY
    if math.isnan(record.estimate):
        return Cell("none" + FLAG)
    known = record.standard_error > FLOAT32 * abs(
        record.estimate
    )  # less is the rounding of what never varies
    places = decimals(scale * record.standard_error) if known else None
    estimate = rounded(scale * record.estimate, places)
    if not (math.isfinite(record.low) and math.isfinite(record.high)):
        return Cell(estimate + FLAG)
    estimate += BINNED if record.binned else ""
    interval = f"[{rounded(scale * record.low, places)}, {rounded(scale * record.high, places)}]"
    if loss is None or record.low <= 0 <= record.high:
        return Cell(estimate, interval)
    return Cell(estimate, interval, "worse" if (record.estimate > 0) == loss else "better")
