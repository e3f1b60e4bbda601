"""The estimates of claims in universes: a table that is computed as it is read, and kept in a cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from engine.lanes import compilation_cache
from engine.program import cache_keys
from engine.questions.challenge.choices import Universe
from engine.questions.challenge.claims import Estimates, estimates, what
from engine.questions.challenge.worlds import Worlds
from engine.study.tables.challenge import Claim

THREADS = 2
Done = Callable[[int, int], None]
"""Called with the number of sets of futures that are done, and of all."""


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
    """The estimates of each cell. Each set of futures is simulated once for all cells that need it.

    The key of the cache is a digest of everything that the estimates depend on: the source of this package, the
    compiler and machine, the study and its model, its policies and number of paths.
    """

    def __init__(self, worlds: Worlds):
        self.worlds, study = worlds, worlds.study
        stated = study.document, study.model_digest, study.policy_names, study.paths
        about = (cache_keys.surroundings(), *stated)
        self._key = hashlib.blake2b(repr(about).encode(), digest_size=16).hexdigest()
        held = json.loads(compilation_cache.held("universes", self._key) or "{}")
        self._held = {name: Estimates(*numbers) for name, numbers in held.items()}

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
                        done(number, len(missing))
            finally:
                content = json.dumps(dict(self._held))  # a copy, as other threads may add estimates meanwhile
                compilation_cache.keep("universes", self._key, content.encode())
        return [self._held[name] for name, _ in by_name]

    def _computed(self, cells: Mapping[str, Cell]) -> dict[str, Estimates]:
        """The estimates of cells of the same futures, by name."""
        study, first = self.worlds.study, next(iter(cells.values()))
        values = self.worlds.values(first.simulated, first.fraction, first.replicate)
        return {
            name: estimates(study, one.claim, what(study, one.claim, one.universe, one.fraction), values)
            for name, one in cells.items()
        }
