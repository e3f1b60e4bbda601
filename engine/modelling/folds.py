"""Folding the years of a yearly variable into one number per path, one year at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from engine.modelling.cells import Cells
from engine.modelling.records import Fold

_EXTREMES = {"peak": jnp.maximum, "lowest": jnp.minimum}


def of_the_year(fold: Fold, values: Mapping[str, Any]) -> Any:
    """This year's value of the folded variable: its chosen cells made one scalar."""
    value = values[fold.variable]
    if not isinstance(value, Cells):
        return jnp.asarray(value)
    chosen = value.sel(**{dim: list(labels) for dim, labels in fold.over})
    if fold.across in _EXTREMES:
        return chosen.fold(_EXTREMES[fold.across])
    return chosen.mean() if fold.across == "mean" else chosen.over()


def start(fold: Fold) -> Any:
    """State of the fold before the first year; a worst spell keeps the last values of a run beside its result."""
    if fold.kind == "peak":
        return -jnp.inf
    if fold.kind == "lowest":
        return jnp.inf
    if fold.kind == "worst_spell":
        return (jnp.inf, *[jnp.inf] * (fold.years - 1))
    return 0.0


def update(fold: Fold, state: Any, year: Any, value: Any) -> Any:
    """State of the fold after a year with this value."""
    if fold.kind == "peak":
        return jnp.maximum(state, value)
    if fold.kind == "lowest":
        return jnp.minimum(state, value)
    if fold.kind == "total":
        return state + value
    if fold.kind == "at":
        return jnp.where(year == fold.year, value, state)
    result, *recent = state
    best = value
    for earlier in recent:
        best = jnp.maximum(best, earlier)
    return (jnp.minimum(result, best), *[*recent[1:], value][: len(recent)])


def finish(fold: Fold, state: Any) -> Any:
    """Value of the outcome."""
    result = state[0] if fold.kind == "worst_spell" else state
    return result * fold.scale if fold.scale != 1.0 else result
