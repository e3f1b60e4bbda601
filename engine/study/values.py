"""What a study file may state: tables, numbers, and multiples such as "2x" of an existing value."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.draws.limits import LARGEST
from engine.errors import UserError, refusal
from engine.formatting import shown

Tables = Mapping[str, Any]
"""A table of a study file: its entries by key."""
LEVELS = (0.95, 0.99, 0.999)
"""Levels of VaR and ES that every study measures."""
_MULTIPLE = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*x\s*")


def table_in(tables: Tables, key: str) -> Tables:
    """The table at a key, of tables whose types are not checked; empty where there is something else."""
    table = tables.get(key)
    return table if isinstance(table, Mapping) else {}


def is_deep(value: Any, levels: int = 32) -> bool:
    """Whether tables and lists are nested more deeply than this; a key `a.b.c` is nested too."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else None
    return inner is not None and (not levels or any(is_deep(part, levels - 1) for part in inner))


def plain_tables(given: Tables, source: str) -> dict[str, Any]:
    """Tables stated in Python as a study file would give them: keys are texts, arrays are lists, paths are texts."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): plain(inner) for key, inner in value.items()}
        if isinstance(value, np.ndarray | np.generic):
            return value.tolist()
        if isinstance(value, list | tuple):
            return [plain(inner) for inner in value]
        return str(value) if isinstance(value, Path) else value

    try:
        tables: dict[str, Any] = plain(given)
        if not is_deep(tables):
            return tables
    except RecursionError:
        pass
    raise UserError(source, ["its values are nested too deeply."])


def leaving_out(table: Tables, keys: Container[str]) -> dict[str, Any]:
    """The table without some of its keys."""
    return {key: value for key, value in table.items() if key not in keys}


def measures(levels: Iterable[float]) -> list[str]:
    """Names of an outcome's measures: its mean, then VaR and ES (expected shortfall) at each level, such as "ES99"."""
    return ["mean", *(f"{kind}{100 * level:g}" for kind in ("VaR", "ES") for level in levels)]


def number(value: Any) -> int | float:
    """The value itself, if it is a finite number within the range of single precision; else a `UserError` is raised."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal("", f"expected a number, got {shown(value)}.")
    if not (abs(value) <= LARGEST and math.isfinite(value)):
        raise refusal("", f"expected a finite number that single precision holds, got {shown(value)}.")
    return value


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
