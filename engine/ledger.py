"""What of a run is done: one record per block, written last, and the lock that keeps a second writer out.

The ledger lies beside the cube, not inside, so that a copy of the cube carries no resume state. A block counts as done
when its record parses, belongs to this study and range, and every file it names is there with the recorded size.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import UserError
from engine.study import BLOCK, Block, Study

LAYOUT = 2
"""Version of the layout of cube and ledger."""

_DECISIVE = ("rustbelt", "jax", "jaxlib", "device_kind")  # versions that path values may depend on
_FULL = {errno.ENOSPC, errno.EDQUOT}
_CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST}


@dataclass(frozen=True)
class Stored:
    """A file that a record answers for: its place below the run folder, size and SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Record:
    """What is known of a finished block.

    Args:
      index: number of the block.
      first: its first path.
      count: its paths.
      nonfinite: values that are not finite, [policy][outcome].
      first_bad: number of the first path with such a value, -1 for none.
      shards: the cube's files that hold it.
      tally: the file with what it leaves of outcomes that are not kept whole; None where all of them are.
    """

    index: int
    first: int
    count: int
    nonfinite: tuple[tuple[int, ...], ...]
    first_bad: int
    shards: tuple[Stored, ...]
    tally: Stored | None = None


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """A block of code whose failures to write (disk full, read-only) become the user's to mend."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            problem = (
                "the disk is full. Free some space and run the same command again: finished blocks are kept."
            )
        elif error.errno in _CLOSED:
            problem = f"cannot be written ({error.strerror}). Choose another folder with --out."
        else:
            raise
        raise UserError(str(folder), [problem]) from error


@contextmanager
def claim(folder: Path, study: Study, versions: Mapping[str, str]) -> Iterator[None]:
    """The folder as this study's, held against other writers until the end of the block.

    Args:
      folder: the run folder; made if it is missing.
      versions: of the packages and the device kind, by name; those that path values depend on must match the
        folder's as long as there is anything left to compute.

    Raises:
      UserError: the folder holds something else, another study, paths beyond those asked for, or blocks made by other
        versions; another process is writing there; or it cannot be written.
    """
    with writing(folder):
        _refuse_foreign(folder)
        _place(folder).mkdir(parents=True, exist_ok=True)
        lock = open(_place(folder) / "lock", "a+")  # noqa: SIM115 (held until the end)
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            message = f"another run (process {holder}) is writing here. Wait for it, or choose another --out."
            raise UserError(str(folder), [message]) from None
        with writing(folder):
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            for stray in _place(folder).glob("*.tmp"):
                stray.unlink()
            _enter(folder, study, versions)
        yield


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(str(folder), ["expected a folder, got a file. Choose another --out."])
    if not folder.is_dir() or _read_json(_place(folder) / "study.json") is not None:
        return
    held = {path.name for path in folder.iterdir()} - {"ledger"}
    if _place(folder).exists():  # a claim that was killed before it named its study leaves nothing else
        held |= {p.name for p in _place(folder).iterdir() if p.name != "lock" and p.suffix != ".tmp"}
    if held:
        example = ", ".join(sorted(held)[:3])
        raise UserError(
            str(folder), [f"is not empty and holds no run (there is {example}). Choose another --out."]
        )


def _enter(folder: Path, study: Study, versions: Mapping[str, str]) -> None:
    place = _place(folder) / "study.json"
    ours = {"fingerprint": study.fingerprint, "layout": LAYOUT, "block": BLOCK, "name": study.name}
    held = _read_json(place)
    if held is None:
        write_atomically(place, _json({**ours, "versions": dict(versions)}))
        return
    problems = [
        f"holds {what} {held.get(key)}, expected {ours[key]}. Choose another --out."
        for key, what in (
            ("fingerprint", "a study with fingerprint"),
            ("layout", "layout"),
            ("block", "blocks of"),
        )
        if held.get(key) != ours[key]
    ]
    records = _records(folder, study)
    beyond = max((record.first + record.count for record in records.values()), default=0)
    if not problems and beyond > study.paths:
        problems = [
            f"holds {beyond:,} paths, and {study.paths:,} are asked for. "
            f"Ask for at least as many, or choose another --out."
        ]
    if not problems and records and pending(folder, study):
        made = held.get("versions", {})
        problems = [
            f"blocks here were made with {key} {made.get(key)}, and this is {versions.get(key)}: their paths may "
            f"differ in the last bits. Choose another --out."
            for key in _DECISIVE
            if made.get(key) != versions.get(key)
        ]
    if problems:
        raise UserError(str(folder), problems)
    if not records:  # nothing computed yet: what follows is made by these versions
        write_atomically(place, _json({**ours, "versions": dict(versions)}))


def done_blocks(folder: Path, study: Study, thorough: bool = False) -> dict[int, Record]:
    """Records of the blocks that are done, by block number in rising order.

    Args:
      thorough: also compare the SHA-256 of every file, which reads all of them.
    """
    records = _records(folder, study)
    done = {}
    for block in study.blocks():
        record = records.get(block.index)
        if record is not None and (record.first, record.count) == (block.first, block.count):
            files = record.shards + ((record.tally,) if record.tally else ())
            if all(_intact(folder, file, thorough) for file in files):
                done[block.index] = record
    return done


def pending(folder: Path, study: Study) -> tuple[Block, ...]:
    """The blocks that are still to be computed."""
    done = done_blocks(folder, study)
    return tuple(block for block in study.blocks() if block.index not in done)


def drop(folder: Path, block: Block) -> None:
    """Takes a block's record away, before anything the record answers for is touched."""
    _file(folder, block.index, "json").unlink(missing_ok=True)
    sync(_place(folder))


