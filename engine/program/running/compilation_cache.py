"""Where compiled programs are kept, so that the next process need not compile them again."""

from __future__ import annotations

import contextlib
import re
import shutil
import stat
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import jax

from engine.modelling.private_folder import private_folder, read_sealed, write_sealed

Kind = Literal["code", "layout", "contract", "rounding", "universes", "text", "kernel", "trial"]
"""What is kept: machine code, where it has what, that a model keeps its contract, what rounding does to a study, what was seen elsewhere,
text that is long to make, a program for graphics cards, that it gave a card the right bytes."""
LARGEST = 1 << 30
"""Bytes of compiled programs that are kept; what has not been used for longest goes first."""
_ROOM = 1 << 26
_OURS, _OF_JAX = "programs", "jax"
"""Folders of our own in the private one: what we seal, and what JAX keeps."""
_NAMES = {
    _OURS: re.compile(r"\.?[0-9a-f]{32}\.(code|layout|contract|rounding|universes|text|kernel|trial)(-\w+)?"),
    _OF_JAX: re.compile(r".+-[0-9a-f]{64}-cache"),
}
"""How files are called in them; with a dot before it one that a process has not finished."""
_REQUESTED, _HIT = (
    f"/jax/compilation_cache/{event}" for event in ("compile_requests_use_cache", "cache_hits")
)


def keep_programs() -> None:
    """Keeps compiled programs in a private folder of the user, from here on.

    A compiled program is code that is trusted, so a folder that is not the user's alone is left without any, with a warning; so
    is one that has no room.

    JAX knows one cache for a whole process: what else it compiles from here on is kept there too, and found again. A cache
    that JAX has been given already (`jax_compilation_cache_dir`) stays its own, with its rules; our machine code is never in it.
    """
    folder, wrong = _folder(_OURS)
    if folder and not wrong:
        _forget_oldest(folder, lambda file: file.name.startswith(".") or read_sealed(file) is not None)
        folder, wrong = _folder(_OF_JAX)
    if wrong:
        remedy = "Set RUSTBELT_CACHE to a folder of your own, or to off"
        warnings.warn(f"compiled programs are not kept: {wrong} {remedy}.", stacklevel=3)
    elif folder and not jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        _forget_oldest(folder, lambda file: True)
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def kept(key: str) -> bytes | None:
    """Machine code that was kept under a key, noted for a `Watch`; None where there is none, or it is not what was written."""
    code = held("code", key)
    asked(code is not None)
    return code


def held(kind: Kind, key: str) -> bytes | None:
    """What was kept of a kind under a key; None where nothing was, or it is not what was written."""
    folder, _ = private_folder(_OURS)
    return None if folder is None else read_sealed(folder / f"{key}.{kind}")


def asked(there: bool) -> None:
    """Notes for a `Watch` that machine code was asked for, and whether it was there."""
    jax.monitoring.record_event(_REQUESTED)
    if there:
        jax.monitoring.record_event(_HIT)


def keep(kind: Kind, key: str, content: bytes) -> None:
    """Keeps something for the next process, where programs are kept."""
    folder, wrong = _folder(_OURS)
    if folder is not None and not wrong:
        with contextlib.suppress(OSError):  # no room: it is made again
            write_sealed(folder / f"{key}.{kind}", content)


def _folder(name: str) -> tuple[Path | None, str]:
    """A folder of our own that has room, or what is wrong with it."""
    folder, wrong = private_folder(name)
    free = shutil.disk_usage(folder).free if folder else 0
    if folder and free < _ROOM:
        return folder, f"expected {_ROOM >> 20} MiB free for {folder}, and there are {free >> 20}."
    return folder, wrong


class Watch:
    """Counts the seconds within it, and whether every program that was asked for there came from the cache; may be entered again."""

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
        """What was seen so far, in words."""
        all_kept = self._seen[_HIT] == self._seen[_REQUESTED] > 0
        return f"{'compiled programs found (' if all_kept else 'compiled in '}{self._seconds:.1f} s{')' * all_kept}"

    def _note(self, event: str, **_: object) -> None:
        self._seen[event] += 1


def _forget_oldest(folder: Path, is_ours: Callable[[Path], bool]) -> None:
    """Deletes the programs that have not been used for longest, down to `LARGEST`, and nothing that somebody else left there.

    JAX's own bound needs another package, and a lock that every process waits for.
    """
    kept = []
    for file in filter(lambda file: _NAMES[folder.name].fullmatch(file.name), folder.iterdir()):
        with contextlib.suppress(OSError):  # another process has deleted it
            status = file.lstat()
            if stat.S_ISREG(status.st_mode):
                kept.append((max(status.st_atime, status.st_mtime), status.st_size, file))
    total = sum(size for _, size, _ in kept)
    for _, size, file in sorted(kept):
        if total <= LARGEST:
            return
        if is_ours(file):
            with contextlib.suppress(OSError):
                file.unlink()
        total -= size
