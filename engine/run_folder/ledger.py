"""Which parts of a run are done: a record of each, written last, with size and SHA-256 of all files that hold it.

A part is a block of paths, the yearly sample, or the cube's own files: labels, summaries, metadata. The ledger lies
beside the cube, not inside, so that a copy of the cube carries no resume state. A part counts as done when its record
is as it was written, belongs to this study and range, and every file it names is there. `docs/reliability.md` says what
this promises.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from engine.errors import Problem, UserError
from engine.formatting import command_line
from engine.run_folder.folder import Plain, RunFolder
from engine.storage.files import (
    WRITERS,
    content_of as bytes_of,
    digest,
    digest_of_file,
    sealed,
    sync,
    unsealed,
    write_files,
    writing,
)
from engine.study.study import Block

LEDGER = "ledger"
"""The folder of the records, in a run folder."""
FORMAT = 3
"""Format of the files of a run, which its documents state; those of version 0.1.0 have format 1 and state none."""
YEARLY, CUBE = "yearly", "cube"
OTHERS = frozenset({"study", "provenance", YEARLY, CUBE})
"""Names of documents in the ledger that are neither blocks nor answers; no question may have one of these names."""
Part = int | str
"""Number of a block, or `YEARLY`, `CUBE` or the name of a question."""
FOLDER_HOLDS = 1000
"""Records of blocks in one folder of the ledger."""
OTHER_CONTENT = "other content than was written"


@dataclass(frozen=True)
class Stored:
    """A file that a record answers for: its place below the run folder, size and SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class FinishedPart:
    """What is known of a finished part.

    Args:
      part: number of the block, or `YEARLY`, `CUBE` or the name of a question.
      first: its first path.
      count: number of its paths.
      files: the files that hold it, among them the tally of outcomes that are not kept whole.
      nonfinite: number of paths with a non-finite value, [policy][outcome]; empty except for blocks.
      excluded: number of paths that are excluded from every estimate because of non-finite values.
    """

    part: Part
    first: int
    count: int
    files: tuple[Stored, ...]
    nonfinite: tuple[tuple[int, ...], ...] = ()
    excluded: int = 0


def commit(folder: RunFolder, record: FinishedPart, files: Mapping[str, bytes]) -> FinishedPart:
    """Writes the files of a part, then its record; writing that is the commit.

    Each file is replaced at once, so that a reader never meets half of it. What a duplicate of this process commits at
    the same time has the same bytes.

    Args:
      record: the part; its files are filled in here.
      files: their contents by their place below the run folder.
    """
    with writing(folder.path):
        held = read(folder, record.part)
        if held is not None and isinstance(record.part, int) and held.count > record.count:
            return held  # a run for more paths has been here since this one began
        if held is None or (held.first, held.count) != (record.first, record.count):
            drop(folder.path, record.part)
        write_files(folder.path, files)
        return write_record(folder, record, files)


def write_record(folder: RunFolder, record: FinishedPart, files: Mapping[str, bytes]) -> FinishedPart:
    """Writes the record of a part whose files are on the disk, with their sizes and hashes; gives it with these."""
    with ThreadPoolExecutor(WRITERS) as threads:  # hashing lets go of the interpreter
        stored = threads.map(lambda name: Stored(name, len(files[name]), digest(files[name])), files)
        whole, place = replace(record, files=tuple(stored)), record_file(folder.path, record.part)
    document = {"format": FORMAT, "fingerprint": folder.study.fingerprint, **asdict(whole)}
    write_files(place.parent, {place.name: sealed(document)})
    return whole


def format_in(document: Plain) -> int:
    """The format of the files of a run that a document of its ledger or its provenance states."""
    return int(document.get("format", 1))


def drop(folder: Path, part: Part) -> None:
    """Takes a part's record away, before anything the record answers for is touched."""
    place = record_file(folder, part)
    if place.exists():
        place.unlink()
        sync(place.parent)


def read(folder: RunFolder, part: Part) -> FinishedPart | None:
    """The record of a part, whatever became of its files; None where it is missing, damaged or of another study."""
    plain = unsealed(record_file(folder.path, part)) or {}
    if (plain.get("fingerprint"), plain.get("part")) != (folder.study.fingerprint, part):
        return None
    try:
        nonfinite = tuple(tuple(map(int, row)) for row in plain["nonfinite"])
        files = tuple(map(_stored, plain["files"]))
        return FinishedPart(part, plain["first"], plain["count"], files, nonfinite, plain["excluded"])
    except (KeyError, TypeError, ValueError):
        return None


def files_in(record: Plain) -> dict[str, Stored]:
    """The files that a record answers for, by name; none where it does not say."""
    try:
        return {file.name: file for file in map(_stored, record["files"])}
    except (KeyError, TypeError, ValueError):
        return {}


def _stored(plain: Plain) -> Stored:
    """A file as a record states it; raises a ValueError where it is not inside the run folder."""
    name = str(plain["name"])
    if name.startswith("/") or ".." in name.split("/"):
        raise ValueError(f"expected a file inside the run folder, got {name!r}")
    return Stored(name, int(plain["size"]), str(plain["sha256"]))


