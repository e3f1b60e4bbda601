"""What a study file states: tables, numbers, and multiples of what is there already."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.draws.limits import LARGEST
from engine.errors import refusal
from engine.formatting import shown

Tables = Mapping[str, Any]
"""What stands in a table, by its keys."""
LEVELS = (0.95, 0.99, 0.999)
"""Levels of VaR and ES that every study measures."""
_MULTIPLE = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*x\s*")


def measures(levels: Iterable[float]) -> list[str]:
    """Names of what is measured of an outcome: its mean, VaR and ES at each level."""
    return ["mean", *(f"{kind}{100 * level:g}" for kind in ("VaR", "ES") for level in levels)]


def number(value: Any) -> int | float:
    """The value, where it is a finite number that single precision holds; anything else is refused."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal("", f"expected a number, got {shown(value)}.")
    if not (abs(value) <= LARGEST and math.isfinite(value)):
        raise refusal("", f"expected a finite number that single precision holds, got {shown(value)}.")
    return value


def multiple_of(value: Any) -> float | None:
    """The multiple that a text such as "2x" states; None for what is no text.

    Raises:
      UserError: the text states none.
    """
    if not isinstance(value, str):
        return None
    stated = _MULTIPLE.fullmatch(value)
    if stated is None:
        raise refusal("", f'expected a number, or a multiple such as "2x", got {shown(value)}.')
    return float(number(float(stated[1])))
