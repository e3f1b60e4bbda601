"""Where an answer is kept, and how it is opened there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from engine.cli.show import screen

if TYPE_CHECKING:
    from engine.run_folder.folder import RunFolder


def print_place(console: Console, folder: RunFolder, place: Path | None) -> None:
    """How the answer is opened that is kept at a place beside the cube; or, of a study that has not been run, what it takes to keep it."""
    from engine.run_folder.finding import is_run

    if place is not None:
        opened = f'xarray.open_datatree({str(place)!r}, engine="zarr")'
        screen.print_line(console, "", f"Everything, labelled, beside the cube: {opened}")
    elif not is_run(folder.path):
        study, purpose = folder.study, "Kept beside the cube once the study has been run"
        screen.print_command(console, purpose, "run", study.source, model=study.model_spec)
