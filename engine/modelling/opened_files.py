"""Records which files the user's own code opens for reading, by an audit hook of Python."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

_ENGINE = Path(__file__).resolve().parents[1]
_PYTHON = ("stdlib", "platstdlib", "purelib", "platlib")
_LIBRARIES = (*(Path(sysconfig.get_path(name)) for name in _PYTHON), _ENGINE)
_INSTALLED = {"site-packages", "dist-packages"}
_METADATA = (".dist-info", ".egg-info")
"""Endings of folders with what is known of a package; JAX reads all on `sys.path` as it starts (entry points)."""
_HERE = threading.local()
"""Files opened in this thread, recorded while `files_opened` is active."""


@contextmanager
def files_opened() -> Iterator[list[Path]]:
    """A `with` block that gives a list, filled at its end: the files that the user's own code opened for reading.

    Files opened in other threads do not count, nor those that Python opens to import something, those that no longer
    exist, and those of the system.
    """
    _hook()
    before, _HERE.opened = getattr(_HERE, "opened", None), []
    paths: list[Path] = []
    try:
        yield paths
    finally:
        opened, _HERE.opened = _HERE.opened, before
        paths += [path for path in dict.fromkeys(map(Path, opened)) if _is_data(path)]


@functools.cache
def is_own(path: Path | str) -> bool:
    """Whether a file is the user's own, that is, not of Python, an installed package or the engine.

    A package is installed in a folder of that name, or where a `.dist-info` beside it lists it, as `pip install
    --target` leaves it.
    """
    place = Path(path)
    if any(part in _INSTALLED or part.endswith(_METADATA) for part in place.parts):
        return False
    if any(map(place.is_relative_to, _LIBRARIES)):
        return False
    return not any(place.relative_to(folder).parts[0] in _installed(folder) for folder in place.parents)


@functools.cache
def _installed(folder: Path) -> frozenset[str]:
    """Names in a folder of what packages have installed there, by their lists of files."""
    names = set[str]()
    for record in folder.glob("*.dist-info/RECORD"):
        with suppress(OSError):
            lines = record.read_text("utf-8", "replace").splitlines()
            names.update(line.partition(",")[0].partition("/")[0] for line in lines)
    return frozenset(names)


def _is_data(path: Path) -> bool:
    # JAX may look a program up while a model computes a constant
    jax = sys.modules.get("jax")
    programs = getattr(getattr(jax, "config", None), "jax_compilation_cache_dir", None)
    try:
        return path.is_file() and not any(map(path.is_relative_to, filter(None, ("/proc", "/sys", programs))))
    except (OSError, ValueError):
        return False


@functools.cache
def _hook() -> None:
    """Installs the audit hook, once per process: it cannot be removed."""
    sys.addaudithook(_note)


def _note(event: str, args: tuple[Any, ...]) -> None:
    opened = getattr(_HERE, "opened", None) if event == "open" else None
    if opened is None:
        return
    path, mode, flags = args
    reads = ("r" in mode or "+" in mode) if isinstance(mode, str) else flags & os.O_ACCMODE != os.O_WRONLY
    if isinstance(path, str | bytes) and reads and _by_the_user(sys._getframe(1)):
        opened.append(os.path.realpath(os.fsdecode(path)))


def _by_the_user(frame: FrameType | None) -> bool:
    """Whether the call comes from the user's own code, directly or through a library, but not from an import."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib"):
            return False
        if not file.startswith("<") and is_own(file):
            return True
        frame = frame.f_back
    return False
