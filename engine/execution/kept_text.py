"""Text that takes seconds to compute, cached for later processes beside the compiled programs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from engine.lanes import compilation_cache


def kept_text(about: str, make: Callable[[], str]) -> str:
    """The text that `make` gives: from the cache if an earlier process of this user made it, else made and cached now.

    Args:
      about: everything that the text depends on; its hash is the key in the cache.
    """
    key = hashlib.blake2b(about.encode(), digest_size=16).hexdigest()
    held = compilation_cache.held("text", key)
    if held is not None:
        return held.decode()
    text = make()
    compilation_cache.keep("text", key, text.encode())
    return text
