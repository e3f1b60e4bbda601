"""What a study file may state: tables, numbers, and multiples such as "2x" of an existing value."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import Any

from engine.draws.limits import LARGEST
from engine.errors import Problems, refusal
from engine.formatting import shown

Tables = Mapping[str, Any]
"""A table of a study file: its entries by key."""
Names = Collection[str]
"""Names of parts of a study or its model: a list, a set or the keys of a table."""
PROBABILITY = "probability"
"""The measure of an event."""
LEVELS = (0.95, 0.99, 0.999)
"""Levels of VaR and ES that every study measures."""
_LEVEL = re.compile(r"(VaR|ES)(\d+(?:\.\d+)?)")
_MULTIPLE = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*x\s*")


def table_in(tables: Tables, key: str) -> Tables:
    """The table at a key, of tables whose types are not checked; empty where there is something else."""
    table = tables.get(key)
    return table if isinstance(table, Mapping) else {}


def leaving_out(table: Tables, keys: Container[str]) -> dict[str, Any]:
    """The table without some of its keys."""
    return {key: value for key, value in table.items() if key not in keys}


def measures(levels: Iterable[float]) -> list[str]:
    """Names of an outcome's measures: its mean, then VaR and ES (expected shortfall) at each level, such as "ES99"."""
    return ["mean", *(f"{kind}{100 * level:g}" for kind in ("VaR", "ES") for level in levels)]


def measure_of(
    measure: str, variable: str, events: Names, outcomes: Names, levels: Sequence[float], problems: Problems
) -> str:
    """The measure of an event or outcome under the name that tables use: `ES99` for `ES99.0`.

    Args:
      measure: as it is stated; "" for the probability of an event or the mean of an outcome.
      levels: of VaR and ES that the study measures.
      problems: unknown variables, and measures that the study does not have, are added here.
    """
    measure = PROBABILITY if measure == "P" else measure
    if variable in events:
        if measure not in ("", PROBABILITY):
            problems.add("", f"'{measure}' is no measure of an event. Write '{PROBABILITY} of {variable}'.")
        return PROBABILITY
    measure = measure or "mean"
    if not problems.knows("", "event or outcome", variable, [*events, *outcomes]):
        return measure
    if found := _LEVEL.fullmatch(measure):
        measure = f"{found[1]}{float(found[2]):g}"
    if measure == PROBABILITY:
        problems.add("", f"'{variable}' is an outcome, which has no probability. Name an event, or a mean.")
    elif measure not in measures(levels) and found and 50 < float(found[2]) < 100:
        there = ", ".join(f"{100 * level:g}" for level in levels)
        problems.add(
            "",
            f"level {found[2]} is no part of the study, which has {there}. Add it: risk = {{ levels = [{found[2]}] }}.",
        )
    else:
        problems.knows("", f"measure of '{variable}'", measure, measures(levels))
    return measure


def number(value: Any) -> int | float:
    """The value itself, if it is a finite number within the range of single precision; else a `UserError` is raised."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal("", f"expected a number, got {shown(value)}.")
    if not (abs(value) <= LARGEST and math.isfinite(value)):
        raise refusal("", f"expected a finite number that single precision holds, got {shown(value)}.")
    return value


def as_number(stated: Any, own: float) -> float:
    """The number that is stated: a finite one, or a multiple of `own`; else a `UserError` is raised."""
    multiple = multiple_of(stated)
    return float(number(stated if multiple is None else multiple * own))


def multiple_of(value: Any) -> float | None:
    """The factor that a text such as "2x" states; None for a value that is not a text.

    Raises:
      UserError: the text states no multiple.
    """
    if not isinstance(value, str):
        return None
    stated = _MULTIPLE.fullmatch(value)
    if stated is None:
        raise refusal("", f'expected a number, or a multiple such as "2x", got {shown(value)}.')
    return float(number(float(stated[1])))
