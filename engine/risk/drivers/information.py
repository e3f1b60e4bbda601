"""Value of knowing some inputs before a policy is chosen: the gain of a fitted decision rule that reads them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtri
from scipy.stats import rankdata

from engine.risk.estimation.intervals import Estimate, Happens, Paths, PolicyPaths, Units
from engine.risk.estimation.measures import Variable

Scores = Float[np.ndarray, "input path"]

FOLDS = 2
KNOTS = (-1.0, 0.0, 1.0)
"""Normal scores at which the piecewise linear regression on an input has its knots."""
MOST_CROSSED = 16
"""Greatest number of inputs for which the regression includes pairwise products."""
AT_ONCE = 1 << 15
"""Numbers in a block of features, so that a block stays in cache."""
ON_ONE_THREAD = 1 << 18
"""Scalar products in a matrix product up to which BLAS does not start further threads."""


class Decision:
    """A choice between policies by the mean loss, or by ES at a level.

    Args:
      losses: under each policy, high being worse.
      units: independent units of the paths.
      level: level of ES; None for the mean.
    """

    def __init__(self, losses: PolicyPaths, units: Units, level: float | None):
        self.losses, self.units, self.level = losses, units, level
        self.unread = choice(losses, level)
        """Index of the policy that is chosen without knowing any input."""
        self._own = Variable(losses[self.unread], units, True, (0.99,) if level is None else (level,))

    @cached_property
    def halves(self) -> list[tuple[int, PolicyPaths] | None]:
        """For each fold, the policy chosen on it without knowledge, and the regression targets; None for an empty fold.

        The targets are the losses under each policy, for ES their excesses over the chosen policy's VaR, less those
        under the chosen policy.
        """
        fold = folds(self.units)
        return [self._half(fold == seen) for seen in range(FOLDS)]

    def _half(self, fit: Happens) -> tuple[int, PolicyPaths] | None:
        if not fit.any():
            return None
        target = np.compress(fit, self.losses, axis=1)
        best = choice(target, self.level)
        if self.level is not None:
            target = np.maximum(target - np.quantile(target[best], self.level), 0.0)
        # regress differences: what all policies have in common is then no noise in the choice
        return best, target - target[best]

    def gain(self, chosen: Paths) -> Estimate:
        """Measure of the policy chosen without knowledge, less that of losses under the policies chosen path by path.

        Args:
          chosen: loss on each path under the policy chosen there.
        """
        if np.array_equal(self.losses[self.unread], chosen):
            return Estimate(0.0, 0.0, 0.0, 0.0)
        gap = self._own.less(replace(self._own, values=chosen))
        return gap["mean" if self.level is None else f"ES{100 * self.level:g}"]


class Reader:
    """Decision rules that read some inputs before choosing a policy.

    Args:
      scores: normal scores of the inputs (`normal_scores`).
      decisions: decisions between the same policies on the same paths; all are regressed together.
    """

    def __init__(self, scores: Sequence[Paths], decisions: Sequence[Decision]):
        self._decisions, self._fold = decisions, folds(decisions[0].units)
        rows = np.stack(scores)
        read = [np.compress(self._fold == fold, rows, axis=1) for fold in range(FOLDS)]
        weights = np.stack([self._weights(seen, read[seen]) for seen in range(FOLDS)])
        self._expected = [_expected(weights, some) for some in read]

    def _weights(self, seen: int, read: Scores) -> Float[np.ndarray, "line feature"]:
        """Least-squares coefficients on one fold, for each decision's target under each policy."""
        halves = [half[1] for half in (one.halves[seen] for one in self._decisions) if half is not None]
        count = _count(read)
        if not halves:
            return np.zeros((sum(len(one.losses) for one in self._decisions), count))
        targets = np.concatenate(halves)
        sums: np.ndarray = np.zeros((count + len(targets), count))
        for part in _parts(read):
            features = _features(read[:, part])
            sums += _product(np.concatenate([features, targets[:, part]]), np.ascontiguousarray(features.T))
        return _product(sums[count:], np.linalg.pinv(sums[:count], rcond=1e-10, hermitian=True))

    def gain(self, at: int) -> Estimate:
        """Reduction of the mean loss, or of ES, when the policy is chosen by a rule that reads these inputs alone.

        The rule picks the policy with the least expected loss given the inputs; for ES, with the least expected excess
        over the VaR of the policy chosen without knowledge. Expectations are regressions on the inputs' normal scores:
        piecewise linear, with pairwise products. The rule departs from the policy chosen without knowledge only where
        the expected gain passes a margin that paid off in fitting. It is fitted on one half of the units and judged on
        the other, and the reverse. The result is the gain of this rule: a lower bound, up to sampling error, of the
        value of partial perfect information (EVPPI). Source: Strong, Oakley and Brennan (2014), Med. Decis. Making 34,
        311-326, doi:10.1177/0272989X13505910.

        Args:
          at: index of the decision.
        """
        of = self._decisions[at]
        lines = slice(at * len(of.losses), (at + 1) * len(of.losses))
        picked = np.full(len(self._fold), of.unread)
        for seen, half in enumerate(of.halves):
            judged = 1 - seen  # fitted on one fold, judged on the other
            if half is None or not (on := self._fold == judged).any():
                continue
            best, gaps = half
            margin = _margin(gaps, self._expected[seen][seen, lines], best)
            expected = self._expected[judged][seen, lines]
            gain = expected[best] - expected.min(axis=0)
            picked[on] = np.where(gain > margin, np.argmin(expected, axis=0), best)
        return of.gain(np.take_along_axis(of.losses, picked[None], axis=0)[0])


