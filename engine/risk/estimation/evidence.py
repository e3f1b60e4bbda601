"""The measures of every table, one row each, their names and levels, and how many exceedances intervals need."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.errors import UserError
from engine.study.study import LEVELS

MEDIAN = 0.5
"""Level of the median, and of the measures without a level."""


@dataclass(frozen=True)
class Row:
    """A measure of every outcome, policy and difference of two policies.

    Args:
      name: its name; its level, if it has one, is added.
      number: its number with the influence, a `Measure`, of a distribution (`tails.Measured` of paths,
        `histogram_measures.Binned` of bins) at a level.
      tail: whose variance must be finite for its interval: that of the values, of their squares, or of the excesses
        over VaR; empty for a measure that rests on ranks.
      by_level: whether it has a level.
      signed: whether its sign changes with that of the variable.
    """

    name: str
    number: Callable[[Any, float], Any]
    tail: Literal["", "values", "squares", "excesses"] = ""
    by_level: bool = False
    signed: bool = True


ROWS = [
    Row("mean", lambda of, _: of.mean, "values"),
    Row("median", lambda of, _: of.median),
    Row("sd", lambda of, _: of.deviation, "squares", signed=False),
    Row("VaR", lambda of, level: of.quantile(level), by_level=True),
    Row("ES", lambda of, level: of.shortfall(level), "excesses", by_level=True),
]
"""Mean, median, sd (standard deviation), VaR and ES: the measures of every table, in its order."""


def rows(levels: Sequence[float] = LEVELS) -> list[tuple[Row, float]]:
    """Each measure at each of its levels, in the order of every table."""
    return [(row, level) for row in ROWS for level in (levels if row.by_level else (MEDIAN,))]


def measures(levels: Sequence[float] = LEVELS) -> tuple[str, ...]:
    """Names of an outcome's measures in the order of every table."""
    return tuple(f"{row.name}{100 * level:g}" if row.by_level else row.name for row, level in rows(levels))


MEASURES = measures()
"""Names of the measures at the standard levels."""
FEWEST_FOR_VAR = 50
"""Effective exceedances that VaR, and a difference of VaRs, needs for an interval."""
FEWEST_FOR_ES = 100
FEWEST_FOR_ES_DIFFERENCE = 500
"""Effective exceedances that a difference of ESs needs for an interval (ES: `FEWEST_FOR_ES`); by coverage study."""


def level_of(measure: str) -> float | None:
    """The level a of "VaR99" or "ES99.9" as a fraction; None for measures without a level."""
    found = re.fullmatch(r"(?:VaR|ES)(\d+(?:\.\d+)?)", measure)
    return round(float(found[1]) / 100, 8) if found else None


def stated_level(text: str | float | None) -> float | None:
    """The level that "99", "99%", 99 or 0.99 states, as a fraction between 0.5 and 1; None for None.

    Raises:
      UserError: for anything that is no such level of at most six digits.
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
    """The level of a VaR or ES alone; the standard levels for other measures and for levels not between 0.5 and 1."""
    level = level_of(measure)
    return LEVELS if level is None or not 0.5 < level < 1 else (level,)
