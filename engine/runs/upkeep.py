"""Looking after a run folder: how far it is, whether it is what was written, and mending what is not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from engine.execution import precision, results
from engine.execution.executors.site import of_study, versions
from engine.execution.job import Finished, RunOptions, compute
from engine.execution.resources import bytes_held
from engine.execution.stages import Observer, Stage, unobserved
from engine.execution.work import Work
from engine.formatting import command_line
from engine.program import compilation_cache, devices
from engine.run_folder import cube, ledger, ownership, provenance
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import CUBE, YEARLY, Record, Stored
from engine.run_folder.parts import yearly_fields, yearly_missing, yearly_paths
from engine.storage import locks
from engine.storage.files import WRITERS, digest, digest_of_file, unsealed, write_atomically, writing
from engine.storage.locks import Holder
from engine.storage.regular_files import clear, holds, opened
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
      excluded: paths that are kept out of every number, as values on them are not finite.
      report: how many paths the report in the folder is of; None where there is none.
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
    excluded: int = 0
    report: int | None = None


@dataclass(frozen=True)
class Damage:
    """Something in a run folder that is not as it was written.

    Args:
      part: number of the block, `YEARLY`, `CUBE`, a question, "study" or "provenance"; "" for a file that belongs to nothing.
      file: its place in the folder.
      what: what is wrong with it.
    """

    part: int | str
    file: str
    what: str

    def __str__(self) -> str:
        part = f"block {self.part}" if isinstance(self.part, int) else self.part or "nothing's"
        return f"{part}: {self.file}: {self.what}"


class Repair(NamedTuple):
    """What `repair` has mended.

    Args:
      damages: what was wrong.
      finished: the run after it; None where nothing was wrong, or the run had not come to its end.
    """

    damages: list[Damage]
    finished: Finished | None


def status(folder: RunFolder) -> Status:
    """How far the run is; sizes of files are looked at, not what is in them."""
    study = folder.study
    done = ledger.done_blocks(folder)
    lock = ownership.lock_file(folder.path)
    return Status(
        folder.path,
        sum(record.count for record in done.values()),
        study.paths,
        len(study.blocks()),
        len(done),
        not yearly_missing(folder) if yearly_paths(study) else None,
        cube.is_finished(folder, done) and not yearly_missing(folder),
        bytes_held(folder.path),
        locks.holder(lock) if locks.is_taken(lock) else None,
        ownership.versions_of(folder.path),
        provenance.runs(folder.path),
        ledger.excluded_of(done),
        report_paths(folder.path),
    )


def report_paths(folder: Path) -> int | None:
    """How many paths the report in a run folder is of; 0 where it does not say, None where there is none."""
    try:
        with opened(folder / "report.html") as page:
            stated = re.search(rb'<meta name="paths" content="(\d+)">', page.read(1 << 14))
    except OSError:
        return None
    return int(stated[1]) if stated else 0


def report_note(folder: RunFolder, paths: int) -> str:
    """What is to be said of a report that is of fewer paths than there are; "" where there is nothing."""
    stated = report_paths(folder.path)
    if stated is None or stated >= paths:
        return ""
    of = f"{stated:,} paths" if stated else "an earlier version"
    again = command_line("report", folder.path, model=folder.study.model_spec)
    return f"report.html is of {of}, and there are {paths:,}. Make it again: {again}"


def verify(
    folder: RunFolder,
    full: bool = False,
    observe: Observer = unobserved,
    device: str | None = None,
) -> list[Damage]:
    """Everything in the folder that is not as it was written: each file is read and compared with the SHA-256 of its record.

    What has not been computed yet is no damage.

    Args:
      full: also compute every part again and compare the bits, which takes as long as the run did. It finds what was
        wrong before it was written; other versions or another device kind may differ in last bits.
      device: where they are computed; "cpu" or "gpu".
    """
    study = folder.study
    ownership.refuse_changed(folder)
    complete = _has_ended(folder)
    damages = [*_study_damage(folder)]
    records: dict[int | str, Record] = {}
    wanted: list[int | str] = [block.index for block in study.blocks()]
    wanted += [YEARLY] if yearly_paths(study) else []
    answers = ledger.answers(folder.path)
    parts: list[int | str] = [*wanted, CUBE, *answers]
    for part in parts:
        name = ledger.record_file(folder.path, part).relative_to(folder.path).as_posix()
        record = ledger.read(folder, part)
        if record is not None:
            if part in answers or _range(study, part) == (record.first, record.count):
                records[part] = record
            elif complete:
                damages.append(
                    Damage(part, name, f"of {record.count:,} paths, expected {_range(study, part)[1]:,}")
                )
        elif (folder.path / name).exists():
            damages.append(Damage(part, name, "not as it was written"))
        elif complete:
            damages.append(Damage(part, name, "missing"))
    damages += _file_damage(folder, records, observe)
    damages += _root_damage(folder, records.get(CUBE))
    damages += _strays(folder, records)
    damages += [Damage("provenance", name, what) for name, what in provenance.damage(folder.path).items()]
    if full:
        damages += _computed_again(folder, records, observe, device, summaries=not damages)
    order: dict[int | str, int] = {
        part: k for k, part in enumerate(["study", *wanted, CUBE, *answers, "provenance", ""])
    }
    return sorted(dict.fromkeys(damages), key=lambda damage: (order[damage.part], damage.file))


def repair(
    folder: RunFolder,
    full: bool = False,
    observe: Observer = unobserved,
    device: str | None = None,
    force: bool = False,
) -> Repair:
    """Mends what `verify` finds: damaged parts are computed again, and only they.

    A run that had not come to its end is not finished by this: its damaged parts are taken away, for the next `run`.

    Args:
      force: mend with these versions, or on this device kind, what others made.

    Raises:
      UserError: as `run`; and where something is to be computed that other versions or another device kind made.
    """
    ownership.refuse_changed(folder)
    with writing(folder.path), ownership.claim(folder, damaged=True):
        if full and not force:  # what others made may differ in last bits, and that is no damage
            ownership.refuse_other_versions(folder, of_study(folder.study, versions(device)))
        damages = verify(folder, full, observe, device)
        complete, damaged = _has_ended(folder), {damage.part for damage in damages}
        computed = [part for part in damaged if isinstance(part, int) or part == YEARLY]
        if computed and "study" not in damaged and not force:
            ownership.refuse_other_versions(folder, of_study(folder.study, versions(device)))
        for damage in damages:
            clear(folder.path, damage.file)
        if "study" in damaged:
            _restore_study(folder, device)
        if "provenance" in damaged:
            provenance.mend(folder.path)
        for part in damaged - {"study", "provenance", ""}:
            ledger.drop(folder.path, part)
        for damage in damages:
            if damage.part == "" or isinstance(damage.part, int):
                (folder.path / damage.file).unlink(missing_ok=True)
    if not (damages and complete):
        return Repair(damages, None)
    options = RunOptions(folder.path, device, force=force, observe=observe)
    return Repair(damages, compute(folder.study, options))


def _has_ended(folder: RunFolder) -> bool:
    """Whether the run has come to its end once, as its cube or the record of that says: one of them may be damaged."""
    attributes, record = cube.attributes(folder.path), ledger.read(folder, CUBE)
    return folder.study.paths in (
        attributes.get("paths") if attributes.get("status") == "complete" else None,
        record.count if record else None,
    )


def _range(study: Study, part: int | str) -> tuple[int, int]:
    if isinstance(part, int):
        block = study.block(part)
        return block.first, block.count
    return 0, yearly_paths(study) if part == YEARLY else study.paths


def _study_damage(folder: RunFolder) -> Iterator[Damage]:
    held = unsealed(ownership.study_file(folder.path))
    if held is None:
        yield Damage("study", "ledger/study.json", "missing or not as it was written")
    elif held.get("fingerprint") != folder.study.fingerprint:
        yield Damage("study", "ledger/study.json", f"of another study, {held.get('fingerprint')}")
    text = folder.path / "study.toml"
    expected = held["study"] if held else resolved_text(folder.study)
    if not holds(text, expected.encode()):
        yield Damage("study", "study.toml", "not as it was written" if text.exists() else "missing")


def _file_damage(
    folder: RunFolder,
    records: Mapping[int | str, Record],
    observe: Observer,
) -> Iterator[Damage]:
    whose = {file.sha256: part for part, record in records.items() for file in record.files}
    looked = 0
    with ThreadPoolExecutor(WRITERS) as threads:
        for part, record in records.items():
            faults = threads.map(lambda file: ledger.wrong(folder.path, file), record.files)
            for file, what in zip(record.files, faults, strict=True):
                if what:
                    yield Damage(part, file.name, _explained(folder.path, file, what, part, whose))
            if isinstance(part, int):
                looked += record.count
                observe(Stage("verifying", looked, folder.study.paths))


def _explained(folder: Path, file: Stored, what: str, part: int | str, whose: Mapping[str, int | str]) -> str:
    """What is wrong with a file, and which part's it is if it has another's content."""
    other = whose.get(digest_of_file(folder / file.name) or "")
    return what if other is None or other == part else f"{what}: it is block {other}'s"


def _root_damage(folder: RunFolder, record: Record | None) -> Iterator[Damage]:
    """What is wrong with the frame of a cube that has no record, since its run has not come to its end."""
    if record is not None or not cube.cube_of(folder.path).exists():
        return
    for name, content in cube.skeleton(folder.study).items():
        path = cube.cube_of(folder.path) / name
        if not holds(path, content):
            what = "not as it was written" if path.exists() else "missing"
            yield Damage(CUBE, path.relative_to(folder.path).as_posix(), what)


def _strays(folder: RunFolder, records: Mapping[int | str, Record]) -> Iterator[Damage]:
    """Shards, tallies and records beyond those of the study, in a run whose every part has a record."""
    if CUBE not in records:
        return
    known = {file.name for record in records.values() for file in record.files}
    known |= {ledger.record_file(folder.path, part).relative_to(folder.path).as_posix() for part in records}
    count = len(folder.study.blocks())
    for place in (cube.cube_of(folder.path), ledger.ledger_of(folder.path)):
        for path in place.rglob("*"):
            name = path.relative_to(folder.path).as_posix()
            if name in known or not _NUMBERED.fullmatch(name) or not path.is_file():
                continue
            if int(path.stem) >= count or int(path.stem) in records:
                yield Damage("", name, "belongs to no block of this study")


def _computed_again(
    folder: RunFolder,
    records: Mapping[int | str, Record],
    observe: Observer,
    device: str | None,
    summaries: bool,
) -> Iterator[Damage]:
    """Files of recorded parts that would have another content if they were computed now.

    Args:
      summaries: also make the summary groups again, from what is stored.
    """
    study = folder.study
    compilation_cache.keep_programs()
    blocks = [study.block(part) for part in records if isinstance(part, int)]
    work = Work(folder, devices.program(study, device))
    done = 0
    for result in work.results(blocks):
        yield from _differing(records[result.block.index], work.files(result))
        done += result.block.count
        observe(Stage("computing again", done, study.paths))
    if YEARLY in records:
        yield from _differing(records[YEARLY], work.yearly_files()[0])
    if CUBE in records and summaries:
        numbers = results.of_run(folder).summaries(yearly_fields(folder), precision.too_coarse(study))
        files = cube.finished_files(study, numbers)
        yield from _differing(records[CUBE], {f"{cube.CUBE_FOLDER}/{name}": files[name] for name in files})


def _differing(record: Record, files: Mapping[str, bytes]) -> Iterator[Damage]:
    recorded = {file.name: file.sha256 for file in record.files}
    for name in sorted(recorded.keys() | files.keys()):
        if name not in files or digest(files[name]) != recorded.get(name):
            yield Damage(record.part, name, OTHER)


def _restore_study(folder: RunFolder, device: str | None) -> None:
    """What the folder says of its study and of what made it, written again from whatever copy is whole."""
    if unsealed(ownership.study_file(folder.path)) is not None:
        write_atomically(folder.path / "study.toml", resolved_text(folder.study).encode())
        return
    last = provenance.runs(folder.path)[-1:]
    past = [run["versions"] | {"device_kind": run["device_kind"]} for run in last] or [
        of_study(folder.study, versions(device))
    ]
    ownership.enter(folder, past[0], force=True)
