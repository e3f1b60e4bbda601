"""A choice that a study could have made otherwise; what several of them together change, whole or part of the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.study.study import Change
from engine.study.tables.challenge_tables import Threshold
from engine.study.tables.change_tables import flat

SPECIFICATION, POLICIES = "specification", "policies"
"""The two ledgers: how the world and what is measured are specified, and how the policies are defined. No share mixes them."""
FULL = "in full"
"""The side of a choice by which both policies get as far as they are meant to."""


@dataclass(frozen=True, eq=False)
class Choice:
    """One way in which a study could have been otherwise.

    Args:
      dimension: what it is a choice of; one choice of a dimension excludes the others.
      words: what people call it within a sentence.
      label: what people call the dimension within one.
      change: of factors, levers and groups.
      move: of the normal scores that a path is made of, by row: how far each goes.
      levers, side: levers that both policies have as this policy sets them, in full; `FULL` for no levers but the whole way.
      instead: variable -> what is measured in its place.
      threshold: an event, and its other threshold.
      line, sign: of a move: which direction it is along, and which way.
    """

    ledger: str
    dimension: str
    name: str
    words: str
    label: str
    change: Change = field(default_factory=Change)
    move: Mapping[int, float] = field(default_factory=dict)
    levers: tuple[str, ...] = ()
    side: str = ""
    instead: Mapping[str, str] = field(default_factory=dict)
    threshold: tuple[str, Threshold] | None = None
    line: str = ""
    sign: float = 1.0

    @property
    def is_measured(self) -> bool:
        """Whether it is read off futures that are there, and asks for none of its own."""
        return bool(self.instead) or self.threshold is not None

    @property
    def is_whole(self) -> bool:
        """Whether it cannot be made part of the way."""
        return bool(self.instead)

    def __str__(self) -> str:
        return f"{self.dimension}: {self.name}"


Universe = tuple[Choice, ...]
"""Choices that depart from a study together, each of another dimension."""


def run_of(universe: Universe) -> Universe:
    """Those of its choices that other futures follow from."""
    return tuple(one for one in universe if not one.is_measured)


def contradict(one: Choice, others: Iterable[Choice], groups: Mapping[str, Any]) -> bool:
    """Whether a choice cannot be made beside others: it is of the dimension of one of them, or makes something else of what one changes."""
    own = dict(flat(one.change, groups))
    for other in others:
        if other.dimension == one.dimension:
            return True
        if own and any(own.get(place, value) != value for place, value in flat(other.change, groups)):
            return True
    return False


def part_of_factors(change: Change, fraction: float) -> dict[str, tuple[float, float]]:
    """What is done to draws a part of the way: (scale, shift) between (1, 0) and the change's; at its end the change's, bit for bit."""
    if fraction == 1.0:
        return dict(change.factors)
    parts = {}
    for name, (scale, shift) in change.factors.items():
        # a shift of -0 leaves every bit as it is
        moved = -0.0 if shift == 0.0 else fraction * shift
        parts[name] = ((1.0 - fraction) + fraction * scale, moved)
    return parts


def in_words(universe: Sequence[Choice]) -> str:
    """`drag of zombies off and effects of diversification off`."""
    words = [one.words for one in universe]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def agree(universe: Sequence[Choice], groups: Mapping[str, Any]) -> bool:
    """Whether all of its choices can be made together."""
    return not any(contradict(one, universe[:k], groups) for k, one in enumerate(universe))


def is_measured(universe: Sequence[Choice]) -> bool:
    """Whether something else is measured in it."""
    return any(one.is_measured for one in universe)
