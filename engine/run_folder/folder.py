"""A run folder together with its study: the argument of every function that reads or writes a run."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.formatting import command_line
from engine.storage.files import write_atomically, writing
from engine.study.study import Study

Plain = Mapping[str, Any]
"""Plain data, ready for JSON: a document of the ledger, the record of a run, attributes of the cube."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run, and the study that it is a run of.

    Args:
      path: the folder, which contains `cube.zarr` and `ledger/` once something has been written.
      study: the resolved study.
    """

    path: Path
    study: Study

    def command(self, name: str, *words: object) -> str:
        """The command `rustbelt NAME FOLDER WORDS` on this run, quoted for a shell."""
        return command_line(name, self.path, *words, model=self.study.model_spec)

    def writing(self) -> AbstractContextManager[None]:
        """A `with` block in which failures to read or write in this folder are raised as a `UserError`."""
        return writing(self.path)


def written(place: Path, content: bytes) -> Path:
    """Writes the content to a file, whole or not at all, and gives its place.

    Raises:
      UserError: it cannot be written.
    """
    with writing(place.parent):
        write_atomically(place, content)
    return place
