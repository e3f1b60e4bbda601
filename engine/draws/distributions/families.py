"""Families of laws by name, and the keys that a study gives each by."""

from __future__ import annotations

from engine.draws.distributions import scipy_laws as scipys
from engine.draws.distributions.closed import FAMILIES

OWN = ("pert", "integers", "metalog", "empirical", "categories", "mixture")
"""Families that are neither closed nor SciPy's."""

_PARAMETERS = {
    "pert": ("low", "mode", "high"),
    "integers": ("low", "high"),
    "metalog": ("terms", "low", "high"),
    "empirical": ("file", "column", "values", "resampled"),
    "categories": ("labels", "weights", "values"),
    "mixture": ("parts",),
}

_TOLD = {
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
        *FAMILIES, *OWN, *scipys.PLAIN_NAMES, *scipys.continuous_names(), *scipys.discrete_names(),
    )  # fmt: skip


def parameters_of(family: str) -> tuple[str, ...]:
    """Keys of a family's own parameters, besides statements."""
    if family in FAMILIES:
        spelled = [key for keys in FAMILIES[family].spellings or {} for key in keys]
        scipys_own = ("loc", "scale") if family == "uniform" else ()
        return (*dict.fromkeys((*FAMILIES[family].parameters, *spelled)), *scipys_own)
    return _PARAMETERS.get(family) or scipys.parameter_names(scipys.PLAIN_NAMES.get(family, family))


def ways_to_give(family: str) -> str:
    """What a study may write for a family: `mean and sd, or two or more of p05, p50, p95, mean, sd, mode, quantiles, range90`."""
    if family in _TOLD:
        return _TOLD[family]
    if family not in FAMILIES:
        keys = " and ".join(scipys.parameter_names(scipys.PLAIN_NAMES.get(family, family)))
        return f"{keys}, or statements (p05, p50, p95, quantiles, range90, mean, sd, mode)"
    ways = [" and ".join(keys) for keys in (FAMILIES[family].parameters, *(FAMILIES[family].spellings or {}))]
    if family != "fixed":
        count = "three" if family == "triangular" else "two"
        ways.append(f"{count} or more statements (p05, p50, p95, quantiles, range90, mean, sd, mode)")
    return ", or ".join(ways)
