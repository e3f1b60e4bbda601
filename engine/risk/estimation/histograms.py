"""Histograms that merge exactly: whole numbers on the bits of single-precision values, by group of paths.

The bits of a float32, turned so that they order like the values, are its *key*. The upper half of the key names the
bin, so a bin is at most 2^-7 of its values wide and no range has to be known before. Inside a bin all values have one
exponent, so a value is the bin's edge plus a whole number of steps, the lower half of the key: the sum of these numbers
gives the sum of the values without rounding, in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

BINS = 1 << 16
LARGEST = float(np.finfo(np.float32).max)
WIDEST = BINS - 1
"""Steps from the lowest to the highest value of a bin."""
Counts = tuple[Int[np.ndarray, "bin"], Int[np.ndarray, "group bin"], Int[np.ndarray, "bin"]]
Counting = Callable[[np.ndarray, np.ndarray], Counts]
_ONE = 2.0**34
"""What counts as one value where values and their steps are summed up in one number: of 2^18 values it is exact."""


def keys(values: np.ndarray) -> np.ndarray:
    """Keys of float32 values, uint32: a < b where, and only where, key(a) < key(b). Both zeros have the same key."""
    bits = np.ascontiguousarray(_single(values) + np.float32(0)).view(np.uint32)
    turned = (bits.view(np.int32) >> 31).view(np.uint32)  # all ones where negative
    turned |= np.uint32(1 << 31)
    turned ^= bits
    return turned


def values_of(of: np.ndarray) -> np.ndarray:
    """Float32 values of keys."""
    bits = np.where(of >> 31, of ^ np.uint32(1 << 31), ~of)
    return bits.astype(np.uint32).view(np.float32)


def edges_of(bins: Int[np.ndarray, "bin"]) -> tuple[Float[np.ndarray, "bin"], Float[np.ndarray, "bin"]]:
    """The lowest value that each bin can hold, and the distance of neighbouring values in it: the first fields of `Histogram`."""
    lowest = bins.astype(np.uint32) << np.uint32(16)
    edges = values_of(lowest).astype(np.float64)
    return edges, (values_of(lowest | np.uint32(WIDEST)) - edges) / WIDEST


def _single(values: np.ndarray) -> np.ndarray:
    """Values in single precision, the largest of which takes the place of larger ones."""
    if values.dtype == np.float32:
        return values
    single: np.ndarray = np.clip(values, -LARGEST, LARGEST).astype(np.float32)
    return single


def counted(values: Float[np.ndarray, "path"], starts: Int[np.ndarray, "group"]) -> Counts:
    """Bins that hold a value, int64 [bin] ascending; counts in them, int64 [group, bin]; sums of steps, int64 [bin].

    Args:
      values: finite [path], at most 2^18; in double precision they are rounded to single.
      starts: first path of every group, ascending from 0.
    """
    return _COUNTING[0](np.ascontiguousarray(_single(values)), starts)


def by_numpy(values: Float[np.ndarray, "path"], starts: Int[np.ndarray, "group"]) -> Counts:
    """As `counted`, of values of single precision."""
    key = keys(values)
    top = key >> 16
    lowest = int(top.min(initial=WIDEST))
    cell = (top - np.uint32(lowest)).astype(np.int64)
    pooled = np.bincount(cell, (key & WIDEST) + _ONE)
    held = np.flatnonzero(pooled)
    place = np.zeros(len(pooled), np.int64)
    place[held] = np.arange(len(held))
    counts = np.empty((len(starts), len(held)), np.int64)
    for of_group, (begin, end) in zip(counts, pairwise([*starts, len(values)]), strict=True):
        of_group[:] = np.bincount(place[cell[begin:end]], minlength=len(held))
    steps = pooled[held] - counts.sum(axis=0) * _ONE
    return held + lowest, counts, steps.astype(np.int64)


_COUNTING: list[Counting] = [by_numpy]


def use(counting: Counting) -> None:
    """Has values counted by another, to the same numbers."""
    _COUNTING[0] = counting


@dataclass(frozen=True)
class Histogram:
    """Values of one variable by bin, for every group of paths.

    Args:
      edges: lowest value that each bin can hold, float64 [bin] ascending.
      step: distance of neighbouring values in each bin, float64 [bin].
      counts: values in each bin, int64 [group, bin].
      steps: sum over these values of their steps above the edge, all groups together, int64 [bin].
      totals: sum of the values of each group, float64 [group].
      least, most: the smallest and the largest value.
    """

    edges: Float[np.ndarray, "bin"]
    step: Float[np.ndarray, "bin"]
    counts: Int[np.ndarray, "group bin"]
    steps: Int[np.ndarray, "bin"]
    totals: Float[np.ndarray, "group"]
    least: float
    most: float

    def negated(self) -> Histogram:
        """That of the negative values."""
        return Histogram(
            -(self.edges + WIDEST * self.step)[::-1],
            self.step[::-1],
            self.counts[:, ::-1],
            (WIDEST * self.pooled - self.steps)[::-1],
            -self.totals,
            -self.most,
            -self.least,
        )

    @cached_property
    def sizes(self) -> Int[np.ndarray, "group"]:
        """Values in each group, int64 [group]."""
        return self.counts.sum(axis=1)

    @cached_property
    def pooled(self) -> Int[np.ndarray, "bin"]:
        """Values in each bin, int64 [bin]."""
        return self.counts.sum(axis=0)

    @cached_property
    def count(self) -> int:
        """Values in all groups."""
        return int(self.sizes.sum())

    def largest(self, rank: np.ndarray | int) -> np.ndarray:
        """The value with so many, itself among them, from it upwards: guessed inside its bin, never outside of `bounds`.

        The values of a bin are taken to lie at W u^g above its lowest, u even in (0, 1), W the room that it has, g what
        gives them their mean.
        """
        at = self._placed(rank)
        guess = at.room * (1 - (at.inside - 0.5) / at.count) ** at.power
        low, high = self.bounds(rank)
        return np.clip(at.lowest + at.step * guess, low, high)

    def bins_of(self, ranks: np.ndarray) -> np.ndarray:
        """Which bins hold the values with so many, themselves among them, from them upwards."""
        return self._placed(ranks).bin

    def bounds(self, rank: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest that `largest` can truly be: the ends of the bin, drawn in by the bin's mean.

        Of c values in a bin, m of them reach the one looked for and c - m + 1 do not pass it; what they sum to says how
        far it can be from the ends.
        """
        at = self._placed(rank)
        high = np.minimum(at.steps // at.inside, at.room)
        low = np.maximum(-((at.room * (at.inside - 1) - at.steps) // (at.count - at.inside + 1)), 0)
        return at.lowest + at.step * low, at.lowest + at.step * high

    def sum_of_largest(self, rank: int) -> tuple[float, float, float]:
        """Sum of the so many largest values: guessed as in `largest`, and the lowest and highest that it can truly be."""
        at = self._placed(rank)
        sums = self.pooled * self.edges + self.steps * self.step
        beyond = sums[int(at.bin) + 1 :].sum() + at.inside * at.lowest
        share = at.inside / at.count
        low, high = at.steps * share, np.minimum(at.room * at.inside, at.steps)
        guess = np.clip(at.steps * (1 - (1 - share) ** (1 + at.power)), low, high)
        total, least, most = (float(beyond + at.step * part) for part in (guess, low, high))
        return total, least, most

    def beyond(
        self, rank: int, level: float
    ) -> tuple[Float[np.ndarray, "group"], Float[np.ndarray, "group"]]:
        """By group, float64 [group]: how many of the so many largest values it holds, and their sum less `level` each.

        Exact over all groups together, but for the guess in the last bin; a group takes of each bin's sum, and of the
        last bin's part, as much as it holds of its values.
        """
        at = self._placed(rank)
        bin = int(at.bin)
        above = self.counts[:, bin + 1 :]
        sums = above * (self.edges + self.step * (self.steps / self.pooled))[bin + 1 :]
        part = self.counts[:, bin] / at.count
        number = above.sum(axis=1) + at.inside * part
        total = sums.sum(axis=1) + (self.sum_of_largest(rank)[0] - sums.sum()) * part
        return number, total - level * number

    def squares_about(self, mean: float) -> tuple[Float[np.ndarray, "group"], float, float]:
        """By group, float64 [group], the sum of squared distances from a mean; the lowest and highest it can be over all groups.

        The values of a bin have the bin's mean b, and are guessed to lie as in `largest`; how they scatter about b adds from
        nothing to (b - low) (high - b) each, at its ends low and high. A group takes of each bin's sum what it holds of its values.
        """
        first, last = (
            np.maximum(self.edges, self.least),
            np.minimum(self.edges + WIDEST * self.step, self.most),
        )
        mean_of_bin = self.edges + self.step * (self.steps / self.pooled)
        room, above = last - first, np.clip(mean_of_bin - first, 0.0, None)
        widest = np.where(self.pooled > 1, above * np.clip(last - mean_of_bin, 0.0, None), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            power = np.fmin(room / above - 1, 1e9)
            scatter = np.fmin(np.nan_to_num(room**2 / (1 + 2 * power) - above**2), widest)
        apart = (mean_of_bin - mean) ** 2
        least, most = float(self.pooled @ apart), float(self.pooled @ (apart + widest))
        return self.counts @ (apart + np.maximum(scatter, 0.0)), least, most

    def skewness_beyond(self, rank: int, level: float) -> np.ndarray:
        """Skewness of the mean of (x - level)+ over independent values, the so many largest of which are above it."""
        at = int(self._placed(rank).bin)
        counts = self.pooled[at + 1 :]
        excess = (self.edges + self.step * (self.steps / self.pooled))[at + 1 :] - level
        total, square, cube = (np.sum(counts * excess**power) for power in (1, 2, 3))
        mean = total / self.count
        spread = square - self.count * mean**2
        third = cube - 3 * mean * square + 2 * self.count * mean**3
        return np.asarray(third / spread**1.5 if spread > 0 else 0.0)

    def _placed(self, rank: np.ndarray | int) -> _Place:
        reached = np.cumsum(self.pooled[::-1])
        turned = np.searchsorted(reached, rank)
        bin = len(reached) - 1 - turned
        edge, step, count = self.edges[bin], self.step[bin], self.pooled[bin]
        first = np.rint(np.maximum(self.least - edge, 0) / step).astype(np.int64)
        last = np.rint(np.minimum((self.most - edge) / step, WIDEST)).astype(np.int64)
        inside = rank - (reached[turned] - count)
        return _Place(
            bin, inside, count, self.steps[bin] - count * first, last - first, edge + step * first, step
        )


@dataclass(frozen=True)
class _Place:
    """Where the value with some rank lies, or those with several.

    Args:
      bin: which bin.
      inside: its rank from the top in the bin.
      count: values in the bin.
      steps: sum of their steps above the lowest that there can be.
      room: steps from the lowest to the highest that there can be.
      lowest: that value.
      step: distance of neighbouring values.
    """

    bin: np.ndarray
    inside: np.ndarray
    count: np.ndarray
    steps: np.ndarray
    room: np.ndarray
    lowest: np.ndarray
    step: np.ndarray

    @property
    def power(self) -> np.ndarray:
        """g of values W u^g whose mean is steps / count: W count / steps - 1; no more than what rounds to the lowest."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.fmin(self.room * self.count / np.asarray(self.steps, np.float64) - 1, 1e9)
