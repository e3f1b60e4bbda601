"""Answers to questions about a run, stored as labelled groups beside its cube, which does not change."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UserError
from engine.run_folder import ledger, ownership
from engine.run_folder.finding import is_run
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import FinishedPart
from engine.storage import zarr_writer
from engine.storage.files import remove_tree, unsealed
from engine.storage.zarr_writer import Group

if TYPE_CHECKING:
    import xarray as xr


def keep(folder: RunFolder, question: str, groups: Mapping[str, Group], stacklevel: int = 2) -> Path | None:
    """Stores an answer in a run folder and gives its place; None where there is no run, or (with a warning) it fails.

    A failure to store is no error, as the caller has the answer in memory.

    Args:
      stacklevel: of the warning, as in `warnings.warn`: how many calls above the question was asked.
    """
    if not is_run(folder.path):
        return None
    try:
        return write(folder, question, groups)
    except (UserError, OSError) as error:
        remedy = "To store it, ask a run of this study in a writable folder."
        warnings.warn(failure_to_keep(folder.path / f"{question}.zarr", error, remedy), stacklevel=stacklevel)
        return None


def failure_to_keep(place: Path, error: UserError | OSError, remedy: str) -> str:
    """Text of the warning that an answer could not be stored at a place: why, and the remedy."""
    problems = error.problems if isinstance(error, UserError) else [f"{error.strerror or error}."]
    return f"the answer is not stored in {place}: {' '.join(map(str, problems))} {remedy}"


def write(folder: RunFolder, question: str, groups: Mapping[str, Group]) -> Path:
    """Writes an answer's groups and their ledger record, whole or not at all; gives their place, `QUESTION.zarr`.

    Args:
      question: its name; an earlier answer to it is replaced.
      groups: by place; the attributes of "/", among them "paths", become those of the whole store.

    Raises:
      UserError: the folder is of another study, somebody writes there, or it cannot be written.
    """
    files = zarr_writer.tree_files({place: group for place, group in groups.items() if place != "/"})
    files |= {"zarr.json": zarr_writer.root(groups["/"].attrs, files)}
    place = folder.path / f"{question}.zarr"
    most = max(folder.study.paths, ownership.paths_held(folder))  # of which fewer may have been looked at
    folder = replace(folder, study=replace(folder.study, paths=most))
    with ownership.claim(folder):
        ledger.drop(folder.path, question)
        remove_tree(place)
        record = FinishedPart(question, 0, int(groups["/"].attrs["paths"]), ())
        ledger.commit(folder, record, {f"{place.name}/{name}": content for name, content in files.items()})
    return place


def read(folder: Path, question: str) -> xr.DataTree | None:
    """The groups that `write` stored in a run folder; None where there are none or, with a warning, one is damaged."""
    record = unsealed(ledger.record_file(folder, question)) or {}
    recorded = ledger.files_in(record)
    if not recorded:
        return None
    for file in recorded.values():
        if fault := ledger.wrong(folder, file):
            told = f"the answer to '{question}' is left out: {folder / file.name} is damaged ({fault})."
            warnings.warn(f"{told} {ledger.remedy(folder)}", stacklevel=2)
            return None
    import xarray as xr

    return xr.open_datatree(folder / f"{question}.zarr", engine="zarr")
