"""Run folders on object stores (S3, GCS, Azure), copied there and back file by file, each with its SHA-256.

A run itself works on a disk, which has locks and replaces a file atomically. Of a copy, the cube's root is written
last, after an older root has been removed, so that a reader finds a whole cube or none. No other module uses obstore.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from engine.errors import Problem, UserError, install
from engine.storage.files import (
    UNFINISHED,
    WRITERS,
    content_of,
    digest,
    digest_of_file,
    make_folders,
    unsealed,
    write_atomically,
    write_files,
    writing,
)

if TYPE_CHECKING:
    from obstore.store import ObjectStore

MANIFEST = "copied.json"
"""Name of the list of copied files with their SHA-256; a file enters it after it has been copied, the root last."""
_ROOT = "cube.zarr/zarr.json"
_LOCK = "ledger/lock"
_STUDY = "ledger/study.json"
_RECORD = re.compile(r"ledger/\d+/\d+\.json")
OFTEN = 256
"""Files after which the manifest is written again."""


def is_url(place: str | Path) -> bool:
    """Whether a place is on an object store, such as s3://bucket/run."""
    return "://" in str(place)


def _folder(url: str) -> Path | None:
    """The folder that a URL file:///PATH names; None for any other URL."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def store_at(url: str, make: bool = False) -> ObjectStore:
    """The object store behind a URL. Credentials and endpoints come from the environment (`AWS_ENDPOINT_URL`, ...).

    Args:
      make: whether the folder of a URL file:///PATH is made where it is not there.

    Raises:
      UserError: obstore is not installed, or it knows no such store.
    """
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError as missing:
        remedy = f"expected obstore to be installed: {install('objects')}."
        raise UserError(url, [remedy]) from missing
    plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    options: dict[str, Any] = (
        {"mkdir": make} if _folder(url) else {"client_options": {"allow_http": True} if plain else None}
    )
    try:
        return from_url(url, **options)
    except (BaseError, ValueError) as error:
        remedy = "Check the URL; a folder, file:///PATH, must be there."
        raise UserError(url, [f"no object store can be reached there: {_first_line(error)}. {remedy}"]) from error


def upload(folder: Path, url: str, observe: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Copies a run folder to an object store, without files that are there already; gives the number of files sent.

    Args:
      observe: called with the number of files done, and of all.

    Raises:
      UserError: the store refuses, lies in the folder, holds another run or more blocks of this one; or the folder
        cannot be read, or a run writes there meanwhile.
    """
    if (place := _folder(url)) and place.resolve().is_relative_to(folder.resolve()):
        raise UserError(url, [f"expected a place outside of {folder}, got one inside. Choose another URL."])
    store = store_at(url, make=True)
    if not (begun := digest_of_file(folder / _ROOT)):
        raise UserError(str(folder), ["has no cube yet. Finish the run before it is copied."])
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != UNFINISHED]
    if links := [path for path in files if path.is_symlink()]:
        raise UserError(str(links[0]), ["expected a file, got a link. Put there what it leads to."])
    names = sorted(path.relative_to(folder).as_posix() for path in files)
    names = [name for name in names if not name.startswith(_LOCK)]
    with _understood(url):
        held, there = _manifest(store), {entry["path"]: entry["size"] for part in store.list() for entry in part}
        _refuse_other_run(folder, url, store, names, there)
        known: dict[str, str] = {}

        def send(name: str) -> bool:
            with writing(folder), suppress(FileNotFoundError):
                content = content_of(folder / name)
                known[name] = digest(content)
            if name not in known or (name == _ROOT and known[name] != begun):
                problem = "was written or removed while the run was copied. Copy it again when that run has ended."
                raise UserError(str(folder), [Problem(name, problem)])
            if held.get(name) == known[name] and there.get(name) == len(content):
                return False
            store.put(name, content)
            return True

        if _ROOT not in there or held.get(_ROOT) != begun:
            held.pop(_ROOT, None)  # until all else has been copied
            store.put(MANIFEST, _as_json(held))
            if _ROOT in there:
                store.delete(_ROOT)
        sent, first = 0, [name for name in names if name != _ROOT]
        with ThreadPoolExecutor(WRITERS) as threads:
            for done, was_sent in enumerate(threads.map(send, first), start=1):
                sent += was_sent
                observe(done, len(names))
                if done % OFTEN == 0:  # a copy that is stopped goes on from here
                    store.put(MANIFEST, _as_json(held | known))
        if _ROOT in names:
            sent += send(_ROOT)
        for gone in there.keys() - {*names, MANIFEST}:
            if gone.startswith(("cube.zarr/", "ledger/")):  # blocks and groups of an earlier state
                store.delete(gone)
        store.put(MANIFEST, _as_json(known))
        observe(len(names), len(names))
    return sent


