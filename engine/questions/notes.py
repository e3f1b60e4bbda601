"""What a question has found, kept for later calls under everything that it depends on."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from engine.lanes import compilation_cache
from engine.program import cache_keys
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study


class Notes:
    """Plain data and estimates about a study that later processes read again, to the bit.

    The key is a digest of all that they depend on: the source of this package, the compiler and machine, the study and
    its model, its policies and number of paths.

    Args:
      what: what they are.
    """

    def __init__(self, what: str, study: Study):
        stated = study.document, study.model_digest, study.policy_names, study.paths
        about = what, cache_keys.surroundings(), *stated
        self._key = hashlib.blake2b(repr(about).encode(), digest_size=16).hexdigest()

    def read(self) -> Any:
        """What was written last; None without any."""
        return json.loads(compilation_cache.held("notes", self._key) or "null", object_hook=_decoded)

    def write(self, content: Any) -> None:
        """Keeps lists, and dictionaries by text, of numbers, texts and estimates; tuples are read again as lists."""
        compilation_cache.keep("notes", self._key, json.dumps(content, default=vars).encode())


def _decoded(entry: dict[str, Any]) -> Any:
    """An estimate or a flag whose fields an entry has; else the entry."""
    if "limit" in entry:
        return Flag(Reason(entry["reason"]), entry["got"], entry["limit"])  # type: ignore[call-arg]  # a look-up
    if "flags" in entry:
        return Estimate(**entry | {"flags": tuple(entry["flags"])})
    return entry
