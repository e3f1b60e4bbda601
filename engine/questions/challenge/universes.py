"""Claims in universes: their estimates, and for one claim in one ledger which universes are looked at and the verdicts.

Estimates are computed as they are read, and kept in a cache.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import chain, combinations, islice, product
from typing import NamedTuple

from engine.questions.challenge.choices import MIXED, Choice, Universe, agree, compatible
from engine.questions.challenge.claims import Estimates, estimates, what
from engine.questions.challenge.worlds import Worlds
from engine.questions.notes import Notes
from engine.questions.turning import critical_score
from engine.questions.variables import PROBABILITY
from engine.risk.estimation.intervals import Estimate, as_units
from engine.study.tables.challenge import Claim

DEPARTURES = (1, 2, 4, 16)
"""Numbers of choices that depart at a time."""
UNIVERSES = 100
"""Universes drawn for each number of departures above one; where there are no more, all are taken."""
_TRIES = 40
RARE = 1e-3
"""Probability below which an event counts as no longer happening, if it is more frequent as stated."""
WHOLE = Estimate(1.0, 0.0, 1.0, 1.0)
"""The fraction of choices that are made in full."""
Dimensions = Mapping[str, Sequence[Choice]]

EVERY = 5.0
"""Seconds between two writes of the cache."""
THREADS = 2
Done = Callable[[int, int], None]
"""Called with the number of sets of futures that are done, and of all."""


class Verdict(StrEnum):
    """The verdict of one universe on a claim; `NOTHING` where its event no longer happens."""

    HOLDS = "holds"
    REVERSED = "reversed"
    UNDECIDED = "undecided"
    NOTHING = "nothing"


@dataclass(frozen=True)
class World:
    """A universe with the estimates of a claim in it, and its verdict.

    Args:
      fraction: of a universe that reverses the claim, the part of the way to it at which the difference vanishes.
    """

    universe: Universe
    estimates: Estimates
    verdict: Verdict
    fraction: Estimate = WHOLE

    @property
    def departures(self) -> int:
        """The number of choices in the universe."""
        return len(self.universe)


class Cell(NamedTuple):
    """A claim in a universe, with its choices made in full or part of the way, on one replicate of the futures.

    Args:
      replicate: 0 for the study's own futures, other numbers for independent ones.
    """

    claim: Claim
    universe: Universe
    fraction: float = 1.0
    replicate: int = 0

    @property
    def simulated(self) -> Universe:
        """The choices that change the futures, not only what is measured."""
        return tuple(one for one in self.universe if not one.is_measured)

    @property
    def futures(self) -> str:
        """Key of the futures that it is computed from."""
        return self._key(self.simulated)

    @property
    def name(self) -> str:
        """Key of its estimates."""
        return f"{self.claim}: {self._key(self.universe)}"

    def _key(self, universe: Universe) -> str:
        # two directions of one group may have the same name: a move is part of the key
        names = sorted(f"{one.ledger}, {one} {sorted(one.move.items())}" for one in universe)
        return "; ".join([str(self.replicate), *names, repr(self.fraction) if names else ""])


class Results:
    """The estimates of each cell. Each set of futures is simulated once for all cells that need it."""

    def __init__(self, worlds: Worlds):
        self.worlds, self._notes = worlds, Notes("universes", worlds.study)
        self._held = {name: Estimates(*numbers) for name, numbers in (self._notes.read() or {}).items()}
        self._written = time.monotonic()

    def at(self, cells: Iterable[Cell], done: Done = lambda *_: None) -> list[Estimates]:
        """The estimates of cells, in order; they do not depend on which other cells are computed with them."""
        by_name = [(one.name, one) for one in cells]
        missing: dict[str, dict[str, Cell]] = {}
        for name, one in by_name:
            if name not in self._held:
                missing.setdefault(one.futures, {})[name] = one
        if missing:
            try:
                with ThreadPoolExecutor(THREADS) as threads:
                    for number, some in enumerate(threads.map(self._computed, missing.values()), 1):
                        self._held |= some
                        if time.monotonic() - self._written > EVERY:
                            self._write()
                        done(number, len(missing))
            finally:
                self._write()
        return [self._held[name] for name, _ in by_name]

    def _computed(self, cells: Mapping[str, Cell]) -> dict[str, Estimates]:
        """The estimates of cells of the same futures, by name."""
        study, first = self.worlds.study, next(iter(cells.values()))
        values = self.worlds.values(first.simulated, first.fraction, first.replicate)
        return {
            name: estimates(study, one.claim, what(study, one.claim, one.universe, one.fraction), values)
            for name, one in cells.items()
        }

    def _write(self) -> None:
        self._notes.write(dict(self._held))  # a copy, as other threads may add estimates meanwhile
        self._written = time.monotonic()


class Case:
    """One claim against the choices of one ledger; it reads the table of results.

    Args:
      ledger: `SPECIFICATION`, `POLICIES` or `MIXED`.
      choices: all choices of the study; the case has those of its ledger.
    """

    def __init__(self, results: Results, claim: Claim, ledger: str, choices: Sequence[Choice]):
        self.results, self.claim, self.ledger = results, claim, ledger
        self.study = results.worlds.study
        self.choices = [one for one in choices if ledger in (one.ledger, MIXED)]

    @cached_property
    def dimensions(self) -> dict[str, list[Choice]]:
        """The choices by dimension, without choices of measurement that do not affect the claim."""
        own, dimensions = what(self.study, self.claim, ()), dict[str, list[Choice]]()
        for one in self.choices:
            if not one.is_measured or what(self.study, self.claim, (one,)) != own:
                dimensions.setdefault(one.dimension, []).append(one)
        return dimensions

    @cached_property
    def designed(self) -> list[Universe]:
        """The universes that shares are taken over, by number of departures; none for sets across ledgers."""
        study = self.study
        if self.ledger == MIXED:
            return []
        return [one for count in DEPARTURES for one in universes(self.dimensions, count, study.seed)]

    @property
    def needed(self) -> list[Universe]:
        """The universes that are always computed: as stated, those of shares, and each choice with each measurement.

        The last need only the futures of single choices, which the search would otherwise simulate again.
        """
        every = [*chain(*self.dimensions.values())]
        pairs = product((one for one in every if not one.is_measured), (one for one in every if one.is_measured))
        return [(), *self.designed, *pairs]

    def at(self, some: Iterable[Universe], fraction: float = 1.0, replicate: int = 0) -> list[Estimates]:
        """The estimates of the claim in some universes."""
        return self.results.at(Cell(self.claim, one, fraction, replicate) for one in some)

    @cached_property
    def stated(self) -> World:
        """The universe without departures."""
        (one,) = self.at([()])
        return World((), one, self.verdict(one, self.reach(1)))

    def favour(self, one: Estimates) -> float:
        """The difference, with its sign such that positive values support the claim."""
        return one.difference if self.study.is_loss(self.claim.variable) == self.claim.worse else -one.difference

    def verdict(self, one: Estimates, reach: float, least: float = 0.0) -> Verdict:
        """The verdict: a difference counts beyond `reach` standard errors if it is also `least` of the larger number.

        An event does not happen below a probability of 0.001, or below a tenth of the stated one if that is less.
        """
        (stated,) = self.at([()])
        rare = min(RARE, 0.1 * max(stated.policy, stated.against))
        if self.claim.measure == PROBABILITY and max(one.policy, one.against) < rare:
            return Verdict.NOTHING
        size = self.favour(one)
        if not abs(size) > reach * one.error or not math.isfinite(size) or one.relative < least:
            return Verdict.UNDECIDED
        return Verdict.HOLDS if size > 0 else Verdict.REVERSED

    def reach(self, tests: int) -> float:
        """Standard errors beyond which a sign is significant over so many tests at once."""
        return critical_score(as_units(self.study.paths, self.study.unit), max(tests, 1))

    @cached_property
    def worlds(self) -> list[World]:
        """The universes that differ from the study as stated and from each other, with their verdicts.

        Verdicts are simultaneous over the universes of one number of departures: a sign counts if it is significant at
        2.5 % to each side after Bonferroni's correction. Left out are universes that give the claim the same numbers
        as the study as stated, or as another universe with as many departures, and those whose policies are alike.
        """
        known: dict[int, list[tuple[Universe, Estimates]]] = {}
        for universe, one in zip(self.designed, self.at(self.designed), strict=True):
            others = known.setdefault(len(universe), [])
            if not (one.are_alike or any(map(one.equal, (self.stated.estimates, *(other for _, other in others))))):
                others.append((universe, one))
        return [
            World(universe, one, self.verdict(one, self.reach(len(some))))
            for some in known.values()
            for universe, one in some
        ]


def universes(dimensions: Dimensions, departures: int, seed: int) -> list[Universe]:
    """Distinct universes with exactly `departures` choices; none where there are fewer dimensions than that.

    The draw depends only on the seed and on the names of choices, so that claims with the same choices get the same
    universes, and claims that differ only in what is measured largely share the futures to be simulated.
    """
    every = (one for chosen in combinations(dimensions.values(), departures) for one in product(*chosen))
    first = [*islice(every, None if departures == 1 else UNIVERSES + 1)]
    if departures == 1 or len(first) <= UNIVERSES:
        return [one for one in first if agree(one)]
    found: dict[frozenset[Choice], Universe] = {}
    for number in range(_TRIES * UNIVERSES):
        one = _random_universe(dimensions, departures, f"{seed}/{departures}/{number}")
        if len(one) == departures:
            found.setdefault(frozenset(one), one)
        if len(found) == UNIVERSES:
            break
    return list(found.values())


def _random_universe(dimensions: Dimensions, departures: int, key: str) -> Universe:
    # claims differ in their dimensions of measurement: numbered, these come at the same places of the order for every
    # claim, so that claims share all other choices, and with them futures
    measured = [name for name, some in dimensions.items() if some[0].is_measured]
    called = {name: f"measured {number}" for number, name in enumerate(measured)}
    order = sorted(dimensions, key=lambda name: _number(f"{key}/{called.get(name, name)}"))
    chosen = (dimensions[name][_number(f"{key}/{name}/which") % len(dimensions[name])] for name in order)
    return compatible(chosen, departures)


def _number(text: str) -> int:
    """A pseudo-random number that depends on a text alone, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
