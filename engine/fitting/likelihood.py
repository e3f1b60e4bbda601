"""Maximum likelihood of SciPy's continuous laws, by their own `fit`, from several starts and against the clock.

SciPy climbs from one start, where all shapes are 1, and for as long as it takes: for some laws that ends on a lower top,
for others not within minutes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize

SHAPES = (0.3, 3.0)
"""Values of all shapes, besides SciPy's own, from which a search starts."""
THINNED = 1_000
"""Values of a sample that the searches from all starts see: only the way from the best to the top is taken with all."""
PEAK = 8.0
"""How far the log density of one value may be above the median one before the likelihood counts as unbounded."""
WHOLE = {"erlang": "a", "irwinhall": "n", "ksone": "n", "kstwo": "n"}
"""Laws with a shape that takes whole numbers alone: no search by small steps fits it."""


class Failed(RuntimeError):
    """No maximum, in words for the row of a table."""


FAILURES = (ArithmeticError, ValueError, TypeError, IndexError, RuntimeError)
"""What is raised where a law cannot be fitted, by SciPy or here."""


@dataclass(frozen=True)
class Form:
    """A law of SciPy and what is held fixed while the rest is fitted. Parameters are shapes, loc, scale.

    Args:
      name: SciPy's name.
      loc: value that loc is held at; None where it is fitted.
      scale: the same for the scale.
    """

    name: str
    loc: float | None = None
    scale: float | None = None

    @property
    def law(self) -> Any:
        """SciPy's object."""
        from scipy import stats

        return getattr(stats, self.name)

    @property
    def shapes(self) -> tuple[str, ...]:
        """Names of its shapes."""
        return tuple(self.law.shapes.split(", ")) if self.law.shapes else ()

    @property
    def held(self) -> dict[str, float]:
        """Parameters that are not fitted, with their values."""
        ends = {"loc": self.loc, "scale": self.scale}
        return {name: value for name, value in ends.items() if value is not None}

    def log_likelihood(self, x: np.ndarray, parameters: Sequence[float]) -> float:
        """Sum over the values of the log density; -inf where it is no number."""
        total = float(np.sum(self.law.logpdf(x, *parameters)))
        return total if total < math.inf else -math.inf

    def standardised(self, x: np.ndarray) -> tuple[np.ndarray, float, float]:
        """Values moved and scaled to a middle near 0 and a spread near 1, as far as the law may be; the move and the unit.

        The unit is a power of two and the move a multiple of it, so that neither rounds.
        """
        if self.scale is not None:
            return x, 0.0, 1.0
        low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
        unit = 2.0 ** round(math.log2(high - low or x[-1] - x[0]))
        move = float(np.round(middle / unit)) * unit if self.loc is None else 0.0
        return (x - move) / unit, move, unit


def simplex(tolerance: float, until: float) -> Callable[..., np.ndarray]:
    """The search that a law's `fit` takes as its `optimizer`: Nelder and Mead's, ended by heights alone.

    Args:
      tolerance: by how much the log-likelihood may be short of the top.
      until: this thread's computing time at which the search fails, whatever else the machine does.
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
    """Parameters of greatest likelihood of a standardised sample, ascending; exact where SciPy has them in closed form.

    Raises:
      Failed: a shape takes whole numbers alone, the likelihood is unbounded, or the clock passed `until`.
    """
    if form.name in WHOLE:
        raise Failed(f"its shape {WHOLE[form.name]} takes whole numbers alone.")
    few, held = thinned(x, THINNED), {f"f{name}": value for name, value in form.held.items()}

    def climb(sample: np.ndarray, tolerance: float, *shapes: float, **guess: float) -> tuple[float, ...]:
        return tuple(form.law.fit(sample, *shapes, **guess, **held, optimizer=simplex(tolerance, until)))

    tops, failure = [], None
    for start in [(), *([value] * len(form.shapes) for value in SHAPES if form.shapes)]:
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
    """As many of ascending values at even ranks, or all if there are no more."""
    return x if len(x) <= count else x[np.linspace(0, len(x) - 1, count).round().astype(int)]
