"""This process's own devices as the executor of a run."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace

from engine.errors import UserError
from engine.execution.agreement import agrees
from engine.execution.executors import site
from engine.execution.executors.contract import Assignment
from engine.execution.progress import Progress
from engine.execution.work import Work
from engine.program import devices, hardware
from engine.program.contract import CardLost, Form, Program
from engine.risk.estimation.tallies import Tally
from engine.run_folder import ledger, ownership
from engine.run_folder.folder import RunFolder
from engine.run_folder.parts import yearly_missing
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
        self._lost: tuple[Form, ...] = ()
        self._is_handed_over = False

    def __enter__(self) -> Local:
        return self

    def __exit__(self, *failure: object) -> None:
        pass

    def versions(self) -> dict[str, str]:
        """Versions and device kind of this process."""
        return site.versions(self._device, self._study)

    def forms(self) -> tuple[Form, ...]:
        return self._lost + (() if self._work is None else self._work.forms)

    def tally(self) -> Tally | None:
        return None if self._work is None or self._is_handed_over else self._work.tally

    def perform(self, assignment: Assignment) -> Iterator[Block]:
        """As `Executor.perform`. The program of the yearly sample is compiled while blocks are computed.

        Where XLA's program fails on a card, XLA's program for the processors takes over, provided that it reproduces
        what the card has committed, bit for bit.

        Raises:
          CardLost: the card failed, and other processes compute parts of the run too.
          UserError: the card failed after it had committed blocks that the processors do not reproduce bit for bit.
        """
        study, left = assignment.folder.study, {block.index: block for block in assignment.blocks}
        try:
            with assignment.compiling:
                program = devices.program(study, self._device)
            for block in self._computed(assignment, program):
                del left[block.index]
                yield block
        except CardLost as lost:
            if not assignment.alone:
                raise
            by_card = ledger.done_blocks(assignment.folder, only=[*left])
            if self._work is not None and (by_card or len(left) < len(assignment.blocks)):
                self._lost = self._work.forms
            self._is_handed_over, program = True, _handed_over(assignment.folder, lost)
            yield from (left.pop(index) for index in by_card)
            yearly = yearly_missing(assignment.folder)
            yield from self._computed(replace(assignment, yearly=yearly, blocks=tuple(left.values())), program)

    def _computed(self, assignment: Assignment, program: Program) -> Iterator[Block]:
        """Computes and commits the parts; yields each block once it is committed."""
        study, blocks = assignment.folder.study, assignment.blocks
        if blocks:
            with assignment.compiling:
                program.prepare()
            done = study.paths - sum(block.count for block in blocks)
            forms = ", ".join(map(str, program.forms))
            note = f"{assignment.compiling.told()}: {forms}"
            assignment.observe(Progress("compiled", done, study.paths, note))
        work = Work(assignment.folder, program, force=assignment.force, writers=assignment.writers)
        self._work = work if blocks else None
        yield from work.blocks(blocks, assignment.yearly)


def _handed_over(folder: RunFolder, lost: CardLost) -> Program:
    """The CPU's program of a folder's study, which replaces that of a failed GPU; warns, and records the versions.

    The yearly sample is removed, so that it is computed anew.

    Raises:
      UserError: the processors do not reproduce the blocks that the card has committed.
    """
    study = folder.study
    hardware.give_up(f"{lost.why}.")
    program = devices.program(study, "cpu", lost.why)
    ledger.drop(folder.path, ledger.YEARLY)
    try:
        is_same = agrees(folder, program)
    except UserError:
        remedy = "Start anew in another folder, on processors: --device cpu --out FOLDER."
        text = f"{lost.why}. The last bits of its blocks differ from those of the CPU. {remedy}"
        raise UserError(str(folder.path), [text]) from lost
    ownership.enter(folder, site.of_study(study, site.versions("cpu", study)), force=is_same)
    bits = ", with the same bits" if is_same else ""
    warnings.warn(f"{lost.why}; this machine's processors go on by XLA{bits}.", stacklevel=2)
    return program
