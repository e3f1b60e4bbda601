"""Tables of cases that are too large to be run by all tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def in_turn(rows: Iterable[Any], columns: Iterable[Any], slow: int | None = None) -> list[Any]:
    """Cases (*row, *column): by default some in which each row and each column occurs, all others as slow tests.

    A row or a column that is no tuple is one argument.

    Args:
      slow: how many times as many cases as by default are slow tests, the rest being in the sweep; all if not given.
    """
    rows, columns = ([one if isinstance(one, tuple) else (one,) for one in given] for given in (rows, columns))
    fewer = min(len(rows), len(columns))
    last = fewer if slow is None else slow

    def marks(turn: int) -> list[pytest.MarkDecorator]:
        return [pytest.mark.slow] * (turn > 0) + [pytest.mark.sweep] * (turn > last)

    return [
        pytest.param(*row, *column, marks=marks((i - j) % fewer))
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
    ]
