"""Simultaneous 95 % intervals for many means over paths, by a Gaussian multiplier bootstrap over units.

Units are gathered into at most `MOST` batches, which are as independent as units are, so that memory does not grow with
the number of paths. Gaussian multipliers on the batches' residuals give errors with the covariance of the means; the 95
% quantile of the largest studentised error takes the place of 1.96. Source: Chernozhukov, Chetverikov and Kato (2013),
Ann. Statist. 41, 2786-2819, doi:10.1214/13-AOS1161.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.special import stdtrit

from engine.risk.estimation.intervals import CONFIDENCE, Moments, Units, moments_of_totals

MOST = 4096
"""Greatest number of batches; a standard error from so many has a relative error of 1 %."""
DRAWS = 5_000
"""Draws of the largest error, whose 95 % quantile then has a relative error of 1 %."""
SLICE = 1 << 16
"""Values that are coded at a time, so that they stay in a core's cache."""
PLAIN = 100
"""Batches from which on `Together.reach` need not be computed for errors far beyond Bonferroni's limit."""
FAR = 2.0
"""Multiple of Bonferroni's limit that counts as far beyond it."""
ROWS = 16
"""Rows whose products are computed at a time."""
Totals = Float[np.ndarray, "*cells batch"]


def batched(units: Units) -> Units:
    """Neighbouring units gathered into at most `MOST` batches, which serve as units."""
    if units.count <= MOST:
        return units
    owner = units.owners(np.arange(units.paths)) * np.int64(MOST) // units.count
    return Units(units.paths, units.size, owner)


def codes(levels: Num[np.ndarray, "level"], values: Num[np.ndarray, "path"]) -> Int[np.ndarray, "path"]:
    """Number of levels that each value is strictly above; for few levels faster than a binary search."""
    above = np.zeros(len(values), np.min_scalar_type(len(levels)))
    for first in range(0, len(values), SLICE):
        part, into = values[first : first + SLICE], above[first : first + SLICE]
        for level in levels:
            into += part > level
    return above


def binned(
    code: Int[np.ndarray, "path"], bins: int, batches: Units, weights: Num[np.ndarray, "path"] | None = None
) -> Float[np.ndarray, "bin batch"]:
    """Number of paths of each batch with each code, or the sum of their weights [bin, batch]."""
    owner = batches.owners(np.arange(batches.paths))
    count = np.bincount(owner * np.int64(bins) + code, weights, batches.count * bins)
    return count.reshape(batches.count, bins).T.astype(np.float64)


def from_each(counts: Num[np.ndarray, "bin ..."]) -> Num[np.ndarray, "bin ..."]:
    """Cumulated sums of the rows from each row to the last."""
    return np.cumsum(counts[::-1], axis=0)[::-1]


@dataclass(frozen=True)
class Together:
    """Means over paths that need simultaneous intervals, from their totals over batches [..., batch]."""

    totals: Totals
    batches: Units

    @cached_property
    def moments(self) -> Moments:
        """Mean and standard error of each number."""
        return moments_of_totals(self.totals, self.batches)

    @cached_property
    def reach(self) -> float:
        """Half-width, in standard errors, of intervals that hold for all numbers at once with 95 % confidence.

        Never less than for one number alone; based on Student's t, with one degree of freedom less than there are
        batches. NaN for a single batch.
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

    def beyond(self, errors: float) -> bool:
        """Whether `errors` standard errors are more than `reach`, which is only computed if the answer needs it."""
        if not errors > self.batches.reach:
            return False
        if self.batches.count >= PLAIN:
            # Bonferroni: the probability that any number misses is at most the sum over the numbers
            alone = stdtrit(self.batches.count - 1, 1 - (1 - CONFIDENCE) / (2 * self.moments.mean.size))
            if errors > FAR * alone:
                return True
        return bool(errors > self.reach)


def _largest(residual: Float[np.ndarray, "number batch"]) -> float:
    """95 % quantile of the largest absolute value of several Student's t with the correlations of the residuals."""
    numbers, batches = residual.shape
    random = np.random.default_rng([numbers, batches])
    # not by BLAS, whose threads would wait for one another when several threads call it
    if numbers < batches:
        value, vector = np.linalg.eigh(_lower_products(residual))
        residual = vector * np.sqrt(np.maximum(value, 0.0))
    normal = random.standard_normal((DRAWS, residual.shape[1]), np.float32)
    errors = np.einsum("db,kb->dk", normal, residual.astype(np.float32))
    largest = np.abs(errors).max(axis=1)
    largest /= np.sqrt(random.chisquare(batches - 1, DRAWS) / (batches - 1))
    return float(np.quantile(largest, CONFIDENCE))


def _lower_products(rows: Float[np.ndarray, "number batch"]) -> Float[np.ndarray, "number number"]:
    """Products of all pairs of rows, on and below the diagonal only, as `eigh` reads no others."""
    products = np.zeros((len(rows), len(rows)))
    for first in range(0, len(rows), ROWS):
        last = first + ROWS
        products[first:last, :last] = np.einsum("kb,jb->kj", rows[first:last], rows[:last])
    return products
