"""Tables as data frames: each row stays a row; an estimate takes several columns, its numbers and its flags."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from engine.answers.as_text import places_of
from engine.answers.layout import YEAR, stacks, text_of
from engine.answers.table import Kind, Table
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.summaries import STATS

WIDTH = 80
"""Width of a terminal, in characters."""
_DTYPES = {Kind.NUMBER: "float64", Kind.COUNT: "int64", Kind.TRUTH: "bool", Kind.TEXT: "object"}


def frame(table: Table) -> pd.DataFrame:
    """The rows of a table, numbers unrounded.

    An estimate `x` takes the columns `x`, `x_standard_error`, `x_low`, `x_high` (95 % interval) and `x_flag`, its flags
    in words. One that is called `estimate` takes `estimate`, `standard_error`, `low`, `high` and `flag`.
    """
    columns: dict[str, pd.Series] = {}
    for column in table.columns:
        if column.kind is Kind.ESTIMATE:
            parts = {stat: ("float64", None) for stat in STATS} | {"flag": ("object", "")}
            for part, (dtype, missing) in parts.items():
                values = [getattr(one, part, missing) for one in column.values]
                columns[called(column.name, part)] = pd.Series(values, dtype=dtype)
        else:
            columns[column.name] = pd.Series(list(column.values), dtype=_DTYPES[column.kind])
    return pd.DataFrame(columns)


def called(column: str, stat: str) -> str:
    """Name of the column with one number of an estimate: `low` for the estimate called `estimate`, `x_low` for `x`."""
    return column if stat == "estimate" else stat if column == "estimate" else f"{column}_{stat}"


def places(table: Table) -> dict[str, list[int | None]]:
    """Decimals of each row by numeric column of `frame`, as standard errors support; None for four significant digits.

    Labels, levels and calendar years are left out.
    """
    held: dict[str, list[int | None]] = {}
    for column in table.columns:
        if column.kind is Kind.ESTIMATE:
            own = [places_of(one) if isinstance(one, Estimate) else None for one in column.values]
            held |= {called(column.name, stat): own for stat in STATS}
        elif column.kind is Kind.NUMBER and column.name not in (*table.dims, "level") and column.unit != YEAR:
            held[column.name] = [None] * len(table)
    return held


def texts(table: Table, full: bool = True) -> pd.DataFrame:
    """The table as rounded texts for people; the first column holds what each row is called."""
    names, columns = stacks(table, full)
    held = [[one.estimate for one in names.cells], *([text_of(one) for one in of.cells] for of in columns)]
    heads = [f"{table.title} {names.head}".rstrip(), *(of.head.replace("\n", ", ") for of in columns)]
    rows = pd.DataFrame(list(zip(*held, strict=True)), columns=heads)
    return rows


def printed(table: Table) -> pd.DataFrame:
    """The brief rows and columns as texts, indexed by what each row is called; all of them if no row is brief.

    The labels of `across` become columns. If those are wider than a terminal, the labels become rows where that is
    narrower; a single label becomes the name of the index.
    """
    wide = _indexed(table)
    if not table.across or _width(wide) <= WIDTH:
        return wide
    if len(alone := table.labels(table.across)) == 1:
        heads = [str(head).removeprefix(f"{alone[0]}, ") for head in wide.columns]
        return wide.set_axis(heads, axis="columns").rename_axis(index=str(alone[0]))
    return min(wide, _indexed(replace(table, across="")), key=_width)


def _indexed(table: Table) -> pd.DataFrame:
    rows = texts(table, full=False)
    rows = texts(table) if rows.empty else rows
    return rows.set_index(rows.columns[0]).rename_axis(index=None)


def _width(rows: pd.DataFrame) -> int:
    return max(map(len, rows.to_string().splitlines()))
