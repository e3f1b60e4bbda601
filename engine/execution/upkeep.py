"""Looking after a run folder: how far it is, whether it is what was written, and mending what is not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from engine.execution import results
from engine.execution.executors.worker_process import versions
from engine.execution.job import Run, run
from engine.execution.simulate import finished
from engine.execution.work import Observer, Stage, Work, yearly_fields, yearly_missing, yearly_paths
from engine.program import devices
from engine.run_folder import cube, ledger, ownership, provenance
from engine.run_folder.ledger import CUBE, YEARLY, Record, Stored
from engine.storage import locks
from engine.storage.files import WRITERS, digest, digest_of_file, unsealed, write_atomically, writing
from engine.storage.locks import Holder
from engine.study.loading import resolved_text
from engine.study.study import Study

OTHER = "other content than is computed now"
_NUMBERED = re.compile(r"cube\.zarr/(paths/[^/]+/c/0|draws/[^/]+/c)/\d+|ledger/\d+/\d+\.(json|npz)")


@dataclass(frozen=True)
class Status:
    """How far a run is.

    Args:
      paths, asked: paths of the blocks that are done, and of all that the study asks for.
      blocks, done: how many blocks there are, and how many are done.
      yearly: whether the yearly sample is done; None where there is none to compute.
      complete: whether all is done, the tables in the cube too.
      size: bytes that the folder takes.
      holder: who is writing there now; None if nobody is.
      versions: what made the blocks; more than one were mixed by force.
      runs: the runs that worked on it, first to last, as `provenance.runs` gives them.
    """

    folder: Path
    paths: int
    asked: int
    blocks: int
    done: int
    yearly: bool | None
    complete: bool
    size: int
    holder: Holder | None
    versions: list[dict[str, str]]
    runs: list[dict]


@dataclass(frozen=True)
class Damage:
    """Something in a run folder that is not as it was written.

    Args:
      part: number of the block, `YEARLY`, `CUBE`, "study" or "provenance"; "" for a file that belongs to nothing.
      file: its place in the folder.
      what: what is wrong with it.
    """

    part: int | str
    file: str
    what: str

    def __str__(self) -> str:
        part = f"block {self.part}" if isinstance(self.part, int) else self.part or "nothing's"
        return f"{part}: {self.file}: {self.what}"


def status(folder: Path, study: Study) -> Status:
    """How far the run is; sizes of files are looked at, not what is in them."""
    done = ledger.done_blocks(folder, study)
    lock = ownership.lock_file(folder)
    return Status(
        folder,
        sum(record.count for record in done.values()),
        study.paths,
        len(study.blocks()),
        len(done),
        not yearly_missing(folder, study) if yearly_paths(study) else None,
        finished(folder, study),
        cube.bytes_held(folder),
        locks.holder(lock) if locks.is_taken(lock) else None,
        ownership.versions_of(folder),
        provenance.runs(folder),
    )


def verify(
    folder: Path,
    study: Study,
    full: bool = False,
    observe: Observer = lambda stage: None,
    device: str | None = None,
) -> list[Damage]:
    """Everything in the folder that is not as it was written: each file is read and compared with the SHA-256 of its record.

    What has not been computed yet is no damage.

    Args:
      full: also compute every part again and compare the bits, which takes as long as the run did. It finds what was
        wrong before it was written; other versions or another device kind may differ in last bits.
      device: where they are computed; "cpu" or "gpu".
    """
    ownership.refuse_changed(folder, study)
    complete = _has_ended(folder, study)
    found = [*_study_damage(folder, study)]
    records: dict[int | str, Record] = {}
    wanted: list[int | str] = [block.index for block in study.blocks()]
    wanted += [YEARLY] if yearly_paths(study) else []
    parts: list[int | str] = [*wanted, CUBE]
    for part in parts:
        name = ledger.record_file(folder, part).relative_to(folder).as_posix()
        record = ledger.read(folder, study, part)
        if record is not None:
            if _range(study, part) == (record.first, record.count):
                records[part] = record
            elif complete:
                found.append(
                    Damage(part, name, f"of {record.count:,} paths, expected {_range(study, part)[1]:,}")
                )
        elif (folder / name).exists():
            found.append(Damage(part, name, "not as it was written"))
        elif complete:
            found.append(Damage(part, name, "missing"))
    found += _file_damage(folder, records, observe, study)
    found += _root_damage(folder, study, records.get(CUBE))
    found += _strays(folder, study, records)
    found += [Damage("provenance", name, what) for name, what in provenance.damage(folder).items()]
    if full:
        found += _computed_again(folder, study, records, observe, device, summaries=not found)
    order: dict[int | str, int] = {
        part: k for k, part in enumerate(["study", *wanted, CUBE, "provenance", ""])
    }
    return sorted(dict.fromkeys(found), key=lambda damage: (order[damage.part], damage.file))


def repair(
    folder: Path,
    study: Study,
    full: bool = False,
    observe: Observer = lambda stage: None,
    device: str | None = None,
    force: bool = False,
) -> tuple[list[Damage], Run | None]:
    """Mends what `verify` finds: damaged parts are computed again, and only they. Gives what was found, and the run after it.

    A run that had not come to its end is not finished by this: its damaged parts are taken away, for the next `run`.

    Args:
      force: mend with these versions, or on this device kind, what others made.

    Raises:
      UserError: as `run`; and where something is to be computed that other versions or another device kind made.
    """
    ownership.refuse_changed(folder, study)
    with writing(folder), ownership.claim(folder, study, damaged=True):
        if full and not force:  # what others made may differ in last bits, and that is no damage
            ownership.refuse_other_versions(folder, study, versions(device))
        found = verify(folder, study, full, observe, device)
        complete, damaged = _has_ended(folder, study), {damage.part for damage in found}
        computed = [part for part in damaged if isinstance(part, int) or part == YEARLY]
        if computed and "study" not in damaged and not force:
            ownership.refuse_other_versions(folder, study, versions(device))
        if "study" in damaged:
            _restore_study(folder, study, device)
        if "provenance" in damaged:
            provenance.mend(folder)
        for part in damaged - {"study", "provenance", ""}:
            ledger.drop(folder, part)
        for damage in found:
            if damage.part == "" or isinstance(damage.part, int):
                (folder / damage.file).unlink(missing_ok=True)
    return found, run(study, folder, device, observe=observe, force=force) if found and complete else None


def _has_ended(folder: Path, study: Study) -> bool:
    """Whether the run has come to its end once, as its cube or the record of that says: one of them may be damaged."""
    said, record = cube.attributes(folder), ledger.read(folder, study, CUBE)
    return study.paths in (
        said.get("paths") if said.get("status") == "complete" else None,
        record.count if record else None,
    )


def _range(study: Study, part: int | str) -> tuple[int, int]:
    if isinstance(part, int):
        block = study.block(part)
        return block.first, block.count
    return 0, yearly_paths(study) if part == YEARLY else study.paths


def _study_damage(folder: Path, study: Study) -> Iterator[Damage]:
    held = unsealed(ownership.study_file(folder))
    if held is None:
        yield Damage("study", "ledger/study.json", "missing or not as it was written")
    elif held.get("fingerprint") != study.fingerprint:
        yield Damage("study", "ledger/study.json", f"of another study, {held.get('fingerprint')}")
    text = folder / "study.toml"
    expected = held["study"] if held else resolved_text(study)
    if not text.is_file() or text.read_bytes() != expected.encode():
        yield Damage("study", "study.toml", "not as it was written" if text.exists() else "missing")


def _file_damage(
    folder: Path, records: Mapping[int | str, Record], observe: Observer, study: Study
) -> Iterator[Damage]:
    whose = {file.sha256: part for part, record in records.items() for file in record.files}
    looked = 0
    with ThreadPoolExecutor(WRITERS) as threads:
        for part, record in records.items():
            told = threads.map(lambda file: ledger.wrong(folder, file), record.files)
            for file, what in zip(record.files, told, strict=True):
                if what:
                    yield Damage(part, file.name, _explained(folder, file, what, part, whose))
            if isinstance(part, int):
                looked += record.count
                observe(Stage("verifying", looked, study.paths))


def _explained(folder: Path, file: Stored, what: str, part: int | str, whose: Mapping[str, int | str]) -> str:
    """What is wrong with a file, and which part's it is if it has another's content."""
    path = folder / file.name
    other = whose.get(digest_of_file(path)) if path.is_file() else None
    return what if other is None or other == part else f"{what}: it is block {other}'s"


def _root_damage(folder: Path, study: Study, record: Record | None) -> Iterator[Damage]:
    """What is wrong with the frame of a cube that has no record, since its run has not come to its end."""
    if record is not None or not cube.cube_of(folder).exists():
        return
    for name, content in cube.skeleton(study).items():
        path = cube.cube_of(folder) / name
        if not path.is_file() or path.read_bytes() != content:
            what = "not as it was written" if path.exists() else "missing"
            yield Damage(CUBE, path.relative_to(folder).as_posix(), what)


def _strays(folder: Path, study: Study, records: Mapping[int | str, Record]) -> Iterator[Damage]:
    """Shards, tallies and records beyond those of the study, in a run whose every part has a record."""
    if CUBE not in records:
        return
    known = {file.name for record in records.values() for file in record.files}
    known |= {ledger.record_file(folder, part).relative_to(folder).as_posix() for part in records}
    count = len(study.blocks())
    for place in (cube.cube_of(folder), ledger.ledger_of(folder)):
        for path in place.rglob("*"):
            name = path.relative_to(folder).as_posix()
            if name in known or not _NUMBERED.fullmatch(name) or not path.is_file():
                continue
            if int(path.stem) >= count or int(path.stem) in records:
                yield Damage("", name, "belongs to no block of this study")


def _computed_again(
    folder: Path,
    study: Study,
    records: Mapping[int | str, Record],
    observe: Observer,
    device: str | None,
    summaries: bool,
) -> Iterator[Damage]:
    """Files of recorded parts that would have another content if they were computed now.

    Args:
      summaries: also make the summary groups again, from what is stored.
    """
    devices.use_compilation_cache()
    blocks = [study.block(part) for part in records if isinstance(part, int)]
    work = Work(study, folder, devices.program(study, device))
    done = 0
    for result in work.results(blocks):
        yield from _differing(records[result.block.index], work.files(result))
        done += result.block.count
        observe(Stage("computing again", done, study.paths))
    if YEARLY in records:
        yield from _differing(records[YEARLY], work.yearly_files()[0])
    if CUBE in records and summaries:
        found = results.of_run(folder, study)
        files = cube.finished_files(study, found.summaries(found.tables(), yearly_fields(folder, study)))
        yield from _differing(records[CUBE], {f"{cube.CUBE_FOLDER}/{name}": files[name] for name in files})


def _differing(record: Record, files: Mapping[str, bytes]) -> Iterator[Damage]:
    recorded = {file.name: file.sha256 for file in record.files}
    for name in sorted(recorded.keys() | files.keys()):
        if name not in files or digest(files[name]) != recorded.get(name):
            yield Damage(record.part, name, OTHER)


def _restore_study(folder: Path, study: Study, device: str | None) -> None:
    """What the folder says of its study and of what made it, written again from whatever copy is whole."""
    if unsealed(ownership.study_file(folder)) is not None:
        write_atomically(folder / "study.toml", resolved_text(study).encode())
        return
    told = provenance.runs(folder)[-1:]
    made = [run["versions"] | {"device_kind": run["device_kind"]} for run in told] or [versions(device)]
    ownership.enter(folder, study, made[0], force=True)
