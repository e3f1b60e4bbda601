"""Estimates as text: cells of tables, and words for measures, amounts and lists in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.formatting import FLOAT32, counted, decimals, rounded
from engine.risk.estimation.events import Term
from engine.risk.estimation.influences import level_of
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study
from engine.study.tables.challenge import Claim

if TYPE_CHECKING:
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


def verdict(gap: Record | Estimate | None, loss: bool | None, same: str = "not distinguishable") -> str:
    """What a difference says of a policy: "better", "worse" or `same`.

    "" without an interval, and where neither high nor low values are worse.
    """
    sign = judged(gap)
    if sign is None or loss is None:
        return ""
    return same if not sign else "worse" if (sign > 0) == loss else "better"


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
    places = places_of(record, scale)
    estimate = rounded(scale * record.estimate, places)
    if judged(record) is None:
        return Cell(estimate, mark=NO_INTERVAL, record=record)
    # a wider spread is neither better nor worse
    said = verdict(record, None if record.bare_measure == "sd" else loss, "same")
    ends = interval(record.low, record.high, scale, places)
    mark = HEAVY if record.has("heavy_tail") else BINNED if record.has("binned") else ""
    wider = max(record.high - record.estimate, record.estimate - record.low)
    spread = f"{SPREAD}{rounded(scale * wider, places)}"
    return Cell(estimate, ends, said, mark, spread, record)


def places_of(record: Record | Estimate, scale: float = 1.0) -> int | None:
    """Decimals to show according to the standard error; None where that is only rounding error of a constant."""
    known = record.standard_error > FLOAT32 * abs(record.estimate)
    return decimals(scale * record.standard_error) if known else None


def interval(low: float, high: float, scale: float, places: int | None) -> str:
    """The interval as text, such as `[-0.3, 1.2]`."""
    return f"[{rounded(scale * low, places)}, {rounded(scale * high, places)}]"


DIGITS = 3
"""Greatest number of significant digits of an amount in a sentence."""
NEARLY = 1.2
"""Factor on an interval's half-width when digits are chosen; with it a half-width of 0.9 leaves no decimals."""
ROOM = 12
"""Number of words that a list of names may take in a sentence."""
COMPARED = {"<": "below", "<=": "of at most", ">": "above", ">=": "of at least"}
"""Words for signs of comparison."""
LONGEST = 25
"""Most words of a sentence."""
YEARLY = "1/yr"
UNITS = {"k": "thousand", "yr": "years", "1": "", YEARLY: "a year"}
"""Words for parts of a unit."""


def named(study: Study, name: str) -> str:
    """Name of an outcome, an event or a yearly variable within a sentence."""
    kinds = {"events": study.events_by_name, "outcomes": study.model.outcomes}
    return study.phrase(next((kind for kind, known in kinds.items() if name in known), "yearly"), name)


def measured(study: Study, name: str, measure: str) -> str:
    """A measure in words: `the chance of ruin`, `the mean of cost`, `cost in the worst 1 % of futures` (ES99).

    VaR99 reads `the level of cost that 1 % of futures pass`.
    """
    what, level = named(study, name), level_of(measure)
    if name in study.events_by_name:
        return f"the chance of {what}"
    if level is None:
        return f"the mean of {what}"
    worst = worst_share(level)
    return f"{what} in {worst}" if measure.startswith("ES") else f"the level of {what} that {worst[10:]} pass"


def quantity(study: Study, name: str, measure: str) -> str:
    """A measure in words as a singular noun, before a verb: `the mean of cost in the worst 1 % of futures` (ES99)."""
    words = measured(study, name, measure)
    return words if words.startswith("the ") else f"the mean of {words}"


def direction(study: Study, claim: Claim, worse: bool) -> str:
    """Clause that the policy's number is worse, or better: `the chance of ruin is higher`."""
    what = quantity(study, claim.variable, claim.measure).replace(" of futures", "")
    return f"{what} is {'higher' if worse == study.is_loss(claim.variable) else 'lower'}"


