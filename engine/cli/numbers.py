"""Numbers as text: rounded where their standard error says that the rest is noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.analyses.compare import Record

FLAG = "†"
BINNED = "‡"
MARKS = FLAG + BINNED
FLOAT32 = 2.0**-23


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


def decimals(error: float) -> int | None:
    """Decimals that show one digit of a standard error, or two where the first is a 1; None without an error.

    Negative for tens and hundreds.
    """
    if not (math.isfinite(error) and error > 0):
        return None
    exponent = math.floor(math.log10(error))
    return -exponent + (1 if error / 10.0**exponent < 2 else 0)


def rounded(value: float, places: int | None) -> str:
    """The number with so many decimals; four significant digits where nothing says how many."""
    if not math.isfinite(value):
        return str(value)
    if value == 0 and places is None:
        return "0"
    if places is None:
        places = 3 - math.floor(math.log10(abs(value)))
        if places > 3:
            return f"{value:.4g}"
        places = max(places, 0)
    elif places > 7 or abs(value) >= 1e9:
        digits = places + math.floor(math.log10(abs(value))) if value else 0
        return f"{value:.{min(max(digits, 0), 7)}e}"
    text = f"{round(value, places):,.{max(places, 0)}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text


def cell(record: Record | None, scale: float = 1.0, loss: bool | None = None) -> Cell:
    """An estimate with its interval.

    Args:
      scale: 100 for a share shown in percent.
      loss: whether high is worse, for a difference, which is then judged; None for what is no difference.
    """
    if record is None:
        return EMPTY
    known = record.standard_error > FLOAT32 * abs(
        record.estimate
    )  # less is the rounding of what never varies
    places = decimals(scale * record.standard_error) if known else None
    estimate = rounded(scale * record.estimate, places)
    if not (math.isfinite(record.low) and math.isfinite(record.high)):
        return Cell(estimate + FLAG)
    estimate += BINNED if record.flag else ""
    interval = f"[{rounded(scale * record.low, places)}, {rounded(scale * record.high, places)}]"
    if loss is None or record.low <= 0 <= record.high:
        return Cell(estimate, interval)
    return Cell(estimate, interval, "worse" if (record.estimate > 0) == loss else "better")
