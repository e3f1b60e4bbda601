"""Several distributions pooled into one: mixture of their probabilities, or average of their quantiles."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.discrete import stepped
from engine.draws.distributions.law import Law, scores_between


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
