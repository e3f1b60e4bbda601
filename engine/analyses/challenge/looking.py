"""Claims looked at in many universes: of those asked for at once every run of futures once, two at a time, whichever claims read it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from engine.analyses.challenge.choices import Universe, run_of
from engine.analyses.challenge.claims import Seen, seen, what
from engine.analyses.challenge.notes import Notes
from engine.analyses.challenge.worlds import Worlds
from engine.study.tables.challenge_tables import Claim

THREADS = 2
Done = Callable[[int, int], None]
"""Told how many runs of futures are done, of how many."""


@dataclass(frozen=True)
class Look:
    """A claim in a universe, whole or a part of the way to it."""

    claim: Claim
    universe: Universe
    fraction: float = 1.0

    @cached_property
    def run(self) -> str:
        """What its futures are made by."""
        return self._named(run_of(self.universe))

    @cached_property
    def name(self) -> str:
        """What it is noted by."""
        return f"{self.claim}: {self._named(self.universe)}"

    def _named(self, universe: Universe) -> str:
        names = sorted(f"{one.ledger}, {one}" for one in universe)
        return "; ".join([*names, repr(self.fraction)] if names else names)


class Looking:
    """Sees claims in universes, and notes what it has seen of one kind of futures.

    Args:
      replicate: of the futures: 0 for the study's own.
    """

    def __init__(self, worlds: Worlds, notes: Notes, replicate: int):
        self.worlds, self.notes, self.replicate = worlds, notes, replicate

    def at(self, looks: Iterable[Look], done: Done = lambda *_: None) -> list[Seen]:
        """What is seen, look by look; the same whatever is computed beside it, and in whichever order."""
        asked = list(looks)
        by_run: dict[str, list[Look]] = {}
        for one in dict.fromkeys(asked):
            if self.notes.get(self._name(one)) is None:
                by_run.setdefault(one.run, []).append(one)
        threads = ThreadPoolExecutor(THREADS)
        try:
            found = threads.map(self._seen, by_run.values())
            for number, (some, numbers) in enumerate(zip(by_run.values(), found, strict=True), 1):
                for one, at in zip(some, numbers, strict=True):
                    self.notes.add(self._name(one), at)
                done(number, len(by_run))
        finally:
            threads.shutdown(cancel_futures=True)
            self.notes.keep()
        known = (self.notes.get(self._name(one)) for one in asked)
        return [one for one in known if one is not None]

    def one(self, claim: Claim, universe: Universe, fraction: float = 1.0) -> Seen:
        """What is seen of one claim."""
        return self.at([Look(claim, universe, fraction)])[0]

    def _name(self, look: Look) -> str:
        return f"{self.replicate}: {look.name}"

    def _seen(self, looks: Sequence[Look]) -> list[Seen]:
        study = self.worlds.study
        values = self.worlds.values(run_of(looks[0].universe), looks[0].fraction, self.replicate)
        return [
            seen(study, one.claim, what(study, one.claim, one.universe, one.fraction), values)
            for one in looks
        ]


def same(one: Seen, other: Seen) -> bool:
    """Whether two universes cannot be told apart by a claim: its numbers are the same to the bit, or missing in both."""
    pairs = zip((one.policy, one.against, one.error), (other.policy, other.against, other.error), strict=True)
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in pairs)
