"""Histograms that merge exactly: integers from the bits of single-precision values, by group of paths.

The bits of a float32, mapped so that they sort as the values do, are its *key*. The upper half of the key is the bin,
so a bin's width is at most 2^-7 of its values and no range has to be known in advance. All values in a bin have the
same exponent, so each is the bin's edge plus a whole number of steps, the lower half of the key. The sum of these
integers gives the sum of the values without rounding, in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from engine.risk.estimation.properties import cached_property

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


def keys(values: np.ndarray) -> np.ndarray:
    """Keys of float32 values, uint32, with key(a) < key(b) exactly where a < b. Both zeros have the same key."""
    bits = (values + np.float32(0)).view(np.uint32)
    return np.where(bits >> 31, ~bits, bits ^ np.uint32(1 << 31))


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
    held, place = np.unique(key >> 16, return_inverse=True)
    of_groups = [np.bincount(place[begin:end], minlength=len(held)) for begin, end in pairwise([*starts, len(values)])]
    counts = np.array(of_groups, np.int64).reshape(len(starts), len(held))
    steps = np.bincount(place, key & WIDEST, len(held))
    return held.astype(np.int64), counts, steps.astype(np.int64)


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

    @cached_property
    def _inside(self) -> tuple[OfBins, Bins, Bins]:
        """Of each bin: its lowest possible value; steps from it to the highest one, and summed over the bin's values.

        The smallest and the largest value of all narrow the first and the last bin.
        """
        first, last = (
            np.rint((np.clip(end, self.edges, self.tops) - self.edges) / self.step).astype(np.int64)
            for end in (self.least, self.most)
        )
        return self.edges + self.step * first, last - first, self.steps - self.pooled * first

    @cached_property
    def _power(self) -> OfBins:
        """Exponent g of values W u^g in each bin, with u uniform in (0, 1), whose mean is the bin's; at most 1e9."""
        _, room, steps = self._inside
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.fmin(room * self.pooled / steps.astype(np.float64) - 1, 1e9)

    def _placed(self, rank: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
        """Bin of the value with a rank, 1 being the largest, and the rank inside the bin, from the top."""
        reached = np.cumsum(self.pooled[::-1])
        turned = np.searchsorted(reached, rank)
        bin = len(reached) - 1 - turned
        return bin, rank - (reached[turned] - self.pooled[bin])

    def largest(self, rank: np.ndarray | int) -> np.ndarray:
        """The value of a given rank, 1 being the largest: interpolated inside its bin, always within `bounds`.

        The values of a bin are taken to lie at W u^g above its lowest value, with u uniform in (0, 1), W the bin's
        width and g such that their mean is the bin's mean.
        """
        bin, inside = self._placed(rank)
        lowest, room, _ = self._inside
        guess = room[bin] * (1 - (inside - 0.5) / self.pooled[bin]) ** self._power[bin]
        return np.clip(lowest[bin] + self.step[bin] * guess, *self.bounds(rank))

    def bounds(self, rank: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest possible value of a given rank: the ends of its bin, narrowed by the bin's mean.

        Of the c values of the bin, m are at least the value with rank m in the bin, and c - m + 1 at most; the known
        sum of the bin then bounds its distance from the ends.
        """
        bin, inside = self._placed(rank)
        lowest, room, steps = (of[bin] for of in self._inside)
        high = np.minimum(steps // inside, room)
        low = np.maximum(-((room * (inside - 1) - steps) // (self.pooled[bin] - inside + 1)), 0)
        least, most = (lowest + self.step[bin] * end for end in (low, high))
        return np.maximum(least - self.play[bin], self.least), np.minimum(most + self.play[bin], self.most)

    def alike(self, rank: int, ends: tuple[int, int]) -> int:
        """Number of values that are equal to that of a rank, if those from one to another rank are tied; else 1.

        A bin of tied values has a whole mean in steps. Others have one by chance, once in as many bins as they have
        values.
        """
        bin, first, last = (int(self._placed(one)[0]) for one in (rank, *ends))
        count, steps = (of[first : last + 1] for of in (self.pooled, self.steps))
        sure = (steps % count == 0).all() and np.prod(count, dtype=np.float64) > SURE
        return int(self.pooled[bin]) if sure else 1

    def sum_of_largest(self, rank: int) -> tuple[float, float, float]:
        """Sum of the `rank` largest values, interpolated as in `largest`, and its least and greatest possible value."""
        bin, inside = map(int, self._placed(rank))
        lowest, room, steps = (of[bin] for of in self._inside)
        sums, share = self.pooled * self.edges + self.steps * self.step, inside / self.pooled[bin]
        beyond = sums[bin + 1 :].sum() + inside * lowest
        low, high = steps * share, np.minimum(room * inside, steps)
        guess = np.clip(steps * (1 - (1 - share) ** (1 + self._power[bin])), low, high)
        total, least, most = (float(beyond + self.step[bin] * part) for part in (guess, low, high))
        play = float((self.pooled * self.play)[bin + 1 :].sum() + inside * self.play[bin])
        return total, least - play, most + play

    def beyond(self, rank: int, level: np.ndarray) -> tuple[Groups, Groups]:
        """For each group, how many of the `rank` largest values it holds, and their sum of excesses over `level`.

        Both float64 [group]. Over all groups together both are exact, except for interpolation in the last bin. A bin's
        sum is divided among groups in proportion to the values that they have in it.
        """
        bin, inside = map(int, self._placed(rank))
        above, part = self.counts[:, bin + 1 :], self.counts[:, bin] / self.pooled[bin]
        sums = above * self.means[bin + 1 :]
        number = above.sum(axis=1) + inside * part
        total = sums.sum(axis=1) + (self.sum_of_largest(rank)[0] - sums.sum()) * part
        return number, total - level * number

    def squares_about(self, mean: float) -> tuple[Groups, float, float]:
        """For each group the sum of squared distances from `mean`; then bounds of the total over all groups.

        Float64 [group]; the bounds are the least and the greatest possible total. Within a bin, values are taken to lie
        as in `largest`. Their variance about the bin's mean b is between 0 and (b - low) (high - b), with low and high
        the bin's ends. A bin's sum is divided among groups in proportion to the values that they have in it.
        """
        _, room, steps = self._inside
        width, above = room * self.step, steps / self.pooled * self.step
        widest = np.where(self.pooled > 1, above * (width - above), 0.0)
        scatter = np.clip(width**2 / (1 + 2 * self._power) - above**2, 0.0, widest)
        apart = (self.means - mean) ** 2
        least, most, play = (float(self.pooled @ part) for part in (apart, apart + widest, self.play**2))
        play += 2 * float(np.sqrt(most * play))  # by the triangle inequality
        return self.counts @ (apart + scatter), least - play, most + play

    def skewness_beyond(self, rank: int, level: np.ndarray) -> np.ndarray:
        """Skewness of the mean of (x - level)+ over independent values; the `rank` largest exceed the level."""
        bin = int(self._placed(rank)[0])
        beyond, excess = self.pooled[bin + 1 :], self.means[bin + 1 :] - level
        counts = np.append(beyond, self.count - beyond.sum())
        away = np.append(excess, 0.0) - beyond @ excess / self.count
        spread = counts @ away**2
        return np.asarray(counts @ away**3 / spread**1.5 if spread > 0 else 0.0)
