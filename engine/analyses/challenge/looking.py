"""Evaluates claims in many universes.

Each distinct set of futures is simulated once, two sets at a time, for all claims that need it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from engine.analyses.challenge.choices import Universe, run_of
from engine.analyses.challenge.claims import ClaimEstimates, claim_estimates, what
from engine.analyses.challenge.worlds import Worlds
from engine.lanes import compilation_cache, machine_code
from engine.study.study import Study
from engine.study.tables.challenge import Claim

EVERY = 5.0
"""Seconds between two writes of the cache."""
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


class Notes:
    """Results of claims by universe, for one study and number of futures.

    The key of the cache is a digest of everything that the results depend on: the source of this package, the compiler
    and machine, the study and its model, its policies and number of paths.
    """

    def __init__(self, study: Study):
        self._key = _key(study)
        content = compilation_cache.held("universes", self._key)
        self._held: dict[str, ClaimEstimates] = {}
        if content is not None:
            self._held = {name: ClaimEstimates(*numbers) for name, numbers in json.loads(content).items()}
        self._kept, self._at = len(self._held), time.monotonic()

    def get(self, name: str) -> ClaimEstimates | None:
        """The result under a name, or None."""
        return self._held.get(name)

    def add(self, name: str, seen: ClaimEstimates) -> None:
        """Adds a result, and writes the cache if it was last written more than `EVERY` seconds ago."""
        self._held[name] = seen
        if time.monotonic() - self._at > EVERY:
            self.keep()

    def keep(self) -> None:
        """Writes the cache, if there are new results."""
        if len(self._held) > self._kept:
            held = dict(self._held)  # other threads may add results meanwhile
            content = json.dumps({name: astuple(seen) for name, seen in held.items()})
            compilation_cache.keep("universes", self._key, content.encode())
        self._kept, self._at = len(self._held), time.monotonic()


def _key(study: Study) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(Path(__file__).parents[2].rglob("*.py")):
        digest.update(file.read_bytes())
    plain = json.dumps(study.document, sort_keys=True, default=str)
    about = (plain, study.model_digest, *machine_code.surroundings(), study.policy_names, study.paths)
    digest.update(repr(about).encode())
    return digest.hexdigest()


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
    first, second = ((each.policy, each.against, each.error) for each in (one, other))
    return np.array_equal(first, second, equal_nan=True)
