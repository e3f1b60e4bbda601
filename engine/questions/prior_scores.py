"""Priors in normal scores: moments, tenths of equal probability, and derivatives of the log density."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from engine.study.study import Law, Study

BINS = 10
"""Number of parts of equal probability that a prior is divided into."""
_GRID = np.linspace(-9.0, 9.0, 3601)
_WEIGHTS = np.exp(-0.5 * _GRID**2) / np.exp(-0.5 * _GRID**2).sum()


@dataclass(frozen=True)
class PriorMoments:
    """Moments of a prior as a function of its normal score z, and how they change as z is shifted or stretched.

    Args:
      mean, sd: of the draw; infinite or NaN if the prior has none, as are then the derivatives.
      by_shift: derivative of the mean as z becomes z + d: E[X z].
      by_stretch: derivative of the standard deviation as z becomes (1 + e) z: E[(X - m)^2 (z^2 - 1)] / (2 sd).
    """

    mean: float
    sd: float
    by_shift: float
    by_stretch: float


def moments(law: Law) -> PriorMoments:
    """The moments of a prior, by numerical integration over its normal score."""
    low, high = law.support
    if low == high:
        return PriorMoments(low, 0.0, 0.0, 0.0)
    with np.errstate(all="ignore"):
        x = law.at_score(_GRID)
        mean, size = x @ _WEIGHTS, np.abs(x) @ _WEIGHTS
        mean = 0.0 if abs(mean) < 1e-12 * size else mean
        squares = (x - mean) ** 2
        sd = np.sqrt(np.nan if law.endless(lambda x: x * x) else squares @ _WEIGHTS)
        by_shift, by_stretch = (x * _GRID) @ _WEIGHTS, (squares * (_GRID**2 - 1)) @ _WEIGHTS / (2 * sd)
    return PriorMoments(*map(float, (mean, sd, by_shift, by_stretch)))


class Priors:
    """The priors of a study's factors, in the study's order."""

    def __init__(self, study: Study):
        self.study = study
        self.moments = [moments(item.marginal) for item in study.inputs]

    @cached_property
    def free(self) -> list[int]:
        """Indices of the factors that are not fixed."""
        return [k for k, moments in enumerate(self.moments) if moments.sd != 0]

    def left_out(self, place: int) -> str:
        """Why there is no derivative by a factor's prior; "" if there is one."""
        item = self.study.inputs[place]
        group = self.study.groups.get(item.group or "")
        if group is not None and group.copula.family != "gaussian":
            return f"moves with others by a copula of another kind than Gaussian ({group.copula.family})"
        if item.marginal.steps is not None:
            return "takes separate values"
        if not math.isfinite(self.moments[place].sd):
            return "has a prior without a standard deviation"
        return ""

    def slopes_of(
        self, places: list[int], joint: Float[np.ndarray, "factor held"]
    ) -> tuple[Float[np.ndarray, "place held"], Float[np.ndarray, "place held"]]:
        """Derivatives of the log density by a shift, and by a stretch, of each prior's normal score [place, held].

        With R the correlation matrix of a group's z: (R^-1 z)_j by a shift of z_j, and z_j (R^-1 z)_j - 1 by a stretch.

        Args:
          places: indices of the factors.
          joint: joint normal scores of all factors [factor, held].
        """
        turned: np.ndarray = joint.astype(np.float64)
        names = [item.name for item in self.study.inputs]
        for group in self.study.groups.values():
            if group.copula.family == "gaussian":
                at = [names.index(name) for name in group.members]
                matrix = np.sin(0.5 * np.pi * group.copula.implied(group.members).kendall)
                turned[at] = np.linalg.pinv(matrix, hermitian=True) @ turned[at]
        z, t = joint[places].astype(np.float64), turned[places]
        return t, z * t - 1.0


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
