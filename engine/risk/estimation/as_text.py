"""An estimate as a table shows it: its number, its interval, what a difference may be called, and the mark of a note below."""

from __future__ import annotations

import math
from collections.abc import Iterable
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
MOST_REASONS = 4
MOST_PLACES = 3


@dataclass(frozen=True)
class Cell:
    """A number of a table.

    Args:
      estimate: rounded to its standard error.
      interval: its 95 % interval in brackets; empty without one.
      verdict: "better" or "worse" where a difference's interval leaves out zero, "same" where it does not; else empty.
      mark: `NO_INTERVAL`, `HEAVY` where the interval may be too narrow, `BINNED` where it comes from a histogram, or nothing.
      flag: what the number's flags say.
      spread: the wider side of the interval, `±0.3`, where there is no room for both ends; empty without one.
      record: what it shows.
    """

    estimate: str
    interval: str = ""
    verdict: str = ""
    mark: str = ""
    flag: str = ""
    spread: str = field(default="", compare=False)
    record: Record | None = field(default=None, compare=False, repr=False)


def shown_in(measure: str, unit: str = "1") -> tuple[float, str]:
    """What a measure's numbers are multiplied by where people read them, and the unit that they then have.

    A probability is in percent; what is added to one or taken from it ("difference_probability") in percentage points, since 3 % less of 10 % may be taken
    for 9.7 %; anything else in the variable's own unit.
    """
    if measure.rpartition("_")[2] not in SHARES:
        return 1.0, unit
    return 100.0, "points" if measure.startswith(GAPS) else "%"


def judged(record: Record | Estimate | None) -> int | None:
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
        return Cell("none", mark=NO_INTERVAL, flag=record.flag, record=record)
    places, sign = places_of(record, scale), judged(record)
    estimate = rounded(scale * record.estimate, places)
    if sign is None:
        return Cell(estimate, mark=NO_INTERVAL, flag=record.flag, record=record)
    judge = loss is not None and record.bare_measure != "sd"  # a wider spread is neither better nor worse
    verdict = "" if not judge else "same" if sign == 0 else "worse" if (sign > 0) == loss else "better"
    ends = interval(record.low, record.high, scale, places)
    mark = HEAVY if record.heavy else BINNED if record.binned else ""
    wider = max(record.high - record.estimate, record.estimate - record.low)
    spread = f"{SPREAD}{rounded(scale * wider, places)}"
    return Cell(estimate, ends, verdict, mark, record.flag, spread, record)


def places_of(record: Record | Estimate, scale: float = 1.0) -> int | None:
    """Decimals that the standard error leaves; None where that is the rounding of what never varies."""
    known = record.standard_error > FLOAT32 * abs(record.estimate)
    return decimals(scale * record.standard_error) if known else None


def interval(low: float, high: float, scale: float, places: int | None) -> str:
    """`[-0.3, 1.2]`."""
    return f"[{rounded(scale * low, places)}, {rounded(scale * high, places)}]"


def reasons(records: Iterable[Record], elsewhere: str = "") -> str:
    """What the flags of records say, and of which numbers: `ES99.9 of cost (old, new): 20 exceedances, 100 needed`.

    The first few, and how many more there are, `elsewhere` perhaps; empty for none.
    """
    held: dict[str, list[Record]] = {}
    for record in records:
        held.setdefault(record.withheld or record.flag, []).append(record)
    sentences = [": ".join(filter(None, (places(of), flag))) for flag, of in held.items()]
    return "; ".join(_few(sentences, MOST_REASONS, elsewhere))


def places(records: Iterable[Record]) -> str:
    """Which numbers records are of: `ES99 of cost (old, new), mean of damage (old) and 3 more`."""
    policies: dict[tuple[str, str], list[str]] = {}
    for record in records:
        policies.setdefault((record.measure.replace("_", " "), record.variable), []).append(record.policy)
    named = [f"{what} of {name} ({', '.join(dict.fromkeys(of))})" for (what, name), of in policies.items()]
    return ", ".join(_few(named, MOST_PLACES))


def _few(texts: list[str], most: int, elsewhere: str = "") -> list[str]:
    more = len(texts) - most
    return [*texts[:most], *([f"and {more} more{elsewhere}"] if more > 0 else ())]
