"""Discrete distributions: ascending values, and the scores at which a draw changes from each to the next."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.draws.distributions.law import Function, Law, Steps, probability, scores_between
from engine.draws.limits import FARTHEST


class Discrete(Law):
    """Distribution of separate values, all of whose methods follow from its `steps`."""

    @property
    @abstractmethod
    def steps(self) -> Steps: ...

    def at_score(self, z: Any) -> np.ndarray:
        values, scores = self.steps
        return values[np.searchsorted(scores, np.asarray(z, np.float64), side="left")]

    def score_of(self, x: Any) -> np.ndarray:
        values, scores = self.steps
        return np.concatenate([[-math.inf], scores, [math.inf]])[np.searchsorted(values, x, side="right")]

    @property
    def support(self) -> tuple[float, float]:
        values, _ = self.steps
        return float(values[0]), float(values[-1])

    def expectation(self, function: Function) -> float:
        values, scores = self.steps
        edges = np.concatenate([[-math.inf], scores, [math.inf]])
        return float(np.dot(function(values), probability(edges[:-1], edges[1:])))


@dataclass(frozen=True)
class Stepped(Discrete):
    """Discrete distribution with given steps: categories, resampled data, and what is made of discrete distributions.

    Args:
      values: ascending, all different.
      scores: for each value but the last, the highest score that gives it.
    """

    values: tuple[float, ...]
    scores: tuple[float, ...]

    @property
    def steps(self) -> Steps:
        return np.array(self.values), np.array(self.scores)


def stepped(values: np.ndarray, scores: np.ndarray) -> Stepped:
    """Discrete distribution with these steps."""
    return Stepped(tuple(values.tolist()), tuple(scores.tolist()))


def changes(weights: np.ndarray) -> np.ndarray:
    """Scores at which a draw changes from each value to the next, of values with these probabilities."""
    below, above = np.cumsum(weights), np.cumsum(weights[::-1])[::-1]
    return scores_between(below[:-1], above[1:])


def reached(values: np.ndarray, scores: np.ndarray) -> Steps:
    """The steps within the reach of draws."""
    start, end = np.searchsorted(scores, [-FARTHEST, FARTHEST])
    return values[start : end + 1], scores[start:end]