def download(url: str, folder: Path, observe: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Copies a run from an object store into a folder that is missing, empty, or holds an interrupted copy.

    Gives the number of the run's files. The cube's root comes last, and only if all other files are what was sent.

    Raises:
      UserError: there is no run, the folder holds something else, or a file is not what was sent.
    """
    marker = folder / f"copying{UNFINISHED}"
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not marker.exists())):
        raise UserError(str(folder), ["expected a folder that is empty, or none. Choose another."])
    store = store_at(url)
    with _understood(url), writing(folder):
        known = _manifest(store)
        if wrong := [name for name in known if name.startswith("/") or ".." in name.split("/")]:
            raise UserError(url, [f"{MANIFEST} names files outside of the run: {wrong[0]!r}. Do not use it."])
        if not known.get(_ROOT):
            problem = "expected a whole copy of a run, found none, or one that was stopped. Copy the run anew."
            raise UserError(url, [problem])
        write_files(folder, {marker.name: b""})
        for stray in folder.rglob(f"*{UNFINISHED}"):  # of copies that were killed
            if stray != marker:
                stray.unlink()

        def fetch(name: str) -> bool:
            """Whether the file is what was sent."""
            if digest_of_file(folder / name) == known[name]:
                return True
            content = _received(store, name)
            if digest(content) != known[name]:
                return False
            make_folders([(folder / name).parent])
            write_atomically(folder / name, content)
            return True

        names, differing = [name for name in known if name != _ROOT], []
        with ThreadPoolExecutor(WRITERS) as threads:
            for done, is_right in enumerate(threads.map(fetch, names)):
                differing += [] if is_right else [names[done]]
                observe(done + 1, len(known))
        if not differing and not fetch(_ROOT):
            differing = [_ROOT]
        if differing:
            remedy = "other content than was sent. Copy the run there again."
            raise UserError(url, [Problem(name, remedy) for name in differing])
        marker.unlink()
        observe(len(known), len(known))
    return len(known)


def content_at(url: str, store: ObjectStore, name: str) -> bytes:
    """Content of a file of a copied run.

    Raises:
      FileNotFoundError: there is none.
      UserError: the store refuses.
    """
    from obstore.exceptions import NotFoundError

    with _understood(url):
        try:
            return _received(store, name)
        except (FileNotFoundError, NotFoundError):
            pass
    raise FileNotFoundError(name)


def _refuse_other_run(
    folder: Path, url: str, store: ObjectStore, names: Sequence[str], there: Mapping[str, int]
) -> None:
    """Raises a UserError where the URL holds another run, or more blocks of this one, which would be lost."""
    if _STUDY not in there:
        return
    theirs = json.loads(_received(store, _STUDY))["document"]
    ours = unsealed(folder / _STUDY) or {}
    if theirs.get("fingerprint") != ours.get("fingerprint"):
        message = (
            f"holds a study with fingerprint {theirs.get('fingerprint')}, expected {ours.get('fingerprint')}. Choose"
            " another URL."
        )
        raise UserError(url, [message])
    count, held = (sum(bool(_RECORD.fullmatch(name)) for name in place) for place in (names, there))
    if held > count:
        message = f"holds {held:,} blocks, and {folder} {count:,}. Choose another URL, or copy it back first."
        raise UserError(url, [message])


def _as_json(known: Mapping[str, str]) -> bytes:
    return json.dumps(dict(sorted(known.items())), indent=1).encode()


def _manifest(store: ObjectStore) -> dict[str, str]:
    from obstore.exceptions import NotFoundError

    try:
        known = json.loads(_received(store, MANIFEST))
    except (FileNotFoundError, NotFoundError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _received(store: ObjectStore, name: str) -> bytes:
    return bytes(store.get(name).bytes())


@contextmanager
def _understood(url: str) -> Iterator[None]:
    """A `with` block in which errors of the object store are raised as a `UserError`."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, FileNotFoundError, PermissionError, KeyError, TypeError, ValueError) as error:
        raise UserError(url, [f"the object store refuses: {_first_line(error)}."]) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300].rstrip(".")
