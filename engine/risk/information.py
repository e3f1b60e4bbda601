"""What it is worth to know some inputs before a policy is chosen, by the best rule that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import ndtri
from scipy.stats import rankdata

from engine.risk.held_against import HeldAgainst
from engine.risk.intervals import Estimate, Units

Paths = Float[np.ndarray, "path"]

FOLDS = 2
KNOTS = (-1.0, 0.0, 1.0)
"""Normal scores at which the regression on an input may bend."""
MOST_CROSSED = 16
"""Inputs up to which the regression has products of any two of them."""
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
        """By the fold that is held out: the policy that is picked without knowing on the others, and what it is regressed on there."""
        fold = folds(self.units)
        return [self._half(fold != held_out) for held_out in range(FOLDS)]

    def _half(self, fit: Bool[np.ndarray, "path"]) -> tuple[int, Losses] | None:
        if not fit.any():
            return None
        target = self.losses[:, fit]
        best = choice(target, self.level)
        if self.level is not None:
            target = np.maximum(target - np.quantile(target[best], self.level), 0.0)
        return best, target

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
    """Whoever reads some inputs before a policy is picked.

    Args:
      scores: normal scores of the inputs: `normal_scores`.
      units: of the paths.
    """

    def __init__(self, scores: Sequence[Paths], units: Units):
        features, self._units = _features(scores), units
        self._fold = folds(units)
        self._seen = [features[self._fold != held_out] for held_out in range(FOLDS)]
        self._judged = self._seen[::-1]  # of two folds the one is what the other is judged on
        self._roots = [np.linalg.pinv(seen.T @ seen, rcond=1e-10, hermitian=True) for seen in self._seen]

    def gain(self, of: Decision) -> Estimate:
        """How much lower the mean loss, or ES at a level, is where the policy is picked by a rule that reads these inputs alone.

        The rule picks the policy with the least expected loss given the inputs (of ES: the least expected excess over the threshold
        that ES has without them), by regression on their normal scores: bent lines, and products of any two; another than the best one
        without knowing only from a margin on that pays. It is fitted on one half of the units and judged on the other, and the other
        way round: what is seen is what such a rule gains, and no more than the value of perfect information on these inputs, from
        which it is as far as the regression is from their true expectation.
        Source: Strong, Oakley and Brennan (2014), Med. Decis. Making 34, 311-326, doi:10.1177/0272989X13505910.
        """
        picked = np.full(self._units.paths, of.unread)
        parts = zip(self._roots, self._seen, self._judged, of.halves, strict=True)
        for held_out, (root, seen, judged, half) in enumerate(parts):
            if half is None or not len(judged):
                continue
            best, target = half
            # the regression of differences: what is the same under all policies is no noise in the choice
            weights = root @ (seen.T @ (target - target[best]).T)
            margin = _margin(target, seen @ weights, best)
            expected = judged @ weights
            gain = expected[:, best] - expected.min(axis=1)
            picked[self._fold == held_out] = np.where(gain > margin, np.argmin(expected, axis=1), best)
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


def _margin(target: Losses, expected: Float[np.ndarray, "path policy"], best: int) -> float:
    """How much is to be expected of another policy than `best` before it is picked: what gains most where the rule was fitted."""
    gain = expected[:, best] - expected.min(axis=1)
    true = target[best] - np.take_along_axis(target, np.argmin(expected, axis=1)[None], axis=0)[0]
    order = np.argsort(-gain)
    total = np.cumsum(true[order])
    last = int(np.argmax(total))
    if not total[last] > 0:
        return float("inf")
    return float(gain[order[last + 1]]) if last + 1 < len(order) else 0.0


def _features(scores: Sequence[Paths]) -> Float[np.ndarray, "path feature"]:
    """A constant, the inputs' normal scores, bent lines of them, and products of any two where they are few."""
    columns = [np.ones(len(scores[0])), *scores]
    columns += [np.maximum(z - knot, 0.0) for z in scores for knot in KNOTS]
    if len(scores) <= MOST_CROSSED:
        columns += [scores[i] * scores[j] for i in range(len(scores)) for j in range(i)]
    return np.stack(columns, axis=1)
