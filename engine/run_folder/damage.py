"""Damage in a run folder, that is, files that are not as they were written: how it is found and removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from engine.run_folder import cube, formats, ledger, ownership, provenance
from engine.run_folder.cube import CUBE_FOLDER
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import CUBE, YEARLY, FinishedPart, Part
from engine.run_folder.parts import yearly_paths
from engine.storage.files import UNFINISHED, WRITERS, digest, holds, remove_tree, write_atomically
from engine.study.loading import resolved_text
from engine.study.study import Study

OTHER = "other content than is computed now"


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


def damages_of(
    folder: RunFolder, looked_at: Callable[[int], None] = lambda paths: None
) -> tuple[list[Damage], dict[Part, FinishedPart]]:
    """All damage in a run folder, with every file's SHA-256 compared with its record; and the records, by part.

    Parts of an unfinished run that have not been computed yet are no damage.

    Args:
      looked_at: called with the number of paths whose blocks have been read so far.
    """
    complete, damages, answers = has_ended(folder), [*_study_damage(folder)], ledger.answers(folder.path)
    records: dict[Part, FinishedPart] = {}
    for part in _parts(folder):
        place, record, what = ledger.record_file(folder.path, part), ledger.read(folder, part), ""
        if record is not None:
            if part in answers or _range(folder.study, part) == (record.first, record.count):
                records[part] = record
            elif complete:
                what = f"of {record.count:,} paths, expected {_range(folder.study, part)[1]:,}"
        elif place.exists():
            what = "not as it was written"
        elif complete:
            what = "missing"
        if what:
            damages.append(Damage(part, place.relative_to(folder.path).as_posix(), what))
    damages += _file_damage(folder, records, looked_at)
    damages += _root_damage(folder, records.get(CUBE))
    damages += _strays(folder, records)
    damages += _provenance_damage(folder.path, complete)
    return damages, records


def in_order(folder: RunFolder, damages: Iterable[Damage]) -> list[Damage]:
    """The damages without repeats, by part (study, blocks, yearly sample, cube, answers, provenance), then by file."""
    order = {part: k for k, part in enumerate(["study", *_parts(folder), "provenance", ""])}
    return sorted(dict.fromkeys(damages), key=lambda damage: (order[damage.part], damage.file))


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


def _parts(folder: RunFolder) -> list[Part]:
    """All parts of a finished run, each of which has a record of its own."""
    yearly = [YEARLY] if yearly_paths(folder.study) else []
    return [*(block.index for block in folder.study.blocks()), *yearly, CUBE, *ledger.answers(folder.path)]


def _range(study: Study, part: Part) -> tuple[int, int]:
    if isinstance(part, int):
        block = study.block(part)
        return block.first, block.count
    return 0, yearly_paths(study) if part == YEARLY else study.paths


def _study_damage(folder: RunFolder) -> Iterator[Damage]:
    held = ownership.said_of(folder.path)
    if not held:
        yield Damage("study", "ledger/study.json", "missing or not as it was written")
    elif held.get("fingerprint") != folder.study.fingerprint:
        yield Damage("study", "ledger/study.json", f"of another study, {held.get('fingerprint')}")
    expected = held["study"] if held else resolved_text(folder.study)
    yield from _differing_file(folder, "study", "study.toml", expected.encode())


def _file_damage(
    folder: RunFolder, records: Mapping[Part, FinishedPart], looked_at: Callable[[int], None]
) -> Iterator[Damage]:
    looked = 0
    with ThreadPoolExecutor(WRITERS) as threads:
        for part, record in records.items():
            faults = threads.map(lambda file: ledger.wrong(folder.path, file), record.files)
            for file, what in zip(record.files, faults, strict=True):
                if what:
                    yield Damage(part, file.name, what)
            if isinstance(part, int):
                looked += record.count
                looked_at(looked)


def _root_damage(folder: RunFolder, record: FinishedPart | None) -> Iterator[Damage]:
    """Damage to the frame of an unfinished run's cube, which has no record yet; not known of an earlier format."""
    is_known = formats.format_of(folder.path) == ledger.FORMAT
    if record is None and is_known and (folder.path / CUBE_FOLDER).exists():
        for name, content in cube.skeleton(folder.study).items():
            yield from _differing_file(folder, CUBE, f"{CUBE_FOLDER}/{name}", content)


def _provenance_damage(folder: Path, complete: bool) -> Iterator[Damage]:
    there = (folder / provenance.NAME).exists()
    if not provenance.is_whole(folder) and (there or complete):
        yield Damage("provenance", provenance.NAME, "not as it was written" if there else "missing")


def _differing_file(folder: RunFolder, part: Part, name: str, content: bytes) -> Iterator[Damage]:
    """Damage to a file whose content is known."""
    path = folder.path / name
    if not holds(path, content):
        yield Damage(part, name, "not as it was written" if path.exists() else "missing")


def _strays(folder: RunFolder, records: Mapping[Part, FinishedPart]) -> Iterator[Damage]:
    """Files that belong to no part of the study, in a run whose every part has a record.

    They are shards, tallies and records beyond those of the study, and what killed processes have not finished.
    """
    if CUBE not in records:
        return
    if ownership.writer(folder.path) is None:
        for path in filter(Path.is_file, folder.path.rglob(f"*{UNFINISHED}")):
            name = path.relative_to(folder.path).as_posix()
            yield Damage("", name, "was not finished by the process that wrote it")
    known = {file.name for record in records.values() for file in record.files}
    known |= {ledger.record_file(folder.path, part).relative_to(folder.path).as_posix() for part in records}
    count = len(folder.study.blocks())
    for index, path in cube.files_of_blocks(folder.path):
        name = path.relative_to(folder.path).as_posix()
        if name not in known and (index >= count or index in records):
            yield Damage("", name, "belongs to no block of this study")


def _restore_study(folder: RunFolder, versions: Callable[[], Mapping[str, str]]) -> None:
    """Writes the files about the study and the versions that made the folder again, from whichever copy is intact."""
    if ownership.said_of(folder.path):
        write_atomically(folder.path / "study.toml", resolved_text(folder.study).encode())
    elif past := provenance.runs(folder.path):
        ownership.enter(folder, {**past[-1]["versions"], "device_kind": past[-1]["device_kind"]}, force=True)
    else:
        ownership.enter(folder, versions(), force=True)