def answers(folder: Path) -> tuple[str, ...]:
    """Names of the questions whose answers are stored, by their records in the ledger."""
    return tuple(sorted({path.stem for path in (folder / LEDGER).glob("*.json")} - OTHERS))


def done_blocks(
    folder: RunFolder, thorough: bool = False, only: Iterable[int] | None = None, short: bool = False
) -> dict[int, FinishedPart]:
    """Records of the blocks that are done, by block number in rising order.

    Args:
      thorough: also compare the SHA-256 of every file, which reads all of them.
      only: numbers of the blocks that are looked at; all of the study's if not given.
      short: accept also a block with fewer paths than the study has there now, as after a run for fewer paths.
    """

    def done(block: Block) -> FinishedPart | None:
        record = read(folder, block.index)
        if record is None or record.first != block.first:
            return None
        fits = record.count == block.count or (short and 0 < record.count < block.count)
        return record if fits and intact(folder.path, record, thorough) else None

    numbers = {*(recorded_blocks(folder.path) if only is None else only)}
    wanted = [block for block in folder.study.blocks() if block.index in numbers]
    with ThreadPoolExecutor(WRITERS) as threads:
        return {block.index: record for block, record in zip(wanted, threads.map(done, wanted), strict=True) if record}


def pending(folder: RunFolder, thorough: bool = False) -> tuple[Block, ...]:
    """The blocks that are still to be computed."""
    done = done_blocks(folder, thorough)
    return tuple(block for block in folder.study.blocks() if block.index not in done)


def recorded_blocks(folder: Path) -> Iterator[int]:
    """Numbers of the blocks that have a record, sound or not, in no order."""
    for path in (folder / LEDGER).glob("[0-9]*/[0-9]*.json"):
        if path.stem.isdecimal() and path == record_file(folder, int(path.stem)):
            yield int(path.stem)


def intact(folder: Path, record: FinishedPart, thorough: bool = False) -> bool:
    """Whether every file of a record is there with its size and, looking thoroughly, its content."""
    return not any(wrong(folder, file, thorough) for file in record.files)


def wrong(folder: Path, file: Stored, thorough: bool = True) -> str:
    """What is wrong with a file, "" if nothing is: "missing", "empty", "... bytes, expected ...", "other content"."""
    path = os.path.join(folder, file.name)
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    if not stat.S_ISREG(found.st_mode):
        return "missing"
    if (size := found.st_size) != file.size:
        return f"{size:,} bytes, expected {file.size:,}" if size else "empty"
    if thorough and digest_of_file(Path(path)) != file.sha256:
        return OTHER_CONTENT
    return ""


def content_of(folder: Path, file: Stored) -> bytes:
    """What a recorded file holds.

    Raises:
      UserError: it is not what was committed.
    """
    with writing(folder):
        with suppress(FileNotFoundError):
            content = bytes_of(folder / file.name)
            if digest(content) == file.sha256:
                return content
        fault = wrong(folder, file, thorough=False)
    raise damaged(folder, file.name, fault or OTHER_CONTENT)


def damaged(folder: Path, name: str, fault: str) -> UserError:
    """The error about a file of a run that is not as it was written, with the remedy."""
    return UserError(folder, [Problem(name, f"is damaged ({fault}). {remedy(folder)}")])


def named(blocks: Sequence[int]) -> str:
    """Blocks by number, at most the first six, such as "blocks 0, 3"."""
    return f"block{'s' * (len(blocks) > 1)} {', '.join([*map(str, blocks[:6]), *['...'] * (len(blocks) > 6)])}"


def missing(folder: Path, blocks: Sequence[int]) -> str:
    """The message about blocks that a finished run lacks, with the remedy."""
    return f"{named(blocks)} {'is' if len(blocks) == 1 else 'are'} damaged or missing. {remedy(folder)}"


def remedy(folder: Path) -> str:
    """The sentence that says how to repair a damaged run."""
    return f"Repair it: {command_line('repair', folder)}"


def nonfinite_of(records: Mapping[int, FinishedPart]) -> np.ndarray:
    """Number of paths of these blocks on which an outcome is not finite, int [policy, outcome]."""
    counts: np.ndarray = np.sum([record.nonfinite for record in records.values()], axis=0)
    return counts


def excluded_of(records: Mapping[int, FinishedPart]) -> int:
    """Number of paths of these blocks that are excluded because of non-finite values."""
    return sum(record.excluded for record in records.values())


def record_file(folder: Path, part: Part) -> Path:
    """Where the record of a part is."""
    if isinstance(part, str):
        return folder / LEDGER / f"{part}.json"
    return folder / LEDGER / f"{part // FOLDER_HOLDS:05d}" / f"{part:08d}.json"


def tally_name(block: Block) -> str:
    """Place below the run folder of a block's tally, its summary of outcomes that are not kept whole."""
    return f"ledger/{block.index // FOLDER_HOLDS:05d}/{block.index:08d}.npz"
