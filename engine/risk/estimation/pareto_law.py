"""Generalised Pareto law of excesses over a threshold: likelihood, maximum-likelihood fit and goodness of fit.

Excesses are positive and ascending. `heaviness.py` fits the same law faster. Formulas: `docs/method.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.polynomial import Chebyshev
from scipy.linalg import eigvalsh
from scipy.special import lambertw

from engine.risk.estimation.intervals import Units
from engine.risk.estimation.properties import cached_property

Excesses = Float[np.ndarray, "value"]
Laws = Float[np.ndarray, "*at"]
LEAST_SHAPE = -1.0
"""Least shape that is fitted; below it the likelihood is unbounded."""
STEP = 0.1
STARTS = np.arange(-12, 31) * STEP
"""Grid of starting points for maximising the likelihood, in units of log(1 + theta x_max) / log n."""
DEGREE = 10
"""Degree of the polynomial through the log likelihood within a step of the best starting point.

Shape and scale at its top have six digits or more.
"""
NO_SHAPE = 1e-6
"""Absolute value of a shape below which the law is treated as exponential."""
FITS = (0.5, 0.25, 0.1, 0.05, 0.01, 0.001)
"""p values of the goodness-of-fit test whose critical values are in `UNLIKE`."""
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
"""Critical values of the Anderson-Darling statistic by shape, at the p values `FITS`.

Simulated with 6,000 tails of 500 values from the law for each shape, 3,000 for shapes below -0.5.
"""


def log_likelihood(excesses: Excesses, shape: Laws, scale: Laws) -> Laws:
    """Log likelihood at each pair of shape and scale; -inf where the law's upper bound is below the largest excess."""
    xi = np.where(np.abs(shape) < NO_SHAPE, NO_SHAPE, shape)
    inside = (xi / scale)[..., None] * excesses
    with np.errstate(invalid="ignore", divide="ignore"):
        held = -len(excesses) * np.log(scale) - (1 + 1 / xi) * np.log1p(inside).sum(axis=-1)
    return np.where(np.isfinite(held), held, -np.inf)


def scores(excesses: Excesses, shape: float, scale: float) -> Float[np.ndarray, "2 value"]:
    """Derivatives of each excess's log likelihood with respect to the shape and to the log of the scale [2, value]."""
    z = excesses / scale
    if abs(shape) < 100 * NO_SHAPE:
        of_shape = z * z / 2 - z
    else:
        of_shape = np.log1p(shape * z) / shape**2 - (1 + 1 / shape) * z / (1 + shape * z)
    return np.stack([of_shape, (1 + shape) * z / (1 + shape * z) - 1])


def covariance(shape: float, count: int) -> Float[np.ndarray, "2 2"]:
    """Covariance of maximum-likelihood shape and log scale from `count` independent excesses, for shapes above -1/2.

    Source: Smith (1985), Biometrika 72, 67-90.
    """
    return (1 + shape) / count * np.array([[1 + shape, -1.0], [-1.0, 2.0]])


def likeliest(excesses: Excesses) -> tuple[float, float]:
    """Maximum-likelihood shape, at least -1, and scale.

    The likelihood is maximised along theta = shape / scale alone, given which the likeliest shape is mean log(1 + theta
    x). Source: Grimshaw (1993), Technometrics 35, 185-191. At shape -1 the law is uniform up to the largest excess.
    """
    largest, reach = float(excesses[-1]), np.log(max(len(excesses), 2))

    def along(place: float) -> tuple[float, float]:
        theta = float(np.expm1(place * reach)) / largest
        if abs(theta) * largest < NO_SHAPE:
            return 0.0, float(excesses.mean())
        shape = float(np.log1p(theta * excesses).mean())
        return shape, shape / theta

    def cost(place: float, is_smooth: bool = False) -> float:
        shape, scale = along(place)
        return float(np.log(scale) + shape if is_smooth or shape >= LEAST_SHAPE else np.log(largest) - shape)

    best = min(STARTS, key=cost)
    ends = [best - STEP, best + STEP]
    turns = Chebyshev.interpolate(np.vectorize(cost), DEGREE, ends, args=(True,)).deriv().roots()
    place = min(best, *turns.real.clip(*ends), key=cost)
    if np.log(largest) + LEAST_SHAPE < cost(place):
        return LEAST_SHAPE, largest
    return along(place)


def fit_chance(seen: float, shape: float) -> float:
    """p value of a misfit: how often a tail that follows the law has one as large; clipped to the range of `FITS`."""
    shapes = np.array([*UNLIKE])
    limits = [np.interp(shape, shapes, column) for column in np.array([*UNLIKE.values()]).T]
    return float(np.exp(np.interp(seen, limits, np.log(FITS))))


