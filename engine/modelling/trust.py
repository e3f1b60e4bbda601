"""The user's trust in model files, without which no file is executed that only a study or a run folder names.

Trust is remembered by place and content of the files, in the user's private folder: a file that has moved or changed is
not trusted. Without a private folder it holds in this process only.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from engine.errors import UserError
from engine.lanes.private_folder import private_folder

_TRUSTED = set[Path]()
"""Marks of what this process has been told to trust."""


def is_trusted(*files: Path) -> bool:
    """Whether the user trusts these files together, as they are: a model file, or one and the study that names it.

    Raises:
      UserError: one of them cannot be read.
    """
    try:
        mark = _mark(files)
    except OSError as error:
        raise UserError(files[0], [f"cannot be read: {error.strerror or error}."]) from error
    return mark in _TRUSTED or mark.is_file()


def trust(*files: Path) -> None:
    """Remembers that the user trusts these files together, as they are; does nothing where one cannot be read."""
    with suppress(OSError):
        mark = _mark(files)
        _TRUSTED.add(mark)
        mark.touch()


def _mark(files: tuple[Path, ...]) -> Path:
    """The empty file whose existence says that the files are trusted; it cannot exist where no folder is private."""
    folder, _ = private_folder("trusted")
    named = [(str(file.resolve()), file.read_bytes()) for file in files]
    return (folder or Path(os.devnull)) / hashlib.sha256(repr(named).encode()).hexdigest()
