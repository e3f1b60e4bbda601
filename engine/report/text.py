"""Numbers of the report as text: alone, with intervals, and in sentences."""

from __future__ import annotations

import math
from dataclasses import replace

from engine.answers import as_text
from engine.answers.as_text import Cell, interval, places_of
from engine.formatting import rounded
from engine.risk.estimation.tables import Record

NONE = "–"


def cell(record: Record | None, scale: float = 1.0, loss: bool | None = None) -> Cell:
    """As `as_text.cell`, typeset: minus signs for hyphens, a plus for a positive difference, a dash for no number."""
    plain = as_text.cell(record, scale, loss)
    if record is None or math.isnan(record.estimate):
        return replace(plain, estimate=NONE)
    plus = "+" if loss is not None and record.estimate > 0 and plain.estimate.strip("0.,") else ""
    return replace(plain, estimate=minus(plus + plain.estimate), interval=minus(plain.interval))


def with_interval(record: Record, scale: float = 1.0, unit: str = "") -> str:
    """An estimate with unit and interval, such as `22.7 % [22.5, 22.9]`; without brackets if it has no interval."""
    number = cell(record, scale)
    return f"{number.estimate}{unit} {number.interval}".strip()


def distance(record: Record, scale: float = 1.0, words: str = "") -> str:
    """The size of a difference of known sign as text with its interval: `17.7 points less [17.5, 18.1]` for -17.7."""
    places, sign = places_of(record, scale), -1.0 if record.estimate < 0 else 1.0
    low, high = sorted((sign * record.low, sign * record.high))
    size = minus(rounded(abs(scale * record.estimate), places))
    return f"{size}{words} {minus(interval(low, high, scale, places))}"


def minus(text: str) -> str:
    """The text with minus signs instead of hyphens before numbers, but not in exponents."""
    return "".join("−" if sign == "-" and (k == 0 or text[k - 1] in "[ ,+") else sign for k, sign in enumerate(text))


def unit_of(unit: str) -> str:
    """A unit to be put after a number, with a space before it; "" for a pure number or an index such as "2015 = 1"."""
    return "" if unit == "1" or "=" in unit else f" {unit}"


def short(value: float, digits: int = 5) -> float:
    """A number rounded to `digits` significant digits, no more than a chart shows."""
    return float(f"{value:.{digits}g}")


def compact(value: float) -> str:
    """A value without an error of its own as text with four significant digits; a dash where it is not finite."""
    return NONE if not math.isfinite(value) else minus(rounded(value, None))


def roomy(low: float, high: float, share: float = 0.05) -> tuple[float, float]:
    """Axis limits extended on either side by a share of their distance."""
    return low - share * (high - low), high + share * (high - low)
