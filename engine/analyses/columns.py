"""Columns for tables whose rows are records or tuples of labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.answers.table import Column, counts, texts

Rows = Sequence[tuple[Any, ...]]


def fields(kind: Callable[..., Column], rows: Sequence[Any], about: Mapping[str, str], **more: Any) -> list[Column]:
    """One column for each field of some records.

    `about` maps the field's name to its meaning, `more` are further fields of `Column`.
    """
    return [kind(name, [getattr(row, name) for row in rows], words, **more) for name, words in about.items()]


def by_position(rows: Rows, *makers: Callable[[Sequence[Any]], Column]) -> list[Column]:
    """One column for each position in the rows, made by the maker at that position."""
    values = list(zip(*rows, strict=True)) or [()] * len(makers)
    return [make(own) for make, own in zip(makers, values, strict=True)]


def made(kind: Callable[..., Column], name: str, about: str, **more: Any) -> Callable[[Sequence[Any]], Column]:
    """What makes a column of that kind of some values; `more` are further fields of `Column`."""
    return lambda values: kind(name, values, about, **more)


def labelled(rows: Rows, **about: str) -> tuple[Column, ...]:
    """One column for each position in the rows: keywords give its name and meaning.

    Whole numbers become counts, all else text.
    """
    made = []
    for k, (name, words) in enumerate(about.items()):
        values = [row[k] for row in rows]
        made.append((counts if values and isinstance(values[0], int) else texts)(name, values, words))
    return tuple(made)