ANGLES = np.linspace(0.0, 2 * np.pi, 48, endpoint=False)
RADII = np.linspace(0.0, 1.0, 25)
SPLITS = np.linspace(-np.pi / 2, np.pi / 2, 13)
"""Angles that divide a deviance between the law of the excesses and the share of values beyond the threshold."""
FARTHEST = 2.5
"""Largest distance of laws that are examined, in multiples of the reach of a normal likelihood."""
Number = Callable[[Laws, Laws, Laws], Laws]
"""A quantity that follows from shape, scale and share beyond the threshold."""


@dataclass(frozen=True)
class Region:
    """Laws around the maximum-likelihood law, for profile-likelihood intervals of quantities of a fitted tail.

    The interval of a quantity g of shape, scale and share beyond the threshold runs from the least to the largest g
    among all laws whose deviance from the likeliest is at most q. One search around the likeliest law thus gives the
    intervals of all quantities. Excesses within a unit may depend on each other: q is the square of `Units.reach`,
    times their design effect (Chandler and Bate 2007, Biometrika 94, 167-183).

    Args:
      excesses: over the threshold, ascending.
      path: index of each excess among all values.
      shape, scale: of the likeliest law; the shape is above -1/2.
      units: independent units of all values.
    """

    excesses: Excesses
    path: Int[np.ndarray, "value"]
    shape: float
    scale: float
    units: Units

    @property
    def share(self) -> float:
        """Share of all values that lie beyond the threshold."""
        return len(self.excesses) / self.units.paths

    def interval(self, number: Number) -> tuple[float, float]:
        """95 % interval of a quantity that follows from shape, scale and share."""
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            found = number(*self._laws)
        return float(np.nanmin(found)), float(np.nanmax(found))

    @cached_property
    def dependence(self) -> float:
        """Design effect of dependence within units: the largest factor on the variance of any quantity, at least 1.

        It compares the influences of the values on shape, log scale and log share, summed over units, with those of
        independent values. So no interval is narrower than for independent values.
        """
        count, units = len(self.excesses), self.units
        if units.alone or units.count < 2:
            return 1.0
        of_law = covariance(self.shape, count) @ scores(self.excesses, self.shape, self.scale)
        influences = np.vstack([of_law, np.full(count, 1 / count)])
        owner = units.owners(self.path)
        totals = np.stack([np.bincount(owner, row, units.count) for row in influences])
        alone = influences @ influences.T
        # the influence on the share is less by 1 / n for every value, also for those within the threshold
        totals[2] -= units.sizes / units.paths
        alone[2, 2] -= 1 / units.paths
        together = totals @ totals.T * units.count / (units.count - 1)
        return max(float(eigvalsh(together, alone)[-1]), 1.0)

    @cached_property
    def _laws(self) -> tuple[Laws, Laws, Laws]:
        """Laws [split, angle] whose deviance from the likeliest is q."""
        reach = self.units.reach * np.sqrt(self.dependence)
        radii = FARTHEST * reach * RADII
        best = log_likelihood(self.excesses, np.array(self.shape), np.array(self.scale))
        deviance = 2 * (best - log_likelihood(self.excesses, *self._moved(radii, ANGLES[:, None])))
        depth = np.maximum.accumulate(np.sqrt(np.clip(deviance, 0.0, 1e6)), axis=1)
        radius = np.stack([np.interp(reach * np.cos(SPLITS), row, radii) for row in depth], 1)
        return *self._moved(radius, ANGLES), self._shares(reach * np.sin(SPLITS))[:, None]

    def _moved(self, radius: np.ndarray, angle: np.ndarray) -> tuple[Laws, Laws]:
        """Shapes and scales at a distance from the likeliest law, in standard errors, in a direction."""
        x, y = radius * np.cos(angle), radius * np.sin(angle)
        (a, _), (b, c) = np.linalg.cholesky(covariance(self.shape, len(self.excesses)))
        return self.shape + a * x, self.scale * np.exp(b * x + c * y)

    def _shares(self, root: Float[np.ndarray, "split"]) -> Float[np.ndarray, "split"]:
        """Shares whose signed root of the deviance is `root`: a Poisson law scaled to the binomial's variance."""
        # the ratio r to the share seen solves r - 1 - log r = budget; rounding leaves no solution for a budget of zero
        budget = np.maximum(root**2 * (1 - self.share) / (2 * len(self.excesses)), 1e-14)
        least, most = (-lambertw(-np.exp(-1 - budget), branch).real for branch in (0, -1))
        return np.minimum(self.share * np.where(root > 0, most, least), 1.0)
