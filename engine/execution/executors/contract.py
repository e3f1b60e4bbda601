"""What an executor is: whoever computes and commits the parts of a run that are missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from engine.execution.stages import Observer
from engine.program.running.compilation_cache import Watch
from engine.program.running.contract import Form
from engine.risk.estimation.tallies import Tally
from engine.run_folder.folder import RunFolder
from engine.study.study import Block


@dataclass(frozen=True)
class Assignment:
    """Parts of a run that an executor is to compute and commit.

    Args:
      folder: of the run; this process holds it.
      token: of this process's hold on the folder.
      yearly: whether the yearly sample is among the parts.
      blocks: the blocks that are.
      observe: called with each stage that is reached.
      compiling: has seen what was compiled to tell which program the study has, and sees the rest where this process computes.
      force: go on also where blocks that are there are not what the program gives.
      alone: nobody else computes parts of the run.
      writers: blocks that one process which computes alone writes at a time; of several, each writes one.
    """

    folder: RunFolder
    token: str
    yearly: bool
    blocks: tuple[Block, ...]
    observe: Observer
    compiling: Watch
    force: bool = False
    alone: bool = False
    writers: int = 1


class Executor(Protocol):
    """Computes parts of a run; a context manager, so that whatever it starts ends with it."""

    def __enter__(self) -> Executor: ...

    def __exit__(self, *failure: object) -> None: ...

    def versions(self) -> dict[str, str]:
        """Versions and device kind that compute the parts."""

    def forms(self) -> tuple[Form, ...]:
        """What has computed blocks so far; none where there were none."""

    def tally(self) -> Tally | None:
        """What all blocks of the run left of the outcomes that are not kept whole, where this process has it already."""

    def perform(self, assignment: Assignment) -> Iterator[Block]:
        """Commits the parts; gives each block when it is committed."""
