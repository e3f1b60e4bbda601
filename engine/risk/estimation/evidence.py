"""Names and levels of measures, and how many exceedances their intervals need."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.errors import UserError
from engine.study.study import LEVELS


def measures(levels: Sequence[float] = LEVELS) -> tuple[str, ...]:
    """Names of an outcome's measures in the order of every table: mean, median, sd (standard deviation), VaR, ES."""
    names = [f"{100 * level:g}" for level in levels]
    return "mean", "median", "sd", *(f"VaR{name}" for name in names), *(f"ES{name}" for name in names)


MEASURES = measures()
"""Names of the measures at the standard levels."""
SPREAD = MEASURES.index("sd")
"""Place of the standard deviation, which has no sign."""
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
