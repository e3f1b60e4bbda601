"""Where compiled programs are kept, so that the next process need not compile them again."""

from __future__ import annotations

import contextlib
import os
import shutil
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import jax

LARGEST = 1 << 30
"""Bytes of compiled programs that are kept; what has not been used for longest goes first."""
_ROOM = 1 << 26
_REQUESTED, _HIT = (
    f"/jax/compilation_cache/{event}" for event in ("compile_requests_use_cache", "cache_hits")
)


def keep_programs() -> None:
    """Keeps compiled programs in a private folder of the user, from here on.

    The folder is `$RUSTBELT_CACHE`, else `$XDG_CACHE_HOME/rustbelt`, else `~/.cache/rustbelt`; `RUSTBELT_CACHE=off` keeps
    nothing. A compiled program is code that is trusted, so a folder that is someone else's, or that others can write to, is
    left alone, with a warning; so is one that cannot be written or has no room. It may be deleted at any time.

    JAX knows one cache for a whole process: what else it compiles from here on is kept there too, and found again. A cache
    that JAX has been given already (`jax_compilation_cache_dir`) stays, with its rules.
    """
    wish = os.environ.get("RUSTBELT_CACHE", "")
    if wish.lower() == "off" or jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        return
    try:
        folder = _cache_folder(wish)
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        wrong = _not_to_be_used(folder)
    except (OSError, RuntimeError) as failure:
        wrong = f"{failure}."
    if wrong:
        remedy = "Set RUSTBELT_CACHE to a folder of your own, or to off"
        warnings.warn(f"compiled programs are not kept: {wrong} {remedy}.", stacklevel=3)
        return
    _forget_oldest(folder)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


@contextlib.contextmanager
def watched() -> Iterator[Callable[[], bool]]:
    """A function that says whether every program that JAX was asked for since came from the cache."""
    seen: Counter[str] = Counter()

    def note(event: str, **_: object) -> None:
        seen[event] += 1

    jax.monitoring.register_event_listener(note)
    try:
        yield lambda: seen[_HIT] == seen[_REQUESTED] > 0
    finally:
        jax.monitoring.unregister_event_listener(note)


def _cache_folder(wish: str) -> Path:
    if wish:
        return Path(wish).expanduser().absolute()
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if os.path.isabs(given) else Path.home() / ".cache") / "rustbelt"


def _not_to_be_used(folder: Path) -> str:
    """Why compiled programs must not, or cannot, be kept in a folder; "" where they may."""
    status = folder.stat()
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        return f"expected a folder of yours, and {folder} is user {status.st_uid}'s."
    if os.name == "posix" and status.st_mode & 0o022:
        return f"expected a folder that nobody else can write to, and {folder} has mode {status.st_mode & 0o777:o}: chmod 700 it."
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} cannot be written."
    free = shutil.disk_usage(folder).free
    if free < _ROOM:
        return f"expected {_ROOM >> 20} MiB free for {folder}, and there are {free >> 20}."
    return ""


def _forget_oldest(folder: Path) -> None:
    """Deletes the programs that have not been used for longest, down to `LARGEST`.

    JAX's own bound needs another package, and a lock that every process waits for.
    """
    kept = []
    for file in folder.glob("*-cache"):
        with contextlib.suppress(OSError):  # another process has deleted it
            status = file.stat()
            kept.append((max(status.st_atime, status.st_mtime), status.st_size, file))
    total = sum(size for _, size, _ in kept)
    for _, size, file in sorted(kept):
        if total <= LARGEST:
            return
        with contextlib.suppress(OSError):
            file.unlink()
        total -= size
