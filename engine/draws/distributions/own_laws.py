"""Distributions of the families of `families.OWN` from a study's table: PERT, integers, metalog, data, categories."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine.draws.distributions.closed import refuse_out_of_range
from engine.draws.distributions.data import categories, empirical
from engine.draws.distributions.families import ways_to_give
from engine.draws.distributions.law import Law
from engine.draws.distributions.metalog import metalog
from engine.draws.distributions.scipy_laws import named
from engine.draws.distributions.statements import read
from engine.draws.limits import LARGEST
from engine.errors import refusal

Table = Mapping[str, Any]


def _pert(table: Table) -> Law:
    """PERT: beta on [low, high] with shapes 1 + 4 t and 5 - 4 t, t = (mode - low) / (high - low)."""
    low, mode, high = (_number("pert", table, key) for key in ("low", "mode", "high"))
    refuse_out_of_range("triangular", (low, mode, high))
    at = (mode - low) / (high - low)
    return named("beta", {"a": 1 + 4 * at, "b": 5 - 4 * at, "loc": low, "scale": high - low})


def _integers(table: Table) -> Law:
    low, high = (_number("integers", table, key) for key in ("low", "high"))
    for key, value in (("low", low), ("high", high)):
        if value != round(value):
            raise refusal(key, f"expected a whole number, got {value:g}.")
    if not low <= high:
        raise refusal("high", f"expected at least low = {low:g}, got {high:g}.")
    return named("randint", {"low": low, "high": high + 1})


def _metalog(table: Table) -> Law:
    statements = read(table)
    others = [s.key for s in statements if s.kind != "quantile"]
    if others:
        raise refusal(others[0], f"a metalog is given by {ways_to_give('metalog')}.")
    low, high = float(table.get("low", -math.inf)), float(table.get("high", math.inf))
    if not low < high:
        raise refusal("high", f"expected more than low = {low:g}, got {high:g}.")
    return metalog([(s.probability, s.value) for s in statements], table.get("terms"), low, high)


def _empirical(table: Table) -> Law:
    if "values" not in table:
        raise refusal("", f"family 'empirical' is given by {ways_to_give('empirical')}; got neither file nor values.")
    values = np.asarray(table["values"], np.float64)
    if not np.all(np.abs(values) <= LARGEST):
        raise refusal("values", "expected finite numbers.")
    return empirical(values, bool(table.get("resampled", False)))


def _categories(table: Table) -> Law:
    labels, weights = table.get("labels"), table.get("weights")
    if labels is None or weights is None:
        raise refusal("", f"family 'categories' is given by {ways_to_give('categories')}.")
    if len(set(labels)) < len(labels):
        raise refusal("labels", "names a category twice.")
    values = table.get("values") or [float(k) for k in range(len(labels))]
    if len(values) != len(labels):
        raise refusal("values", f"expected {len(labels)}, one for each label, got {len(values)}.")
    return categories(weights, values)


def _number(family: str, table: Table, key: str) -> float:
    if key not in table:
        raise refusal("", f"family '{family}' is given by {ways_to_give(family)}; {key} is missing.")
    return float(table[key])


LAWS: Mapping[str, Callable[[Table], Law]] = {
    "pert": _pert,
    "integers": _integers,
    "metalog": _metalog,
    "empirical": _empirical,
    "categories": _categories,
}
"""Functions from a study's table to the distribution, by family; each raises a refusal for a table it cannot be."""
