"""This process's own devices as the executor of a run."""

from __future__ import annotations

from collections.abc import Iterator

from engine.execution.executors import site
from engine.execution.executors.contract import Assignment
from engine.execution.stages import Stage
from engine.execution.work import Work
from engine.program import devices
from engine.study.study import Block


class Local:
    """This process's own devices: an `Executor`.

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
        return site.versions(self._device)

    def perform(self, assignment: Assignment) -> Iterator[Block]:
        """As `Executor.perform`. The program of the yearly sample is compiled while blocks are computed."""
        study, blocks = assignment.folder.study, assignment.blocks
        with assignment.compiling:
            program = devices.program(study, self._device)
            if blocks:
                program.prepare()
        if blocks:
            done = study.paths - sum(block.count for block in blocks)
            assignment.observe(Stage("compiled", done, study.paths, assignment.compiling.told()))
        work = Work(assignment.folder, program, force=assignment.force, writers=assignment.writers)
        yield from work.blocks(blocks, assignment.yearly)
