"""Text that takes seconds to make, kept for the next process where compiled programs are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from engine.program.running import compilation_cache


def kept_text(about: str, make: Callable[[], str]) -> str:
    """A text as an earlier process of this user made it; made now, and kept, where none did.

    Args:
      about: everything that it follows from.
    """
    key = hashlib.blake2b(about.encode(), digest_size=16).hexdigest()
    held = compilation_cache.held("text", key)
    if held is not None:
        return held.decode()
    text = make()
    compilation_cache.keep("text", key, text.encode())
    return text