def commit(
    folder: Path,
    study: Study,
    block: Block,
    shards: Sequence[Path],
    nonfinite: np.ndarray,
    first_bad: int,
    tally: bytes | None = None,
) -> Record:
    """The record of a block whose shards are on disk; writing it is the commit.

    Args:
      shards: files of the cube that hold the block, as `cube.write_block` gives them.
      nonfinite: int [policy, outcome].
      first_bad: number of the first path that is not finite, -1 for none.
      tally: content of a file that goes with the record; none if not given.
    """
    with writing(folder):
        kept = None
        if tally is not None:
            write_atomically(_file(folder, block.index, "npz"), tally)
            kept = _stored(folder, _file(folder, block.index, "npz"))
        counts = tuple(tuple(int(value) for value in row) for row in nonfinite)
        files = tuple(_stored(folder, shard) for shard in shards)
        record = Record(block.index, block.first, block.count, counts, int(first_bad), files, kept)
        write_atomically(
            _file(folder, block.index, "json"), _json({"fingerprint": study.fingerprint, **asdict(record)})
        )
    return record


def read_tally(folder: Path, record: Record) -> bytes:
    """Content of the file that goes with a record.

    Raises:
      ValueError: there is none, or it is not the one that was committed.
    """
    if record.tally is None:
        raise ValueError(f"block {record.index} has no tally")
    content = (folder / record.tally.name).read_bytes()
    if hashlib.sha256(content).hexdigest() != record.tally.sha256:
        raise ValueError(f"{record.tally.name}: checksum differs from its record's")
    return content


def write_atomically(path: Path, content: bytes) -> None:
    """The file whole or not at all, also after a power cut: temporary file, fsync, rename, fsync of the folder."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Forces a file's or a folder's content to the disk. A failure is final: the block has to be computed again."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _place(folder: Path) -> Path:
    return folder / "ledger"


def _file(folder: Path, index: int, suffix: str) -> Path:
    return _place(folder) / f"{index:08d}.{suffix}"


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _records(folder: Path, study: Study) -> dict[int, Record]:
    """Every record that parses and is of this study, whatever became of its files."""
    records = {}
    for path in sorted(_place(folder).glob("[0-9]*.json")):
        record = _parse(_read_json(path), study.fingerprint)
        if record is not None and path == _file(folder, record.index, "json"):
            records[record.index] = record
    return records


def _parse(plain: dict[str, Any] | None, fingerprint: str) -> Record | None:
    if plain is None or plain.get("fingerprint") != fingerprint:
        return None
    try:
        counts = tuple(tuple(int(value) for value in row) for row in plain["nonfinite"])
        index, first, count, first_bad = (int(plain[key]) for key in ("index", "first", "count", "first_bad"))
        shards = tuple(_parse_stored(file) for file in plain["shards"])
        tally = _parse_stored(plain["tally"]) if plain["tally"] else None
    except (KeyError, TypeError, ValueError):
        return None
    return Record(index, first, count, counts, first_bad, shards, tally)


def _parse_stored(plain: Mapping[str, Any]) -> Stored:
    return Stored(str(plain["name"]), int(plain["size"]), str(plain["sha256"]))


def _stored(folder: Path, path: Path) -> Stored:
    return Stored(path.relative_to(folder).as_posix(), path.stat().st_size, _digest(path))


def _digest(path: Path) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _intact(folder: Path, file: Stored, thorough: bool) -> bool:
    path = folder / file.name
    try:
        return path.stat().st_size == file.size and (not thorough or _digest(path) == file.sha256)
    except OSError:
        return False
