"""Many numbers at once, with intervals that hold together: how far the largest of their studentised errors reaches, by multipliers over units.

Every number is a mean over paths. Units are gathered into at most `MOST` batches, which are as independent as they are, so that what is
in memory does not grow with the paths. Gaussian multipliers on the batches' residuals make errors of the same covariance; the 95 % quantile
of the largest of them is what takes the place of 1.96. Source: Chernozhukov, Chetverikov and Kato (2013), Ann. Statist. 41, 2786-2819,
doi:10.1214/13-AOS1161.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, Num

from engine.risk.intervals import CONFIDENCE, Moments, Units, moments_of_totals

MOST = 4096
"""Batches, at most: the error of a standard error from so many is 1 %."""
DRAWS = 5_000
"""Draws of the largest error: its 95 % quantile is exact to 1 %."""
Totals = Float[np.ndarray, "*cells batch"]


def batched(units: Units) -> Units:
    """Whole units gathered into at most `MOST` batches of neighbours, which take their place."""
    if units.count <= MOST:
        return units
    owner = units.owners(np.arange(units.paths)) * np.int64(MOST) // units.count
    return Units(units.paths, units.size, owner)


def binned(
    code: Int[np.ndarray, "path"],
    bins: int,
    batches: Units,
    weights: Num[np.ndarray, "path"] | None = None,
) -> Float[np.ndarray, "bin batch"]:
    """How many paths of each batch have each code, or what their weights add up to, [bin, batch]."""
    owner = batches.owners(np.arange(batches.paths))
    count = np.bincount(owner * np.int64(bins) + code, weights, batches.count * bins)
    return count.reshape(batches.count, bins).T.astype(np.float64)


def from_each(counts: Num[np.ndarray, "bin ..."]) -> Num[np.ndarray, "bin ..."]:
    """Sums of the rows from each one on."""
    sums: np.ndarray = np.cumsum(counts[::-1], axis=0)[::-1]
    return sums


@dataclass(frozen=True)
class Together:
    """Means over paths that are looked at together, from their totals over batches [..., batch]."""

    totals: Totals
    batches: Units

    @cached_property
    def moments(self) -> Moments:
        """Mean and standard error of each."""
        return moments_of_totals(self.totals, self.batches)

    @cached_property
    def reach(self) -> float:
        """Standard errors that intervals reach that hold the truth all at once, in 95 % of cases; never less than one alone reaches.

        Student's, as one alone is, where batches are few. NaN for a single batch.
        """
        mean, error = self.moments.mean, self.moments.error
        if self.batches.count < 2:
            return np.nan
        flat = self.totals.reshape(-1, self.batches.count)
        moving = np.flatnonzero(error.ravel() > 0)
        if not len(moving):
            return self.batches.reach
        residual = flat[moving] - self.batches.sizes * mean.ravel()[moving, None]
        residual /= np.sqrt(np.einsum("kb,kb->k", residual, residual))[:, None]
        return max(_largest(residual), self.batches.reach)


def _largest(residual: Float[np.ndarray, "number batch"]) -> float:
    """The 95 % quantile of the largest of several Student's t, with the correlations of residuals of unit length."""
    numbers, batches = residual.shape
    random = np.random.default_rng([numbers, batches])
    # not by BLAS, whose threads wait for one another where several threads call it
    if numbers < batches:
        value, vector = np.linalg.eigh(np.einsum("kb,jb->kj", residual, residual))
        residual = vector * np.sqrt(np.maximum(value, 0.0))
    normal = random.standard_normal((DRAWS, residual.shape[1]), np.float32)
    errors = np.einsum("db,kb->dk", normal, residual.astype(np.float32))
    largest = np.abs(errors).max(axis=1)
    largest /= np.sqrt(random.chisquare(batches - 1, DRAWS) / (batches - 1))
    return float(np.quantile(largest, CONFIDENCE))