def folds(units: Units) -> Int[np.ndarray, "path"]:
    """Fold of each path; all paths of a unit are in the same fold."""
    return units.owners(np.arange(units.paths)) % FOLDS


def normal_scores(draws: Paths) -> Paths:
    """Normal scores of draws, from their ranks: the normal quantile of (rank - 1/2) / n."""
    return ndtri((rankdata(draws) - 0.5) / len(draws))


def choice(losses: PolicyPaths, level: float | None) -> int:
    """Index of the policy with the least mean loss, or with the least ES at a level."""
    if level is None:
        return int(np.argmin(losses.mean(axis=1)))
    beyond = max(1, round((1 - level) * losses.shape[1]))
    return int(np.argmin(np.partition(losses, -beyond, axis=1)[:, -beyond:].mean(axis=1)))


def _margin(gaps: PolicyPaths, expected: PolicyPaths, best: int) -> float:
    """Expected gain a policy must pass to be chosen over `best`: the margin with the largest total gain in fitting.

    Args:
      gaps: loss under each policy less that under `best`.
      expected: regression of the gaps.
      best: index of the policy chosen without knowledge.
    """
    gain = expected[best] - expected.min(axis=0)
    some = np.flatnonzero(gain)
    order = some[np.argsort(-gain[some])]
    total = np.cumsum(-np.take_along_axis(gaps[:, order], np.argmin(expected[:, order], axis=0)[None], axis=0)[0])
    if not total.max(initial=0.0) > 0:
        return float("inf")
    last = int(np.argmax(total))
    return float(gain[order[last + 1]]) if last + 1 < len(order) else 0.0


def _expected(weights: Float[np.ndarray, "fold line feature"], read: Scores) -> Float[np.ndarray, "fold line path"]:
    """What regressions expect on each path."""
    folds, lines, count = weights.shape
    given: np.ndarray = np.empty((folds * lines, read.shape[1]))
    for part in _parts(read):
        given[:, part] = _product(weights.reshape(-1, count), _features(read[:, part]))
    return given.reshape(folds, lines, -1)


def _product(a: Float[np.ndarray, "row term"], b: Float[np.ndarray, "term column"]) -> np.ndarray:
    """a @ b in blocks so small that BLAS stays on this thread; others would wait for cores that are busy."""
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


def _parts(read: Scores) -> Iterator[slice]:
    """The paths in turn, as many at a time as are in memory together."""
    step = max(AT_ONCE // _count(read), 256)
    return (slice(first, first + step) for first in range(0, read.shape[1], step))


def _count(read: Scores) -> int:
    """Number of features of these inputs."""
    return len(_features(np.zeros((len(read), 1))))


def _features(scores: Scores) -> Float[np.ndarray, "feature path"]:
    """A constant, the normal scores, their piecewise linear functions, and pairwise products if the inputs are few."""
    count, paths = scores.shape
    bent = np.maximum(scores[:, None] - np.array(KNOTS)[:, None], 0.0).reshape(-1, paths)
    rows = [np.ones((1, paths)), scores, bent]
    if count <= MOST_CROSSED:
        one, other = np.tril_indices(count, -1)
        rows.append(scores[one] * scores[other])
    return np.concatenate(rows)
