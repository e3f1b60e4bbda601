"""Histograms that merge exactly: integers from the bits of single-precision values, by group of paths.

The bits of a float32, mapped so that they sort as the values do, are its *key*. The upper half of the key is the bin,
so a bin's width is at most 2^-7 of its values and no range has to be known in advance. All values in a bin have the
same exponent, so each is the bin's edge plus a whole number of steps, the lower half of the key. The sum of these
integers gives the sum of the values without rounding, in any order.
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
Numbers = Int[np.ndarray, "group"]
Groups = Float[np.ndarray, "group"]
OfBins = Float[np.ndarray, "bin"]
Bins = Int[np.ndarray, "bin"]
Counts = tuple[Bins, Int[np.ndarray, "group bin"], Bins]
Counting = Callable[[np.ndarray, np.ndarray], Counts]
SURE = 100
"""Values are taken for tied where they would seem so by chance at most once in so many intervals."""
_ONE = 2.0**34
"""Weight of one count where a count and a sum of steps share one float64; exact for up to 2^18 values."""


def keys(values: np.ndarray) -> np.ndarray:
    """Keys of float32 values, uint32, with key(a) < key(b) exactly where a < b. Both zeros have the same key."""
    bits = (values + np.float32(0)).view(np.uint32)
    turned = (bits.view(np.int32) >> 31).view(np.uint32)  # all ones where negative
    turned |= np.uint32(1 << 31)
    return turned ^ bits


def values_of(of: np.ndarray) -> np.ndarray:
    """Float32 values with these keys: the inverse of `keys`."""
    bits = np.where(of >> 31, of ^ np.uint32(1 << 31), ~of)
    return bits.astype(np.uint32).view(np.float32)


def edges_of(bins: Bins) -> tuple[OfBins, OfBins]:
    """The lowest value that each bin can hold, and the spacing of values in it: the first fields of `Histogram`."""
    lowest = bins.astype(np.uint32) << np.uint32(16)
    edges = values_of(lowest).astype(np.float64)
    return edges, (values_of(lowest | np.uint32(WIDEST)) - edges) / WIDEST


def counted(values: Float[np.ndarray, "path"], starts: Numbers) -> Counts:
    """Occupied bins int64 [bin], ascending; counts in them int64 [group, bin]; sums of steps int64 [bin].

    Args:
      values: finite [path], at most 2^18; double precision is rounded to single and clipped to its range.
      starts: first path of every group, ascending from 0.
    """
    if values.dtype != np.float32:
        values = np.clip(values, -LARGEST, LARGEST).astype(np.float32)
    return counting(np.ascontiguousarray(values), starts)


def by_numpy(values: Float[np.ndarray, "path"], starts: Numbers) -> Counts:
    """NumPy implementation of `counted`, for values in single precision."""
    key = keys(values)
    top = key >> 16
    lowest = int(top.min(initial=WIDEST))
    cell = (top - np.uint32(lowest)).astype(np.int64)
    pooled = np.bincount(cell, (key & WIDEST) + _ONE)
    held = np.flatnonzero(pooled)
    place, ends = np.cumsum(pooled > 0) - 1, pairwise([*starts, len(values)])
    of_groups = [np.bincount(place[cell[begin:end]], minlength=len(held)) for begin, end in ends]
    counts = np.array(of_groups, np.int64).reshape(len(starts), len(held))
    steps = pooled[held] - counts.sum(axis=0) * _ONE
    return held + lowest, counts, steps.astype(np.int64)


counting: Counting = by_numpy
"""Implementation of `counted` for values in single precision; any other must give the same numbers."""


@dataclass(frozen=True)
class Histogram:
    """Counts of one variable's values by bin, for every group of paths.

    Args:
      edges: lowest value that each bin can hold, float64 [bin], ascending.
      step: spacing of neighbouring values in each bin, float64 [bin].
      counts: number of values in each bin, int64 [group, bin].
      steps: sum over the values of a bin of their distance from its edge in steps, over all groups, int64 [bin].
      totals: sum of the values of each group, float64 [group].
      least, most: the smallest and the largest value.
      rounded: whether the values are of double precision, and were rounded to single precision for their bins.
    """

    edges: OfBins
    step: OfBins
    counts: Int[np.ndarray, "group bin"]
    steps: Bins
    totals: Groups
    least: float
    most: float
    rounded: bool = False

    def negated(self) -> Histogram:
        """Histogram of the negated values."""
        return Histogram(
            -self.tops[::-1],
            self.step[::-1],
            self.counts[:, ::-1],
            (WIDEST * self.pooled - self.steps)[::-1],
            -self.totals,
            0.0 - self.most,  # 0.0 stays 0.0
            0.0 - self.least,
            self.rounded,
        )

    @cached_property
    def sizes(self) -> Numbers:
        """Number of values in each group, int64 [group]."""
        return self.counts.sum(axis=1)

    @cached_property
    def pooled(self) -> Bins:
        """Number of values in each bin over all groups, int64 [bin]."""
        return self.counts.sum(axis=0)

    @property
    def means(self) -> OfBins:
        """Mean of the values in each bin."""
        return self.edges + self.step * (self.steps / self.pooled)

    @property
    def tops(self) -> OfBins:
        """The highest value that each bin can hold."""
        return self.edges + WIDEST * self.step

    @cached_property
    def play(self) -> OfBins:
        """Largest distance of a value in each bin from the place at which it is counted there."""
        play = 0.5 * self.rounded * self.step
        # double precision may go beyond the range of single precision
        play[0] = max(play[0], self.edges[0] - self.least)
        play[-1] = max(play[-1], self.most - self.tops[-1])
        return play

    @cached_property
    def count(self) -> int:
        """Number of values in all groups."""
        return int(self.sizes.sum())

    @property
    def mean(self) -> float:
        """Mean of all values."""
        return float(self.totals.sum() / self.count)

    def largest(self, rank: np.ndarray | int) -> np.ndarray:
        """The value of a given rank, 1 being the largest: interpolated inside its bin, always within `bounds`.

        The values of a bin are taken to lie at W u^g above its lowest value, with u uniform in (0, 1), W the bin's
        width and g such that their mean is the bin's mean.
        """
        at = self._placed(rank)
        guess = at.room * (1 - (at.inside - 0.5) / at.count) ** at.power
        low, high = self.bounds(rank)
        return np.clip(at.lowest + at.step * guess, low, high)

    def bounds(self, rank: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest possible value of a given rank: the ends of its bin, narrowed by the bin's mean.

        Of the c values of the bin, m are at least the value with rank m in the bin, and c - m + 1 at most; the known
        sum of the bin then bounds its distance from the ends.
        """
        at = self._placed(rank)
        high = np.minimum(at.steps // at.inside, at.room)
        low = np.maximum(-((at.room * (at.inside - 1) - at.steps) // (at.count - at.inside + 1)), 0)
        play = self.play[at.bin]
        ends = at.lowest + at.step * low - play, at.lowest + at.step * high + play
        return np.maximum(ends[0], self.least), np.minimum(ends[1], self.most)

    def most_alike(self, low: float, high: float) -> int:
        """Largest number of tied values in a bin between two ends; 0 for none.

        A bin of tied values has a whole mean in steps. Others have one by chance, once in as many bins as they have
        values.
        """
        between = (self.tops >= low) & (self.edges <= high) & (self.pooled > 0)
        count, steps = self.pooled[between], self.steps[between]
        whole = steps % count == 0
        all_tied = whole.all() and np.prod(count, dtype=np.float64) > SURE
        tied = whole & (count > 1) & (all_tied | (count > SURE * len(count)))
        return int(count[tied].max(initial=0))

    def sum_of_largest(self, rank: int) -> tuple[float, float, float]:
        """Sum of the `rank` largest values, interpolated as in `largest`, and its least and greatest possible value."""
        at = self._placed(rank)
        sums = self.pooled * self.edges + self.steps * self.step
        beyond = sums[int(at.bin) + 1 :].sum() + at.inside * at.lowest
        share = at.inside / at.count
        low, high = at.steps * share, np.minimum(at.room * at.inside, at.steps)
        guess = np.clip(at.steps * (1 - (1 - share) ** (1 + at.power)), low, high)
        total, least, most = (float(beyond + at.step * part) for part in (guess, low, high))
        play = float((self.pooled * self.play)[int(at.bin) + 1 :].sum() + at.inside * self.play[at.bin])
        return total, least - play, most + play

    def beyond(self, rank: int, level: np.ndarray) -> tuple[Groups, Groups]:
        """For each group, how many of the `rank` largest values it holds, and their sum of excesses over `level`.

        Both float64 [group]. Over all groups together both are exact, except for interpolation in the last bin. A bin's
        sum is divided among groups in proportion to the values that they have in it.
        """
        at = self._placed(rank)
        bin = int(at.bin)
        above = self.counts[:, bin + 1 :]
        sums = above * self.means[bin + 1 :]
        part = self.counts[:, bin] / at.count
        number = above.sum(axis=1) + at.inside * part
        total = sums.sum(axis=1) + (self.sum_of_largest(rank)[0] - sums.sum()) * part
        return number, total - level * number

    def squares_about(self, mean: float) -> tuple[Groups, float, float]:
        """For each group the sum of squared distances from `mean`; then bounds of the total over all groups.

        Float64 [group]; the bounds are the least and the greatest possible total. Within a bin, values are taken to lie
        as in `largest`. Their variance about the bin's mean b is between 0 and (b - low) (high - b), with low and high
        the bin's ends. A bin's sum is divided among groups in proportion to the values that they have in it.
        """
        first, last, means = np.maximum(self.edges, self.least), np.minimum(self.tops, self.most), self.means
        room, above = last - first, np.clip(means - first, 0.0, None)
        widest = np.where(self.pooled > 1, above * np.clip(last - means, 0.0, None), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            power = np.fmin(room / above - 1, 1e9)
            scatter = np.fmin(np.nan_to_num(room**2 / (1 + 2 * power) - above**2), widest)
        apart = (means - mean) ** 2
        least, most, play = (float(self.pooled @ part) for part in (apart, apart + widest, self.play**2))
        play += 2 * float(np.sqrt(most * play))  # by the triangle inequality
        return self.counts @ (apart + np.maximum(scatter, 0.0)), least - play, most + play

    def skewness_beyond(self, rank: int, level: np.ndarray) -> np.ndarray:
        """Skewness of the mean of (x - level)+ over independent values; the `rank` largest exceed the level."""
        at = int(self._placed(rank).bin)
        counts, excess = self.pooled[at + 1 :], self.means[at + 1 :] - level
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
        first, last = (
            np.rint((np.clip(end, edge, edge + WIDEST * step) - edge) / step).astype(np.int64)
            for end in (self.least, self.most)
        )
        inside = rank - (reached[turned] - count)
        return _Place(bin, inside, count, self.steps[bin] - count * first, last - first, edge + step * first, step)


@dataclass(frozen=True)
class _Place:
    """Bin and position in it of the value with a rank, 1 being the largest; or of several ranks.

    Args:
      bin: index of the bin.
      inside: rank within the bin, from the top.
      count: number of values in the bin.
      steps: sum of their distances, in steps, from the lowest possible value.
      room: distance, in steps, from the lowest to the highest possible value.
      lowest: lowest possible value.
      step: spacing of neighbouring values.
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
        """Exponent g of values W u^g whose mean is steps / count: W count / steps - 1, at most 1e9."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.fmin(self.room * self.count / np.asarray(self.steps, np.float64) - 1, 1e9)
