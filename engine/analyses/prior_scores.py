"""How far each factor and shock stands from its prior, and how its log density moves with its prior's location and scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from engine.study.study import Study

BINS = 10
"""Parts of a prior, each with the same probability."""
_GRID = np.linspace(-9.0, 9.0, 3601)
_WEIGHTS = np.exp(-0.5 * _GRID**2) / np.exp(-0.5 * _GRID**2).sum()


@dataclass(frozen=True)
class PriorMoments:
    """A prior by its normal score z: what a draw is, and what it becomes where the score is shifted or stretched.

    Args:
      mean, sd: of the draw; infinite or NaN where it has none.
      by_shift: change of the mean as z becomes z + d: E[X z].
      by_stretch: change of the deviation as z becomes (1 + e) z: E[(X - m)^2 (z^2 - 1)] / (2 sd).
    """

    mean: float
    sd: float
    by_shift: float
    by_stretch: float

    @property
    def is_fixed(self) -> bool:
        """Whether nothing is drawn."""
        return self.sd == 0

    @staticmethod
    def of(study: Study, place: int) -> PriorMoments:
        """Those of a factor's prior, by sums over its normal score."""
        law = study.inputs[place].marginal
        low, high = law.support
        if low == high:
            return PriorMoments(low, 0.0, 0.0, 0.0)
        with np.errstate(all="ignore"):
            x = law.at_score(_GRID)
            mean = float(x @ _WEIGHTS)
            mean = 0.0 if abs(mean) < 1e-12 * float(np.abs(x) @ _WEIGHTS) else mean
            square = float((x - mean) ** 2 @ _WEIGHTS)
        endless = law.endless(lambda x: x * x)
        if endless or not math.isfinite(square):
            return PriorMoments(mean, math.nan, math.nan, math.nan)
        sd = math.sqrt(square)
        by_shift = float((x * _GRID) @ _WEIGHTS)
        by_stretch = float(((x - mean) ** 2 * (_GRID**2 - 1)) @ _WEIGHTS) / (2 * sd)
        return PriorMoments(mean, sd, by_shift, by_stretch)


class Priors:
    """The priors of a study's factors, in its order."""

    def __init__(self, study: Study):
        self.study = study
        self.moments = [PriorMoments.of(study, place) for place in range(len(study.inputs))]

    @cached_property
    def drawn(self) -> list[int]:
        """Places of factors that are not fixed."""
        return [k for k, moments in enumerate(self.moments) if not moments.is_fixed]

    def left_out(self, place: int) -> str:
        """Why the derivative in a factor's prior is not known; nothing where it is."""
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
        """Derivatives of the log density as each prior's normal score is shifted, and as it is stretched.

        With R the correlations of a group's scores z, those of the others given, they are (R^-1 z)_j and z_j (R^-1 z)_j - 1.

        Args:
          joint: normal scores of all factors.
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


def in_tenths(
    below: Float[np.ndarray, "held"], up_to: Float[np.ndarray, "held"]
) -> Float[np.ndarray, "tenth held"]:
    """Which share of each draw lies in each tenth of its prior.

    Args:
      below, up_to: share of the prior below a draw, and below it or at it: a value that many draws share lies in parts.
    """
    tenth = np.arange(BINS)[:, None]
    within = (np.minimum((below * BINS).astype(np.int8), BINS - 1) == tenth).astype(np.float64)
    if (alike := up_to > below).any():
        over = np.minimum(up_to[alike] * BINS, tenth + 1) - np.maximum(below[alike] * BINS, tenth)
        within[:, alike] = np.maximum(over, 0.0) / (BINS * (up_to - below)[alike])
    return within


def share_below(scores: Float[np.ndarray, "cell held"]) -> Float[np.ndarray, "cell held"]:
    """The share of a prior below its quantile of a normal score."""
    below: np.ndarray = ndtr(scores.astype(np.float64))
    return below
