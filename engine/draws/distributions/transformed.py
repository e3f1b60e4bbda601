"""Monotone transformations of distributions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.draws.distributions.discrete import stepped
from engine.draws.distributions.law import Law
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
    def falls(self) -> bool:
        """Whether the function decreases."""
        return self.how in ("times", "power") and self.by < 0

    def carried(self, x: Any, back: bool = False) -> np.ndarray:
        """The function of values; with `back` its inverse."""
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return np.asarray(_FUNCTIONS[self.how][back](np.asarray(x, np.float64), self.by))

    def at_score(self, z: Any) -> np.ndarray:
        z = np.asarray(z, np.float64)
        return self.carried(self.base.at_score(-z if self.falls else z))

    def score_of(self, x: Any) -> np.ndarray:
        back = self.carried(x, back=True)
        return -self.base.score_of(np.nextafter(back, -math.inf)) if self.falls else self.base.score_of(back)

    @property
    def support(self) -> tuple[float, float]:
        low, high = (float(end) for end in self.carried(np.array(self.base.support)))
        return (high, low) if self.falls else (low, high)

    @property
    def breaks(self) -> np.ndarray:
        return -self.base.breaks if self.falls else self.base.breaks


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
        moved = Transformed(law, how, by)
        if law.steps:  # kept as numbers: to invert the function could miss a value by rounding
            values, scores = moved.carried(law.steps[0]), law.steps[1]
            law = stepped(values[::-1], -scores[::-1]) if moved.falls else stepped(values, scores)
        else:
            law = moved
    return law
