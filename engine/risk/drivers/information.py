"""What it is worth to know some inputs before a policy is chosen, by the best rule that reads them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import ndtri
from scipy.stats import rankdata

from engine.risk.estimation.held_against import HeldAgainst
from engine.risk.estimation.intervals import Estimate, Units

Paths = Float[np.ndarray, "path"]

FOLDS = 2
KNOTS = (-1.0, 0.0, 1.0)
"""Normal scores at which the regression on an input may bend."""
MOST_CROSSED = 16
"""Inputs up to which the regression has products of any two of them."""
AT_ONCE = 1 << 15
"""Numbers that are regressed on at a time: what the cache holds is not read from further away."""
ON_ONE_THREAD = 1 << 18
"""Products up to which BLAS multiplies two matrices on the thread that asks."""
Losses = Float[np.ndarray, "policy path"]


class Decision:
    """A choice between policies by the mean loss, or by ES at a level.

    Args:
      losses: under each policy, high being worse.
      units: of the paths.
      level: of ES; None for the mean.
    """

    def __init__(self, losses: Losses, units: Units, level: float | None):
        self.losses, self.units, self.level = losses, units, level
        self.unread = choice(losses, level)
        """The policy that is picked without knowing anything."""
        self._own = HeldAgainst(losses[self.unread], units, True, (0.99,) if level is None else (level,))

    @cached_property
    def halves(self) -> list[tuple[int, Losses] | None]:
        """By fold: the policy that is picked on it without knowing, and what is regressed there, less that under this policy."""
        fold = folds(self.units)
        return [self._half(fold == seen) for seen in range(FOLDS)]

    def _half(self, fit: Bool[np.ndarray, "path"]) -> tuple[int, Losses] | None:
        if not fit.any():
            return None
        target = np.compress(fit, self.losses, axis=1)
        best = choice(target, self.level)
        if self.level is not None:
            target = np.maximum(target - np.quantile(target[best], self.level), 0.0)
        # the regression of differences: what is the same under all policies is no noise in the choice
        return best, target - target[best]

    def gain(self, chosen: Paths) -> Estimate:
        """The measure of the policy that is best without knowing, less that of what is chosen by knowing."""
        if np.array_equal(self.losses[self.unread], chosen):
            return Estimate(0.0, 0.0, 0.0, 0.0)
        gap = self._own.less(chosen)
        return gap["mean" if self.level is None else f"ES{100 * self.level:g}"]

    def gain_of_everything(self) -> Estimate:
        """How much lower the mean loss, or ES, is where the policy is picked with the whole future known."""
        return self.gain(self.losses.min(axis=0))


class Reader:
    """Whoever reads some inputs before policies are picked.

    Args:
      scores: normal scores of the inputs: `normal_scores`.
      decisions: between the same policies on the same paths; all are regressed at once.
    """

    def __init__(self, scores: Sequence[Float[np.ndarray, "path"]], decisions: Sequence[Decision]):
        self._decisions, self._fold = decisions, folds(decisions[0].units)
        rows = np.stack(scores)
        read = [np.compress(self._fold == fold, rows, axis=1) for fold in range(FOLDS)]
        weights = np.stack([self._weights(seen, read[seen]) for seen in range(FOLDS)])
        self._expected = [_expected(weights, some) for some in read]

    def _weights(self, seen: int, read: Float[np.ndarray, "input path"]) -> Float[np.ndarray, "line feature"]:
        """What features add to what each decision regards under each policy, by least squares on one fold."""
        halves = [half[1] for half in (one.halves[seen] for one in self._decisions) if half is not None]
        if not halves:
            return np.zeros((sum(len(one.losses) for one in self._decisions), _count(len(read))))
        targets = np.concatenate(halves)
        count = _count(len(read))
        sums: np.ndarray = np.zeros((count + len(targets), count))
        for part in _parts(read):
            features = _features(read[:, part])
            sums += _product(np.concatenate([features, targets[:, part]]), np.ascontiguousarray(features.T))
        return _product(sums[count:], np.linalg.pinv(sums[:count], rcond=1e-10, hermitian=True))

    def gain(self, at: int) -> Estimate:
        """How much lower the mean loss, or ES at a level, is where the policy is picked by a rule that reads these inputs alone.

        The rule picks the policy with the least expected loss given the inputs (of ES: the least expected excess over the threshold
        that ES has without them), by regression on their normal scores: bent lines, and products of any two; another than the best one
        without knowing only from a margin on that pays. It is fitted on one half of the units and judged on the other, and the other
        way round: what is seen is what such a rule gains, and no more than the value of perfect information on these inputs, from
        which it is as far as the regression is from their true expectation.
        Source: Strong, Oakley and Brennan (2014), Med. Decis. Making 34, 311-326, doi:10.1177/0272989X13505910.

        Args:
          at: which of the decisions.
        """
        of = self._decisions[at]
        lines = slice(at * len(of.losses), (at + 1) * len(of.losses))
        picked = np.full(len(self._fold), of.unread)
        for seen, half in enumerate(of.halves):
            judged = 1 - seen  # of two folds the one is what the other is judged on
            if half is None or not (on := self._fold == judged).any():
                continue
            best, gaps = half
            margin = _margin(gaps, self._expected[seen][seen, lines], best)
            expected = self._expected[judged][seen, lines]
            gain = expected[best] - expected.min(axis=0)
            picked[on] = np.where(gain > margin, np.argmin(expected, axis=0), best)
        return of.gain(np.take_along_axis(of.losses, picked[None], axis=0)[0])


def folds(units: Units) -> Int[np.ndarray, "path"]:
    """Which fold each path is in: whole units."""
    return units.owners(np.arange(units.paths)) % FOLDS


def normal_scores(draws: Paths) -> Paths:
    """The normal scores of draws, by their ranks."""
    return ndtri((rankdata(draws) - 0.5) / len(draws))


def choice(losses: Losses, level: float | None) -> int:
    """The policy that is picked without knowing anything: the least mean loss, or ES."""
    if level is None:
        return int(np.argmin(losses.mean(axis=1)))
    beyond = max(1, round((1 - level) * losses.shape[1]))
    return int(np.argmin(np.partition(losses, -beyond, axis=1)[:, -beyond:].mean(axis=1)))


def _margin(gaps: Losses, expected: Losses, best: int) -> float:
    """How much is to be expected of another policy than `best` before it is picked: what gains most where the rule was fitted.

    Args:
      gaps: how much more each policy loses than `best`.
    """
    gain = expected[best] - expected.min(axis=0)
    some = np.flatnonzero(gain)
    order = some[np.argsort(-gain[some])]
    total = np.cumsum(
        -np.take_along_axis(gaps[:, order], np.argmin(expected[:, order], axis=0)[None], axis=0)[0]
    )
    last = int(np.argmax(total)) if len(total) else 0
    if not len(total) or not total[last] > 0:
        return float("inf")
    return float(gain[order[last + 1]]) if last + 1 < len(order) else 0.0


def _expected(
    weights: Float[np.ndarray, "fold line feature"], read: Float[np.ndarray, "input path"]
) -> Float[np.ndarray, "fold line path"]:
    """What regressions expect on each path."""
    folds, lines, count = weights.shape
    given: np.ndarray = np.empty((folds * lines, read.shape[1]))
    for part in _parts(read):
        given[:, part] = _product(weights.reshape(-1, count), _features(read[:, part]))
    return given.reshape(folds, lines, -1)


def _product(a: Float[np.ndarray, "row term"], b: Float[np.ndarray, "term column"]) -> np.ndarray:
    """a @ b, piece by piece: threads of BLAS wait for one another where others keep the cores busy."""
    size = [len(a), len(b), b.shape[1]]
    while math.prod(size) > ON_ONE_THREAD:
        size[size.index(max(size))] = -(-max(size) // 2)
    rows, terms, columns = (
        [slice(first, first + each) for first in range(0, whole, each)]
        for whole, each in zip((len(a), len(b), b.shape[1]), size, strict=True)
    )
    given: np.ndarray = np.zeros((len(a), b.shape[1]))
    for row, column, term in itertools.product(rows, columns, terms):
        given[row, column] += a[row, term] @ b[term, column]
    return given


def _parts(read: Float[np.ndarray, "input path"]) -> Iterator[slice]:
    """The paths in turn, as many at a time as are in memory together."""
    count, step = read.shape[1], max(AT_ONCE // _count(len(read)), 256)
    return (slice(first, min(first + step, count)) for first in range(0, count, step))


def _count(inputs: int) -> int:
    """Features of so many inputs."""
    crossed = inputs * (inputs - 1) // 2 if inputs <= MOST_CROSSED else 0
    return 1 + inputs * (1 + len(KNOTS)) + crossed


def _features(scores: Float[np.ndarray, "input path"]) -> Float[np.ndarray, "feature path"]:
    """A constant, the inputs' normal scores, bent lines of them, and products of any two where they are few."""
    count, paths = scores.shape
    bent = np.maximum(scores[:, None] - np.array(KNOTS)[:, None], 0.0).reshape(-1, paths)
    rows = [np.ones((1, paths)), scores, bent]
    if count <= MOST_CROSSED:
        one, other = np.tril_indices(count, -1)
        rows.append(scores[one] * scores[other])
    return np.concatenate(rows)
