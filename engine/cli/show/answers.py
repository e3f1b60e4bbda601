"""An answer beside the cube of a run: written where the study has been run, and how it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from engine.cli.show import screen

if TYPE_CHECKING:
    import xarray as xr

    from engine.study.study import Study


def written(study: Study, out: Path | None, question: str, groups: Mapping[str, xr.Dataset]) -> Path | None:
    """Writes the answer beside the cube of the study's run; gives its place, None where the study has not been run."""
    from engine.run_folder import answer_store, ownership
    from engine.run_folder.finding import run_folder

    folder = run_folder(study, out)
    if not ownership.study_file(folder.path).exists():
        return None
    return answer_store.write(folder, question, groups)


def print_place(console: Console, place: Path | None) -> None:
    """How the answer is opened, if it was written."""
    if place is not None:
        opened = f'xarray.open_datatree({str(place)!r}, engine="zarr")'
        screen.print_line(console, "", f"Beside the cube of its run: {opened}")
