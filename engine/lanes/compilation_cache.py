"""The cache of compiled programs and other findings in a private folder of the user, shared by processes."""

from __future__ import annotations

import contextlib
import functools
import re
import shutil
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Literal

import jax

from engine.lanes.private_folder import private_folder, read_sealed, write_sealed

Kind = Literal["code", "layout", "contract", "rounding", "notes", "text", "kernel"]
"""Kinds of entries of the cache.

In order: machine code, the layout of its arrays, that a model keeps its contract, rounding errors of a study, what
questions found, text that takes long to make, a kernel for graphics cards.
"""
LARGEST = 1 << 30
"""Most bytes that are kept in each folder; the least recently used entries are deleted first."""
_ROOM = 1 << 26
_OURS, _OF_JAX = "programs", "jax"
"""Subfolders of the private folder: the engine's own sealed files, and JAX's cache."""
_NAME = re.compile(r"\.?[0-9a-f]{32}\.\w+(-\w+)?|.+-[0-9a-f]{64}-cache")
"""Names of the engine's own files and of JAX's; a leading dot marks a file that is not finished."""
_REQUESTED = "/jax/compilation_cache/compile_requests_use_cache"
_HIT = "/jax/compilation_cache/cache_hits"


def keep_programs() -> None:
    """Has this process keep compiled programs, JAX's too, in a private folder of the user from here on.

    Compiled programs are trusted code, so nothing is kept in a folder to which others have access; nor where there are
    less than 64 MiB of free space. A warning says so.

    JAX has one cache for the whole process, so other programs that it compiles from here on are kept as well. Where JAX
    has been given a cache already (`jax_compilation_cache_dir`) it stays. It never holds the engine's own machine code.
    """
    folder, wrong = _folder(_OURS)
    if folder:
        _forget_oldest(folder)
        folder, wrong = _folder(_OF_JAX)
    if wrong:
        remedy = "Set RUSTBELT_CACHE to a folder of your own, or to off"
        warnings.warn(f"compiled programs are not cached: {wrong} {remedy}.", stacklevel=3)
    elif folder and not jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        _forget_oldest(folder)
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def held(kind: Kind, key: str | None) -> bytes | None:
    """The entry of a kind under a key; None where there is no key or no entry, or its seal is broken."""
    folder, _ = private_folder(_OURS)
    return None if folder is None or key is None else read_sealed(folder / f"{key}.{kind}")


def asked(there: bool) -> None:
    """Reports to every `Watch` that machine code was looked up, and whether it was there."""
    jax.monitoring.record_event(_REQUESTED)
    if there:
        jax.monitoring.record_event(_HIT)


def keep(kind: Kind, key: str, content: bytes) -> None:
    """Writes an entry for later processes; does nothing where programs are not kept."""
    folder, _ = _folder(_OURS)
    if folder:
        with contextlib.suppress(OSError):  # no room: it is made again
            write_sealed(folder / f"{key}.{kind}", content)


def _folder(name: str) -> tuple[Path | None, str]:
    """(subfolder of the private folder, ""); where it cannot be used, (None, a sentence that says why)."""
    folder, wrong = private_folder(name)
    if folder and (free := shutil.disk_usage(folder).free) < _ROOM:
        return None, f"expected {_ROOM >> 20} MiB free for {folder}, and there are {free >> 20}."
    return folder, wrong


class Watch:
    """Context manager that sums the seconds within it and counts look-ups and hits of the cache; re-enterable."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._seconds = self._began = 0.0

    def __enter__(self) -> Watch:
        self._began = time.monotonic()
        jax.monitoring.register_event_listener(self._note)
        return self

    def __exit__(self, *failure: object) -> None:
        jax.monitoring.unregister_event_listener(self._note)
        self._seconds += time.monotonic() - self._began

    def told(self) -> str:
        """The seconds so far as text: "compiled programs found (0.2 s)", or "compiled in 0.2 s" after any miss."""
        all_kept = self._seen[_HIT] == self._seen[_REQUESTED] > 0
        return f"{'compiled programs found (' if all_kept else 'compiled in '}{self._seconds:.1f} s{')' * all_kept}"

    def _note(self, event: str, **_: object) -> None:
        self._seen[event] += 1


@functools.cache
def _forget_oldest(folder: Path) -> None:
    """Deletes the least recently used programs until `LARGEST` bytes are left, once a process; files with other names
    stay.

    JAX's own limit would need another package, and a lock that every process waits for.
    """
    kept = []
    for file in folder.iterdir():
        with contextlib.suppress(OSError):  # another process has deleted it
            if _NAME.fullmatch(file.name):
                status = file.lstat()
                kept.append((max(status.st_atime, status.st_mtime), status.st_size, file))
    total = sum(size for _, size, _ in kept)
    for _, size, file in sorted(kept):
        if total <= LARGEST:
            return
        with contextlib.suppress(OSError):
            file.unlink()
        total -= size
