"""Moved futures (sequential Monte Carlo given a study's facts) in a run folder: one file per independent run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.run_folder import ledger, ownership
from engine.storage import npz
from engine.storage.files import content_of, write_files, writing
from engine.study.study import Block, Study
from engine.study.tables.facts import FUTURES, Moved


@dataclass(frozen=True)
class MovedRuns:
    """The moved futures stored in a run folder, by the number of their independent run.

    Args:
      fingerprint: of the study that they are futures of.
    """

    folder: Path
    fingerprint: str

    def __call__(self, run: int) -> Moved:
        """The futures of a run.

        Raises:
          UserError: they are not there as they were written.
        """
        moved = self.read(run)
        if moved is None:
            raise ledger.damaged(self.folder, file_of(run), "missing or not as it was written")
        return moved

    def read(self, run: int) -> Moved | None:
        """The futures of a run; None where they are not there as they were written."""
        try:
            arrays = npz.unpacked(content_of(self.folder / file_of(run)))
            if str(arrays["of"]) != f"{self.fingerprint} {run}":
                return None
            streams, powers = tuple(map(str, arrays["streams"])), tuple(map(float, arrays["powers"]))
            return Moved(streams, arrays["scores"], powers, float(arrays["taken"]), float(arrays["evidence"]))
        except (OSError, ValueError, KeyError):
            return None

    def write(self, run: int, moved: Moved) -> None:
        """Keeps the futures of a run, whole or not at all."""
        parts = {"of": f"{self.fingerprint} {run}", **vars(moved)}
        arrays = {name: np.array(value) for name, value in parts.items()}
        with writing(self.folder):
            write_files(self.folder, {file_of(run): npz.packed(arrays)})


def file_of(run: int) -> str:
    """Place of a run's futures below the run folder."""
    return f"moved/{run:08d}.npz"


def runs_of(block: Block) -> range:
    """Numbers of the runs of moved futures that the paths of a block belong to."""
    return range(block.first // FUTURES, -(-(block.first + block.count) // FUTURES))


def files_of(folder: Path, block: Block) -> dict[str, bytes]:
    """Content of the files with a block's moved futures, by place below the run folder."""
    return {file_of(run): content_of(folder / file_of(run)) for run in runs_of(block)}


def placed(study: Study, folder: Path) -> Study:
    """The study as that of a run folder: its model is identified as there, and its moved futures are read there."""
    study = ownership.of_folder(study, folder)
    if study.facts is None:
        return study
    return replace(study, facts=study.facts.model_copy(update={"held": MovedRuns(folder, study.fingerprint)}))