def claimed(study: Study, claim: Claim) -> str:
    """A claim as a clause: `the chance of ruin is lower under reform than under old policies`."""
    policy, against = (study.phrase("policies", name) for name in (claim.policy, claim.against))
    return f"{direction(study, claim, claim.worse)} under {policy} than under {against}"


def worst_share(level: float, side: str = "worst") -> str:
    """The tail beyond a level in words: `the worst 1 % of futures`."""
    return f"the {side} {100 * (1 - level):.6g} % of futures"


def unit_in_words(unit: str) -> str:
    """A unit as it stands behind a number: `thousand persons` for k persons; empty for 1.

    It is also empty for a unit that explains a number, such as `1 = nothing is lost`.
    """
    return "" if "=" in unit else " ".join(filter(None, (UNITS.get(part, part) for part in unit.split(" "))))


def limited(study: Study, term: Term) -> str:
    """A comparison of an outcome with a number in words: `layoffs above 500 thousand persons`."""
    unit = unit_in_words(study.unit_of(term.name))
    return f"{named(study, term.name)} {COMPARED[term.sign]} {term.number:,.6g} {unit}".rstrip()


def amounts(unit: str, first: Estimate, *others: float) -> list[str]:
    """Numbers of one unit in words, rounded alike: `24 % a year` and `40 %`, `86.6 thousand persons`.

    Only the first carries the whole unit.

    Args:
      unit: unit of the numbers.
      first: the first number; its interval decides the digits, three where it has none.
      others: further numbers.
    """
    every = [first.estimate, *others]
    scale, behind = 1.0, unit_in_words(unit)
    if unit == YEARLY and max(map(abs, every)) <= 1:
        scale, behind = 100.0, "% a year"
    largest = max(map(abs, every)) * scale
    places = DIGITS - 1 - math.floor(math.log10(largest)) if largest > 0 else 0
    half = scale * (first.high - first.low) / 2
    if half > 0 and math.isfinite(half):
        borne = -math.floor(math.log10(NEARLY * half))
        places = min(places, borne if borne >= 0 else borne + 1)
    number, *more = (rounded(scale * one, places) for one in every)
    return [f"{number} {behind}".strip(), *(f"{one} %" if behind.startswith("%") else one for one in more)]


def amount(unit: str, one: Estimate) -> str:
    """One number with its unit in words, as in `amounts`."""
    return amounts(unit, one)[0]


def size(measure: str, unit: str, gap: Estimate) -> str:
    """Absolute size of a difference in words: `14.9 points` for a difference of probabilities."""
    scale, unit = shown_in(f"difference_{measure}", unit)
    low, high = sorted((abs(scale * gap.low), abs(scale * gap.high)))
    return amount(unit, Estimate(abs(scale * gap.estimate), math.nan, low, high))


def share(one: Estimate) -> str:
    """A share in percent: `24 %` for 0.238."""
    return amount("%", Estimate(100 * one.estimate, math.nan, 100 * one.low, 100 * one.high))


def undecided(paths: int) -> str:
    """Clause for paths that form a single unit: `one future gives no interval, so no difference is shown`."""
    return f"{'one future gives' if paths == 1 else f'{paths:,} futures give'} no interval, so no difference is shown"


def listed(names: Sequence[str]) -> str:
    """The names as `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def some(names: Sequence[str], room: int = ROOM, noun: str = "") -> str:
    """As `listed`, with as many names as fit into `room` words, at least one: `a, b and 3 other inputs`.

    Args:
      noun: what one of them is, in the singular; without it the text ends in `3 others`.
    """
    counts = range(len(names), 1, -1)
    most = next((k for k in counts if len(listed(names[:k]).split()) + 3 * (k < len(names)) <= room), 1)
    return listed(names if most == len(names) else [*names[:most], counted(len(names) - most, f"other {noun}".strip())])


def short(*texts: str) -> str:
    """The first of some sentences that has at most `LONGEST` words; the last of them if none has."""
    return next(filter(is_short, texts), texts[-1])


def is_short(sentence: str) -> bool:
    """Whether a sentence has at most `LONGEST` words."""
    return len(sentence.split()) <= LONGEST
