"""The generalised Pareto law of what lies over a threshold: its likelihood, where that is largest, and how well it fits.

Excesses are positive and ascending. `heaviness.py` judges tails by the same law, fitted in a quicker way. Formulas: `docs/method.md`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar

Excesses = Float[np.ndarray, "value"]
LEAST_SHAPE = -1.0
"""Least shape that likelihood is asked for: below it, it grows without bound."""
STARTS = np.linspace(-1.2, 3.0, 43)
"""Where the likelihood is looked at first, in shapes."""
NO_SHAPE = 1e-6
"""Size of a shape below which the law is the exponential one."""
FITS = (0.5, 0.25, 0.1, 0.05, 0.01, 0.001)
"""How often a tail that is of the law is as unlike its fit as `UNLIKE` says."""
UNLIKE = {
    -1.0: (1.995, 2.411, 3.033, 3.587, 4.970, 7.264),
    -0.9: (0.544, 0.882, 1.745, 2.047, 2.677, 3.643),
    -0.7: (0.483, 0.726, 1.031, 1.315, 1.913, 3.093),
    -0.5: (0.462, 0.669, 0.945, 1.177, 1.753, 2.596),
    -0.3: (0.435, 0.630, 0.896, 1.113, 1.669, 2.291),
    0.0: (0.397, 0.567, 0.799, 0.965, 1.416, 2.180),
    0.25: (0.370, 0.521, 0.719, 0.884, 1.259, 1.901),
    0.5: (0.358, 0.496, 0.683, 0.834, 1.218, 1.608),
    1.0: (0.338, 0.470, 0.627, 0.763, 1.048, 1.606),
}
"""Anderson and Darling's statistic of tails that are of the law, by their shape, at `FITS`; 6,000 tails of 500 values each, 3,000 below -0.5."""


def log_likelihood(
    excesses: Excesses, shape: Float[np.ndarray, "*at"], scale: Float[np.ndarray, "*at"]
) -> Float[np.ndarray, "*at"]:
    """Log likelihood of each pair of shape and scale; minus infinity where the law ends before the largest excess."""
    xi = np.where(np.abs(shape) < NO_SHAPE, NO_SHAPE, shape)
    inside = (xi / scale)[..., None] * excesses
    with np.errstate(invalid="ignore", divide="ignore"):
        held = -len(excesses) * np.log(scale) - (1 + 1 / xi) * np.log1p(inside).sum(axis=-1)
    return np.where(np.isfinite(held), held, -np.inf)


def scores(excesses: Excesses, shape: float, scale: float) -> Float[np.ndarray, "2 value"]:
    """Slopes of the log likelihood of each excess, in the shape and in the log of the scale."""
    z = excesses / scale
    if abs(shape) < 100 * NO_SHAPE:
        of_shape = z * z / 2 - z
    else:
        of_shape = np.log1p(shape * z) / shape**2 - (1 + 1 / shape) * z / (1 + shape * z)
    return np.stack([of_shape, (1 + shape) * z / (1 + shape * z) - 1])


def covariance(shape: float, count: int) -> Float[np.ndarray, "2 2"]:
    """Covariance of the likeliest shape and log scale of so many independent excesses; for shapes above -1/2. Source: Smith (1985), Biometrika 72, 67-90."""
    return (1 + shape) / count * np.array([[1 + shape, -1.0], [-1.0, 2.0]])


def likeliest(excesses: Excesses) -> tuple[float, float]:
    """Shape, from -1 on, and scale under which the excesses are likeliest.

    The likelihood is looked at along theta = shape / scale alone, for which the likeliest shape is mean log(1 + theta x). Source: Grimshaw
    (1993), Technometrics 35, 185-191. At a shape of -1 the law is uniform up to the largest excess.
    """
    largest, reach = float(excesses[-1]), np.log(max(len(excesses), 2))

    def along(place: float) -> tuple[float, float]:
        theta = float(np.expm1(place * reach)) / largest
        if abs(theta) * largest < NO_SHAPE:
            return 0.0, float(excesses.mean())
        shape = float(np.log1p(theta * excesses).mean())
        return shape, shape / theta

    def cost(place: float) -> float:
        shape, scale = along(place)
        return float(np.log(scale) + shape if shape >= LEAST_SHAPE else np.log(largest) - shape)

    costs = np.array([cost(place) for place in STARTS])
    best = int(np.argmin(costs))
    ends = STARTS[max(best - 1, 0)], STARTS[min(best + 1, len(STARTS) - 1)]
    found = minimize_scalar(cost, bounds=ends, method="bounded", options={"xatol": 1e-9})
    place = found.x if found.fun <= costs[best] else STARTS[best]
    if np.log(largest) + LEAST_SHAPE < cost(place):
        return LEAST_SHAPE, largest
    return along(place)


def fit_chance(seen: float, shape: float) -> float:
    """How often a tail of the law has a misfit as large as was seen, or larger; between the ends of `FITS`."""
    shapes = np.array([*UNLIKE])
    limits = [np.interp(shape, shapes, column) for column in np.array([*UNLIKE.values()]).T]
    return float(np.exp(np.interp(seen, limits, np.log(FITS))))
