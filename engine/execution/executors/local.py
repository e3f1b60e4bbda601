"""This process's own devices as the executor of a run."""

from __future__ import annotations

from collections.abc import Iterator

from engine.execution.executors import site
from engine.execution.executors.contract import Assignment
from engine.execution.stages import Stage
from engine.execution.work import Work
from engine.program import devices
from engine.program.contract import Form
from engine.risk.tallies import Tally
from engine.study.study import Block, Study


class Local:
    """This process's own devices: an `Executor`.

    Args:
      device: "cpu" or "gpu"; the GPUs where they pay.
      study: what is to be computed.
    """

    def __init__(self, device: str | None, study: Study):
        devices.mesh(device, study)  # refuses a kind that is not there before anything is made
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

    def tally(self) -> Tally | None:
        return None if self._work is None else self._work.tally

    def perform(self, assignment: Assignment) -> Iterator[Block]:
        """As `Executor.perform`. The program of the yearly sample is compiled while blocks are computed."""
        study, blocks = assignment.folder.study, assignment.blocks
        with assignment.compiling:
            program = devices.program(study, self._device)
            if blocks:
                program.prepare()
        if blocks:
            done = study.paths - sum(block.count for block in blocks)
            forms = ", ".join(map(str, program.forms))
            note = f"{assignment.compiling.told()}: {forms}"
            assignment.observe(Stage("compiled", done, study.paths, note))
        work = Work(assignment.folder, program, force=assignment.force, writers=assignment.writers)
        self._work = work if blocks else None
        yield from work.blocks(blocks, assignment.yearly)
