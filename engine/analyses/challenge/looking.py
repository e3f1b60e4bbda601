"""Evaluates claims in many universes.

Each distinct set of futures is simulated once, two sets at a time, for all claims that need it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from engine.analyses.challenge.choices import Universe, run_of
from engine.analyses.challenge.claims import ClaimEstimates, claim_estimates, what
from engine.analyses.challenge.notes import Notes
from engine.analyses.challenge.worlds import Worlds
from engine.study.tables.challenge import Claim

THREADS = 2
Done = Callable[[int, int], None]
"""Called with the number of sets of futures that are done, and of all."""


@dataclass(frozen=True)
class Look:
    """A claim to be evaluated in a universe, with its choices made in full or part of the way."""

    claim: Claim
    universe: Universe
    fraction: float = 1.0

    @cached_property
    def run(self) -> str:
        """Key of the futures that it is evaluated on: the choices that change them, and the fraction."""
        return self._key(run_of(self.universe))

    @cached_property
    def name(self) -> str:
        """Key of its result in the notes."""
        return f"{self.claim}: {self._key(self.universe)}"

    def _key(self, universe: Universe) -> str:
        # two directions of one group may have the same name: a move is part of the key
        names = sorted(f"{one.ledger}, {one} {sorted(one.move.items())}" for one in universe)
        return "; ".join([*names, repr(self.fraction)] if names else names)


class Looking:
    """Evaluates claims in universes on one replicate of the futures, and keeps the results in notes.

    Args:
      replicate: 0 for the study's own futures, other numbers for independent ones.
    """

    def __init__(self, worlds: Worlds, notes: Notes, replicate: int):
        self.worlds, self.notes, self.replicate = worlds, notes, replicate

    def at(self, looks: Iterable[Look], done: Done = lambda *_: None) -> list[ClaimEstimates]:
        """The estimates for each look, in order; they do not depend on which other looks are computed with them."""
        asked = list(looks)
        by_run: dict[str, list[Look]] = {}
        for one in dict.fromkeys(asked):
            if self.notes.get(self._name(one)) is None:
                by_run.setdefault(one.run, []).append(one)
        threads = ThreadPoolExecutor(THREADS)
        try:
            found = threads.map(self._estimates, by_run.values())
            for number, (some, numbers) in enumerate(zip(by_run.values(), found, strict=True), 1):
                for one, at in zip(some, numbers, strict=True):
                    self.notes.add(self._name(one), at)
                done(number, len(by_run))
        finally:
            threads.shutdown(cancel_futures=True)
            self.notes.keep()
        known = (self.notes.get(self._name(one)) for one in asked)
        return [one for one in known if one is not None]

    def one(self, claim: Claim, universe: Universe, fraction: float = 1.0) -> ClaimEstimates:
        """The estimates for one claim in one universe."""
        return self.at([Look(claim, universe, fraction)])[0]

    def _name(self, look: Look) -> str:
        return f"{self.replicate}: {look.name}"

    def _estimates(self, looks: Sequence[Look]) -> list[ClaimEstimates]:
        study = self.worlds.study
        values = self.worlds.values(run_of(looks[0].universe), looks[0].fraction, self.replicate)
        return [
            claim_estimates(study, one.claim, what(study, one.claim, one.universe, one.fraction), values)
            for one in looks
        ]


def same(one: ClaimEstimates, other: ClaimEstimates) -> bool:
    """Whether two universes give a claim the same measures and error to the bit, NaN being equal to NaN."""
    pairs = zip((one.policy, one.against, one.error), (other.policy, other.against, other.error), strict=True)
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in pairs)
