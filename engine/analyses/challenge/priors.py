"""Priors moved by length one: groups together, along the directions that move claims most; factors in no group singly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import chi2

from engine.analyses.challenge.choices import SPECIFICATION, Choice
from engine.program import arguments
from engine.program.contract import Scores
from engine.study.study import Study

ALIKE = 0.9
"""Cosine from which two directions are one."""
NOISE = 1e-3
"""Chance that a group which does not move a claim is given a direction for it."""
SIDES = ((1.0, "up"), (-1.0, "down"))


def choices(study: Study, scores: Scores, contributions: Sequence[np.ndarray]) -> Iterator[Choice]:
    """The priors of a study otherwise: each group both ways along each of its directions, then each factor in no group up and down.

    Args:
      scores: normal scores of the futures, a row for each of `arguments.streams`.
      contributions: of each claim, what every path adds to its difference.
    """
    names = [one.name for one in arguments.streams(study)]
    for group in study.groups:
        rows = _rows(study, group, names)
        for number, direction in enumerate(_directions(scores[rows], contributions)):
            leader = int(np.argmax(np.abs(direction[: len(study.groups[group].members)])))
            for sign, _ in SIDES:
                member = study.groups[group].members[leader]
                side = "up" if sign * direction[leader] > 0 else "down"
                called = f"{member} {side}" if not number else f"{member} {side} ({number + 1})"
                words = f"priors of {study.phrase('groups', group)} moved"
                move = {row: float(sign * size) for row, size in zip(rows, direction, strict=True)}
                yield Choice(
                    SPECIFICATION, f"{group} priors", called, words, move=move, line=str(number), sign=sign
                )
    for item in study.inputs:
        if not item.group and item.marginal.quantile(0.25) < item.marginal.quantile(0.75):
            row = names.index(arguments.factor_stream(item))
            for sign, side in SIDES:
                words = f"{study.phrase('factors', item.name)} moved {side}"
                yield Choice(SPECIFICATION, f"{item.name} prior", side, words, move={row: sign}, sign=sign)


def _rows(study: Study, group: str, names: Sequence[str]) -> list[int]:
    """Of the numbers that a group's members, and what they share, are drawn by."""
    of = study.groups[group]
    own = [arguments.factor_stream(item) for item in study.inputs if item.name in of.members]
    return [names.index(name) for name in (*own, *of.streams)]


def _directions(
    scores: Float[np.ndarray, "row path"], contributions: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Directions of length one in which some claim's difference moves fastest, those within 26 degrees of one another once.

    The gradient of a mean under independent normal scores moved by m is E d e (Stein): that is what weights of the futures give.
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
