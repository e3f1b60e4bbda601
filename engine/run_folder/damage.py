"""Damage in a run folder, that is, files that are not as they were written: how it is found and removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.run_folder import cube, ledger, ownership, provenance
from engine.run_folder.cube import CUBE_FOLDER
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import CUBE, YEARLY, FinishedPart, Part
from engine.run_folder.parts import yearly_paths
from engine.storage.files import UNFINISHED, WRITERS, digest, holds, remove_tree, unsealed
from engine.study.loading import resolved_text
from engine.study.study import BLOCK

CHANGED, OTHER = "not as it was written", "other content than is computed now"


@dataclass(frozen=True)
class Damage:
    """Something in a run folder that is not as it was written.

    Args:
      part: number of the block, `YEARLY`, `CUBE`, a question, "study" or "provenance"; "" for a file that belongs to no
        part.
      file: its place in the folder.
      what: what is wrong with it.
    """

    part: Part
    file: str
    what: str

    def __str__(self) -> str:
        part = f"block {self.part}" if isinstance(self.part, int) else self.part or "nothing's"
        return f"{part}: {self.file}: {self.what}"


def damages_of(folder: RunFolder, looked_at: Callable[[int], None]) -> tuple[list[Damage], dict[Part, FinishedPart]]:
    """All damage in a run folder, with every file's SHA-256 compared with its record; and the records, by part.

    Parts of an unfinished run that have not been computed yet are no damage.

    Args:
      looked_at: called with the number of paths whose blocks have been read so far.
    """
    path, complete = folder.path, has_ended(folder)
    damages, records = list[Damage](), dict[Part, FinishedPart]()

    def differs(part: Part, name: str, is_due: bool = True) -> None:
        """Adds a file that is not as it was written; one that is missing only if it is due."""
        if is_due or (path / name).exists():
            damages.append(Damage(part, name, CHANGED if (path / name).exists() else "missing"))

    if not ownership.said_of(path):
        differs("study", f"{ledger.LEDGER}/study.json")
    for part, count in _parts(folder).items():
        name, record = ledger.record_file(Path(), part).as_posix(), ledger.read(folder, part)
        if record is None:
            differs(part, name, complete)
        elif count in (None, record.count):
            records[part] = record
        elif complete:
            damages.append(Damage(part, name, f"of {record.count:,} paths, expected {count:,}"))
    damages += _of_records(path, records, looked_at)
    for part, name, content in _known_files(folder, records):
        if not holds(path / name, content):
            differs(part, name)
    if "runs" not in (unsealed(path / provenance.NAME) or {}):
        differs("provenance", provenance.NAME, complete)
    return [*damages, *_strays(folder, records)], records


def has_ended(folder: RunFolder) -> bool:
    """Whether the run was once finished, by its cube's attributes or by the cube's record: either may be damaged."""
    attributes, record = cube.attributes(folder.path), ledger.read(folder, CUBE)
    stated = attributes.get("paths") if attributes.get("status") == "complete" else None
    return folder.study.paths in (stated, record and record.count)


def differing(record: FinishedPart, files: Mapping[str, bytes]) -> Iterator[Damage]:
    """Yields files whose content, as it is computed now, is not that of the record; or that only one of both has.

    Args:
      files: content by place below the run folder, as it is computed now.
    """
    recorded = {file.name: file.sha256 for file in record.files}
    for name in sorted(recorded.keys() | files.keys()):
        if name not in files or digest(files[name]) != recorded.get(name):
            yield Damage(record.part, name, OTHER)


def answers_in(damages: Iterable[Damage]) -> list[str]:
    """The questions whose kept answers are damaged, sorted."""
    return sorted({damage.part for damage in damages if isinstance(damage.part, str)} - ledger.OTHERS - {""})


def take_away(folder: RunFolder, damages: list[Damage], versions: Callable[[], Mapping[str, str]]) -> None:
    """Removes damaged files and the records of their parts, and damaged answers as a whole.

    Files of the study are restored; a new provenance is begun.

    Args:
      versions: gives those of this process, for a folder that has lost the record of what made it.
    """
    parts = {damage.part for damage in damages}
    if "study" in parts:
        _restore_study(folder, versions)
    if "provenance" in parts:
        provenance.append(folder)
    for part in parts - {"study", "provenance", ""}:
        ledger.drop(folder.path, part)
    for question in answers_in(damages):
        remove_tree(folder.path / f"{question}.zarr")
    for damage in damages:
        if damage.part == "" or isinstance(damage.part, int):
            (folder.path / damage.file).unlink(missing_ok=True)


def _parts(folder: RunFolder) -> dict[Part, int | None]:
    """All parts of a finished run, each of which has a record; with their numbers of paths, None for any number."""
    parts: dict[Part, int | None] = {block.index: block.count for block in folder.study.blocks()}
    if count := yearly_paths(folder.study):
        parts[YEARLY] = count
    return {**parts, CUBE: folder.study.paths, **dict.fromkeys(ledger.answers(folder.path))}


def _of_records(
    folder: Path, records: Mapping[Part, FinishedPart], looked_at: Callable[[int], None]
) -> Iterator[Damage]:
    """Yields the files that are not what their records state."""
    looked = 0
    with ThreadPoolExecutor(WRITERS) as threads:
        for part, record in records.items():
            faults = threads.map(partial(ledger.wrong, folder), record.files)
            yield from (Damage(part, file.name, what) for file, what in zip(record.files, faults, strict=True) if what)
            if isinstance(part, int):
                looked += record.count
                looked_at(looked)


def _known_files(folder: RunFolder, records: Mapping[Part, FinishedPart]) -> Iterator[tuple[Part, str, bytes]]:
    """Part, place and content of files that have no record: the study's, and the frame of a cube without a record."""
    yield "study", "study.toml", ownership.said_of(folder.path).get("study", resolved_text(folder.study)).encode()
    if CUBE not in records and (folder.path / CUBE_FOLDER).exists():
        for name, content in cube.skeleton(folder.study).items():
            yield CUBE, f"{CUBE_FOLDER}/{name}", content


def _strays(folder: RunFolder, records: Mapping[Part, FinishedPart]) -> Iterator[Damage]:
    """Files that belong to no part of the study, in a run whose every part has a record.

    They are shards, tallies and records beyond those of the study, and what killed processes have not finished.
    """
    if CUBE not in records:
        return

    found = dict[Path, str]()
    if ownership.writer(folder.path) is None:
        unfinished = filter(Path.is_file, sorted(folder.path.rglob(f"*{UNFINISHED}")))
        found = dict.fromkeys(unfinished, "was not finished by the process that wrote it")
    known = {folder.path / file.name for record in records.values() for file in record.files}
    known |= {ledger.record_file(folder.path, part) for part in records}
    for index, path in cube.files_of_blocks(folder.path):
        if path not in known and (index * BLOCK >= folder.study.paths or index in records):
            found[path] = "belongs to no block of this study"
    yield from (Damage("", path.relative_to(folder.path).as_posix(), what) for path, what in found.items())


def _restore_study(folder: RunFolder, versions: Callable[[], Mapping[str, str]]) -> None:
    """Writes the files about the study and the versions that made the folder again, from whichever copy is intact."""
    past = provenance.runs(folder.path)
    if ownership.said_of(folder.path):
        ownership.rename(folder)
        return
    made = {**past[-1]["versions"], "device_kind": past[-1]["device_kind"]} if past else versions()
    ownership.enter(folder, made, force=True)
