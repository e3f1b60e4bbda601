"""The choices that a study could have made otherwise: of its world and measures, and of the policies it compares.

Priors are moved by 1 in normal scores: groups along their steepest directions, other factors singly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import chi2

from engine.answers.as_text import listed
from engine.program import arguments
from engine.program.contract import Scores
from engine.questions.lever_sets import players_of, sets_of
from engine.questions.prior_scores import varies
from engine.study.components import Change
from engine.study.study import Study
from engine.study.tables.assumptions import KINDS
from engine.study.tables.changes import flat
from engine.study.values import as_number

SPECIFICATION, POLICIES = "specification", "policies"
"""The two ledgers: how the world and its measurement are specified, and how the policies are defined.

No share is taken over both.
"""
MIXED = "mixed"
"""Sets across ledgers, which are searched for reversals only: a definition of policies with other choices."""
HORIZON = "horizon"
"""The dimension of choices of other years."""
FULL = "in full"
"""The `side` of the choice by which both policies are fully implemented."""

ALIKE = 0.9
"""Absolute cosine from which two directions count as one."""
NOISE = 1e-3
"""False-alarm rate: chance that a group without effect on a claim is given a direction for it."""
SIDES = ((1.0, "up"), (-1.0, "down"))


@dataclass(frozen=True, eq=False)
class Choice:
    """One alternative to what a study states.

    Args:
      ledger: `SPECIFICATION` or `POLICIES`.
      dimension: what the choice is about; choices of the same dimension exclude each other.
      name: of the alternative.
      words: the alternative as it stands within a sentence.
      change: changes of factors, levers and groups.
      move: row of the normal scores that a path is drawn from -> how far that row is shifted.
      levers, side: these levers, in both policies, as the policy `side` sets them when fully implemented; with `side` =
        `FULL` and no levers, both policies fully implemented.
      instead: variable -> the variable that is measured in its place; such a choice cannot be made part of the way.
      threshold: an event, and its alternative threshold.
      tail: another level of VaR and ES [%]; such a choice cannot be made part of the way.
    """

    ledger: str
    dimension: str
    name: str
    words: str
    change: Change = field(default_factory=Change)
    move: Mapping[int, float] = field(default_factory=dict)
    levers: tuple[str, ...] = ()
    side: str = ""
    instead: Mapping[str, str] = field(default_factory=dict)
    threshold: tuple[str, float | str] | None = None
    tail: float | None = None

    @property
    def is_measured(self) -> bool:
        """Whether it changes only what is measured, so that existing futures show it and none need be simulated."""
        return self.is_whole or self.threshold is not None

    @property
    def is_whole(self) -> bool:
        """Whether it cannot be made part of the way."""
        return bool(self.instead) or self.tail is not None

    def __str__(self) -> str:
        return f"{self.dimension}: {self.name}"


Universe = tuple[Choice, ...]
"""Choices that depart from a study together, each of a different dimension; none in the universe as stated."""


def compatible(choices: Iterable[Choice], most: int) -> Universe:
    """The first choices, at most `most`, each of which can be made together with those before it.

    It cannot if it shares a dimension with one of them, or sets the same thing to another value.
    """
    made: dict[str, Choice] = {}
    values: dict[str, Any] = {}
    for one in choices:
        own = dict(flat(one.change))
        if one.dimension not in made and all(values.get(place, value) == value for place, value in own.items()):
            made[one.dimension], values = one, values | own
        if len(made) == most:
            break
    return tuple(made.values())


def agree(universe: Universe) -> bool:
    """Whether all choices of a universe can be made together."""
    return compatible(universe, len(universe)) == universe


def is_measured(universe: Universe) -> bool:
    """Whether any of its choices changes what is measured."""
    return any(one.is_measured for one in universe)


def is_mixed(universe: Universe) -> bool:
    """Whether it has one definition of policies, and at most one view of the world and one other measurement."""
    kinds = [(one.ledger, one.is_measured) for one in universe]
    return len({*kinds}) == len(kinds) and (POLICIES, False) in kinds


def in_words(universe: Universe) -> str:
    """The choices of a universe in words: `“drag of zombies” off and “effects of diversification” off`."""
    return listed([one.words for one in universe])


def of_assumptions(study: Study) -> Iterator[Choice]:
    """Each assumption off, and doubled."""
    for one in study.assumptions:
        for kind in KINDS:
            if change := one.change(kind):
                words = f"“{study.phrase('assumptions', one.name)}” {kind}"
                yield Choice(SPECIFICATION, one.name, kind, words, change=change)


def of_measures(study: Study) -> Iterator[Choice]:
    """The study's other readings, horizons, tail levels and thresholds."""
    challenge = study.challenge
    for called, one in challenge.choices.items():
        dimension, name = (called, "instead") if called in challenge.readings else (HORIZON, called)
        yield Choice(SPECIFICATION, dimension, name, study.phrase("challenge", called), instead=one.instead)
    for level in challenge.tails:
        yield Choice(SPECIFICATION, "tail level", f"{level:g}", f"a tail level of {level:g} %", tail=level)
    for event, thresholds in challenge.thresholds.items():
        own = study.events_by_name[event].threshold
        for threshold in thresholds:
            words = f"a threshold of {as_number(threshold, own):,.4g} for {study.phrase('events', event)}"
            name = f"{as_number(threshold, 1.0):g}{'x' * isinstance(threshold, str)}"
            yield Choice(SPECIFICATION, f"{event} threshold", name, words, threshold=(event, threshold))


def of_policies(study: Study) -> Iterator[Choice]:
    """Each group of levers set in both policies as in one of them, fully implemented; and both fully implemented."""
    sets = sets_of(study.policies, study.years)
    for player in players_of(study, sets):
        label = study.phrase("lever_groups" if player.name in study.lever_groups else "levers", player.name)
        for side in study.policy_names:
            words = f"{label} as under {study.phrase('policies', side)} in both policies"
            yield Choice(POLICIES, player.name, side, words, levers=player.levers, side=side)
    if any(one.share != 1.0 and not one.certain for one in sets):
        yield Choice(POLICIES, "implementation", FULL, "full implementation", side=FULL)


def of_priors(study: Study, scores: Scores, contributions: Sequence[np.ndarray]) -> Iterator[Choice]:
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
