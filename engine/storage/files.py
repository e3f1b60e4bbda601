"""Files that are on the disk whole or not at all, even after a power cut; and errors of the disk as messages."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any

from engine.errors import UserError

WRITERS = 16
"""Threads that write: forcing many files to the disk at once takes hardly longer than forcing one."""
UNFINISHED = ".tmp"
"""Suffix of files that are being written; a killed process may leave some behind, and they are never read."""
_FULL = {errno.ENOSPC, errno.EDQUOT}
_CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST}
_KEPT = "finished blocks are kept"


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """A `with` block in which failures to read or write (disk full, read-only, broken) are raised as a `UserError`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            problem = f"the disk is full. Free some space and run the same command again: {_KEPT}."
        elif error.errno in _CLOSED:
            problem = f"cannot be written ({error.strerror}). Choose another folder."
        elif error.errno == errno.EIO:
            problem = f"the disk failed ({error.strerror}). Check it, then run the same command again: {_KEPT}."
        else:
            raise
        raise UserError(folder, [problem]) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, also across a power cut: temporary file, fsync, rename, fsync of the folder.

    A failed fsync is final: the system may have dropped the pages, so the file is given up and not forced again
    (Rebello et al., USENIX ATC 2020).

    Raises:
      UserError: the path is a folder, or a device, which would be replaced and lost to every process.
      OSError: it cannot be written; `writing` turns that into a `UserError`.
    """
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "a device"
        raise UserError(path, [f"expected a file, got {kind}. Choose another name."])
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        with open(temporary, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None  # the temporary file's name means nothing to a user
        raise
    sync(path.parent)


def remove_tree(path: Path) -> None:
    """Removes a folder and all in it, if it exists.

    Raises:
      OSError: something cannot be removed.
    """
    with suppress(FileNotFoundError):
        shutil.rmtree(path)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes files by their place below a folder, each atomically; missing folders are made, and forced to the disk."""
    make_folders([folder / place for place in {os.path.dirname(name) for name in files}])
    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(lambda name: write_atomically(folder / name, files[name]), files))


def make_folders(folders: Iterable[Path]) -> None:
    """Makes the folders and those above them, where they are missing, so that they survive a power cut."""
    missing = set[Path]()
    for folder in folders:
        while not folder.is_dir():
            missing.add(folder)
            folder = folder.parent
    for place in sorted(missing):
        place.mkdir(exist_ok=True)
    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(sync, {place.parent for place in missing}))


def sync(path: Path) -> None:
    """Forces a file's or a folder's content to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest(content: bytes) -> str:
    """SHA-256 in hex digits."""
    return hashlib.sha256(content).hexdigest()


def digest_of_file(path: Path) -> str | None:
    """SHA-256 of a file, in hex digits; None where there is none."""
    with suppress(FileNotFoundError), opened(path) as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
    return None


def opened(path: Path) -> BufferedReader:
    """The file, opened to be read.

    Raises:
      FileNotFoundError: there is none, or a folder, a device or a pipe, which would make its reader wait.
    """
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, "expected a file", str(path))
    return path.open("rb")


def content_of(path: Path) -> bytes:
    """Content of a file.

    Raises:
      FileNotFoundError: as `opened`.
    """
    with opened(path) as file:
        return file.read()


def holds(path: Path, content: bytes) -> bool:
    """Whether a file has exactly this content; False where there is none."""
    with suppress(FileNotFoundError):
        return content_of(path) == content
    return False


def sealed(document: Mapping[str, Any]) -> bytes:
    """The document as JSON together with its SHA-256, so that `unsealed` notices a change of any byte."""
    body = json.dumps(document, indent=1, allow_nan=False)
    return (json.dumps({"document": document, "sha256": digest(body.encode())}, indent=1) + "\n").encode()


def unsealed(path: Path) -> dict[str, Any] | None:
    """The document in a file that holds the bytes of `sealed`; None where there is no such file, or it was changed."""
    with suppress(FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        content = content_of(path)
        document = json.loads(content)["document"]
        return document if isinstance(document, dict) and sealed(document) == content else None
    return None
