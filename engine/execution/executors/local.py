"""This process's own devices as the executor of a run."""

from __future__ import annotations

from collections.abc import Iterator

from engine.execution.executors import site
from engine.execution.executors.contract import Assignment
from engine.execution.progress import Progress
from engine.execution.work import Work
from engine.program import devices
from engine.program.contract import Form
from engine.study.study import Block, Study


class Local:
    """This process's own devices: an `Executor`.

    Args:
      device: "cpu" or "gpu"; if not given, the GPUs where they pay.
      study: what is to be computed.
    """

    def __init__(self, device: str | None, study: Study):
        devices.mesh(device, study)  # refuses a kind of device that this machine lacks before anything is written
        self._device, self._study = device, study
        self._work: Work | None = None

    def __enter__(self) -> Local:
        return self

    def __exit__(self, *failure: object) -> None:
        pass

    def versions(self) -> dict[str, str]:
        """Versions and device kind of this process."""
        return site.versions(self._device, self._study)

    def forms(self) -> tuple[Form, ...]:
        return () if self._work is None else self._work.forms

    def perform(self, assignment: Assignment) -> Iterator[Block]:
        """As `Executor.perform`. The program of the yearly sample is compiled while blocks are computed.

        Raises:
          UserError: as `Work.blocks`; `CardLost` where XLA's program fails on a card.
        """
        study, blocks, compiling = assignment.folder.study, assignment.blocks, assignment.compiling
        with compiling:
            program = devices.program(study, self._device)
            if blocks:
                program.prepare()
        work = Work(assignment.folder, program, force=assignment.force, writers=assignment.writers)
        if blocks:
            self._work, done = work, study.paths - sum(block.count for block in blocks)
            note = f"{compiling.told()}: {', '.join(map(str, program.forms))}"
            assignment.observe(Progress("compiled", done, study.paths, note))
        yield from work.blocks(blocks, assignment.yearly)
