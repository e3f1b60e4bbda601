"""Claims looked at in many universes: every run of futures once, two at a time, whichever claims read it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from engine.analyses.challenge.choices import Choice, Universe, run_of
from engine.analyses.challenge.claims import Seen, seen, what
from engine.analyses.challenge.worlds import Worlds
from engine.study.challenge_tables import Claim

THREADS = 2


@dataclass(frozen=True)
class Look:
    """A claim in a universe, whole or a part of the way to it."""

    claim: Claim
    universe: Universe
    fraction: float = 1.0

    @property
    def run(self) -> tuple[frozenset[Choice], float]:
        """What its futures are made by."""
        run = run_of(self.universe)
        return frozenset(run), self.fraction if run else 1.0


class Looking:
    """Sees claims in universes, and remembers what it has seen of one kind of futures.

    Args:
      replicate: of the futures: 0 for the study's own.
      done: is told after every run of futures.
    """

    def __init__(self, worlds: Worlds, replicate: int, done: Callable[[], None]):
        self.worlds, self.replicate, self._done = worlds, replicate, done
        self._known: dict[tuple[Claim, frozenset[Choice], float], Seen] = {}

    def at(self, looks: Iterable[Look]) -> list[Seen]:
        """What is seen, look by look."""
        asked = list(looks)
        by_run: dict[tuple[frozenset[Choice], float], list[Look]] = {}
        for one in dict.fromkeys(asked):
            if _key(one) not in self._known:
                by_run.setdefault(one.run, []).append(one)
        threads = ThreadPoolExecutor(THREADS)
        try:
            for some, found in zip(by_run.values(), threads.map(self._seen, by_run.values()), strict=True):
                self._known.update(zip(map(_key, some), found, strict=True))
                self._done()
        finally:
            threads.shutdown(cancel_futures=True)
        return [self._known[_key(one)] for one in asked]

    def one(self, claim: Claim, universe: Universe, fraction: float = 1.0) -> Seen:
        """What is seen of one claim."""
        return self.at([Look(claim, universe, fraction)])[0]

    def _seen(self, looks: Sequence[Look]) -> list[Seen]:
        study = self.worlds.study
        values = self.worlds.values(run_of(looks[0].universe), looks[0].fraction, self.replicate)
        return [
            seen(study, one.claim, what(study, one.claim, one.universe, one.fraction), values)
            for one in looks
        ]


def _key(one: Look) -> tuple[Claim, frozenset[Choice], float]:
    return one.claim, frozenset(one.universe), one.fraction


def same(one: Seen, other: Seen) -> bool:
    """Whether two universes cannot be told apart by a claim: its numbers are the same to the bit, or missing in both."""
    pairs = zip((one.policy, one.against, one.error), (other.policy, other.against, other.error), strict=True)
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in pairs)
