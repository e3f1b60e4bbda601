"""What it is worth to know some inputs before a policy is chosen, by the best rule that reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri
from scipy.stats import rankdata

from engine.risk.intervals import Estimate, Units
from engine.risk.measures import difference

FOLDS = 2
KNOTS = (-1.0, 0.0, 1.0)
"""Normal scores at which the regression on an input may bend."""
MOST_CROSSED = 16
"""Inputs up to which the regression has products of any two of them."""
Losses = Float[np.ndarray, "policy path"]


def of_everything(losses: Losses, units: Units, level: float | None) -> Estimate:
    """How much lower the mean loss, or ES at a level, is where the policy is picked with the whole future known.

    Args:
      losses: under each policy, high being worse.
      units: of the paths.
      level: of ES; None for the mean.
    """
    return _gain(losses, losses.min(axis=0), units, level)


class Reader:
    """Whoever reads some inputs before a policy is picked.

    Args:
      draws: of the inputs.
      units: of the paths.
    """

    def __init__(self, draws: Sequence[Float[np.ndarray, "path"]], units: Units):
        self._features, self._units = _features(draws), units
        self._fold = units.owners(np.arange(units.paths)) % FOLDS
        self._roots: list[np.ndarray] = []
        for held_out in range(FOLDS):
            seen = self._features[self._fold != held_out]
            self._roots.append(np.linalg.pinv(seen.T @ seen, rcond=1e-10, hermitian=True))

    def gain(self, losses: Losses, level: float | None) -> Estimate:
        """How much lower the mean loss, or ES at a level, is where the policy is picked by a rule that reads these inputs alone.

        The rule picks the policy with the least expected loss given the inputs (of ES: the least expected excess over the threshold
        that ES has without them), by regression on their normal scores: bent lines, and products of any two; another than the best one
        without knowing only from a margin on that pays. It is fitted on one half of the units and judged on the other, and the other
        way round: what is seen is what such a rule gains, and no more than the value of perfect information on these inputs, from
        which it is as far as the regression is from their true expectation.
        Source: Strong, Oakley and Brennan (2014), Med. Decis. Making 34, 311-326, doi:10.1177/0272989X13505910.
        """
        picked = np.full(self._units.paths, choice(losses, level))
        for held_out, root in enumerate(self._roots):
            fit, judged = self._fold != held_out, self._fold == held_out
            if not fit.any() or not judged.any():
                continue
            target = losses[:, fit]
            best = choice(target, level)
            if level is not None:
                target = np.maximum(target - np.quantile(target[best], level), 0.0)
            # the regression of differences: what is the same under all policies is no noise in the choice
            seen = self._features[fit]
            weights = root @ (seen.T @ (target - target[best]).T)
            margin = _margin(target, seen @ weights, best)
            expected = self._features[judged] @ weights
            gain = expected[:, best] - expected.min(axis=1)
            picked[judged] = np.where(gain > margin, np.argmin(expected, axis=1), best)
        return _gain(losses, np.take_along_axis(losses, picked[None], axis=0)[0], self._units, level)


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


def _gain(losses: Losses, chosen: Float[np.ndarray, "path"], units: Units, level: float | None) -> Estimate:
    """The measure of the policy that is best without knowing, less that of what is chosen by knowing."""
    own = losses[choice(losses, level)]
    if np.array_equal(own, chosen):
        return Estimate(0.0, 0.0, 0.0, 0.0)
    gap = difference(own, chosen, units, True, (0.99,) if level is None else (level,))
    return gap["mean" if level is None else f"ES{100 * level:g}"]


def _features(draws: Sequence[Float[np.ndarray, "path"]]) -> Float[np.ndarray, "path feature"]:
    """A constant, the inputs' normal scores by rank, bent lines of them, and products of any two where they are few."""
    count = len(draws[0])
    scores = [ndtri((rankdata(x) - 0.5) / count) for x in draws]
    columns = [np.ones(count), *scores]
    columns += [np.maximum(z - knot, 0.0) for z in scores for knot in KNOTS]
    if len(scores) <= MOST_CROSSED:
        columns += [scores[i] * scores[j] for i in range(len(scores)) for j in range(i)]
    return np.stack(columns, axis=1)
