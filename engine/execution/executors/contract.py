"""The contract of an executor, which computes and commits the missing parts of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from engine.execution.progress import Observer
from engine.lanes.compilation_cache import Watch
from engine.program.contract import Form
from engine.run_folder.folder import RunFolder
from engine.study.study import Block


@dataclass(frozen=True)
class Assignment:
    """Parts of a run that an executor is to compute and commit.

    Args:
      folder: the run folder, on which this process holds the lock.
      token: identifies this process's hold on the folder.
      yearly: whether to compute the yearly sample.
      blocks: the blocks to compute.
      observe: called with each stage of the run.
      compiling: counts the time of compilation; it has counted what the coordinator compiled so far, and a `Local`
        executor goes on.
      force: go on even where the program does not reproduce blocks that are stored.
      writers: blocks written at a time where one process computes alone; each of several workers writes one.
    """

    folder: RunFolder
    token: str
    yearly: bool
    blocks: tuple[Block, ...]
    observe: Observer
    compiling: Watch
    force: bool = False
    writers: int = 1


class Executor(Protocol):
    """Computes parts of a run; a context manager that ends the processes and connections it has started."""

    def __enter__(self) -> Executor: ...

    def __exit__(self, *failure: object) -> None: ...

    def versions(self) -> dict[str, str]:
        """Versions of the packages and the device kind with which the parts are computed, by name."""

    def forms(self) -> tuple[Form, ...]:
        """Forms of the program (loop, kernel, XLA) that have computed blocks so far; empty where none has."""

    def perform(self, assignment: Assignment) -> Iterator[Block]:
        """Computes and commits the parts; yields each block once it is committed."""
