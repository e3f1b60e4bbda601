"""Value of knowing some inputs before a policy is chosen: the gain of a fitted decision rule that reads them.

The rule picks the policy with the least expected loss given the inputs; for ES, with the least expected excess over the
VaR of the policy that is chosen without knowledge. Expectations are one linear regression on the inputs' normal scores,
their squares and products. It is fitted on one half of the units and judged on the other, and the reverse. The gain is
the difference of two measures on the same paths and has their standard error. It is a lower bound, up to that error, of
the value of partial perfect information (EVPPI). Source: Strong, Oakley and Brennan (2014), Med. Decis. Making 34,
311-326, doi:10.1177/0272989X13505910.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri
from scipy.stats import rankdata

from engine.risk.estimation.intervals import Estimate, Paths, PolicyPaths, Units
from engine.risk.estimation.measures import Sample

FOLDS = 2
MOST_CROSSED = 16
"""Greatest number of inputs for which the regression includes pairwise products."""


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
        self._own = Sample(losses[self.unread], units, (0.99,) if level is None else (level,))

    @property
    def targets(self) -> PolicyPaths:
        """What is regressed: losses, or excesses, under each policy less those under the one chosen unread."""
        losses = self.losses
        if self.level is not None:
            losses = np.maximum(losses - np.quantile(losses[self.unread], self.level), 0.0)
        # what all policies have in common is then no noise in the choice
        return losses - losses[self.unread]

    def gain(self, chosen: Paths) -> Estimate:
        """Measure of the policy chosen without knowledge, less that of losses under the policies chosen path by path.

        Args:
          chosen: loss on each path under the policy chosen there.
        """
        if np.array_equal(self.losses[self.unread], chosen):
            return Estimate(0.0, 0.0, 0.0, 0.0)
        gaps = self._own.less(replace(self._own, losses=chosen)).in_order()
        return gaps[0 if self.level is None else -1]


def gains(scores: Sequence[Paths], decisions: Sequence[Decision]) -> list[Estimate]:
    """For each decision, the reduction of its measure by a rule that reads these inputs alone.

    Args:
      scores: normal scores of the inputs (`normal_scores`).
      decisions: between policies on the same paths; all are regressed together.
    """
    x, units = features(np.stack(scores)), decisions[0].units
    fold = units.owners(np.arange(units.paths)) % FOLDS
    targets = np.stack([one.targets for one in decisions])
    rows = targets.reshape(-1, units.paths)
    expected = np.zeros(rows.shape)
    for judged in range(FOLDS):
        fit = fold != judged
        if fit.any():
            weights = np.linalg.lstsq(x[fit], rows[:, fit].T)[0]
            expected[:, ~fit] = (x[~fit] @ weights).T
    found = []
    for of, lines in zip(decisions, expected.reshape(targets.shape), strict=True):
        picked = np.where(lines.min(axis=0) < 0, lines.argmin(axis=0), of.unread)
        found.append(of.gain(np.take_along_axis(of.losses, picked[None], axis=0)[0]))
    return found


def features(scores: Float[np.ndarray, "input path"]) -> Float[np.ndarray, "path feature"]:
    """A constant, the normal scores, their squares, and pairwise products if the inputs are few."""
    count = len(scores)
    one, other = np.tril_indices(count) if count <= MOST_CROSSED else (np.arange(count),) * 2
    return np.concatenate([np.ones((1, scores.shape[1])), scores, scores[one] * scores[other]]).T


def normal_scores(draws: Paths) -> Paths:
    """Normal scores of draws, from their ranks: the normal quantile of (rank - 1/2) / n."""
    return ndtri((rankdata(draws) - 0.5) / len(draws))


def choice(losses: PolicyPaths, level: float | None) -> int:
    """Index of the policy with the least mean loss, or with the least ES at a level."""
    if level is None:
        return int(np.argmin(losses.mean(axis=1)))
    beyond = max(1, round((1 - level) * losses.shape[1]))
    return int(np.argmin(np.partition(losses, -beyond, axis=1)[:, -beyond:].mean(axis=1)))
