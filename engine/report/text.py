"""Numbers of the report as text, with minus signs for hyphens."""

from __future__ import annotations

import math

from engine.formatting import rounded

NONE = "–"


def minus(text: str) -> str:
    """The text with minus signs instead of hyphens before numbers, but not in exponents."""
    return "".join("−" if sign == "-" and (k == 0 or text[k - 1] in "[ ,+") else sign for k, sign in enumerate(text))


def unit_of(unit: str) -> str:
    """A unit to be put after a number, with a space before it; "" for a pure number or an index such as "2015 = 1"."""
    return "" if unit == "1" or "=" in unit else f" {unit}"


def compact(value: float) -> str:
    """A value without an error of its own as text with four significant digits; a dash where it is not finite."""
    return minus(rounded(value, None)) if math.isfinite(value) else NONE
