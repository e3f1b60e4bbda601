"""Whether the tail of a variable has a mean and a variance: a generalised Pareto law fitted to its largest values.

What it rests on, and how often it is wrong: `docs/method.md`.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from engine.risk.flags import Flag, Reason

TAIL_VALUES = 2048
FEWEST_TAIL_VALUES = 50
FEWEST_EXCESSES = 20
"""Paths over its threshold that a tail is judged by, at least."""
HEAVY = 0.5
"""Shape of the generalised Pareto law from which on the variance is infinite (tail index 2)."""
MEANLESS = 1.0
"""Shape from which on the mean is infinite."""


def pareto_shape(excesses: np.ndarray) -> float:
    """Shape of the generalised Pareto law fitted to excesses over a threshold (positive, ascending); 1 / tail index.

    Blind to where the variable's zero lies, as Hill's estimator is not. Source: Zhang and Stephens (2009),
    Technometrics 51, 316-325, doi:10.1198/tech.2009.08017.
    """
    n = len(excesses)
    points = 20 + int(np.sqrt(n))
    quartile = excesses[int(n / 4 + 0.5) - 1]
    theta = 1 / excesses[-1] + (1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))) / (3 * quartile)
    theta = theta[theta != 0]
    shape = np.log(1 - theta[:, None] * excesses).mean(axis=1)
    likelihood = n * (np.log(-theta / shape) - shape - 1)
    weight = np.exp(likelihood - likelihood.max())
    chosen = float((theta * weight).sum() / weight.sum())
    return float(np.log(1 - chosen * excesses).mean())


def tail_flag(ascending: np.ndarray) -> Flag | None:
    """What keeps the upper tail of sorted values from having a mean with an interval; None if nothing does.

    Fits the largest values (a tenth of them, at least 1500 or a quarter, at most 2048) and flags where an
    infinite variance is not excluded at 95 %: shape + 1.645 (1 + shape) / sqrt(k) >= 1/2. An infinite mean is not
    excluded where shape + 3.09 (1 + shape) / sqrt(k) >= 1, at 99.9 %. Fewer than 200 values are not judged.
    """
    k = tail_size(len(ascending))
    return largest_flag(ascending[len(ascending) - k - 1 :]) if k else None


def tail_size(count: int) -> int:
    """How many of so many values the tail is judged by; 0 where they are too few."""
    k = min(max(count // 10, min(1500, count // 4)), TAIL_VALUES)
    return k if k >= FEWEST_TAIL_VALUES else 0


def largest_flag(ascending: np.ndarray) -> Flag | None:
    """As `tail_flag`, from the values that it looks at alone and the one before them."""
    excesses = ascending[1:].astype(np.float64) - float(ascending[0])
    excesses = excesses[excesses > 0]
    if not len(excesses):
        return None
    if len(excesses) < FEWEST_EXCESSES:
        return Flag(Reason.FEW_TAIL_PATHS, len(excesses), FEWEST_EXCESSES)
    shape = pareto_shape(excesses)
    error = max(1 + shape, 0.5) / np.sqrt(len(excesses))
    if shape + float(ndtri(0.95)) * error < HEAVY:
        return None
    if shape + float(ndtri(0.999)) * error >= MEANLESS:
        return Flag(Reason.NO_MEAN, shape, MEANLESS)
    return Flag(Reason.NO_VARIANCE, shape, HEAVY)
