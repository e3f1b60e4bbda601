"""What takes seconds to compute, cached for later processes beside the compiled programs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from engine.lanes import compilation_cache
from engine.lanes.compilation_cache import Kind


def kept(kind: Kind, key: str | None, make: Callable[[], bytes]) -> bytes:
    """The bytes that `make` gives: from the cache if an earlier process of this user made them, else cached now.

    Args:
      key: identifies everything that they depend on; None if they are not to be cached.
    """
    held = None if key is None else compilation_cache.held(kind, key)
    if held is None:
        held = make()
        if key is not None:
            compilation_cache.keep(kind, key, held)
    return held


def kept_text(about: str, make: Callable[[], str]) -> str:
    """The text that `make` gives, cached by the hash of everything that it depends on."""
    key = hashlib.blake2b(about.encode(), digest_size=16).hexdigest()
    return kept("text", key, lambda: make().encode()).decode()
