"""Spearman's rank correlations of draws, with intervals from the number of independent units."""

from __future__ import annotations

import numpy as np

from engine.risk.estimation.intervals import Estimate, Z

ROUNDING = 1e-12
"""How far from one the correlation of equal ranks may be computed to be."""


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks of values [path], ties averaged, centred and scaled to Euclidean norm 1; zeros where all are equal."""
    from scipy.stats import rankdata  # takes half a second to import; a report does without

    centred = rankdata(values) - 0.5 * (len(values) + 1)
    length = np.linalg.norm(centred)
    return np.asarray(centred / length if length > 0 else centred)


def rank_correlation(one: np.ndarray, two: np.ndarray, units: int) -> Estimate:
    """Spearman's rho of paired values [path], with the interval of `interval`."""
    a, b = ranks(one), ranks(two)
    return interval(float(a @ b) if a.any() and b.any() else np.nan, units)


def interval(rho: float, units: int) -> Estimate:
    """A rank correlation with its 95 % interval: Fisher's z, standard error sqrt((1 + rho^2 / 2) / (units - 3)).

    Antithetic pairs count as one unit, as if the second path added no information, so that the interval errs on the
    wide side. No interval below 5 units; where ranks are the same, or each other's reverse, z is infinite and both ends
    are the correlation itself. Source: Bonett and Wright (2000), Psychometrika 65, 23-28, doi:10.1007/BF02294183.
    """
    if not np.isfinite(rho) or units < 5:
        return Estimate(rho)
    if abs(rho) > 1 - ROUNDING:
        sign = float(np.sign(rho))
        return Estimate(sign, 0.0, sign, sign)
    z, error = np.arctanh(rho), np.sqrt((1 + rho**2 / 2) / (units - 3))
    low, high = np.tanh(z - Z * error), np.tanh(z + Z * error)
    return Estimate(rho, float(error * (1 - rho**2)), float(low), float(high))
