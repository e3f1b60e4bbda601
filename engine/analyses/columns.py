"""Columns of tables whose rows are records, or labels that stand beside each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.answers.table import Column, counts, texts
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import Record

Rows = Sequence[tuple[Any, ...]]


def fields(
    kind: Callable[..., Column], rows: Sequence[Any], about: Mapping[str, str], **more: Any
) -> list[Column]:
    """A column of one kind for each field of records, by its name: what it means; `more` are fields of `Column`."""
    return [kind(name, [getattr(row, name) for row in rows], words, **more) for name, words in about.items()]


def labelled(rows: Rows, **about: str) -> tuple[Column, ...]:
    """A column a label of the rows, by its name: what it means."""
    made = []
    for k, (name, words) in enumerate(about.items()):
        values = [row[k] for row in rows]
        made.append((counts if values and isinstance(values[0], int) else texts)(name, values, words))
    return tuple(made)


def estimate(one: Record | None) -> Estimate | None:
    """The numbers and flags of a record."""
    return None if one is None else one.alone
