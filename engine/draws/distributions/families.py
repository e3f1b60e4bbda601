"""Families of laws by name, and the keys that a study gives each by."""

from __future__ import annotations

from engine.draws.distributions.closed import FAMILIES
from engine.draws.distributions.scipy_catalogue import (
    PLAIN_NAMES,
    continuous_names,
    discrete_names,
    parameter_names,
)

OWN = ("pert", "integers", "metalog", "empirical", "categories", "mixture")
"""Families that are neither closed nor SciPy's."""

UNSTATED = ("fixed", "pert", "integers", "empirical", "categories", "mixture")
"""Families that statements (quantiles, a mean, ...) do not describe."""

_PARAMETERS = {
    "pert": ("low", "mode", "high"),
    "integers": ("low", "high"),
    "metalog": ("terms", "low", "high"),
    "empirical": ("file", "column", "values", "resampled"),
    "categories": ("labels", "weights", "values"),
    "mixture": ("parts",),
}

_WAYS = {
    "pert": "low and mode and high",
    "integers": "low and high, both included",
    "metalog": "three or more quantiles (p05, p50, p95, quantiles, range90), terms, and bounds low and high",
    "empirical": "file and column, or values, and resampled = true or false",
    "categories": "labels and weights, and values where they are not 0, 1, 2, ...",
    "mixture": "parts, a list of laws each with its weight",
}


def known_families() -> tuple[str, ...]:
    """All names that `family` may have."""
    return (
        *FAMILIES, *OWN, *PLAIN_NAMES, *continuous_names(), *discrete_names(),
    )  # fmt: skip


def parameters_of(family: str) -> tuple[str, ...]:
    """Keys of a family's own parameters, besides statements."""
    if family in FAMILIES:
        spelled = [key for keys in FAMILIES[family].spellings or {} for key in keys]
        scipy_keys = ("loc", "scale") if family == "uniform" else ()
        return (*dict.fromkeys((*FAMILIES[family].parameters, *spelled)), *scipy_keys)
    return _PARAMETERS.get(family) or parameter_names(PLAIN_NAMES.get(family, family))


def ways_to_give(family: str) -> str:
    """What a study may write for a family: `mean and sd, or two or more of p05, p50, p95, mean, sd, mode, quantiles, range90`."""
    if family in _WAYS:
        return _WAYS[family]
    if family not in FAMILIES:
        keys = " and ".join(parameter_names(PLAIN_NAMES.get(family, family)))
        return f"{keys}, or statements (p05, p50, p95, quantiles, range90, mean, sd, mode)"
    ways = [" and ".join(keys) for keys in (FAMILIES[family].parameters, *(FAMILIES[family].spellings or {}))]
    if family != "fixed":
        count = "three" if family == "triangular" else "two"
        ways.append(f"{count} or more statements (p05, p50, p95, quantiles, range90, mean, sd, mode)")
    return ", or ".join(ways)
