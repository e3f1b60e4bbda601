"""Tables as data frames: a row a row, an estimate as its numbers and its flag side by side."""

from __future__ import annotations

import pandas as pd

from engine.answers.shown import stacks, text_of
from engine.answers.table import Kind, Table
from engine.risk.intervals import Estimate
from engine.risk.summaries import STATS


def frame(table: Table) -> pd.DataFrame:
    """The rows of a table. An estimate `x` is in `x`, `x_standard_error`, `x_low`, `x_high`, with what its flags say in `x_flag`; of one called `estimate` these are `standard_error`, `low`, `high`, `flag`."""
    columns: dict[str, pd.Series] = {}
    for column in table.columns:
        if column.kind is Kind.ESTIMATE:
            held = [one if isinstance(one, Estimate) else None for one in column.values]
            of = "" if column.name == "estimate" else f"{column.name}_"
            for stat in STATS:
                name = column.name if stat == "estimate" else f"{of}{stat}"
                columns[name] = pd.Series([getattr(one, stat, None) for one in held], dtype="float64")
            columns[f"{of}flag"] = pd.Series([one.flag if one else "" for one in held], dtype=object)
        else:
            kind = {Kind.NUMBER: "float64", Kind.COUNT: "int64", Kind.TRUTH: "bool", Kind.TEXT: "object"}[
                column.kind
            ]
            columns[column.name] = pd.Series(list(column.values), dtype=kind)
    return pd.DataFrame(columns)


def texts(table: Table, full: bool = True) -> pd.DataFrame:
    """The table rounded, as people read it: its first column says what each row is."""
    names, columns = stacks(table, full)
    held = [[one.estimate for one in names.cells], *([text_of(one) for one in of.cells] for of in columns)]
    heads = [table.title, *(of.head.replace("\n", ", ") for of in columns)]
    rows = pd.DataFrame(list(zip(*held, strict=True)), columns=heads)
    return rows
