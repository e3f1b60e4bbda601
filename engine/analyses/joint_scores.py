"""The joint normal scores of the members of a Gaussian group, as linear functions of independent scores."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np

from engine.program import arguments
from engine.program.contract import Scores
from engine.study.study import Study

SINGULAR = 1e-6
"""If the smallest eigenvalue of the correlation matrix is below this, some members follow from the others."""


@dataclass(frozen=True)
class Joint:
    """The joint scores y = own e + shared g of a group's members, from independent own scores e and shared scores g.

    Args:
      rows: rows of e among the normal scores of a path.
      latent_rows: rows of g.
      own, shared: the matrices [member, member] and [member, shared score].
    """

    rows: list[int]
    latent_rows: list[int]
    own: np.ndarray
    shared: np.ndarray

    @staticmethod
    def of(study: Study, group: str) -> Joint:
        """The matrices of a group, read off its copula by feeding it unit vectors."""
        of = study.groups[group]
        names = [one.name for one in arguments.streams(study)]
        members, latents = of.members, of.streams
        size = len(members) + len(latents)
        with jax.enable_x64(True):
            unit = np.eye(size)
            own = dict(zip(members, unit, strict=False))
            scores = of.copula.scores(own, list(unit[len(members) :]), of.copula.parameters(np.float64))
            matrix = np.stack([np.asarray(scores[name]) for name in members])
        by_name = {item.name: item.stream for item in study.inputs}
        return Joint(
            [names.index(by_name[member]) for member in members],
            [names.index(stream) for stream in latents],
            matrix[:, : len(members)],
            matrix[:, len(members) :],
        )

    @property
    def is_one(self) -> bool:
        """Whether the correlation matrix is singular: some members follow from others, and none can be moved alone."""
        return float(np.linalg.eigvalsh(self._correlation)[0]) < SINGULAR

    def pull(self, scores: Scores, member: int) -> tuple[np.ndarray, float]:
        """The density ratio of a move m of one member's joint score, as `pull` [path] and `size`.

        Its logarithm is m pull - m^2 size / 2.
        """
        inverse = np.linalg.pinv(self._correlation, hermitian=True)
        return inverse[member] @ self._joint(scores), float(inverse[member, member])

    def shift(self, member: int) -> tuple[list[int], np.ndarray]:
        """The smallest move of e and g that moves one member's joint score by 1 and no other's: rows, and moves."""
        both = np.hstack([self.own, self.shared])
        return [*self.rows, *self.latent_rows], np.linalg.lstsq(both, np.eye(len(both))[member], rcond=None)[0]

    def move(self, move: np.ndarray) -> np.ndarray:
        """The move of the joint scores under a move of all scores that are drawn once per path."""
        return self.own @ move[self.rows] + self.shared @ move[self.latent_rows]

    @property
    def _correlation(self) -> np.ndarray:
        return self.own @ self.own.T + self.shared @ self.shared.T

    def _joint(self, scores: Scores) -> np.ndarray:
        own, shared = (scores[rows].astype(np.float64) for rows in (self.rows, self.latent_rows))
        return self.own @ own + self.shared @ shared
