"""Tables of an answer, made from rows: columns with name, unit and meaning; rows identified by labels.

Missing values are None.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import product
from typing import Any

import numpy as np

from engine.answers.glossary import TERMS, Term
from engine.formatting import words
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Estimate

BRIEF = "brief"
"""Key of a row that says whether the brief form of the table has it; a row without the key is in it."""
Row = dict[str, Any]
"""Labels and values of a row by name of a column."""
Value = Estimate | float | int | bool | str | None


class Kind(StrEnum):
    """What the values of a column are: estimates, numbers without error, whole numbers, booleans or text."""

    ESTIMATE = "estimate"
    NUMBER = "number"
    COUNT = "count"
    TRUTH = "truth"
    TEXT = "text"


_MADE: Mapping[Kind, type[float | bool | str]] = {Kind.NUMBER: float, Kind.COUNT: int, Kind.TRUTH: bool, Kind.TEXT: str}
SCALES = {"": 1.0, "%": 100.0, "points": 100.0}
"""Factor by which a share is multiplied when it is shown, by the unit that it is then in."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    An estimate without interval has a flag that says why, `Reason.UNRECORDED` if nothing else does. A number that is
    not finite is missing.

    Args:
      name: a word of small letters.
      kind: what kind of values it holds.
      values: one a row.
      about: what the values mean.
      unit: of the values; "1" if they have none, or where another column holds each row's unit.
      head: its heading for people; the name as words if not given.
      shown: "%" for a share that people read in per cent, "points" for a difference of such, else "".
      over: the dimensions of its table that its values vary along; all of them if not given.
      brief: whether it is also shown in the brief form of the table.
    """

    name: str
    kind: Kind
    values: Sequence[Value]
    about: str
    unit: str = "1"
    head: str = ""
    shown: str = ""
    over: tuple[str, ...] | None = None
    brief: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(_value(self.kind, one) for one in self.values))


def _value(kind: Kind, value: Any) -> Value:
    if isinstance(value, Estimate):
        if is_nothing(value):
            return None
        is_bare = not value.flags and not math.isfinite(value.low)
        estimate, error, low, high = map(float, (value.estimate, value.standard_error, value.low, value.high))
        plain = Estimate(estimate, error, low, high, value.flags)
        return replace(plain, flags=(Flag(Reason.UNRECORDED),)) if is_bare else plain
    if value is None or (kind is Kind.NUMBER and not math.isfinite(value)):
        return "" if kind is Kind.TEXT else None
    return _MADE[kind](value)


@dataclass(frozen=True)
class Table:
    """Rows of values, each row identified by its labels along the dimensions.

    Args:
      name: a word of small letters.
      title: what the table shows, in a line.
      columns: those named in `dims` hold labels, the others values.
      dims: names of its dimensions. With one, each row has a label, and labels may repeat. With several, rows are all
        combinations of their labels, the last dimension changing fastest.
      brief: of each row, whether it is also shown in the brief form; all are if not given.
      across: the dimension whose labels become columns when the table is shown; "" for none.
      apart: the dimension of which each label becomes a table of its own when the table is shown; "" for none.
    """

    name: str
    title: str
    columns: Sequence[Column]
    dims: tuple[str, ...]
    brief: Sequence[bool] = ()
    across: str = ""
    apart: str = ""
    by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "brief", tuple(map(bool, self.brief)) or (True,) * len(self))
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})
        lengths = {len(self.brief), *(len(column.values) for column in self.columns)}
        if len(lengths) > 1 or not {*self.dims} <= {*self.by_name}:
            raise ValueError(f"table '{self.name}': columns of {sorted(lengths)} rows, dimensions {self.dims}")
        if len(self.dims) > 1 and len(self) != math.prod(self.shape):
            raise ValueError(f"table '{self.name}': {len(self)} rows for {self.shape} labels")

    def __len__(self) -> int:
        return len(self.columns[0].values) if self.columns else 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of labels along each dimension."""
        return tuple(len(self.labels(dim)) for dim in self.dims)

    def labels(self, dim: str) -> tuple[Value, ...]:
        """Labels along a dimension, in their order; of several dimensions each label once."""
        values = self.by_name[dim].values
        return tuple(dict.fromkeys(values)) if len(self.dims) > 1 else tuple(values)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows of the table, each value by the name of its column."""
        names = [column.name for column in self.columns]
        for row in zip(*(column.values for column in self.columns), strict=True):
            yield dict(zip(names, row, strict=True))

    def __getitem__(self, name: str) -> tuple[Value, ...]:
        return tuple(self.by_name[name].values)

    def where(self, **labels: Value) -> Iterator[dict[str, Any]]:
        """The rows that have these labels, each value by the name of its column."""
        return (row for row in self.rows() if all(row[name] == label for name, label in labels.items()))


def is_nothing(one: Estimate) -> bool:
    """Whether an estimate is a placeholder for a missing one: NaN, and without a flag other than `UNRECORDED`."""
    return bool(np.isnan(one.estimate)) and tuple(flag.reason for flag in one.flags) in ((), (Reason.UNRECORDED,))


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
            kind = Kind(term.kind)
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
