"""Parts of a run besides the cube, to bytes and back: the tallies of blocks, and the yearly sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.risk.estimation.tallies import Tally
from engine.run_folder import ledger
from engine.run_folder.folder import Plain, RunFolder
from engine.run_folder.ledger import YEARLY, FinishedPart
from engine.storage import npz
from engine.study.study import Study

YEARLY_FILE = f"ledger/{YEARLY}.npz"


def tally_content(tally: Tally) -> bytes:
    """The bytes of the file of a block's tally."""
    return npz.packed(tally.arrays())


def stored_tally(folder: Path, record: FinishedPart) -> Tally:
    """The tally of a block, from the file that its record names.

    Raises:
      UserError: the file is not what was committed, or the record names none.
    """
    file = next((file for file in record.files if file.name.endswith(".npz")), None)
    if file is None:
        name = ledger.record_file(folder, record.part).relative_to(folder).as_posix()
        raise ledger.damaged(folder, name, "it names no tally")
    return Tally.of_arrays(npz.unpacked(ledger.content_of(folder, file)))


def yearly_paths(study: Study) -> int:
    """Number of first paths that the yearly summaries come from; 0 where there are no yearly summaries."""
    return min(study.keep.yearly, study.paths) if study.has_yearly else 0


def yearly_missing(folder: RunFolder, thorough: bool = False) -> bool:
    """Whether the yearly sample is still to be computed."""
    count = yearly_paths(folder.study)
    record = ledger.read(folder, YEARLY) if count else None
    return bool(count) and not (record and record.count == count and ledger.intact(folder.path, record, thorough))


def yearly_fields(folder: RunFolder) -> dict[str, Any]:
    """The fields of `Summaries` with yearly variables, as `Work.yearly` committed them; empty where there are none.

    Raises:
      UserError: they are damaged.
    """
    fields: dict[str, Any] = {}
    record = ledger.read(folder, YEARLY) if yearly_paths(folder.study) else None
    if record is None:
        return fields
    for place, values in npz.unpacked(ledger.content_of(folder.path, record.files[0])).items():
        name, _, variable = place.partition("/")
        if variable:
            fields.setdefault(name, {})[variable] = values
        else:
            fields[name] = tuple(values.tolist()) if values.ndim else int(values)
    return fields


def yearly_content(fields: Plain) -> bytes:
    """The bytes of the yearly sample's file, from the fields of `Summaries` that hold yearly variables."""
    nested = {name: value if isinstance(value, dict) else {"": value} for name, value in fields.items()}
    return npz.packed({f"{name}/{part}".rstrip("/"): of for name, own in nested.items() for part, of in own.items()})
