"""Text in charts: labels with units, and numbers rounded to what their intervals support."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import xarray as xr

from engine.formatting import begun_small, decimals, rounded, titled, unit_name, words
from engine.risk.estimation.intervals import Estimate

UNKNOWN = Estimate(math.nan)
"""An estimate that is shown as "unknown", where no path has a value."""
MOST_LISTED = 2
"""Most policies whose numbers a title lists; for more it gives the lowest and the highest."""


def name(values: xr.DataArray) -> str:
    """Title of a variable: its `long_name`, else its name as words with a capital first letter."""
    return str(values.attrs.get("long_name") or titled(str(values.name)))


def called(values: xr.DataArray) -> str:
    """Name of a variable within a sentence: its label with a small first letter, else its name as words."""
    plain = titled(str(values.name))
    return words(str(values.name)) if name(values) == plain else begun_small(name(values))


def label(values: xr.DataArray, more: str = "") -> str:
    """Label of an axis: name, what it is more closely, and unit in brackets, "[1]" for a pure number."""
    return with_unit(name(values) + more, unit_name(values.attrs))


def heading(values: xr.DataArray) -> str:
    """Beginning of a title: name, and unit in brackets unless it is a pure number."""
    return label(values).removesuffix(" [1]")


def meaning(values: xr.DataArray) -> str:
    """Meaning of a variable as a sentence for a note; "" where it is not stated."""
    about = values.attrs.get("comment", "").rstrip(".")
    return f" {name(values)}: {about}." if about else ""


def with_unit(called: str, unit: str) -> str:
    """Name and unit in brackets, such as "jobs [thousand persons]" for k persons; "[1]" where there is none."""
    return f"{called} [{re.sub('^k ', 'thousand ', unit) or '1'}]"


def place(where: Mapping[str, Any]) -> str:
    """The labels that a figure is for, to be put after a name: `, Liaoning, steel`."""
    return "".join(f", {chosen}" for chosen in where.values())


def number(value: float, error: float = math.nan) -> str:
    """A number rounded to what its error supports; three significant digits where the error is not known.

    Args:
      error: half-width of its 95 % interval; shown is one digit of the standard error (error / 1.96), two if the first
        is a 1.
    """
    if not math.isfinite(value):
        return "unknown"
    places = decimals(error / 1.96)
    if places is None and value:
        places = 2 - math.floor(math.log10(abs(value)))
    text = minus(rounded(value, places))
    return text if text.strip("−0.,") else "0"


def with_interval(of: Estimate, scale: float = 1.0, sign: str = "") -> str:
    """An estimate with its 95 % interval in brackets, or with "(no interval)"; "unknown" where it is not finite.

    Args:
      scale: 100 for a share shown in percent.
      sign: text after the estimate, such as " %".
    """
    if not math.isfinite(of.estimate):
        return "unknown"
    half = 0.5 * scale * (of.high - of.low)
    estimate = number(scale * of.estimate, half) + sign
    if not math.isfinite(half):
        return f"{estimate} (no interval)"
    return f"{estimate} [{number(scale * of.low, half)},\u00a0{number(scale * of.high, half)}]"


def sentence(
    what: str, estimates: Mapping[str, Estimate], scale: float = 1.0, sign: str = "", cases: str = "policies"
) -> str:
    """A sentence with each policy's estimate and interval; for more than two, only the lowest and the highest one.

    Args:
      cases: what the estimates are of, if not policies.
    """
    known = {name: e for name, e in estimates.items() if math.isfinite(e.estimate)}
    if not known:
        return f"{what} is unknown: no finite path, or no mean"
    ordered = sorted(known, key=lambda name: known[name].estimate)
    if len(known) > 1 and repr(known[ordered[0]]) == repr(known[ordered[-1]]):  # NaN is not equal to NaN
        return f"{what} is {with_interval(known[ordered[0]], scale, sign)} under each of {len(known)} {cases}"
    texts = {name: f"{with_interval(e, scale, sign)} under {name}" for name, e in known.items()}
    if len(known) <= MOST_LISTED:
        return f"{what} is {', '.join(texts.values())}"
    return f"{what} is from {texts[ordered[0]]} to {texts[ordered[-1]]}, of {len(known)} {cases}"


def minus(text: str) -> str:
    """The text with minus signs instead of hyphens before numbers, but not in exponents."""
    return "".join("−" if sign == "-" and (k == 0 or text[k - 1] in "[ ,+") else sign for k, sign in enumerate(text))
