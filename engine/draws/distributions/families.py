"""Families that are drawn from a table and are not SciPy's, and the names and keys of all families."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.draws.distributions.closed import FAMILIES, refuse_out_of_range
from engine.draws.distributions.data import Interpolated
from engine.draws.distributions.discrete import changes, stepped
from engine.draws.distributions.law import Law
from engine.draws.distributions.metalog import metalog
from engine.draws.distributions.scipy_catalogue import PLAIN_NAMES, continuous_names, discrete_names, parameter_names
from engine.draws.distributions.scipy_laws import named
from engine.draws.distributions.statements import read
from engine.draws.limits import LARGEST
from engine.errors import Problems, refusal

Table = Mapping[str, Any]


def _pert(table: Table) -> Law:
    """PERT: beta on [low, high] with shapes 1 + 4 t and 5 - 4 t, t = (mode - low) / (high - low)."""
    low, mode, high = _numbers("pert", table)
    refuse_out_of_range("triangular", (low, mode, high))
    at = (mode - low) / (high - low)
    return named("beta", {"a": 1 + 4 * at, "b": 5 - 4 * at, "loc": low, "scale": high - low})


def _integers(table: Table) -> Law:
    low, high = _numbers("integers", table)
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
        raise refusal(others[0], f"a metalog is given by {OWN['metalog'].ways}.")
    low, high = float(table.get("low", -math.inf)), float(table.get("high", math.inf))
    if not low < high:
        raise refusal("high", f"expected more than low = {low:g}, got {high:g}.")
    return metalog([(s.probability, s.value) for s in statements], table.get("terms"), low, high)


def _empirical(table: Table) -> Law:
    if "values" not in table:
        raise refusal("", f"family 'empirical' is given by {OWN['empirical'].ways}; got no values.")
    values = np.asarray(table["values"], np.float64)
    if not np.all(np.abs(values) <= LARGEST):
        raise refusal("values", "expected finite numbers.")
    different, counts = np.unique(values, return_counts=True)
    if len(different) < 2:
        text = f"expected at least two different values, got {len(different)}. For one value use family 'fixed'."
        raise refusal("", text)
    if table.get("resampled"):
        return stepped(different, changes(counts / len(values)))
    return Interpolated(tuple(np.sort(values).tolist()))


def _categories(table: Table) -> Law:
    labels, weights = table.get("labels"), table.get("weights")
    if labels is None or weights is None:
        raise refusal("", f"family 'categories' is given by {OWN['categories'].ways}.")
    values, problems = table.get("values") or range(len(labels)), Problems()
    if not labels or len(set(labels)) < len(labels):
        problems.add("labels", "expected names of categories, each once.")
    for key, given in (("weights", weights), ("values", values)):
        if len(given) != len(labels):
            problems.add(key, f"expected {len(labels)}, one for each label, got {len(given)}.")
    if unfit := [weight for weight in weights if not weight > 0]:
        problems.add("weights", f"expected numbers above 0, got {unfit[0]:g}. Remove this category.")
    if np.any(np.diff(values) <= 0):
        problems.add("values", "expected rising values; put the categories in that order.")
    problems.refuse("prior")
    return stepped(np.array(values, np.float64), changes(np.array(weights, np.float64) / sum(weights)))


def _numbers(family: str, table: Table) -> list[float]:
    """The parameters of a family, all of which are numbers that have to be given."""
    for key in OWN[family].parameters:
        if key not in table:
            raise refusal("", f"family '{family}' is given by {OWN[family].ways}; {key} is missing.")
    return [float(table[key]) for key in OWN[family].parameters]


@dataclass(frozen=True)
class OwnFamily:
    """A family that has neither a closed form nor is SciPy's.

    Args:
      parameters: its keys in a study's table, besides statements.
      ways: how a study may give it, in words.
      law: a study's table -> the distribution; raises a refusal for a table that gives none. None for a mixture, whose
        parts are priors.
    """

    parameters: tuple[str, ...]
    ways: str
    law: Callable[[Table], Law] | None


OWN: Mapping[str, OwnFamily] = {
    "pert": OwnFamily(("low", "mode", "high"), "low and mode and high", _pert),
    "integers": OwnFamily(("low", "high"), "low and high, both included", _integers),
    "metalog": OwnFamily(
        ("terms", "low", "high"),
        "three or more quantiles (p05, p50, p95, quantiles, range90), terms, and bounds low and high",
        _metalog,
    ),
    "empirical": OwnFamily(("values", "resampled"), "values, and resampled = true or false", _empirical),
    "categories": OwnFamily(
        ("labels", "weights", "values"), "labels and weights, and values where they are not 0, 1, 2, ...", _categories
    ),
    "mixture": OwnFamily(("parts",), "parts, a list of laws each with its weight", None),
}


def known_families() -> tuple[str, ...]:
    """All names that the key `family` may have."""
    return (
        *FAMILIES, *OWN, *PLAIN_NAMES, *continuous_names(), *discrete_names(),
    )  # fmt: skip


def parameters_of(family: str) -> tuple[str, ...]:
    """Keys of a family's parameters, besides statements."""
    if family in OWN:
        return OWN[family].parameters
    if family in FAMILIES:
        spelled = [key for keys in FAMILIES[family].spellings for key in keys]
        scipy_keys = ("loc", "scale") if family == "uniform" else ()
        return (*dict.fromkeys((*FAMILIES[family].parameters, *spelled)), *scipy_keys)
    return parameter_names(PLAIN_NAMES.get(family, family))


def is_stated(family: str) -> bool:
    """Whether a family can be given by statements: quantiles, a mean, a standard deviation, a mode."""
    if family in OWN:
        return family == "metalog"
    return family not in FAMILIES or FAMILIES[family].fewest_statements > 0
