"""Files that are files: a link, a pipe or a device that stands in the place of one is refused before a byte is read.

Whoever reads a folder of somebody else's waits for ever on a pipe, fills the memory from a device, and follows a link to any
file. So a file is opened without following a link and without waiting, is looked at as it is open, and its size is known before its content.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LARGEST = 1 << 32
"""Bytes of the largest file that is read whole; a shard has up to 2^30."""

_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_LINK = {errno.ELOOP, getattr(errno, "EMLINK", errno.ELOOP)}
_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
)


class Irregular(OSError):
    """Something else than a file stands there, or one that is too large; `strerror` says what was expected and got."""

    def __init__(self, place: str | Path, fault: str):
        super().__init__(errno.EINVAL, fault, str(place))


def opened(path: str | Path, mode: str = "rb", flags: int = os.O_RDONLY) -> Any:
    """The file, open as `open(path, mode)` has it.

    Args:
      flags: of `os.open`, as the mode needs them.

    Raises:
      Irregular: it is a link, a pipe or anything else but a file.
      OSError: there is none, or it cannot be opened.
    """
    try:
        handle = os.open(path, flags | _CAREFULLY, 0o666)
    except OSError as error:
        if error.errno in _LINK or (error.errno in (errno.ENXIO, errno.EISDIR) and os.path.lexists(path)):
            _refuse_other_kind(path, os.lstat(path).st_mode)
        raise
    try:
        _refuse_other_kind(path, os.fstat(handle).st_mode)
        return os.fdopen(handle, mode, encoding=None if "b" in mode else "utf-8")
    except BaseException:
        os.close(handle)
        raise


def content_of(path: str | Path, most: int = LARGEST) -> bytes:
    """What a file holds.

    Raises:
      Irregular: it is no file, or has more than `most` bytes.
    """
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise Irregular(path, f"expected at most {most:,} bytes, got {size:,}")
        return file.read(size)


def size_below(folder: str | Path, name: str) -> int:
    """Bytes of a file by its place below a folder, which may itself be a link.

    Raises:
      Irregular: it is no file, or a folder on the way to it is a link.
      OSError: there is none.
    """
    refuse_linked(folder, [name])
    return size_of(os.path.join(folder, name))


def size_of(path: str | Path) -> int:
    """Bytes of a file.

    Raises:
      Irregular: it is a link, a pipe or anything else but a file.
      OSError: there is none.
    """
    status = os.lstat(path)
    _refuse_other_kind(path, status.st_mode)
    return status.st_size


def refuse_linked(folder: str | Path, names: Iterable[str]) -> None:
    """Raises `Irregular` where a folder between a folder and files by their places below it is a link; each is looked at once."""
    between = {os.path.dirname(name) for name in names}
    while between := between - {""}:
        for place in sorted(between):
            if os.path.islink(os.path.join(folder, place)):
                raise Irregular(os.path.join(folder, place), "expected a folder, got a link")
        between = {os.path.dirname(place) for place in between}


def clear(folder: str | Path, name: str) -> None:
    """Takes away what is no file and no folder in the place of a file below a folder, or on the way to it, such as a link.

    What a link leads to stays.
    """
    place = str(folder)
    for part in name.split("/"):
        place = os.path.join(place, part)
        if not os.path.lexists(place):
            return
        mode = os.lstat(place).st_mode
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
            os.unlink(place)
            return


def holds(path: str | Path, content: bytes) -> bool:
    """Whether a file holds this content and no more."""
    try:
        return content_of(path, len(content)) == content
    except (Irregular, FileNotFoundError, NotADirectoryError):
        return False


def _refuse_other_kind(path: str | Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((kind for is_kind, kind in _KINDS if is_kind(mode)), "a device")
        raise Irregular(path, f"expected a file, got {kind}")
