"""The joint normal scores of a Gaussian group's members, and own scores that give others in their place."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np

from engine.program.running.contract import Scores
from engine.program.tracing import arguments
from engine.program.tracing.arguments import factor_stream
from engine.study.study import Study

SINGULAR = 1e-6
"""Least eigenvalue of correlations below which a member follows from the others."""


@dataclass(frozen=True)
class Joint:
    """The joint scores of a group's members y = own e + shared g, from their own scores e and those that they share.

    Args:
      rows: of e among the random numbers of a path.
      latent_rows: of g.
    """

    rows: list[int]
    latent_rows: list[int]
    own: np.ndarray
    shared: np.ndarray

    @staticmethod
    def of(study: Study, group: str) -> Joint:
        """The group's, by what its copula makes of unit scores."""
        of = study.groups[group]
        names = [one.name for one in arguments.streams(study)]
        members, latents = of.members, of.streams
        size = len(members) + len(latents)
        with jax.enable_x64(True):
            unit = np.eye(size)
            own = dict(zip(members, unit, strict=False))
            scores = of.copula.scores(own, list(unit[len(members) :]), of.copula.parameters(np.float64))
            matrix = np.stack([np.asarray(scores[name]) for name in members])
        by_name = {item.name: factor_stream(item) for item in study.inputs}
        return Joint(
            [names.index(by_name[member]) for member in members],
            [names.index(stream) for stream in latents],
            matrix[:, : len(members)],
            matrix[:, len(members) :],
        )

    @property
    def is_one(self) -> bool:
        """Whether some members follow from the others, so that none can be moved or drawn without them."""
        return float(np.linalg.eigvalsh(self._correlation)[0]) < SINGULAR

    def given(self, base: Scores, other: Scores, known: np.ndarray) -> np.ndarray:
        """Own scores of members, the known ones as in `base`, the others drawn anew given these.

        From another draw y' of all of them, y_U = y'_U + S_UK S_KK^-1 (y_K - y'_K).
        """
        y, anew = self._joint(base), self._joint(other)
        joint = y.copy()
        rest = np.setdiff1d(np.arange(len(y)), known)
        if len(rest):
            correlation = self._correlation
            weights = correlation[np.ix_(rest, known)] @ np.linalg.pinv(
                correlation[np.ix_(known, known)], hermitian=True
            )
            joint[rest] = anew[rest] + weights @ (y[known] - anew[known])
        return np.linalg.lstsq(self.own, joint - self.shared @ base[self.latent_rows], rcond=None)[0]

    def pull(self, scores: Scores, member: int) -> tuple[np.ndarray, float]:
        """How a move m of one member's score is weighted: the logarithm of the density ratio is m pull - m^2 size / 2."""
        inverse = np.linalg.pinv(self._correlation, hermitian=True)
        return inverse[member] @ self._joint(scores), float(inverse[member, member])

    def shift(self, member: int) -> tuple[list[int], np.ndarray]:
        """The least move of the numbers of a path that moves one member's score by 1, and no other's: rows, and by how much each goes."""
        both = np.hstack([self.own, self.shared])
        return [*self.rows, *self.latent_rows], np.linalg.lstsq(both, np.eye(len(both))[member], rcond=None)[
            0
        ]

    def moved(self, move: np.ndarray) -> np.ndarray:
        """How far the joint scores go where the numbers of a path that are drawn once go by a move."""
        return self.own @ move[self.rows] + self.shared @ move[self.latent_rows]

    @property
    def _correlation(self) -> np.ndarray:
        return self.own @ self.own.T + self.shared @ self.shared.T

    def _joint(self, scores: Scores) -> np.ndarray:
        own, shared = (scores[rows].astype(np.float64) for rows in (self.rows, self.latent_rows))
        return self.own @ own + self.shared @ shared
