"""Tables of cases that are too many for every run of the tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def in_turn(rows: Iterable[Any], columns: Iterable[Any]) -> list[Any]:
    """Cases (*row, *column): each row and each column in some case by default, all others among the slow tests.

    A row or a column that is no tuple is one argument.
    """
    rows, columns = (
        [one if isinstance(one, tuple) else (one,) for one in given] for given in (rows, columns)
    )
    fewer = min(len(rows), len(columns))
    return [
        pytest.param(*row, *column, marks=[pytest.mark.slow] if (i - j) % fewer else [])
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
    ]
