"""The joint normal scores of factors that are drawn together, as linear functions of independent scores."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np

from engine.program.contract import Scores
from engine.study.study import Group, Study

SINGULAR = 1e-6
"""If the smallest eigenvalue of the correlation matrix is below this, some members follow from the others."""


@dataclass(frozen=True)
class Joint:
    """The joint scores y = own e + shared g of some factors, from independent own scores e and shared scores g.

    Args:
      members: the factors.
      rows: rows of e among the normal scores of a path.
      latent_rows: rows of g.
      own, shared: the matrices [member, member] and [member, shared score].
    """

    members: tuple[str, ...]
    rows: list[int]
    latent_rows: list[int]
    own: np.ndarray
    shared: np.ndarray

    @property
    def is_one(self) -> bool:
        """Whether the correlation matrix is singular: some members follow from others, and none can be moved alone."""
        return float(np.linalg.eigvalsh(self._correlation)[0]) < SINGULAR

    def pull(self, scores: Scores, name: str) -> tuple[np.ndarray, float]:
        """The density ratio of a move m of one member's joint score, as `pull` [path] and `size`.

        Its logarithm is m pull - m^2 size / 2.
        """
        inverse = np.linalg.pinv(self._correlation, hermitian=True)
        member = self.members.index(name)
        own, shared = (scores[rows].astype(np.float64) for rows in (self.rows, self.latent_rows))
        return inverse[member] @ (self.own @ own + self.shared @ shared), float(inverse[member, member])

    def shift(self, name: str) -> tuple[list[int], np.ndarray]:
        """The smallest move of e and g that moves one member's joint score by 1 and no other's: rows, and moves."""
        both = np.hstack([self.own, self.shared])
        unit = np.eye(len(both))[self.members.index(name)]
        return [*self.rows, *self.latent_rows], np.linalg.lstsq(both, unit, rcond=None)[0]

    def move(self, move: np.ndarray) -> dict[str, float]:
        """The move of each member's joint score under a move of all scores that are drawn once per path."""
        moves = self.own @ move[self.rows] + self.shared @ move[self.latent_rows]
        return dict(zip(self.members, map(float, moves), strict=True))

    @property
    def _correlation(self) -> np.ndarray:
        return self.own @ self.own.T + self.shared @ self.shared.T


def joints(study: Study) -> dict[str, Joint]:
    """The joint scores of the Gaussian group that each factor is in, by the factor's name.

    A factor in no such group is by itself.
    """
    row = {stream: k for k, stream in enumerate(study.streams[0])}
    rows = {item.name: row[item.stream] for item in study.inputs}
    found = {name: Joint((name,), [own], [], np.eye(1), np.zeros((1, 0))) for name, own in rows.items()}
    for group in study.groups.values():
        if group.copula.family == "gaussian":
            own, shared = _matrices(group)
            joint = Joint(
                group.members, [rows[name] for name in group.members], [row[one] for one in group.streams], own, shared
            )
            found |= dict.fromkeys(group.members, joint)
    return found


def _matrices(group: Group) -> tuple[np.ndarray, np.ndarray]:
    """The matrices `own` and `shared` of a group, read off its copula by feeding it unit vectors."""
    count = len(group.members)
    with jax.enable_x64(True):
        unit = np.eye(count + len(group.streams))
        own = dict(zip(group.members, unit, strict=False))
        scores = group.copula.scores(own, list(unit[count:]), group.copula.parameters(np.float64))
        matrix = np.stack([np.asarray(scores[name]) for name in group.members])
    return matrix[:, :count], matrix[:, count:]
