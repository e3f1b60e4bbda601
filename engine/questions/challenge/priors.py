"""Choices that move priors by 1 in normal scores: groups along their steepest directions, other factors singly."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import chi2

from engine.program import arguments
from engine.program.contract import Scores
from engine.questions.beliefs import varies
from engine.questions.challenge.choices import SPECIFICATION, Choice
from engine.study.study import Study

ALIKE = 0.9
"""Absolute cosine from which two directions count as one."""
NOISE = 1e-3
"""False-alarm rate: chance that a group without effect on a claim is given a direction for it."""
SIDES = ((1.0, "up"), (-1.0, "down"))


def choices(study: Study, scores: Scores, contributions: Sequence[np.ndarray]) -> Iterator[Choice]:
    """Choices of priors: each group both ways along each of its directions, then each factor in no group up and down.

    Args:
      scores: normal scores of the futures, a row for each of `arguments.streams`.
      contributions: for each claim, the contribution of every path to its difference [path].
    """
    row_of = {one.name: k for k, one in enumerate(arguments.streams(study)) if one.year is None}
    streams = {item.name: item.stream for item in study.inputs}
    for group, of in study.groups.items():
        rows = [row_of[name] for name in (*(streams[member] for member in of.members), *of.streams)]
        what, known = f"priors of {study.phrase('groups', group)}", set[str]()
        for direction in _directions(scores[rows], contributions):
            for sign, _ in SIDES:
                called, way = _way(study, group, sign * direction, known)
                known.add(called)
                move = {row: float(sign * size) for row, size in zip(rows, direction, strict=True)}
                yield Choice(SPECIFICATION, f"{group} priors", called, f"{what} moved ({way})", move=move)
    for item in study.inputs:
        if not item.group and varies(item):
            for sign, side in SIDES:
                words = f"{study.phrase('factors', item.name)} moved {side}"
                yield Choice(SPECIFICATION, f"{item.name} prior", side, words, move={row_of[item.stream]: sign})


def _way(study: Study, group: str, move: np.ndarray, known: Collection[str]) -> tuple[str, str]:
    """The name of a move of a group, by factor names and in words: the member that it moves farthest, up or down.

    Further members are named as long as the name is one of `known`.
    """
    of, ends = study.groups[group], np.stack([0.0 * move, move], axis=1)
    own = dict(zip(of.members, ends, strict=False))
    joint = of.copula.scores(own, [*ends[len(own) :]], of.copula.parameters(np.float32))
    gone = {name: float(at[1] - at[0]) for name, at in joint.items()}
    called, words = list[str](), list[str]()
    for name in sorted(gone, key=lambda name: -abs(gone[name])):
        side = "up" if gone[name] > 0 else "down"
        called.append(f"{name} {side}")
        words.append(f"{study.phrase('factors', name)} {side}")
        if ", ".join(called) not in known:
            break
    return ", ".join(called), ", ".join(words)


def _directions(scores: Float[np.ndarray, "row path"], contributions: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Unit vectors along which some claim's difference changes fastest; of those within 26 degrees, the first alone.

    With contributions d and independent standard normal scores e, the gradient of the mean of d with respect to a shift
    of e is E[d e] (Stein's lemma). A direction is kept only where it is significant at level `NOISE`.
    """
    found: list[np.ndarray] = []
    for gap in contributions:
        centred = gap - gap.mean()
        spread = float(centred.std())
        if not spread > 0:
            continue
        gradient = scores.astype(np.float64) @ centred / len(centred)
        size = float(np.linalg.norm(gradient))
        if len(gap) * (size / spread) ** 2 < chi2.isf(NOISE, len(scores)):
            continue
        direction = gradient / size
        if all(abs(float(direction @ other)) < ALIKE for other in found):
            found.append(direction)
    return found
