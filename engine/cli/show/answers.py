"""An answer beside the cube of a run: written where the study has been run, and how it is opened. Shown whether or not it can be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from engine.cli.show import screen

if TYPE_CHECKING:
    import xarray as xr

    from engine.study.study import Study


@dataclass(frozen=True)
class Kept:
    """What became of an answer.

    Args:
      place: where it is; None where the study has not been run, or it could not be written.
      failure: why it could not.
    """

    place: Path | None
    failure: Exception | None = None

    def print_place(self, console: Console) -> None:
        """How the answer is opened, if it was written."""
        if self.place is not None:
            opened = f'xarray.open_datatree({str(self.place)!r}, engine="zarr")'
            screen.print_line(console, "", f"Beside the cube of its run: {opened}")

    def refuse_failure(self) -> None:
        """Raises what went wrong, once the answer has been shown."""
        if self.failure is not None:
            raise self.failure


def written(study: Study, out: Path | None, question: str, groups: Mapping[str, xr.Dataset]) -> Kept:
    """Writes the answer beside the cube of the study's run, where it has been run."""
    from engine.run_folder import answer_store, ownership
    from engine.run_folder.finding import run_folder

    try:
        folder = run_folder(study, out)
        there = ownership.study_file(folder.path).exists()
        return Kept(answer_store.write(folder, question, groups) if there else None)
    except Exception as error:  # what has been computed is shown all the same
        return Kept(None, error)
