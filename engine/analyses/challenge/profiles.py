"""In which share of universes a claim stands, by how many choices depart at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.analyses.challenge.choices import Choice, Universe
from engine.analyses.challenge.claims import Seen, Verdict, rare
from engine.analyses.challenge.designs import DEPARTURES, universes
from engine.analyses.challenge.ledgers import Ledger
from engine.analyses.challenge.looking import Done, Look, Looking, same
from engine.analyses.turning import needed
from engine.risk.estimation.intervals import as_units
from engine.study.tables.challenge_tables import Claim


@dataclass(frozen=True)
class Place:
    """What one universe says of a claim; the universe as stated has no choices."""

    universe: Universe
    seen: Seen
    verdict: Verdict

    @property
    def departures(self) -> int:
        """How many choices depart."""
        return len(self.universe)


@dataclass(frozen=True)
class Profile:
    """What the universes of one ledger say of a claim.

    Args:
      stated: as the study states it.
      places: universes that differ from that and from each other, by departures.
    """

    claim: Claim
    ledger: Ledger
    stated: Place
    places: tuple[Place, ...]

    def shares(self, departures: int) -> tuple[int, Mapping[Verdict, float]]:
        """How many universes have so many departures, and the share of each verdict among them."""
        found = [place.verdict for place in self.places if place.departures == departures]
        counts = Counter(found)
        return len(found), {one: counts[one] / len(found) for one in Verdict} if found else {}


def profiles(looking: Looking, ledger: Ledger, claims: Sequence[Claim], done: Done) -> list[Profile]:
    """How claims do in the universes of a ledger, by 1, 2, 4, 8 and 16 departures.

    A verdict is simultaneous over the universes of one claim and number of departures: a sign counts beyond the standard errors that
    leave 2.5 % to each side for all of them (Bonferroni). Not counted is a universe that a claim cannot tell from the study, or from
    another one of as many departures, nor one in which the two policies are one.
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
    """Every choice of what is measured beside every other single choice: it asks for no futures of its own while those are there."""
    every = [one for some in dimensions.values() for one in some]
    measured = [one for one in every if one.is_measured]
    for one in every:
        if not one.is_measured:
            yield from (Look(claim, (one, other)) for other in measured)


def _profile(looking: Looking, ledger: Ledger, claim: Claim, some: Sequence[Universe]) -> Profile:
    study = looking.worlds.study
    stated, *found = looking.at(Look(claim, one) for one in ((), *some))
    apart: dict[int, list[tuple[Universe, Seen]]] = {}
    for universe, one in zip(some, found, strict=True):
        known = apart.setdefault(len(universe), [])
        if one.are_one or same(one, stated) or any(same(one, other) for _, other in known):
            continue
        known.append((universe, one))
    units, least = as_units(study.paths, study.unit), rare(study, claim, stated)

    def judged(one: Seen, tests: int) -> Verdict:
        reach = needed(units, max(tests, 1))
        return one.verdict(study, claim, reach, study.challenge.matters, least)

    places = [
        Place(universe, one, judged(one, len(known))) for known in apart.values() for universe, one in known
    ]
    return Profile(claim, ledger, Place((), stated, judged(stated, 1)), tuple(places))
