"""Priors in normal scores: moments and tenths of equal probability."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from engine.study.study import Input, Law

BINS = 10
"""Number of parts of equal probability that a prior is divided into."""
_GRID = np.linspace(-9.0, 9.0, 3601)
_WEIGHTS = np.exp(-0.5 * _GRID**2) / np.exp(-0.5 * _GRID**2).sum()


def varies(item: Input) -> bool:
    """Whether the middle half of a factor's prior is more than one value."""
    return bool(item.marginal.quantile(0.25) < item.marginal.quantile(0.75))


def moments(law: Law) -> tuple[float, float]:
    """Mean and standard deviation of a prior, by integration over its normal score; infinite or NaN if it has none."""
    low, high = law.support
    if low == high:
        return low, 0.0
    with np.errstate(all="ignore"):
        x = law.at_score(_GRID)
        mean, size = x @ _WEIGHTS, np.abs(x) @ _WEIGHTS
        mean = 0.0 if abs(mean) < 1e-12 * size else mean
        sd = np.sqrt(np.nan if law.endless(lambda x: x * x) else (x - mean) ** 2 @ _WEIGHTS)
    return float(mean), float(sd)


def in_tenths(below: Float[np.ndarray, "held"], up_to: Float[np.ndarray, "held"]) -> Float[np.ndarray, "tenth held"]:
    """The share of each draw that lies in each tenth of its prior.

    It is 0 or 1, or a fraction for a value of positive probability.

    Args:
      below, up_to: the prior's probability below a draw, and at or below it; they differ if a draw has a probability.
    """
    tenth = np.arange(BINS)[:, None]
    within = (np.minimum((below * BINS).astype(np.int8), BINS - 1) == tenth).astype(np.float64)
    if (alike := up_to > below).any():
        over = np.minimum(up_to[alike] * BINS, tenth + 1) - np.maximum(below[alike] * BINS, tenth)
        within[:, alike] = np.maximum(over, 0.0) / (BINS * (up_to - below)[alike])
    return within


def share_below(scores: Float[np.ndarray, "cell held"]) -> Float[np.ndarray, "cell held"]:
    """The standard normal distribution function: the prior's probability below the quantile of a normal score."""
    below: np.ndarray = ndtr(scores.astype(np.float64))
    return below
