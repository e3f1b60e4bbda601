"""Rank correlations of elliptical copulas from the scores' correlation and the inverse, in NumPy."""

from __future__ import annotations

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy import special


def pearson_of_kendall(tau: np.ndarray) -> np.ndarray:
    """Correlation of an elliptical copula from Kendall's tau: sin(pi tau / 2) (Lindskog, McNeil and Schmock 2003)."""
    return np.sin(0.5 * np.pi * np.asarray(tau, np.float64))


def kendall_of_pearson(r: np.ndarray) -> np.ndarray:
    """Kendall's tau of an elliptical copula from its correlation: 2 / pi asin r."""
    return np.arcsin(np.asarray(r, np.float64)) * (2.0 / np.pi)


def spearman_of_pearson(r: np.ndarray, df: float | None = None) -> np.ndarray:
    """Spearman's rho of a Gaussian copula, 6 / pi asin(r / 2), or of a Student t copula with `df` degrees of freedom.

    For a t copula it is 6 / pi E asin(r / sqrt((1 + W / W') (1 + W / W''))) with W, W', W'' independent chi-squares,
    since differences of t vectors are normal given their mixing variables (the argument of Heinen and Valdesogo,
    Spearman rank correlation of the bivariate Student t, J. Multivariate Anal. 179, 2020,
    doi:10.1016/j.jmva.2020.104650). Accurate to 1e-5.
    """
    r = np.asarray(r, np.float64)
    if df is None:
        return np.arcsin(0.5 * r) * (6.0 / np.pi)
    nodes, weights = hermegauss(40)
    weights = weights / weights.sum()
    log_w = log_chi2_quantile(nodes, df)
    share = 1.0 / np.sqrt(1.0 + np.exp(log_w[:, None] - log_w[None, :]))  # [W, W']
    factor = (share[:, :, None] * share[:, None, :]).ravel()
    chance = (weights[:, None, None] * weights[:, None] * weights).ravel()
    kept = chance > 1e-12
    factor, chance = factor[kept], chance[kept] / chance[kept].sum()
    values = [float(chance @ np.arcsin(np.clip(x * factor, -1.0, 1.0))) for x in np.abs(r).ravel()]
    # the quadrature is least accurate at |r| = 1, where the value is known
    rho = np.where(np.abs(r) == 1.0, 1.0, np.reshape(values, r.shape) * (6.0 / np.pi))
    return np.sign(r) * np.minimum(rho, 1.0)


def pearson_of_spearman(rho: np.ndarray, df: float | None = None) -> np.ndarray:
    """Correlation from Spearman's rho: 2 sin(pi rho / 6) for a Gaussian copula; for a t copula by interpolation."""
    rho = np.asarray(rho, np.float64)
    if df is None:
        return 2.0 * np.sin(rho * (np.pi / 6.0))
    from scipy.interpolate import PchipInterpolator

    r = np.sin(0.5 * np.pi * np.linspace(0.0, 1.0, 65))
    # the ratio to the Gaussian copula's value is smooth and within a few per cent of one
    gaussian = 2.0 * np.sin(np.maximum.accumulate(spearman_of_pearson(r, df)) * (np.pi / 6.0))
    return np.sign(rho) * PchipInterpolator(gaussian, r)(2.0 * np.sin(np.abs(rho) * (np.pi / 6.0)))


def log_chi2_quantile(z: np.ndarray, df: float) -> np.ndarray:
    """Log quantile, at the normal score z, of a chi-square variable divided by its degrees of freedom, at least 1."""
    shape, tail = 0.5 * df, special.ndtr(-np.abs(z))
    value = np.where(z < 0, special.gammaincinv(shape, tail), special.gammainccinv(shape, tail))
    return np.log(value) - np.log(shape)
