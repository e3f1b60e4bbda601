"""Choices that a study could have made otherwise, and the changes that several of them make, in full or in part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.study.components import Change
from engine.study.tables.challenge import Threshold
from engine.study.tables.changes import flat

SPECIFICATION, POLICIES = "specification", "policies"
"""The two ledgers: how the world and its measurement are specified, and how the policies are defined.

No share is taken over both.
"""
HORIZON = "horizon"
"""The dimension of choices of other years."""
FULL = "in full"
"""The `side` of the choice by which both policies are fully implemented."""


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
      instead: variable -> the variable that is measured in its place.
      threshold: an event, and its alternative threshold.
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
    threshold: tuple[str, Threshold] | None = None

    @property
    def is_measured(self) -> bool:
        """Whether it changes only what is measured, so that existing futures show it and none need be simulated."""
        return bool(self.instead) or self.threshold is not None

    @property
    def is_whole(self) -> bool:
        """Whether it can only be made in full, not part of the way."""
        return bool(self.instead)

    def __str__(self) -> str:
        return f"{self.dimension}: {self.name}"


Universe = tuple[Choice, ...]
"""Choices that depart from a study together, each of a different dimension."""


def run_of(universe: Universe) -> Universe:
    """The choices of a universe that change the futures, not only what is measured."""
    return tuple(one for one in universe if not one.is_measured)


def contradict(one: Choice, others: Iterable[Choice], groups: Mapping[str, Any]) -> bool:
    """Whether a choice cannot be made together with others.

    It cannot if it shares a dimension with one of them, or sets something that one of them sets to another value.
    """
    own = dict(flat(one.change, groups))
    for other in others:
        if other.dimension == one.dimension:
            return True
        if own and any(own.get(place, value) != value for place, value in flat(other.change, groups)):
            return True
    return False


def part_of_factors(change: Change, fraction: float) -> dict[str, tuple[float, float]]:
    """The (scale, shift) of each changed factor part of the way between (1, 0) and the change's.

    At fraction 1 they are those of the change, bit for bit.
    """
    if fraction == 1.0:
        return dict(change.factors)
    parts = {}
    for name, (scale, shift) in change.factors.items():
        # adding -0 changes no bit, while adding 0 turns -0 into 0
        moved = -0.0 if shift == 0.0 else fraction * shift
        parts[name] = ((1.0 - fraction) + fraction * scale, moved)
    return parts


def in_words(universe: Sequence[Choice]) -> str:
    """The choices of a universe in words: `drag of zombies off and effects of diversification off`."""
    words = [one.words for one in universe]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def agree(universe: Sequence[Choice], groups: Mapping[str, Any]) -> bool:
    """Whether all choices of a universe can be made together."""
    return not any(contradict(one, universe[:k], groups) for k, one in enumerate(universe))


def is_measured(universe: Sequence[Choice]) -> bool:
    """Whether any of its choices changes what is measured."""
    return any(one.is_measured for one in universe)
