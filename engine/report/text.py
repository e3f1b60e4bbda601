"""Numbers of the report as text: an estimate, its interval, and what a difference may be called."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.formatting import FLOAT32, decimals, rounded
from engine.risk.tables import Record

NONE = "–"


@dataclass(frozen=True)
class Cell:
    """A number of a table.

    Args:
      estimate: rounded to its standard error.
      interval: its 95 % interval in brackets; empty without one.
      verdict: "better" or "worse" where a difference's interval leaves out zero, "same" where it does not; else empty.
      flag: what the number's record says of it, in words.
      binned: whether it comes from a histogram.
    """

    estimate: str
    interval: str = ""
    verdict: str = ""
    flag: str = ""
    binned: bool = False


def judged(record: Record | None) -> int | None:
    """Sign of a difference as far as its interval shows it: 1, -1, 0 where zero lies inside; None without an interval."""
    if record is None or not (math.isfinite(record.low) and math.isfinite(record.high)):
        return None
    return 1 if record.low > 0 else -1 if record.high < 0 else 0


def cell(record: Record | None, scale: float = 1.0, loss: bool | None = None) -> Cell:
    """A record as a table shows it.

    Args:
      scale: 100 for a share in percent.
      loss: whether high is worse, for a difference, which is then judged; None for what is no difference.
    """
    if record is None or math.isnan(record.estimate):
        return Cell(NONE, flag=record.flag if record else "")
    places = places_of(record, scale)
    sign = judged(record)
    estimate = rounded(scale * record.estimate, places)
    if loss is not None and record.estimate > 0 and estimate.strip("0.,"):
        estimate = "+" + estimate
    if sign is None:
        return Cell(minus(estimate), flag=record.flag)
    verdict = "" if loss is None else "same" if sign == 0 else "worse" if (sign > 0) == loss else "better"
    shown = interval(record.low, record.high, scale, places)
    return Cell(minus(estimate), shown, verdict, record.flag, record.binned)


def places_of(record: Record, scale: float = 1.0) -> int | None:
    """Decimals that the record's standard error leaves; four digits of what never varies; None without an error."""
    if record.standard_error > FLOAT32 * abs(record.estimate):
        return decimals(scale * record.standard_error)
    if not (record.standard_error >= 0 and record.estimate):
        return None
    return min(max(3 - math.floor(math.log10(abs(scale * record.estimate))), 0), 6)


def interval(low: float, high: float, scale: float, places: int | None) -> str:
    """`[-0.3, 1.2]`."""
    return minus(f"[{rounded(scale * low, places)}, {rounded(scale * high, places)}]")


def told(record: Record, scale: float = 1.0, unit: str = "") -> str:
    """`22.7 % [22.5, 22.9]`, the number and its unit alone where there is no interval."""
    found = cell(record, scale)
    return f"{found.estimate}{unit} {found.interval}".strip()


def distance(record: Record, scale: float = 1.0, words: str = "") -> str:
    """The size of a difference whose sign is known, in words, with its interval: `17.7 points less [17.5, 18.1]` for -17.7."""
    places, sign = places_of(record, scale), -1.0 if record.estimate < 0 else 1.0
    low, high = sorted((sign * record.low, sign * record.high))
    return (
        f"{minus(rounded(abs(scale * record.estimate), places))}{words} {interval(low, high, scale, places)}"
    )


def minus(text: str) -> str:
    """The text with a true minus sign before its numbers, which is as wide as a digit; exponents keep theirs."""
    return "".join(
        "−" if sign == "-" and (k == 0 or text[k - 1] in "[ ,+") else sign for k, sign in enumerate(text)
    )


def listed(parts: list[str], last: str = "and") -> str:
    """`a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}" if parts else ""


def unit_of(unit: str) -> str:
    """A unit after a number, with its space; nothing for a pure number or an index such as "2015 = 1"."""
    return "" if unit == "1" or "=" in unit else f" {unit}"


def compact(value: float) -> str:
    """Four significant digits, for a value that has no error of its own."""
    return NONE if not math.isfinite(value) else minus(rounded(value, None))
