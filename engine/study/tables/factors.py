"""Tables of factors, read to priors; and short descriptions of their laws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.draws.distributions.device import Draws
from engine.draws.distributions.prior import Prior, prior
from engine.study.values import Tables

DESCRIPTIVE = ("label", "about", "unit", "group", "source")
"""Keys of a factor's table that do not describe its law."""


def law_keys(table: Tables) -> Tables:
    """The entries of a factor's table that describe its law."""
    return {key: value for key, value in table.items() if key not in DESCRIPTIVE}


def read(table: Tables) -> Prior:
    """The prior that the `law_keys` of a table state, checked to be one that can be drawn on a device.

    Raises:
      UserError: with all problems, at places within the table.
    """
    given = prior(table)
    Draws([given.law])
    return given


def in_words(table: Tables) -> tuple[str, str]:
    """The family of a law with its truncation, pooling and transforms; and its parameters; each in a few words."""
    words = [table.get("family", "")]
    if "experts" in table:
        words.append(f"{len(table['experts'])} experts, {table.get('pool', 'linear')} pool")
    if "truncate" in table:
        words.append("truncated")
    if "transform" in table:
        steps = [
            [step] if isinstance(step, str) else [f"{k} {by:g}" for k, by in step.items()]
            for step in table["transform"]
        ]
        words.append("then " + ", ".join(map(" ".join, steps)))
    skip = {"family", "experts", "pool", "transform", "parts", "labels", "values", "weights"}
    given = [f"{key} {_short(value)}" for key, value in law_keys(table).items() if key not in skip]
    for key, what in (("parts", "laws"), ("labels", "categories"), ("values", "values")):
        if key in table:
            given.insert(0, f"{len(table[key])} {what}")
            break
    return ", ".join(words), ", ".join(given)


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key} {_short(part)}" for key, part in value.items())
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:.4g}" if is_number else str(value).lower()


def labelled(table: Tables) -> dict[str, float]:
    """The value of each category by its label; empty for a law without categories."""
    labels = table.get("labels")
    if not labels:
        return {}
    return dict(zip(labels, table.get("values") or map(float, range(len(labels))), strict=True))
