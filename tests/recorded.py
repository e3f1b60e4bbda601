"""A small study whose results are computed once and then played back: runs without JAX, for the tests of storage."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.execution.work import Work
from engine.program.contract import Pass
from engine.program.programs import program_on
from engine.study.loading import load_model_file, load_study
from engine.study.study import BLOCK, Study
from tests.small_files import BRIDGE, MODELS, POND

PATHS = BLOCK + 600
MOST = 4 * BLOCK
KEEP = 'keep = { outcomes = ["lowest_stock"], draws = 1000, yearly = 500 }\n'
VERSIONS = {"rustbelt": "0", "jax": "0", "jaxlib": "0", "device_kind": "recorded"}


def small_study_in(folder: Path, paths: int = PATHS) -> Study:
    """A study of a static model with few summaries and one outcome kept, for runs that are repeated many times."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bridge.toml").write_text('keep = { outcomes = ["damage"], draws = 1000 }\n' + BRIDGE)
    return load_study(folder / "bridge.toml", model=load_model_file(f"{MODELS}:Bridge"), paths=paths)


def study_in(folder: Path, paths: int = PATHS, keep: str = KEEP) -> Study:
    """A study of a path model: one outcome kept, the others tallied, draws, two blocks."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pond.toml").write_text(keep + POND)
    return load_study(folder / "pond.toml", model=load_model_file(f"{MODELS}:Pond"), paths=paths)


class Recorded:
    """A program that gives the recorded results of the real one."""

    def __init__(self, arrays: dict[str, np.ndarray]):
        self._arrays = arrays

    forms, ahead = (), 1

    def prepare(self, years: bool = False) -> None:
        """Nothing is to be compiled."""

    def submit(self, block) -> Pass:
        """The outcomes of all paths."""
        return Pass(0, lambda: self._arrays["outcomes"])

    def draws(self, block) -> np.ndarray:
        """The block's draws."""
        return self._arrays["draws"][:, block.first : block.first + block.count]

    def first_years(self, count: int) -> np.ndarray:
        """Yearly values of the first paths."""
        return self._arrays["yearly"][..., :count]

    def years_in_parts(self, count: int) -> Iterator[np.ndarray]:
        """Yearly values of the first paths, a year at a time."""
        yield from np.split(self.first_years(count), self._arrays["yearly"].shape[1], axis=1)


class PlayedBack:
    """An executor that takes everything from a recorded program."""

    def __init__(self, program: Recorded):
        self.program = program

    devices, launch = 2, 0

    def close(self) -> None:
        """Nothing is left to end."""

    def versions(self) -> dict[str, str]:
        """Made-up versions."""
        return VERSIONS

    def forms(self) -> tuple[()]:
        """Empty, as nothing is computed."""
        return ()

    def perform(self, assignment) -> Iterator:
        """As `Local.perform`."""
        yield from Work(assignment.folder, self.program, writers=2).blocks(assignment.blocks, assignment.yearly)


class Stops(PlayedBack):
    """An executor that is stopped, as by Ctrl-C or a kill.

    Args:
      most: number of blocks after which it is stopped.
      backwards: whether blocks are taken from the last one on, before the yearly sample.
    """

    def __init__(self, program: Recorded, most: int, backwards: bool = False):
        super().__init__(program)
        self._most, self._backwards = most, backwards

    def perform(self, assignment) -> Iterator:
        """The first blocks, and the end."""
        work = Work(assignment.folder, self.program)
        if assignment.yearly and not self._backwards:
            work.yearly()
        yield from work.blocks([*assignment.blocks][:: -1 if self._backwards else 1][: self._most])
        raise KeyboardInterrupt


def arrays_of(study: Study) -> dict[str, np.ndarray]:
    """The results of a study's program: outcomes, draws, and the yearly sample."""
    from engine.program.devices import mesh

    program = program_on(study, mesh("cpu"))
    blocks = study.blocks()
    yearly = {"yearly": program.first_years(study.keep.yearly)} if study.has_yearly else {}
    return yearly | {
        "outcomes": np.concatenate([program.submit(b).of(b) for b in blocks], axis=-1),
        "draws": np.concatenate([program.draws(block) for block in blocks], axis=-1),
    }


@functools.cache
def played_back(folder: Path) -> PlayedBack:
    """The executor of the study with `MOST` paths, computed once in a process."""
    return PlayedBack(Recorded(arrays_of(study_in(folder, MOST))))


def contents(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a run on which its answers depend, by place."""
    found = [path for place in ("cube.zarr", "ledger") for path in (folder / place).rglob("*")]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted([*found, folder / "study.toml"])
        if path.is_file() and path.name not in ("lock", "provenance.json")
    }
