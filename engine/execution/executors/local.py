"""Who computes the parts of a run that are missing: what every executor does, and the one that uses this process's devices."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from engine.errors import UserError
from engine.execution.executors import worker_process
from engine.execution.work import Observer, Stage, Work
from engine.program import devices
from engine.study.study import Block, Study


class Executor(Protocol):
    """Computes parts of a run; a context manager, so that whatever it starts ends with it."""

    def __enter__(self) -> Executor: ...

    def __exit__(self, *failure: object) -> None: ...

    def versions(self) -> dict[str, str]:
        """Versions and device kind that compute the parts."""

    def perform(
        self, study: Study, folder: Path, token: str, yearly: bool, blocks: Sequence[Block], observe: Observer
    ) -> Iterator[Block]:
        """Commits the yearly sample, if it is asked for, and the blocks; gives each block when it is committed.

        Args:
          token: of this process's hold on the folder.
        """


class Local:
    """This process's own devices.

    Args:
      device: "cpu" or "gpu"; the GPUs if there are any.
    """

    def __init__(self, device: str | None = None):
        devices.mesh(device)  # refuses a kind that is not there before anything is made
        self._device = device

    def __enter__(self) -> Local:
        return self

    def __exit__(self, *failure: object) -> None:
        pass

    def versions(self) -> dict[str, str]:
        """Versions and device kind of this process."""
        return worker_process.versions(self._device)

    def perform(
        self, study: Study, folder: Path, token: str, yearly: bool, blocks: Sequence[Block], observe: Observer
    ) -> Iterator[Block]:
        """As `Executor.perform`. The program of the blocks is compiled while the yearly sample is computed."""
        done = study.paths - sum(block.count for block in blocks)
        observe(Stage("compiling", done, study.paths))
        began = time.monotonic()
        with devices.programs_watched() as all_found, ThreadPoolExecutor(max_workers=1) as compiler:
            work = Work(study, folder, devices.program(study, self._device))
            prepared = compiler.submit(work.prepare) if blocks else None
            bad_year = work.yearly() if yearly else ""
            if prepared is not None:
                taken = prepared.result() - began
                told = (
                    f"compiled programs found ({taken:.1f} s)"
                    if all_found()
                    else f"compiled in {taken:.1f} s"
                )
                observe(Stage("compiled", done, study.paths, told))
        if bad_year and not blocks:
            raise UserError(f"model {study.model_name}", [bad_year])
        yield from work.blocks(blocks, bad_year)
