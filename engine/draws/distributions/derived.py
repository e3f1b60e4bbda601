"""Laws made of other laws: truncated ones, monotone functions, mixtures and averages of quantiles."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.discrete import stepped
from engine.draws.distributions.law import Law, probability, scores_between
from engine.draws.limits import LARGEST
from engine.errors import refusal
from engine.formatting import shown

LEAST_MASS = 1e-9
"""Least probability that a truncation must keep."""


@dataclass(frozen=True)
class Truncated(Law):
    """Distribution given that the value lies in [low, high]: F(x) = (F0(x) - F0(low-)) / P(low <= X <= high)."""

    base: Law
    low: float
    high: float

    @functools.cached_property
    def _ends(self) -> tuple[float, float]:
        """Scores of the base between which the kept values lie."""
        first, last = self.base.score_of([np.nextafter(self.low, -math.inf), self.high])
        return float(first), float(last)

    @property
    def mass(self) -> float:
        """P(low <= X <= high) of the base, to its own relative precision."""
        return float(probability(*self._ends))

    def at_score(self, z: Any) -> np.ndarray:
        (first, last), z = self._ends, np.asarray(z, np.float64)
        below = special.ndtr(first) + special.ndtr(z) * self.mass
        above = special.ndtr(-last) + special.ndtr(-z) * self.mass
        return np.clip(self.base.at_score(scores_between(below, above)), *self.support)

    def score_of(self, x: Any) -> np.ndarray:
        first, last = self._ends
        score = np.clip(self.base.score_of(x), first, last)
        return scores_between(probability(first, score) / self.mass, probability(score, last) / self.mass)

    @property
    def support(self) -> tuple[float, float]:
        low, high = self.base.support
        return max(low, self.low), min(high, self.high)


def truncated(base: Law, low: float, high: float) -> Law:
    """The distribution given that its value lies in [low, high].

    Raises:
      UserError: low is not below high, or less than `LEAST_MASS` lies between.
    """
    if not low < high:
        raise refusal("truncate.high", f"expected more than low = {low:g}, got {high:g}.")
    law = Truncated(base, low, high)
    if not law.mass >= LEAST_MASS:
        first, last = (float(x) for x in base.at_score([-3.0, 3.0]))
        raise refusal(
            "truncate",
            f"leaves {max(law.mass, 0.0):.2g} of the law's probability, expected at least {LEAST_MASS:g}: "
            f"nearly all of it lies from {first:.4g} to {last:.4g}.",
        )
    if steps := base.steps:
        values = steps[0][(steps[0] >= low) & (steps[0] <= high)]
        return stepped(values, law.score_of(values[:-1]))
    return law


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


@dataclass(frozen=True)
class _Pooled(Law):
    """Several distributions with weights."""

    weights: tuple[float, ...]
    parts: tuple[Law, ...]

    def mean(self) -> float:
        return float(self._sum(part.mean() for part in self.parts))

    def _sum(self, values: Iterable[Any]) -> Any:
        return sum((weight * value for weight, value in zip(self.weights, values, strict=True)), start=0.0)


@dataclass(frozen=True)
class Mixture(_Pooled):
    """Mixture distribution F = sum of w_k F_k, also the linear pool of experts."""

    def at_score(self, z: Any) -> np.ndarray:
        z = np.asarray(z, np.float64)
        each = np.stack([part.at_score(z) for part in self.parts])
        return self.lowest(z, each.min(axis=0), each.max(axis=0))

    def score_of(self, x: Any) -> np.ndarray:
        scores = [part.score_of(x) for part in self.parts]
        return scores_between(
            self._sum(map(special.ndtr, scores)), self._sum([special.ndtr(-score) for score in scores])
        )

    @property
    def support(self) -> tuple[float, float]:
        ends = [part.support for part in self.parts]
        return min(low for low, _ in ends), max(high for _, high in ends)

    @property
    def breaks(self) -> np.ndarray:
        """Scores at which a part begins, ends or has an atom, where the quantile function may bend or jump."""
        points = [end for part in self.parts for end in part.support if math.isfinite(end)]
        points += [x for part in self.parts if part.steps is not None for x in part.steps[0]]
        x = np.unique(points)
        return np.concatenate([self.score_of(x), self.score_of(np.nextafter(x, -math.inf))])

    def sd(self) -> float:
        centre = self.mean()
        with np.errstate(invalid="ignore"):
            second = self._sum([part.sd() ** 2 + (part.mean() - centre) ** 2 for part in self.parts])
        return float(math.sqrt(second)) if second >= 0 else math.nan


@dataclass(frozen=True)
class Averaged(_Pooled):
    """Average of quantile functions, Q(u) = sum of w_k Q_k(u): the quantile pool of experts.

    Source: Lichtendahl, Grushka-Cockayne and Winkler (2013), doi:10.1287/mnsc.1120.1667.
    """

    def at_score(self, z: Any) -> np.ndarray:
        return self._sum(part.at_score(z) for part in self.parts)

    @property
    def support(self) -> tuple[float, float]:
        low, high = self._sum([np.array(part.support) for part in self.parts])
        return float(low), float(high)

    @property
    def breaks(self) -> np.ndarray:
        return np.unique(np.concatenate([part.breaks if part.steps is None else part.steps[1] for part in self.parts]))


def pooled(kind: type[Mixture | Averaged], weights: Sequence[float], parts: Sequence[Law]) -> Law:
    """The pool of distributions, discrete where all of them are."""
    law = kind(tuple(weights), tuple(parts))
    steps = [part.steps for part in parts if part.steps is not None]
    if len(steps) < len(parts):
        return law
    if kind is Mixture:
        values = np.unique(np.concatenate([values for values, _ in steps]))
        return stepped(values, law.score_of(values[:-1]))
    scores = law.breaks[np.isfinite(law.breaks)]
    return stepped(law.at_score(np.append(scores, math.inf)), scores)


def is_averaged(law: Law) -> bool:
    """Whether a distribution is or contains a quantile pool, whose probabilities are found by search."""
    inner = getattr(law, "parts", ()) or [getattr(law, "base", None)]
    return isinstance(law, Averaged) or any(is_averaged(one) for one in inner if one is not None)
