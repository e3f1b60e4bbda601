"""Maximum-likelihood fits of SciPy's continuous distributions, from several starts and with a time limit.

SciPy climbs from one start, with all shapes 1, and without a limit: for some distributions it ends in a lower local
maximum, for others not within minutes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize

from engine.draws.distributions import scipy_catalogue

SHAPES = (0.3, 3.0)
"""Starting values of the first shape, besides SciPy's own start.

The second shape starts at twice that value, the third at three times, as some shapes must not be equal.
"""
THINNED = 1_000
"""Number of values that the searches from all starts use; only the last climb, from the best of them, uses all."""
PEAK = 8.0
"""Excess of one value's log density over the median log density above which the likelihood counts as unbounded."""
WHOLE = {"erlang": "a", "irwinhall": "n", "ksone": "n", "kstwo": "n"}
"""Distributions with an integer shape, which a continuous search cannot fit, and that shape."""


class Failed(RuntimeError):
    """No maximum was found; the text is shown in the row of a table."""


FAILURES = (ArithmeticError, ValueError, TypeError, IndexError, RuntimeError)
"""Exceptions that mean that a distribution cannot be fitted, from SciPy or from here."""


@dataclass(frozen=True)
class Form:
    """A distribution of SciPy with the parameters that are held fixed in a fit. Parameters are shapes, loc, scale.

    Args:
      name: SciPy's name.
      loc: fixed value of loc; None where it is fitted.
      scale: fixed value of scale; None where it is fitted.
    """

    name: str
    loc: float | None = None
    scale: float | None = None

    @property
    def law(self) -> Any:
        """SciPy's object of the distribution."""
        return scipy_catalogue.generic(self.name)

    @property
    def shapes(self) -> tuple[str, ...]:
        """Names of the shape parameters."""
        return scipy_catalogue.shapes(self.name)

    @property
    def fixed(self) -> dict[str, float]:
        """Fixed parameters with their values."""
        ends = {"loc": self.loc, "scale": self.scale}
        return {name: value for name, value in ends.items() if value is not None}

    def log_likelihood(self, x: np.ndarray, parameters: Sequence[float]) -> float:
        """Sum of the log densities of the values; -inf where it is infinite or NaN."""
        total = float(np.sum(self.law.logpdf(x, *parameters)))
        return total if total < math.inf else -math.inf

    def standardised(self, x: np.ndarray) -> tuple[np.ndarray, float, float]:
        """Values shifted and scaled to median near 0 and spread near 1, as fixed parameters allow; shift; unit.

        The unit is a power of two and the shift a multiple of it, so that neither rounds.
        """
        if self.scale is not None:
            return x, 0.0, 1.0
        low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
        unit = 2.0 ** round(math.log2(high - low or x[-1] - x[0]))
        move = float(np.round(middle / unit)) * unit if self.loc is None else 0.0
        return (x - move) / unit, move, unit


def simplex(tolerance: float, until: float) -> Callable[..., np.ndarray]:
    """Nelder-Mead search, for the argument `optimizer` of SciPy's `fit`, which stops by function values alone.

    Args:
      tolerance: difference in log-likelihood at which it stops.
      until: this thread's computing time at which the search raises `Failed`, whatever else the machine does.
    """

    def search(cost: Callable[..., float], start: Any, args: tuple[Any, ...], disp: int) -> np.ndarray:
        def timed(point: np.ndarray, *rest: Any) -> float:
            if time.thread_time() > until:
                raise Failed("it takes too long.")
            return cost(point, *rest)

        start = np.asarray(start, np.float64)
        first = np.vstack([start, start + np.diag(np.maximum(0.1 * np.abs(start), 0.1))])
        options = {"xatol": math.inf, "fatol": tolerance, "initial_simplex": first}
        return optimize.minimize(timed, start, args, method="Nelder-Mead", options=options).x

    return search


def maximum(form: Form, x: np.ndarray, until: float) -> tuple[float, ...]:
    """Maximum-likelihood parameters of a standardised, ascending sample; exact where SciPy has a closed form.

    Raises:
      Failed: a shape takes integers only, the likelihood is unbounded, or the time passed `until`.
    """
    if form.name in WHOLE:
        raise Failed(f"its shape {WHOLE[form.name]} takes whole numbers alone.")
    few, k = thinned(x, THINNED), len(form.shapes)
    held = {f"f{name}": value for name, value in form.fixed.items()}

    def climb(sample: np.ndarray, tolerance: float, *shapes: float, **guess: float) -> tuple[float, ...]:
        return tuple(form.law.fit(sample, *shapes, **guess, **held, optimizer=simplex(tolerance, until)))

    tops, failure = [], None
    for start in [(), *([value * (i + 1) for i in range(k)] for value in SHAPES if k)]:
        try:
            tops.append(climb(few, 1e-2, *start))
        except FAILURES as error:
            failure = error
    if failure and not tops:
        raise failure
    best = max(tops, key=lambda top: form.log_likelihood(few, top))
    *shapes, loc, scale = best
    best = climb(x, 1e-8 * max(1.0, len(x) / 1e4), *shapes, loc=loc, scale=scale)
    density = form.law.logpdf(few, *best)
    if form.loc is None and density.max() > np.median(density) + PEAK:
        raise Failed("its likelihood is unbounded: one value can be given any density.")
    return tuple(map(float, best))


def thinned(x: np.ndarray, count: int) -> np.ndarray:
    """`count` of the ascending values at evenly spaced ranks; all of them if there are no more."""
    return x if len(x) <= count else x[np.linspace(0, len(x) - 1, count).round().astype(int)]
