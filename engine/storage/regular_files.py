"""Regular files only: a link, a pipe or a device in the place of one is refused before a byte is read.

In a folder from somebody else, a pipe would make its reader wait for ever, a device would fill the memory, and a link
could lead to any file. So a file is opened without following links and without blocking, checked once open, and its
size is read before its content.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LARGEST = 1 << 32
"""Most bytes of a file that is read whole; a shard has up to 2^30."""

_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_LINK = {errno.ELOOP, getattr(errno, "EMLINK", errno.ELOOP)}
_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
)


class Irregular(OSError):
    """A path is not a regular file, or the file is too large; `strerror` says what was expected and what was found."""

    def __init__(self, place: str | Path, fault: str):
        super().__init__(errno.EINVAL, fault, str(place))


def opened(path: str | Path, mode: str = "rb", flags: int = os.O_RDONLY) -> Any:
    """The file, opened as by `open(path, mode)`, if it is a regular file.

    Args:
      flags: for `os.open`; they must fit the mode.

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
    """Content of a regular file.

    Raises:
      Irregular: it is no file, or has more than `most` bytes.
    """
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise Irregular(path, f"expected at most {most:,} bytes, got {size:,}")
        content: bytes = file.read(size)
        return content


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
    """Raises `Irregular` where a folder on the way from `folder` to one of the files below it is a link."""
    between = {os.path.dirname(name) for name in names}
    while between := between - {""}:
        for place in sorted(between):
            if os.path.islink(os.path.join(folder, place)):
                raise Irregular(os.path.join(folder, place), "expected a folder, got a link")
        between = {os.path.dirname(place) for place in between}


def clear(folder: str | Path, name: str) -> None:
    """Removes a link, pipe or device that takes the place of a file below a folder, or of a folder on the way there.

    What a link leads to stays. Regular files and folders stay too.
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
    """Whether a file has exactly this content; False where there is no regular file."""
    try:
        return content_of(path, len(content)) == content
    except (Irregular, FileNotFoundError, NotADirectoryError):
        return False


def _refuse_other_kind(path: str | Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((kind for is_kind, kind in _KINDS if is_kind(mode)), "a device")
        raise Irregular(path, f"expected a file, got {kind}")
