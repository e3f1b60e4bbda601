"""Names of all families of distributions, and the keys by which a study gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.draws.distributions.closed import FAMILIES
from engine.draws.distributions.scipy_catalogue import PLAIN_NAMES, continuous_names, discrete_names, parameter_names


@dataclass(frozen=True)
class OwnFamily:
    """A family that has neither a closed form nor is SciPy's.

    Args:
      parameters: its keys in a study's table, besides statements.
      ways: how a study may give it, in words.
      is_stated: whether it can be given by statements (quantiles, a mean, ...).
    """

    parameters: tuple[str, ...]
    ways: str
    is_stated: bool = False


OWN: Mapping[str, OwnFamily] = {
    "pert": OwnFamily(("low", "mode", "high"), "low and mode and high"),
    "integers": OwnFamily(("low", "high"), "low and high, both included"),
    "metalog": OwnFamily(
        ("terms", "low", "high"),
        "three or more quantiles (p05, p50, p95, quantiles, range90), terms, and bounds low and high",
        is_stated=True,
    ),
    "empirical": OwnFamily(
        ("file", "column", "values", "resampled"), "file and column, or values, and resampled = true or false"
    ),
    "categories": OwnFamily(
        ("labels", "weights", "values"), "labels and weights, and values where they are not 0, 1, 2, ..."
    ),
    "mixture": OwnFamily(("parts",), "parts, a list of laws each with its weight"),
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


def ways_to_give(family: str) -> str:
    """How a study may give a family, in words, such as `mean and sd, or two or more statements (p05, p50, ...)`."""
    if family in OWN:
        return OWN[family].ways
    if family not in FAMILIES:
        keys = " and ".join(parameter_names(PLAIN_NAMES.get(family, family)))
        return f"{keys}, or statements (p05, p50, p95, quantiles, range90, mean, sd, mode)"
    ways = [" and ".join(keys) for keys in (FAMILIES[family].parameters, *FAMILIES[family].spellings)]
    if is_stated(family):
        count = ("one", "two", "three", "four")[FAMILIES[family].fewest_statements - 1]
        ways.append(f"{count} or more statements (p05, p50, p95, quantiles, range90, mean, sd, mode)")
    return ", or ".join(ways)


def is_stated(family: str) -> bool:
    """Whether a family can be given by statements: quantiles, a mean, a standard deviation, a mode."""
    if family in OWN:
        return OWN[family].is_stated
    return family not in FAMILIES or FAMILIES[family].fewest_statements > 0
