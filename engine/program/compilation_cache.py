"""Where compiled programs are kept, so that the next process need not compile them again."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import jax

from engine.modelling.private_folder import private_folder

LARGEST = 1 << 30
"""Bytes of compiled programs that are kept; what has not been used for longest goes first."""
_ROOM = 1 << 26
_SEAL = 32
_REQUESTED, _HIT = (
    f"/jax/compilation_cache/{event}" for event in ("compile_requests_use_cache", "cache_hits")
)


def keep_programs() -> None:
    """Keeps compiled programs in a private folder of the user, from here on.

    A compiled program is code that is trusted, so a folder that is not the user's alone is left without any, with a warning; so
    is one that has no room.

    JAX knows one cache for a whole process: what else it compiles from here on is kept there too, and found again. A cache
    that JAX has been given already (`jax_compilation_cache_dir`) stays, with its rules.
    """
    if jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        return
    folder, wrong = private_folder()
    free = shutil.disk_usage(folder).free if folder else 0
    if folder and free < _ROOM:
        wrong = f"expected {_ROOM >> 20} MiB free for {folder}, and there are {free >> 20}."
    if wrong:
        remedy = "Set RUSTBELT_CACHE to a folder of your own, or to off"
        warnings.warn(f"compiled programs are not kept: {wrong} {remedy}.", stacklevel=3)
    elif folder:
        _forget_oldest(folder)
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def kept(key: str) -> bytes | None:
    """Machine code that was kept under a key, noted for `watched`; None where there is none, or it is not what was written."""
    code = held(key)
    asked(code is not None)
    return code


def held(key: str) -> bytes | None:
    """What was kept under a key; None where nothing was, or it is not what was written."""
    file = _file(key)
    content = b""
    if file is not None:
        with contextlib.suppress(OSError):
            content = file.read_bytes()
    seal, code = content[:_SEAL], content[_SEAL:]
    return code if content and seal == _digest(code) else None


def asked(there: bool) -> None:
    """Notes for `watched` that machine code was asked for, and whether it was there."""
    jax.monitoring.record_event(_REQUESTED)
    if there:
        jax.monitoring.record_event(_HIT)


def keep(key: str, code: bytes) -> None:
    """Keeps machine code for the next process, where programs are kept."""
    file = _file(key)
    if file is not None:
        # no room, or another process reads it half written: its digest tells, and it is compiled again
        with contextlib.suppress(OSError):
            file.write_bytes(_digest(code) + code)


def _file(key: str) -> Path | None:
    folder = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    return Path(folder) / f"{key}-cache" if folder else None


def _digest(code: bytes) -> bytes:
    return hashlib.blake2b(code, digest_size=_SEAL).digest()


@contextlib.contextmanager
def watched() -> Iterator[Callable[[], bool]]:
    """A function that says whether every program that was asked for since came from the cache."""
    seen: Counter[str] = Counter()

    def note(event: str, **_: object) -> None:
        seen[event] += 1

    jax.monitoring.register_event_listener(note)
    try:
        yield lambda: seen[_HIT] == seen[_REQUESTED] > 0
    finally:
        jax.monitoring.unregister_event_listener(note)


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
