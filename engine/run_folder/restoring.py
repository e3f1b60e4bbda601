"""Restores a finished run whose extension was refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.run_folder import ledger, ownership
from engine.run_folder.cube import CUBE_FOLDER, ROOT
from engine.run_folder.ledger import CUBE, LEDGER, YEARLY
from engine.storage.files import content_of, write_atomically, write_files


@contextmanager
def restored_if_refused(folder: Path) -> Iterator[None]:
    """A `with` block: if it fails, a run that was finished before is so again, unless a part has been committed.

    What says which paths the run has is put back: the study, the frame of the cube and its record. The folder is locked
    by this process.
    """
    record = ledger.record_file(folder, CUBE)
    frame = [ownership.study_file(folder), folder / "study.toml", *(folder / CUBE_FOLDER).rglob(ROOT), record]
    held, parts = dict[str, bytes](), dict[Path, int]()
    with suppress(FileNotFoundError):  # there is no finished run, or it is damaged
        parts, held = _parts(folder), {str(path): content_of(path) for path in frame}
    try:
        yield
    except Exception:
        with suppress(OSError):  # a disk that fails: what is there stays
            if held and _parts(folder) == parts:
                finished = held.pop(str(record))
                write_files(Path(), held)
                write_atomically(record, finished)
        raise


def _parts(folder: Path) -> dict[Path, int]:
    """The records of all parts but the cube, each with the time at which it was written."""
    records = [*(folder / LEDGER).glob("[0-9]*/*.json"), *(folder / LEDGER).glob(f"{YEARLY}.json")]
    return {path: path.stat().st_mtime_ns for path in records}
