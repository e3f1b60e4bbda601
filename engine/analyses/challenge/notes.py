"""A persistent cache of results by universe, so that an interrupted challenge continues where it stood."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import astuple
from pathlib import Path

from engine.analyses.challenge.claims import ClaimEstimates
from engine.lanes import compilation_cache, machine_code
from engine.study.study import Study

EVERY = 5.0
"""Seconds between two writes of the cache."""


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
