"""A table of an answer from rows, labels and values by name of a column."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from engine.answers.glossary import TERMS, Term
from engine.answers.table import Column, Kind, Table
from engine.formatting import words
from engine.risk.estimation.intervals import Estimate

BRIEF = "brief"
"""Key of a row that says whether the brief form of the table has it; a row without the key is in it."""
Row = dict[str, Any]
"""Labels and values of a row by name of a column."""
_KINDS = ((Estimate, Kind.ESTIMATE), (bool, Kind.TRUTH), (int, Kind.COUNT), (float, Kind.NUMBER))


def table(
    name: str,
    title: str,
    rows: Iterable[Mapping[str, Any]],
    *dims: str,
    brief: Collection[str] | None = None,
    across: str = "",
    apart: str = "",
    units: Mapping[str, str] | None = None,
    shown: Mapping[str, str] | None = None,
) -> Table:
    """A table of all combinations of the labels along `dims`; one without a row has missing values.

    With one dimension each row keeps its place, labels may repeat, and rows without a label are numbered from 1.
    Columns have the order of the first row's keys.

    Args:
      brief: columns of the brief form beside the labels; all if not given, and no rows either if empty.
      across: the dimension whose labels become columns when the table is shown.
      apart: the dimension of which each label becomes a table of its own when the table is shown.
      units: of columns whose unit the study states, by their names.
      shown: "%" or "points" for columns that people read so in this table, by their names.
    """
    given = [*rows]
    if len(dims) == 1:
        given = [{dims[0]: str(number), **row} for number, row in enumerate(given, 1)]
    keys = [tuple(row[dim] for dim in dims) for row in given]
    labels = [[*dict.fromkeys(part)] for part in zip(*keys, strict=True)]
    if given and len(dims) > 1:
        held = dict(zip(keys, given, strict=True))
        keys = [*product(*labels)]
        given = [held.get(key, {BRIEF: False}) for key in keys]
    names = [one for one in dict.fromkeys(one for row in given for one in row) if one not in (*dims, BRIEF)]

    def column(of: str) -> Column:
        values = [key[dims.index(of)] for key in keys] if of in dims else [row.get(of) for row in given]
        term = _term(name, of)
        kind = _kind(values)
        if term.kind and not (of in dims and kind is Kind.TEXT):
            kind = term.kind
        # an estimate has a value for each combination, though values may repeat, unless it describes a part
        own = term.each or (kind is Kind.ESTIMATE and (not apart or len(labels[-1]) == 1))
        varies = len(dims) == 1 or of in dims or own
        over = None if varies else _over(values, [*map(len, labels)], dims)
        is_brief = brief is None or of in dims or of in brief
        unit, form = (units or {}).get(of, term.unit), (shown or {}).get(of, term.shown)
        return Column(of, kind, values, term.about, unit, term.head, form, over, is_brief)

    marks = [brief is None or (bool(brief) and bool(row.get(BRIEF, True))) for row in given]
    return Table(name, title, [column(of) for of in (*dims, *names)], dims, marks, across, apart)


def _kind(values: Sequence[Any]) -> Kind:
    first = next((one for one in values if one is not None), "")
    return next((kind for of, kind in _KINDS if isinstance(first, of)), Kind.TEXT)


def _over(values: Sequence[Any], shape: Sequence[int], dims: Sequence[str]) -> tuple[str, ...]:
    """The dimensions along which values vary; the first of them if they vary along none."""
    grid = np.empty(len(values), object)
    grid[:] = values
    grid = grid.reshape(shape)
    varying = (dim for axis, dim in enumerate(dims) if grid.size and (grid != grid.take([0], axis)).any())
    return tuple(varying) or tuple(dims[:1])


def _term(table: str, column: str) -> Term:
    """The term of a column of a table; the name as words where the glossary does not have it."""
    found = TERMS.get(f"{table}.{column}") or TERMS.get(column) or words(column)
    return Term(found) if isinstance(found, str) else found
