"""A table of a chart: a data frame that has its title, its note and its labels in `attrs`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import pandas as pd

from engine.answers.answer import Answer
from engine.charts.theme import ENDS
from engine.risk.estimation.intervals import Estimate

Rows: TypeAlias = list[dict[str, Any]]
"""Rows of a table, each with its values by column."""


def frame(records: Iterable[Mapping[str, Any]], title: str, note: str = "", **about: Any) -> pd.DataFrame:
    """The records as the rows of a data frame.

    Args:
      title, note: sentences above the chart.
      about: further attributes: `label` of the axis of values, `policies` (titles of all that run, which decide their
        looks), `shown` (those that are drawn), `nothing` (why there is nothing to draw), ...
    """
    made = pd.DataFrame(list(records))
    made.attrs.update(title=title, note=note, **about)
    return made


def rows_of(answer: Answer, table: str) -> Rows:
    """The rows of a table of an answer; [] where it has no such table."""
    return list(answer[table].rows()) if table in answer else []


def each(rows: Iterable[Mapping[str, Any]], name: str) -> list[Any]:
    """The values of an entry of the rows, each once, in order."""
    return list(dict.fromkeys(row[name] for row in rows))


def ends(one: Estimate, scale: float = 1.0) -> dict[str, float]:
    """An estimate and its 95 % interval as entries of a row."""
    return {name: scale * getattr(one, name) for name in ENDS}
