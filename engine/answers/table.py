"""Tables of an answer: columns with name, unit and meaning; rows identified by labels; missing values are None."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Estimate

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
