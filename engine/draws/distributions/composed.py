"""Laws made of laws: truncated, mixed, averaged, transformed."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.law import LARGEST, Law, lowest_where, scores_between
from engine.errors import UserError, refusal

LEAST_MASS = 1e-9
"""Probability that a truncation has to leave."""


@dataclass(frozen=True)
class Truncated(Law):
    """A law given that its value lies from `low` to `high`, both included: F(x) = (F0(x) - F0(low-)) / P(low <= X <= high)."""

    base: Law
    low: float
    high: float

    @functools.cached_property
    def _sides(self) -> tuple[float, float, float]:
        """P(X < low), P(X > high) and what is left between, each to its own relative precision."""
        below, above = self.base.below(self.low), float(self.base.sf(self.high))
        upto, beyond = float(self.base.cdf(self.high)), float(self._sf(self.low))
        return below, above, beyond - above if below > 0.5 else upto - below

    def at_score(self, z: Any) -> np.ndarray:
        z = np.asarray(z, np.float64)
        below, above, left = self._sides
        lower, upper = below + special.ndtr(z) * left, above + special.ndtr(-z) * left
        score = np.where(lower < upper, special.ndtri(lower), -special.ndtri(upper))
        return np.clip(self.base.at_score(score), *self.support)

    def cdf(self, x: Any) -> np.ndarray:
        below, _, left = self._sides
        # by the smaller of two complements, whose difference keeps its digits
        upto = self.base.cdf(x) - below if below < 0.5 else float(self._sf(self.low)) - self.base.sf(x)
        return np.clip(upto / left, 0.0, 1.0) * (np.asarray(x) >= self.low)

    def _sf(self, x: float) -> np.ndarray:
        """P(X0 >= x)."""
        return self.base.sf(np.nextafter(x, -math.inf))

    def sf(self, x: Any) -> np.ndarray:
        _, above, left = self._sides
        beyond = self.base.sf(x) - above if above < 0.5 else self.base.cdf(self.high) - self.base.cdf(x)
        inside = np.clip(beyond / left, 0.0, 1.0)
        return np.where(np.asarray(x) < self.low, 1.0, inside)

    @property
    def support(self) -> tuple[float, float]:
        low, high = self.base.support
        return max(low, self.low), min(high, self.high)

    @property
    def steps(self) -> tuple[np.ndarray, np.ndarray] | None:
        found = self.base.steps
        if found is None:
            return None
        values = found[0][(found[0] >= self.low) & (found[0] <= self.high)]
        return values, scores_between(self.cdf(values[:-1]), self.sf(values[:-1]))


def truncated(base: Law, low: float, high: float) -> Truncated:
    """The law between two values.

    Raises:
      UserError: they are the wrong way round, or the law hardly ever lies between them.
    """
    if not low < high:
        raise refusal("truncate.high", f"expected more than low = {low:g}, got {high:g}.")
    law = Truncated(base, low, high)
    left = law._sides[2]
    if not left >= LEAST_MASS:
        first, last = (float(x) for x in base.at_score([-3.0, 3.0]))
        text = (
            f"leaves {max(left, 0.0):.2g} of the law's probability, expected at least {LEAST_MASS:g}: "
            f"nearly all of it lies from {first:.4g} to {last:.4g}."
        )
        raise refusal("truncate", text)
    return law


@dataclass(frozen=True)
class Mixture(Law):
    """One of several laws, each with its weight: F = sum of w_k F_k. Experts pooled linearly are one."""

    weights: tuple[float, ...]
    parts: tuple[Law, ...]

    def at_score(self, z: Any) -> np.ndarray:
        z = np.asarray(z, np.float64)
        each = np.stack([part.at_score(z) for part in self.parts])
        low, high = each.min(axis=0), each.max(axis=0)
        tail, upper = special.ndtr(-np.abs(z)), z >= 0

        def reached(x: np.ndarray) -> np.ndarray:
            return np.where(upper, self.sf(x) <= tail, self.cdf(x) >= tail)

        return lowest_where(reached, low, high)

    def cdf(self, x: Any) -> np.ndarray:
        return sum(
            (w * part.cdf(x) for w, part in zip(self.weights, self.parts, strict=True)), np.zeros(np.shape(x))
        )

    def sf(self, x: Any) -> np.ndarray:
        return sum(
            (w * part.sf(x) for w, part in zip(self.weights, self.parts, strict=True)), np.zeros(np.shape(x))
        )

    @property
    def support(self) -> tuple[float, float]:
        ends = [part.support for part in self.parts]
        return min(low for low, _ in ends), max(high for _, high in ends)

    @property
    def steps(self) -> tuple[np.ndarray, np.ndarray] | None:
        found = [part.steps for part in self.parts]
        if any(steps is None for steps in found):
            return None
        values = np.unique(np.concatenate([steps[0] for steps in found if steps is not None]))
        return values, scores_between(self.cdf(values[:-1]), self.sf(values[:-1]))

    @property
    def breaks(self) -> np.ndarray:
        """Where a part begins or ends, or has a step: the quantile function of the whole may bend or jump there."""
        points = [end for part in self.parts for end in part.support if math.isfinite(end)]
        points += [x for part in self.parts if part.steps is not None for x in part.steps[0]]
        if not points:
            return np.zeros(0)
        x = np.unique(points)
        before = np.nextafter(x, -math.inf)
        return np.concatenate([scores_between(self.cdf(at), self.sf(at)) for at in (x, before)])

    def mean(self) -> float:
        return float(sum(w * part.mean() for w, part in zip(self.weights, self.parts, strict=True)))

    def sd(self) -> float:
        centre = self.mean()
        with np.errstate(invalid="ignore"):
            second = sum(
                w * (part.sd() ** 2 + (part.mean() - centre) ** 2)
                for w, part in zip(self.weights, self.parts, strict=True)
            )
        return float(math.sqrt(second)) if second >= 0 else math.nan


@dataclass(frozen=True)
class Averaged(Law):
    """Experts pooled by their quantiles: Q(u) = sum of w_k Q_k(u) (Lichtendahl, Grushka-Cockayne, Winkler 2013, doi:10.1287/mnsc.1120.1667)."""

    weights: tuple[float, ...]
    parts: tuple[Law, ...]

    def at_score(self, z: Any) -> np.ndarray:
        return sum(
            (w * part.at_score(z) for w, part in zip(self.weights, self.parts, strict=True)),
            np.zeros(np.shape(z)),
        )

    @property
    def support(self) -> tuple[float, float]:
        ends = [part.support for part in self.parts]
        low, high = (
            float(sum(w * end[k] for w, end in zip(self.weights, ends, strict=True))) for k in (0, 1)
        )
        return low, high

    @property
    def steps(self) -> tuple[np.ndarray, np.ndarray] | None:
        found = [part.steps for part in self.parts]
        if any(steps is None for steps in found):
            return None
        scores = np.unique(np.concatenate([steps[1] for steps in found if steps is not None]))
        scores = scores[np.isfinite(scores)]
        middles = np.concatenate([[-38.0], 0.5 * (scores[1:] + scores[:-1]), [38.0]])
        return self.at_score(middles[: len(scores) + 1] if len(scores) else [0.0]), scores

    @property
    def breaks(self) -> np.ndarray:
        scores = [part.breaks for part in self.parts]
        scores += [part.steps[1] for part in self.parts if part.steps is not None]
        return np.unique(np.concatenate(scores)) if scores else np.zeros(0)

    def mean(self) -> float:
        return float(sum(w * part.mean() for w, part in zip(self.weights, self.parts, strict=True)))


def is_averaged(law: Law) -> bool:
    """Whether a law is pooled by quantiles, itself or within: its probabilities are searched for, many quantiles for each."""
    inner = getattr(law, "parts", ()) or [getattr(law, "base", None)]
    return isinstance(law, Averaged) or any(is_averaged(one) for one in inner if one is not None)


@dataclass(frozen=True)
class Transformed(Law):
    """A law carried through a rising or falling function: times, plus, exp, log or power.

    Args:
      how: "times", "plus", "exp", "log" or "power".
      by: the factor, the addend or the power; not used by the others.
    """

    base: Law
    how: str
    by: float = 1.0

    @property
    def _falls(self) -> bool:
        return self.how in ("times", "power") and self.by < 0

    def _carried(self, x: Any) -> np.ndarray:
        x = np.asarray(x, np.float64)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            if self.how == "times":
                return x * self.by
            if self.how == "plus":
                return x + self.by
            if self.how == "exp":
                return np.exp(x)
            return np.log(x) if self.how == "log" else np.asarray(x**self.by)

    def _back(self, y: Any) -> np.ndarray:
        y = np.asarray(y, np.float64)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            if self.how == "times":
                return y / self.by
            if self.how == "plus":
                return y - self.by
            if self.how == "log":
                return np.exp(y)
            positive = np.maximum(y, 0.0)
            back = np.log(positive) if self.how == "exp" else positive ** (1.0 / self.by)
            return np.where(y < 0, math.inf if self._falls else -math.inf, back)

    def at_score(self, z: Any) -> np.ndarray:
        z = np.asarray(z, np.float64)
        return self._carried(self.base.at_score(-z if self._falls else z))

    def cdf(self, x: Any) -> np.ndarray:
        if self.steps is not None:
            return self._stepped(x)[0]
        back = self._back(x)
        if not self._falls:
            return self.base.cdf(back)
        return self.base.sf(np.nextafter(back, -math.inf))

    def sf(self, x: Any) -> np.ndarray:
        if self.steps is not None:
            return self._stepped(x)[1]
        back = self._back(x)
        if not self._falls:
            return self.base.sf(back)
        return self.base.cdf(np.nextafter(back, -math.inf))

    def _stepped(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """P(X <= x) and P(X > x) of separate values: carried back, one may miss itself by rounding."""
        values, scores = self.steps or (np.zeros(0), np.zeros(0))
        at = np.searchsorted(values, np.asarray(x, np.float64), side="right")
        upto = np.concatenate([[-math.inf], scores, [math.inf]])[at]
        return special.ndtr(upto), special.ndtr(-upto)

    @property
    def support(self) -> tuple[float, float]:
        low, high = (float(end) for end in self._carried(np.array(self.base.support)))
        return (high, low) if self._falls else (low, high)

    @property
    def steps(self) -> tuple[np.ndarray, np.ndarray] | None:
        found = self.base.steps
        if found is None:
            return None
        values, scores = self._carried(found[0]), found[1]
        return (values[::-1], -scores[::-1]) if self._falls else (values, scores)

    @property
    def breaks(self) -> np.ndarray:
        return -self.base.breaks if self._falls else self.base.breaks


def functions(steps: Sequence[Any]) -> list[tuple[str, float]]:
    """`["exp", { times = 2 }]` -> [("exp", 1), ("times", 2)]."""
    found = []
    for step in steps:
        if step in ("exp", "log"):
            found.append((step, 1.0))
        elif isinstance(step, Mapping) and len(step) == 1 and next(iter(step)) in ("times", "plus", "power"):
            ((how, by),) = step.items()
            if isinstance(by, bool) or not isinstance(by, int | float) or not abs(by) <= LARGEST:
                raise _wrong(f"expected a finite number for '{how}', got {by!r}.")
            found.append((how, float(by)))
        else:
            text = 'expected "exp", "log", { times = X }, { plus = X } or { power = X }'
            raise _wrong(f"{text}, got {step!r}.")
    return found


def transformed(base: Law, steps: list[tuple[str, float]]) -> Law:
    """A law carried through several functions, one after the other.

    Raises:
      UserError: a function is not defined, or neither rises nor falls, on all values of the law.
    """
    law = base
    for how, by in steps:
        low, wrong = law.support[0], None
        if how in ("times", "power") and by == 0:
            wrong = f"expected a {how.replace('times', 'factor')} other than 0, got 0. For no spread use family 'fixed'."
        elif how == "log" and low < 0:
            wrong = f"expected a law above 0 for 'log'; this one reaches {low:.4g}. Truncate it."
        elif how == "power" and low < 0:
            wrong = f"expected a law above 0 for 'power'; this one reaches {low:.4g}. Truncate it."
        if wrong:
            raise _wrong(wrong)
        law = Transformed(law, how, by)
    return law


def _wrong(text: str) -> UserError:
    return refusal("transform", text)
