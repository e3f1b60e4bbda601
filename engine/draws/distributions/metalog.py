"""Metalog distributions: the quantile function is linear in its coefficients, which are solved for from quantiles.

T. W. Keelin, The metalog distributions, Decision Analysis 13(4), 2016, doi:10.1287/deca.2016.0338. With L = ln(y / (1 -
y)) and c = y - 1/2 the terms are 1, L, c L, c, c^2, c^2 L, c^3, c^3 L, c^4. With a lower bound the logarithm of the
distance from it is metalog, with two bounds the logit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.law import Function, Law
from engine.errors import refusal

FEWEST, MOST = 3, 9
_POWERS = ((0, 0), (0, 1), (1, 1), (1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (4, 0))
"""Powers of c and of L in each term."""
_GRID = np.linspace(-8.2, 8.2, 8201)
"""Scores at which a quantile function is checked for decreasing: probabilities from 1e-16 to 1 - 1e-16."""


@dataclass(frozen=True)
class Metalog(Law):
    """A metalog distribution.

    Args:
      coefficients: of its 3 to 9 terms.
      low, high: bounds; infinite where there is none.
    """

    coefficients: tuple[float, ...]
    low: float = -math.inf
    high: float = math.inf

    def at_score(self, z: Any) -> np.ndarray:
        with np.errstate(over="ignore"):
            return _link(self.low, self.high)[1](self._metalog(np.asarray(z, np.float64)))

    def _metalog(self, z: np.ndarray) -> np.ndarray:
        return np.tensordot(np.array(self.coefficients), _terms(z, len(self.coefficients)), axes=1)

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high


def _terms(z: np.ndarray, count: int) -> np.ndarray:
    c = 0.5 * special.erf(z / math.sqrt(2.0))
    odds = special.log_ndtr(z) - special.log_ndtr(-z)
    return np.stack([c**k * (odds if logit else 1.0) for k, logit in _POWERS[:count]])


def _link(low: float, high: float) -> tuple[Function, Function]:
    """A function from the values between the bounds to all numbers, and its inverse."""
    if math.isfinite(low) and math.isfinite(high):
        return lambda x: np.log((x - low) / (high - x)), lambda m: low + (high - low) * special.expit(m)
    if math.isfinite(low):
        return lambda x: np.log(x - low), lambda m: low + np.exp(m)
    if math.isfinite(high):
        return lambda x: -np.log(high - x), lambda m: high - np.exp(-m)
    return np.asarray, np.asarray


def metalog(
    quantiles: Sequence[tuple[float, float]], terms: int | None = None, low: float = -math.inf, high: float = math.inf
) -> Metalog:
    """Metalog distribution with these quantiles: exactly with as many terms as quantiles, by least squares with fewer.

    Args:
      quantiles: 3 or more pairs (probability, value), both ascending.
      terms: 3 to 9; if not given, the number of quantiles, at most 9, or one less where the probabilities do not
        determine so many terms.
      low, high: bounds; infinite where there is none.

    Raises:
      UserError: for too few quantiles, a value outside the bounds, terms that the probabilities do not determine, or a
        quantile function that decreases somewhere: then no distribution with these terms has these quantiles.
    """
    most = min(MOST, len(quantiles))
    count = most if terms is None else terms
    if len(quantiles) < FEWEST:
        raise refusal("quantiles", f"expected at least {FEWEST} for a metalog, got {len(quantiles)}.")
    if not FEWEST <= count <= most:
        raise refusal("terms", f"expected {FEWEST} to {most}, as there are {len(quantiles)} quantiles, got {count}.")
    p, x = (np.array(column, np.float64) for column in zip(*quantiles, strict=True))
    outside = x[~((low < x) & (x < high))]
    if len(outside):
        ends = (("above low", low), ("below high", high))
        bounds = " and ".join(f"{name} = {end:g}" for name, end in ends if math.isfinite(end))
        raise refusal("quantiles", f"expected values {bounds}, got {outside[0]:g}.")
    basis = _terms(special.ndtri(p), count).T
    # 7 probabilities symmetric about 1/2 make 7 terms singular: 4 terms are odd in c, and 3 pairs give 3 odd equations
    # only
    if np.linalg.matrix_rank(basis, 1e-13 * np.abs(basis).max()) < count:
        if terms is not None:
            raise refusal(
                "terms",
                f"these {len(quantiles)} probabilities do not determine {count} terms. Use terms = {count - 1}, or"
                " add a quantile.",
            )
        return metalog(quantiles, count - 1, low, high)
    coefficients = np.linalg.lstsq(basis, _link(low, high)[0](x), rcond=None)[0]
    law = Metalog(tuple(coefficients.tolist()), low, high)
    _refuse_falling(law, count)
    return law


def _refuse_falling(law: Metalog, terms: int) -> None:
    values = law._metalog(_GRID)
    spread = float(np.ptp(values[np.abs(_GRID) < 2]))
    falling = np.flatnonzero(np.diff(values) < -1e-12 * spread)
    # the factor of L at either end, where it outweighs all other terms
    logits = [(a, k) for a, (k, logit) in zip(law.coefficients, _POWERS, strict=False) if logit]
    tails = [sum(a * c**k for a, k in logits) for c in (-0.5, 0.5)]
    if len(falling):
        z = _GRID[falling[0]]
        where = f"falls from {float(law.at_score(z)):.4g} at probability {float(special.ndtr(z)):.3g} on"
    elif min(tails) < -1e-9 * spread:
        where = f"falls in its far {'lower' if tails[0] < 0 else 'upper'} tail"
    else:
        return
    raise refusal(
        "quantiles",
        f"no law: a metalog of {terms} terms through these quantiles {where}, and a quantile never falls. Move or add"
        " quantiles, take other terms, give a bound, or use a named family.",
    )
