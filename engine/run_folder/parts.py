"""Parts of a run besides the cube, to bytes and back: the tallies of blocks, and the yearly sample."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from engine.risk.estimation.tallies import Tally
from engine.run_folder import ledger
from engine.run_folder.folder import Plain, RunFolder
from engine.run_folder.ledger import YEARLY
from engine.storage import npz
from engine.storage.regular_files import opened
from engine.study.study import Study

YEARLY_FILE = f"ledger/{YEARLY}.npz"


def tally_content(tally: Tally) -> bytes:
    """The bytes of the file of a block's tally."""
    return npz.packed(tally.arrays())


def tally_of(content: bytes) -> Tally:
    """The tally whose file has these bytes.

    Raises:
      ValueError: it is no such file.
    """
    return Tally.of_arrays(npz.unpacked(content))


def yearly_paths(study: Study) -> int:
    """Number of first paths that the yearly summaries come from; 0 where there are no yearly summaries."""
    return min(study.keep.yearly, study.paths) if study.has_yearly else 0


def yearly_missing(folder: RunFolder, thorough: bool = False) -> bool:
    """Whether the yearly sample is still to be computed."""
    count = yearly_paths(folder.study)
    record = ledger.read(folder, YEARLY) if count else None
    return bool(count) and not (record and record.count == count and ledger.intact(folder.path, record, thorough))


def yearly_fields(folder: RunFolder) -> dict[str, Any]:
    """The fields of `Summaries` that hold yearly variables, as `Work.yearly` committed them; empty where there are
    none.

    Raises:
      UserError: they are damaged.
    """
    record = ledger.read(folder, YEARLY) if yearly_paths(folder.study) else None
    if record is None:
        return {}
    fields: dict[str, Any] = {}
    for place, values in npz.unpacked(ledger.content_of(folder.path, record.files[0])).items():
        name, _, variable = place.partition("/")
        if variable:
            fields.setdefault(name, {})[variable] = values
        else:
            fields[name] = tuple(values.tolist()) if values.ndim else int(values)
    return fields


def yearly_content(fields: Plain) -> bytes:
    """The bytes of the yearly sample's file, from the fields of `Summaries` that hold yearly variables."""
    arrays: dict[str, np.ndarray] = {}
    for name, value in fields.items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        arrays |= {f"{name}/{part}".rstrip("/"): np.asarray(table) for part, table in parts}
    return npz.packed(arrays)


def report_paths(folder: Path) -> int | None:
    """Number of paths that the report in a run folder is over; 0 where it does not say, None where there is no
    report."""
    try:
        with opened(folder / "report.html") as page:
            stated = re.search(rb'<meta name="paths" content="(\d+)">', page.read(1 << 14))
    except OSError:
        return None
    return int(stated[1]) if stated else 0
