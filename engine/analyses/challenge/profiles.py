"""The share of universes in which a claim holds, by the number of choices that depart at a time."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import Any

from engine.analyses.challenge.choices import Choice, Universe, agree, contradict
from engine.analyses.challenge.claims import ClaimEstimates, Verdict, rare
from engine.analyses.challenge.ledgers import Ledger
from engine.analyses.challenge.looking import Done, Look, Looking, same
from engine.analyses.turning import critical_score
from engine.risk.estimation.intervals import as_units
from engine.study.tables.challenge import Claim

DEPARTURES = (1, 2, 4, 16)
"""Numbers of choices that depart at a time."""
UNIVERSES = 100
"""Universes drawn for each number of departures above one; where there are no more, all are taken."""
_TRIES = 40


@dataclass(frozen=True)
class Place:
    """The estimates and verdict of one universe on a claim; the universe as stated has no choices."""

    universe: Universe
    seen: ClaimEstimates
    verdict: Verdict

    @property
    def departures(self) -> int:
        """The number of choices in the universe."""
        return len(self.universe)


@dataclass(frozen=True)
class Profile:
    """The estimates and verdicts of all universes of one ledger on a claim.

    Args:
      stated: the universe without departures.
      places: the universes that differ from `stated` and from each other, by number of departures.
    """

    claim: Claim
    ledger: Ledger
    stated: Place
    places: tuple[Place, ...]

    def shares(self, departures: int) -> tuple[int, Mapping[Verdict, float]]:
        """The number of universes with `departures` choices, and the share of each verdict among them.

        There are no shares without such universes.
        """
        found = [place.verdict for place in self.places if place.departures == departures]
        counts = Counter(found)
        return len(found), {one: counts[one] / len(found) for one in Verdict} if found else {}


def profiles(looking: Looking, ledger: Ledger, claims: Sequence[Claim], done: Done) -> list[Profile]:
    """The profiles of claims over the universes of a ledger, with 1, 2, 4 and 16 departures.

    Verdicts are simultaneous over the universes of one claim and number of departures: a sign counts if it is
    significant at 2.5 % to each side after Bonferroni's correction. Left out are universes that give a claim the same
    numbers as the study as stated, or as another universe with as many departures, and those whose policies are alike.
    """
    study = looking.worlds.study
    designs = {
        claim: [
            one
            for departures in DEPARTURES
            for one in universes(ledger.of(study, claim), departures, study.groups, study.seed)
        ]
        for claim in claims
    }
    every = [Look(claim, one) for claim, some in designs.items() for one in ((), *some)]
    beside = (look for claim in claims for look in _measured_otherwise(claim, ledger.of(study, claim)))
    looking.at([*every, *beside], done)
    return [_profile(looking, ledger, claim, some) for claim, some in designs.items()]


def _measured_otherwise(claim: Claim, dimensions: Mapping[str, Sequence[Choice]]) -> Iterator[Look]:
    """Each choice of measurement with each other choice: cheap, as these share the other choice's futures."""
    every = [one for some in dimensions.values() for one in some]
    measured = [one for one in every if one.is_measured]
    for one in every:
        if not one.is_measured:
            yield from (Look(claim, (one, other)) for other in measured)


def _profile(looking: Looking, ledger: Ledger, claim: Claim, some: Sequence[Universe]) -> Profile:
    study = looking.worlds.study
    stated, *found = looking.at(Look(claim, one) for one in ((), *some))
    apart: dict[int, list[tuple[Universe, ClaimEstimates]]] = {}
    for universe, one in zip(some, found, strict=True):
        known = apart.setdefault(len(universe), [])
        if one.are_one or same(one, stated) or any(same(one, other) for _, other in known):
            continue
        known.append((universe, one))
    units, least = as_units(study.paths, study.unit), rare(study, claim, stated)

    def judged(one: ClaimEstimates, tests: int) -> Verdict:
        reach = critical_score(units, max(tests, 1))
        return one.verdict(study, claim, reach, study.challenge.matters, least)

    places = [Place(universe, one, judged(one, len(known))) for known in apart.values() for universe, one in known]
    return Profile(claim, ledger, Place((), stated, judged(stated, 1)), tuple(places))


def universes(
    dimensions: Mapping[str, Sequence[Choice]], departures: int, groups: Mapping[str, Any], seed: int
) -> list[Universe]:
    """Distinct universes with exactly `departures` choices; none where there are fewer dimensions than that.

    The draw depends only on the seed and on the names of choices, so that claims with the same choices get the same
    universes, and claims that differ only in what is measured largely share the futures to be simulated.
    """
    if departures > len(dimensions):
        return []
    every = (one for chosen in combinations(dimensions.values(), departures) for one in product(*chosen))
    first = [*islice(every, None if departures == 1 else UNIVERSES + 1)]
    if departures == 1 or len(first) <= UNIVERSES:
        return [one for one in first if agree(one, groups)]
    found: dict[frozenset[Choice], Universe] = {}
    for number in range(_TRIES * UNIVERSES):
        one = _random_universe(dimensions, departures, groups, f"{seed}/{departures}/{number}")
        if len(one) == departures:
            found.setdefault(frozenset(one), one)
        if len(found) == UNIVERSES:
            break
    return list(found.values())


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
