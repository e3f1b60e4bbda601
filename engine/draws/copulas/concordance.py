"""Kendall's tau and Spearman's rho of Archimedean copulas from their parameter, and the inverse; in NumPy.

Kendall's tau: Joe: Dependence Modeling with Copulas, 2014, chapter 4; Nelsen: An Introduction to Copulas, 2nd ed. 2006,
table 4.1 and section 5.1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

_NODES = 160


def kendall(family: str, theta: float) -> float:
    """Kendall's tau of an Archimedean copula with parameter theta."""
    if family == "clayton":
        return theta / (theta + 2.0)
    if family == "gumbel":
        return 1.0 - 1.0 / theta
    if family == "joe":
        if abs(theta - 2.0) < 1e-6:
            return 1.0 - float(special.polygamma(1, 2.0))
        return 1.0 + 2.0 / (2.0 - theta) * float(special.digamma(2.0) - special.digamma(2.0 / theta + 1.0))
    size = abs(theta)
    if size < 0.05:
        return theta / 9.0 * (1.0 - theta * theta / 100.0)
    x, weights = _unit_nodes()
    debye = float(weights @ (size * x / np.expm1(size * x)))
    return float(np.copysign(1.0 - 4.0 / size * (1.0 - debye), theta))


def spearman(family: str, theta: float) -> float:
    """Spearman's rho, 12 times the integral of C, less 3; by quadrature over one of the two halves u > v and u < v."""
    if family == "frank" and theta < 0:
        return -spearman(family, -theta)
    if theta == 1.0 and family in ("gumbel", "joe"):
        return 0.0
    x, weights = _unit_nodes()
    larger, share = x[:, None], x[None, :]
    values = _distribution(family, larger, larger * share, theta)
    return float(24.0 * (weights * x) @ values @ weights - 3.0)


def theta_of(measure: Callable[[str, float], float], family: str, wanted: float, limits: tuple[float, float]) -> float:
    """Parameter with the wanted rank correlation (`kendall` or `spearman`); clipped to `limits` if out of reach."""
    from scipy.optimize import brentq

    low, high = limits
    if family == "clayton" and measure is kendall:
        return float(np.clip(2.0 * wanted / (1.0 - wanted), low, high))
    if family == "gumbel" and measure is kendall:
        return float(np.clip(1.0 / (1.0 - wanted), low, high))
    if family == "frank" and low < 0:  # the measure is odd in theta, and theta = 0 is excluded
        size = theta_of(measure, family, abs(wanted), (0.001, high))
        return float(np.copysign(size, wanted))
    ends = [measure(family, end) - wanted for end in limits]
    if ends[0] >= 0 or ends[1] <= 0:
        return low if ends[0] >= 0 else high
    return float(brentq(lambda theta: measure(family, theta) - wanted, low, high, xtol=1e-13, rtol=1e-14))


def _unit_nodes() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on (0, 1), dense at both ends (tanh-sinh, Takahasi and Mori 1974)."""
    t = np.linspace(-3.6, 3.6, _NODES)
    inner = 0.5 * np.pi * np.sinh(t)
    x = np.minimum(special.expit(2.0 * inner), 1.0 - 2.0**-53)
    weights = 0.5 * np.pi * np.cosh(t) * 0.5 / np.cosh(inner) ** 2 * (t[1] - t[0])
    return x, weights / weights.sum()


def _distribution(family: str, u: np.ndarray, v: np.ndarray, theta: float) -> np.ndarray:
    """C(u, v) for u >= v, in a form that does not overflow."""
    if family == "clayton":
        power = np.exp(theta * np.log(v))
        return v * ((v / u) ** theta + 1.0 - power) ** (-1.0 / theta)
    if family == "gumbel":
        far, near = -np.log(v), -np.log(u)
        return np.exp(-far * (1.0 + (near / far) ** theta) ** (1.0 / theta))
    if family == "joe":
        far, near = 1.0 - v, 1.0 - u
        return 1.0 - far * (1.0 + (near / far) ** theta * (1.0 - far**theta)) ** (1.0 / theta)
    parts = np.expm1(-theta * (1.0 - v)) + np.exp(-theta * (u - v)) * np.expm1(-theta * v)
    return v - np.log(parts / np.expm1(-theta)) / theta
