"""Designs of universes: for each number of departures all of them, or a hundred drawn at random."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

from engine.analyses.challenge.choices import Choice, Universe, agree, contradict

DEPARTURES = (1, 2, 4, 8, 16)
"""Numbers of choices that depart at a time."""
UNIVERSES = 100
"""Universes drawn for each number of departures above one; where there are no more, all are taken."""
_TRIES = 40


def universes(
    dimensions: Mapping[str, Sequence[Choice]], departures: int, groups: Mapping[str, Any], seed: int
) -> list[Universe]:
    """Distinct universes with exactly `departures` choices; none where there are fewer dimensions than that.

    The draw depends only on the seed and on the names of choices, so that claims with the same choices get the same
    universes, and claims that differ only in what is measured largely share the futures to be simulated.
    """
    if departures > len(dimensions):
        return []
    if departures == 1 or _count(dimensions, departures) <= UNIVERSES:
        return [one for one in _every(dimensions, departures) if agree(one, groups)]
    found: dict[frozenset[Choice], Universe] = {}
    for number in range(_TRIES * UNIVERSES):
        one = _random_universe(dimensions, departures, groups, f"{seed}/{departures}/{number}")
        if len(one) == departures:
            found.setdefault(frozenset(one), one)
        if len(found) == UNIVERSES:
            break
    return list(found.values())


def _count(dimensions: Mapping[str, Sequence[Choice]], departures: int) -> float:
    """The number of universes with exactly `departures` choices.

    It is the elementary symmetric polynomial, of degree `departures`, in the numbers of choices per dimension.
    """
    counts = [1.0] + [0.0] * departures
    for some in dimensions.values():
        for k in range(departures, 0, -1):
            counts[k] += counts[k - 1] * len(some)
    return counts[departures]


def _every(dimensions: Mapping[str, Sequence[Choice]], departures: int) -> Iterator[Universe]:
    for chosen in combinations(dimensions.values(), departures):
        yield from product(*chosen)


def _random_universe(
    dimensions: Mapping[str, Sequence[Choice]], departures: int, groups: Mapping[str, Any], key: str
) -> Universe:
    made: list[Choice] = []
    # claims differ in their dimensions of measurement: numbered, these come at the same places of the order for every
    # claim, so that claims share all other choices, and with them futures
    measured = [name for name, some in dimensions.items() if some[0].is_measured]
    called = {name: f"measured {measured.index(name)}" if name in measured else name for name in dimensions}
    for name in sorted(dimensions, key=lambda name: _number(f"{key}/{called[name]}")):
        some = dimensions[name]
        one = some[_number(f"{key}/{name}/which") % len(some)]
        if not contradict(one, made, groups):
            made.append(one)
        if len(made) == departures:
            break
    return tuple(made)


def _number(text: str) -> int:
    """A pseudo-random number that depends on a text alone, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
