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
from scipy.special import stdtrit

from engine.risk.estimation.intervals import CONFIDENCE, Moments, Units, moments_of_totals

MOST = 4096
"""Batches, at most: the error of a standard error from so many is 1 %."""
DRAWS = 5_000
"""Draws of the largest error: its 95 % quantile is exact to 1 %."""
SLICE = 1 << 16
"""Values whose codes are made at a time, so that they stay in a core's cache."""
PLAIN = 100
"""Batches from which on a number that is far beyond what each alone reaches, for all numbers made wider, is beyond what all reach."""
FAR = 2.0
"""How many times as far that is."""
ROWS = 16
"""Rows whose products are made at a time."""
Totals = Float[np.ndarray, "*cells batch"]


def batched(units: Units) -> Units:
    """Whole units gathered into at most `MOST` batches of neighbours, which take their place."""
    if units.count <= MOST:
        return units
    owner = units.owners(np.arange(units.paths)) * np.int64(MOST) // units.count
    return Units(units.paths, units.size, owner)


def codes(levels: Num[np.ndarray, "level"], values: Num[np.ndarray, "path"]) -> Int[np.ndarray, "path"]:
    """How many of some levels each value is strictly above: with few levels faster than searching each value among them."""
    above = np.zeros(len(values), np.min_scalar_type(len(levels)))
    for first in range(0, len(values), SLICE):
        part, into = values[first : first + SLICE], above[first : first + SLICE]
        for level in levels:
            into += part > level
    return above


def binned(
    code: Int[np.ndarray, "path"],
    bins: int,
    batches: Units,
    weights: Num[np.ndarray, "path"] | None = None,
) -> Float[np.ndarray, "bin batch"]:
    """How many paths of each batch have each code, or what their weights add up to, [bin, batch]."""
    owner = batches.owners(np.arange(batches.paths)) if batches.owner is None else batches.owner
    count = np.bincount(owner * np.int64(bins) + code, weights, batches.count * bins)
    return count.reshape(batches.count, bins).T.astype(np.float64)


def from_each(counts: Num[np.ndarray, "bin ..."]) -> Num[np.ndarray, "bin ..."]:
    """Sums of the rows from each one on."""
    return np.cumsum(counts[::-1], axis=0)[::-1]


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

    def beyond(self, errors: float) -> bool:
        """Whether so many standard errors are more than `reach`, which takes long and is left alone where that is plain without it."""
        if not errors > self.batches.reach:
            return False
        if self.batches.count >= PLAIN:
            # that all numbers together miss is no likelier than each for itself together
            alone = stdtrit(self.batches.count - 1, 1 - (1 - CONFIDENCE) / (2 * self.moments.mean.size))
            if errors > FAR * alone:
                return True
        return bool(errors > self.reach)


def _largest(residual: Float[np.ndarray, "number batch"]) -> float:
    """The 95 % quantile of the largest of several Student's t, with the correlations of residuals of unit length."""
    numbers, batches = residual.shape
    random = np.random.default_rng([numbers, batches])
    # not by BLAS, whose threads wait for one another where several threads call it
    if numbers < batches:
        value, vector = np.linalg.eigh(_lower_products(residual))
        residual = vector * np.sqrt(np.maximum(value, 0.0))
    normal = random.standard_normal((DRAWS, residual.shape[1]), np.float32)
    errors = np.einsum("db,kb->dk", normal, residual.astype(np.float32))
    largest = np.abs(errors).max(axis=1)
    largest /= np.sqrt(random.chisquare(batches - 1, DRAWS) / (batches - 1))
    return float(np.quantile(largest, CONFIDENCE))


def _lower_products(rows: Float[np.ndarray, "number batch"]) -> Float[np.ndarray, "number number"]:
    """Products of every two rows, below the diagonal and on it: all that `eigh` reads."""
    products = np.zeros((len(rows), len(rows)))
    for first in range(0, len(rows), ROWS):
        last = first + ROWS
        products[first:last, :last] = np.einsum("kb,jb->kj", rows[first:last], rows[:last])
    return products
