"""The folder of a run together with the study that it is of: what everything that reads or writes a run takes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from engine.formatting import command_line
from engine.storage.files import write_atomically, writing
from engine.study.study import Study


@dataclass(frozen=True)
class RunFolder:
    """Where a run is, and what it is a run of.

    Args:
      path: the folder, with `cube.zarr` and `ledger/` inside once something has been written.
      study: the resolved study.
    """

    path: Path
    study: Study

    def command(self, name: str, *words: object) -> str:
        """The command of that name on this run, with what follows its folder, as a shell takes it."""
        return command_line(name, self.path, *words, model=self.study.model_spec)

    def writing(self) -> AbstractContextManager[None]:
        """A block of code whose failures to read or write there become the user's to mend."""
        return writing(self.path)


def written(place: Path, content: bytes) -> Path:
    """The place, where the content now is, whole or not at all.

    Raises:
      UserError: it cannot be written.
    """
    with writing(place.parent):
        write_atomically(place, content)
    return place
