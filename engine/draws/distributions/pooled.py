"""Several distributions pooled into one: mixture of their probabilities, or average of their quantiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.law import Law, Steps, scores_between


@dataclass(frozen=True)
class _Pooled(Law):
    """Several distributions with weights."""

    weights: tuple[float, ...]
    parts: tuple[Law, ...]

    def mean(self) -> float:
        return float(self._sum([part.mean() for part in self.parts]))

    def _sum(self, values: Sequence[Any]) -> Any:
        return sum((weight * value for weight, value in zip(self.weights, values, strict=True)), start=0.0)

    def _steps(self) -> list[Steps]:
        """The `steps` of all parts; empty unless all are discrete."""
        steps = [steps for part in self.parts if (steps := part.steps) is not None]
        return steps if len(steps) == len(self.parts) else []


@dataclass(frozen=True)
class Mixture(_Pooled):
    """Mixture distribution F = sum of w_k F_k, also the linear pool of experts."""

    def at_score(self, z: Any) -> np.ndarray:
        z = np.asarray(z, np.float64)
        each = np.stack([part.at_score(z) for part in self.parts])
        low, high = each.min(axis=0), each.max(axis=0)
        return self.lowest(special.ndtr(-np.abs(z)), z >= 0, low, high)

    def cdf(self, x: Any) -> np.ndarray:
        return self._sum([part.cdf(x) for part in self.parts])

    def sf(self, x: Any) -> np.ndarray:
        return self._sum([part.sf(x) for part in self.parts])

    @property
    def support(self) -> tuple[float, float]:
        ends = [part.support for part in self.parts]
        return min(low for low, _ in ends), max(high for _, high in ends)

    @property
    def steps(self) -> Steps | None:
        steps = self._steps()
        return self.stepping(np.unique(np.concatenate([values for values, _ in steps]))) if steps else None

    @property
    def breaks(self) -> np.ndarray:
        """Scores at which a part begins, ends or has an atom, where the quantile function may bend or jump."""
        points = [end for part in self.parts for end in part.support if math.isfinite(end)]
        points += [x for part in self.parts if part.steps is not None for x in part.steps[0]]
        if not points:
            return np.zeros(0)
        x = np.unique(points)
        before = np.nextafter(x, -math.inf)
        return np.concatenate([scores_between(self.cdf(at), self.sf(at)) for at in (x, before)])

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
        return self._sum([part.at_score(z) for part in self.parts])

    @property
    def support(self) -> tuple[float, float]:
        low, high = self._sum([np.array(part.support) for part in self.parts])
        return float(low), float(high)

    @property
    def steps(self) -> Steps | None:
        if not (steps := self._steps()):
            return None
        scores = np.unique(np.concatenate([scores for _, scores in steps]))
        scores = scores[np.isfinite(scores)]
        middles = np.concatenate([[-38.0], 0.5 * (scores[1:] + scores[:-1]), [38.0]])
        return self.at_score(middles[: len(scores) + 1]), scores

    @property
    def breaks(self) -> np.ndarray:
        scores = [part.breaks for part in self.parts]
        scores += [part.steps[1] for part in self.parts if part.steps is not None]
        return np.unique(np.concatenate(scores)) if scores else np.zeros(0)


def is_averaged(law: Law) -> bool:
    """Whether a distribution is or contains a quantile pool, whose probabilities are found by search."""
    inner = getattr(law, "parts", ()) or [getattr(law, "base", None)]
    return isinstance(law, Averaged) or any(is_averaged(one) for one in inner if one is not None)
