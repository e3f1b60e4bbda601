"""Distributions of `scipy.stats` that a study may name, and their parameters. SciPy is imported on first use."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

LEFT_OUT = {
    "levy_stable": "SciPy's probabilities of its tails are wrong (0 where they are 1e-5). Use 't', 'cauchy' or 'nct'.",
    "studentized_range": "each of its probabilities is a double integral, and a table of them takes minutes.",
    "poisson_binom": "its probabilities are a list, and parameters are numbers. Use 'binomial'.",
}
"""SciPy's distributions that a study must not use, with the reason."""
PLAIN_NAMES = {"binomial": "binom", "geometric": "geom", "negative-binomial": "nbinom"}
"""Plain names of some of SciPy's distributions."""


@contextmanager
def quietly() -> Iterator[None]:
    """Context without SciPy's and NumPy's warnings; results are checked instead."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@functools.cache
def continuous_names() -> tuple[str, ...]:
    """SciPy's names of all continuous distributions, without those of `LEFT_OUT`."""
    return _names_of("rv_continuous")


@functools.cache
def discrete_names() -> tuple[str, ...]:
    """SciPy's names of all discrete distributions, without those of `LEFT_OUT`."""
    return _names_of("rv_discrete")


def _names_of(kind: str) -> tuple[str, ...]:
    from scipy import stats

    laws = (name for name in dir(stats) if isinstance(generic(name), generic(kind)))
    return tuple(name for name in laws if name not in LEFT_OUT)


def generic(name: str) -> Any:
    """The attribute of `scipy.stats` with this name, such as a distribution."""
    from scipy import stats

    return getattr(stats, name)


@functools.cache
def shapes(name: str) -> tuple[str, ...]:
    """Names of a distribution's shape parameters."""
    listed = generic(name).shapes
    return tuple(part.strip() for part in listed.split(",")) if listed else ()


def parameter_names(name: str) -> tuple[str, ...]:
    """Names of all parameters, in the order in which `Named` stores them."""
    return (*shapes(name), *defaults(name))


def defaults(name: str) -> dict[str, float]:
    """Default values of the parameters that need not be given."""
    return {"loc": 0.0} if name in discrete_names() else {"loc": 0.0, "scale": 1.0}
