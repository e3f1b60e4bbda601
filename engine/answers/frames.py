"""Tables as data frames: a row a row, an estimate as its numbers and its flag side by side."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from engine.answers.shown import YEAR, stacks, text_of
from engine.answers.table import Kind, Table
from engine.risk.estimation.as_text import places_of
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.summaries import STATS

WIDTH = 80
"""Columns of a terminal."""


def frame(table: Table) -> pd.DataFrame:
    """The rows of a table. An estimate `x` is in `x`, `x_standard_error`, `x_low`, `x_high`, with what its flags say in `x_flag`; of one called `estimate` these are `standard_error`, `low`, `high`, `flag`."""
    columns: dict[str, pd.Series] = {}
    for column in table.columns:
        if column.kind is Kind.ESTIMATE:
            held = [one if isinstance(one, Estimate) else None for one in column.values]
            for stat in STATS:
                columns[called(column.name, stat)] = pd.Series(
                    [getattr(one, stat, None) for one in held], dtype="float64"
                )
            columns[called(column.name, "flag")] = pd.Series(
                [one.flag if one else "" for one in held], dtype=object
            )
        else:
            kind = {Kind.NUMBER: "float64", Kind.COUNT: "int64", Kind.TRUTH: "bool", Kind.TEXT: "object"}[
                column.kind
            ]
            columns[column.name] = pd.Series(list(column.values), dtype=kind)
    return pd.DataFrame(columns)


def called(column: str, stat: str) -> str:
    """The column of a frame that holds a number of a table's estimates: `low` of the one called `estimate`, `x_low` of `x`."""
    return column if stat == "estimate" else stat if column == "estimate" else f"{column}_{stat}"


def places(table: Table) -> dict[str, list[int | None]]:
    """By column of `frame` that people read rounded, the decimals of each row that its standard error bears; None for four significant digits."""
    held: dict[str, list[int | None]] = {}
    for column in table.columns:
        if column.kind is Kind.ESTIMATE:
            own = [places_of(one) if isinstance(one, Estimate) else None for one in column.values]
            held |= {called(column.name, stat): own for stat in STATS}
        elif column.kind is Kind.NUMBER and column.name not in (*table.dims, "level") and column.unit != YEAR:
            held[column.name] = [None] * len(table)
    return held


def texts(table: Table, full: bool = True) -> pd.DataFrame:
    """The table rounded, as people read it: its first column says what each row is."""
    names, columns = stacks(table, full)
    held = [[one.estimate for one in names.cells], *([text_of(one) for one in of.cells] for of in columns)]
    heads = [table.title, *(of.head.replace("\n", ", ") for of in columns)]
    rows = pd.DataFrame(list(zip(*held, strict=True)), columns=heads)
    return rows


def printed(table: Table) -> pd.DataFrame:
    """The brief rows and columns as texts, by what each row is; all rows and columns where no row is brief.

    Where labels that go across have no room beside each other on a terminal, they stand below each other; one alone is the name of the index.
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
