"""Maximum-likelihood fits of SciPy's continuous distributions, from several starts.

SciPy searches from one start, with all shapes 1, and ends in a lower local maximum for some distributions.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize

from engine.draws.distributions import scipy_catalogue

SHAPES = (0.3, 3.0)
"""Starting values of the first shape, besides SciPy's own start.

The second shape starts at twice that value, the third at three times, as some shapes must not be equal.
"""
THINNED = 1_000
"""Number of values that the searches from all starts use; only the last search, from the best of them, uses all."""
PEAK = 8.0
"""Excess of one value's log density over the median log density above which the likelihood counts as unbounded."""
FAILURES = (ArithmeticError, ValueError, TypeError, IndexError, RuntimeError)
"""Exceptions that mean that a distribution cannot be fitted, from SciPy or from this package."""


class Form(NamedTuple):
    """A distribution of SciPy, by name, and the parameters that a fit does not change: loc, or loc and scale."""

    name: str
    fixed: Mapping[str, float]

    @property
    def law(self) -> Any:
        """SciPy's object of the distribution."""
        return scipy_catalogue.generic(self.name)

    def fit(self, x: np.ndarray, tolerance: float, start: Sequence[float] = (), shapes: Sequence[float] = ()) -> Any:
        """SciPy's fit: shapes, loc, scale. It starts from all parameters or from shapes, if these are given."""
        guess = dict(zip(("loc", "scale"), start[-2:], strict=False))
        held = {f"f{name}": value for name, value in self.fixed.items()}
        search = functools.partial(_simplex, tolerance=tolerance)
        return self.law.fit(x, *(shapes or start[:-2]), **guess, **held, optimizer=search)

    def log_likelihood(self, x: np.ndarray, parameters: Sequence[float]) -> float:
        """Sum of the log densities of the values; -inf where it is infinite or NaN."""
        total = float(np.sum(self.law.logpdf(x, *parameters)))
        return total if total < math.inf else -math.inf

    def standardised(self, x: np.ndarray) -> tuple[np.ndarray, float, float]:
        """Values shifted and scaled to median near 0 and spread near 1, as fixed parameters allow; shift; unit.

        The unit is a power of two and the shift a multiple of it, so that neither rounds.
        """
        if "scale" in self.fixed:
            return x, 0.0, 1.0
        low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
        unit = 2.0 ** round(math.log2(high - low or x[-1] - x[0]))
        move = 0.0 if self.fixed else float(np.round(middle / unit)) * unit
        return (x - move) / unit, move, unit


def _simplex(cost: Callable[..., float], start: Any, args: tuple[Any, ...], disp: int, tolerance: float) -> np.ndarray:
    """Nelder-Mead search, an `optimizer` of SciPy's `fit`, which stops at this difference in log-likelihood alone."""
    start = np.asarray(start, np.float64)
    first = np.vstack([start, start + np.diag(np.maximum(0.1 * np.abs(start), 0.1))])
    options = {"xatol": math.inf, "fatol": tolerance, "initial_simplex": first}
    return optimize.minimize(cost, start, args, method="Nelder-Mead", options=options).x


def maximum(form: Form, x: np.ndarray) -> tuple[float, ...]:
    """Maximum-likelihood parameters of a standardised, ascending sample; exact where SciPy has a closed form.

    Raises:
      ValueError: no search ends, or the likelihood is unbounded.
    """
    few, order = thinned(x, THINNED), 1 + np.arange(form.law.numargs)
    tops = []
    for shapes in [(), *(tuple(value * order) for value in SHAPES if len(order))]:
        with contextlib.suppress(*FAILURES):
            tops.append(form.fit(few, 1e-2, shapes=shapes))
    if not tops:
        raise ValueError("SciPy finds no maximum of its likelihood.")
    best = max(tops, key=lambda top: form.log_likelihood(few, top))
    best = form.fit(x, 1e-8 * max(1.0, len(x) / 1e4), best)
    density = form.law.logpdf(few, *best)
    if not form.fixed and density.max() > np.median(density) + PEAK:
        raise ValueError("its likelihood is unbounded: one value can be given any density.")
    return tuple(map(float, best))


def thinned(x: np.ndarray, count: int) -> np.ndarray:
    """`count` of the ascending values at evenly spaced ranks; all of them if there are no more."""
    return x if len(x) <= count else x[np.linspace(0, len(x) - 1, count).round().astype(int)]
