"""Which choices carry a claim: Shapley shares of its difference over many universes, by ridge regression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.analyses.challenge.profiles import Profile

PENALTIES = 10.0 ** np.arange(-3, 4)
"""Ridge penalties; the one with the smallest leave-one-out error is taken."""
FEWEST = 20
"""Fewest universes that a regression is fitted to."""


@dataclass(frozen=True)
class Carriers:
    """How much each choice contributes to the variation of a claim's difference over universes.

    Args:
      shares: dimension -> its Shapley share of the variance of the fitted difference, the largest first; they sum to 1.
      fit: leave-one-out R2 of the regression.
    """

    shares: dict[str, float]
    fit: float


def carriers(profile: Profile) -> Carriers | None:
    """Shapley shares of a ridge regression of the difference on the choices.

    There are none for fewer than 20 universes, or if the difference is the same in all.

    For a sum f = f_1 + ... + f_k the Shapley value of part j in the variance is cov(f_j, f). A move of priors enters by
    its sign, every other choice as an indicator. Source: Owen (2014), Sobol' indices and Shapley value, SIAM/ASA J.
    Uncertainty Quantification 2.
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
    """Coefficients and leave-one-out R2, at the penalty for which R2 is largest."""
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
