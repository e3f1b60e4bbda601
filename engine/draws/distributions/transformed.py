"""Monotone transformations of distributions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.law import Law, Steps
from engine.draws.limits import LARGEST
from engine.errors import refusal
from engine.formatting import shown

_Function = Callable[[np.ndarray, float], Any]
_FUNCTIONS: Mapping[str, tuple[_Function, _Function]] = {
    "times": (lambda x, by: x * by, lambda y, by: y / by),
    "plus": (lambda x, by: x + by, lambda y, by: y - by),
    "power": (lambda x, by: x**by, lambda y, by: np.where(y < 0, -by * math.inf, np.maximum(y, 0.0) ** (1.0 / by))),
    "exp": (lambda x, by: np.exp(x), lambda y, by: np.log(np.maximum(y, 0.0))),
    "log": (lambda x, by: np.log(x), lambda y, by: np.exp(y)),
}
"""The functions and their inverses, of a value and of the factor, the addend or the power."""


@dataclass(frozen=True)
class Transformed(Law):
    """Distribution of a monotone function of a variable.

    Args:
      base: distribution of the variable.
      how: "times", "plus", "exp", "log" or "power".
      by: the factor, the addend or the power; not used by "exp" and "log".
    """

    base: Law
    how: str
    by: float = 1.0

    @property
    def _falls(self) -> bool:
        return self.how in ("times", "power") and self.by < 0

    def _carried(self, x: Any, back: bool = False) -> np.ndarray:
        """The function of values; with `back` its inverse."""
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return np.asarray(_FUNCTIONS[self.how][back](np.asarray(x, np.float64), self.by))

    def at_score(self, z: Any) -> np.ndarray:
        z = np.asarray(z, np.float64)
        return self._carried(self.base.at_score(-z if self._falls else z))

    def cdf(self, x: Any) -> np.ndarray:
        return self._tails(x)[0]

    def sf(self, x: Any) -> np.ndarray:
        return self._tails(x)[1]

    def _tails(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """P(X <= x) and P(X > x)."""
        if steps := self.steps:  # inverting the function could miss a value by rounding
            at = np.searchsorted(steps[0], np.asarray(x, np.float64), side="right")
            score = np.concatenate([[-math.inf], steps[1], [math.inf]])[at]
            return special.ndtr(score), special.ndtr(-score)
        back = self._carried(x, back=True)
        if self._falls:
            back = np.nextafter(back, -math.inf)
            return self.base.sf(back), self.base.cdf(back)
        return self.base.cdf(back), self.base.sf(back)

    @property
    def support(self) -> tuple[float, float]:
        low, high = (float(end) for end in self._carried(np.array(self.base.support)))
        return (high, low) if self._falls else (low, high)

    @property
    def steps(self) -> Steps | None:
        if not (steps := self.base.steps):
            return None
        values, scores = self._carried(steps[0]), steps[1]
        return (values[::-1], -scores[::-1]) if self._falls else (values, scores)

    @property
    def breaks(self) -> np.ndarray:
        return -self.base.breaks if self._falls else self.base.breaks


def _function(step: Any) -> tuple[str, float]:
    """Name and number of a function in a study's list: "exp" -> ("exp", 1), { times = 2 } -> ("times", 2)."""
    if step in ("exp", "log"):
        return step, 1.0
    if not (isinstance(step, Mapping) and len(step) == 1 and next(iter(step)) in ("times", "plus", "power")):
        text = 'expected "exp", "log", { times = X }, { plus = X } or { power = X }'
        raise refusal("transform", f"{text}, got {shown(step)}.")
    ((how, by),) = step.items()
    if isinstance(by, bool) or not isinstance(by, int | float) or not abs(by) <= LARGEST:
        raise refusal("transform", f"expected a finite number for '{how}', got {shown(by)}.")
    return how, float(by)


def transformed(base: Law, steps: Sequence[Any]) -> Law:
    """Distribution of a variable after several functions, applied in order.

    Args:
      base: distribution of the variable.
      steps: a study's list of functions, such as `["exp", { times = 2 }]`.

    Raises:
      UserError: one is no function, is not defined, or not strictly monotone, on the support.
    """
    law = base
    for how, by in [_function(step) for step in steps]:
        low = law.support[0]
        if how in ("times", "power") and by == 0:
            what = "factor" if how == "times" else "power"
            raise refusal("transform", f"expected a {what} other than 0, got 0. For no spread use family 'fixed'.")
        if how in ("log", "power") and low < 0:
            raise refusal("transform", f"expected a law above 0 for '{how}'; this one reaches {low:.4g}. Truncate it.")
        law = Transformed(law, how, by)
    return law
