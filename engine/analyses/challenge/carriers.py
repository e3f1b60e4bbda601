"""Which choices carry a claim's difference over many universes: a regression on them, and its variance shared out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.analyses.challenge.profiles import Profile

PENALTIES = 10.0 ** np.arange(-3, 4)
"""Of squared coefficients, among which the one is taken that predicts universes best which are left out one at a time."""
FEWEST = 20
"""Universes from which a regression is fitted."""


@dataclass(frozen=True)
class Carriers:
    """What carries a claim.

    Args:
      shares: dimension -> its Shapley share of the variance of the fitted difference, the largest first; they add up to 1.
      fit: R2 of the regression for universes that are left out one at a time.
    """

    shares: dict[str, float]
    fit: float


def carriers(profile: Profile) -> Carriers | None:
    """The shares of a ridge regression of the difference on choices; None where universes are few, or all say the same.

    Of a sum f = f_1 + ... + f_k the Shapley value of part j in the variance is cov(f_j, f). A move of priors enters by its sign, every
    other choice as there or not. Source: Owen (2014), Sobol' indices and Shapley value, SIAM/ASA J. Uncertainty Quantification 2.
    """
    places = [one for one in (profile.stated, *profile.places) if np.isfinite(one.seen.difference)]
    y = np.array([one.seen.difference for one in places])
    if len(y) < FEWEST or not y.std() > 0:
        return None
    columns: dict[tuple[str, str], np.ndarray] = {}
    for k, place in enumerate(places):
        for choice in place.universe:
            name, sign = (choice.line, choice.sign) if choice.move else (choice.name, 1.0)
            key = choice.dimension, name
            columns.setdefault(key, np.zeros(len(y)))[k] = sign
    x = np.stack(list(columns.values()), axis=1)
    fitted, fit = _ridge(x - x.mean(axis=0), y - y.mean())
    parts: dict[str, np.ndarray] = {}
    for (dimension, _), column, size in zip(columns, (x - x.mean(axis=0)).T, fitted, strict=True):
        parts[dimension] = parts.get(dimension, 0.0) + size * column
    whole = np.sum(list(parts.values()), axis=0)
    variance = float(whole @ whole)
    if not variance > 0:
        return None
    shares = {name: float(part @ whole) / variance for name, part in parts.items()}
    return Carriers(dict(sorted(shares.items(), key=lambda one: -one[1])), fit)


def _ridge(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Coefficients, and R2 of what is left out: by the penalty that makes it largest."""
    u, s, v = np.linalg.svd(x, full_matrices=False)
    best = (np.zeros(x.shape[1]), -np.inf)
    for penalty in PENALTIES:
        shrunk = s * s / (s * s + penalty)
        fitted = u @ (shrunk * (u.T @ y))
        leverage = (u * u) @ shrunk + 1.0 / len(y)
        left_out = (y - fitted) / np.maximum(1.0 - leverage, 1e-9)
        fit = 1.0 - float(left_out @ left_out) / float(y @ y)
        if fit > best[1]:
            best = (v.T @ (s / (s * s + penalty) * (u.T @ y)), fit)
    return best
