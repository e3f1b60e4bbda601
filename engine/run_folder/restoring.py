"""Restores a finished run whose extension was refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

from engine.run_folder import ledger, ownership
from engine.run_folder.cube import CUBE_FOLDER
from engine.run_folder.ledger import CUBE, LEDGER
from engine.storage.files import content_of, write_atomically, write_files


@contextmanager
def restored_if_refused(folder: Path) -> Iterator[None]:
    """A `with` block: if it fails, a run that was finished before is so again, unless a part has been committed.

    What says which paths the run has is put back: the study, the frame of the cube and its record. The folder is locked
    by this process.
    """
    record, finished, frame, parts = ledger.record_file(folder, CUBE), b"", dict[str, bytes](), dict[Path, int]()
    with suppress(FileNotFoundError):  # there is none, or the folder is damaged
        finished, frame, parts = content_of(record), _frame(folder), _parts(folder)
    try:
        yield
    except Exception:
        with suppress(OSError):  # a disk that fails: what is there stays
            if frame and _parts(folder) == parts:
                write_files(folder, frame)
                write_atomically(record, finished)
        raise


def _frame(folder: Path) -> dict[str, bytes]:
    paths = (ownership.study_file(folder), folder / "study.toml", *(folder / CUBE_FOLDER).rglob("zarr.json"))
    return {path.relative_to(folder).as_posix(): content_of(path) for path in paths}


def _parts(folder: Path) -> dict[Path, int]:
    """The records of all parts but the cube, each with the time at which it was written."""
    single = ledger.record_file(folder, ledger.YEARLY)
    records = chain((folder / LEDGER).glob("[0-9]*/*.json"), filter(Path.exists, (single,)))
    return {path: path.stat().st_mtime_ns for path in records}
