"""The parts of a run, computed on this process's devices and committed: blocks of paths, and the yearly sample."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, InvalidStateError, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from engine.errors import UserError
from engine.execution import summing
from engine.execution.agreement import refuse_disagreeing, stored_block
from engine.execution.resources import AHEAD
from engine.execution.soundness import BlockResult, refuse_bad_year, refuse_beyond, refuse_nonfinite
from engine.program.contract import Form, Program, YearlyValues
from engine.risk.estimation.exclusion import excluded, most_excluded, without_excluded
from engine.risk.estimation.tallies import group_size, tally, unkept
from engine.risk.estimation.yearly_sample import of_parts
from engine.run_folder import cube, ledger, moved_runs
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import YEARLY, FinishedPart
from engine.run_folder.parts import YEARLY_FILE, tally_content, yearly_content, yearly_paths
from engine.study.study import Block

LOOKS = 4
"""Number of first blocks before each of which a `Work` looks for a stored block that it has not computed, to compare.

More than one, as nothing is stored yet where all workers begin at once.
"""
REMEDY = "Restore the model, choose another --out, or continue with --force."


class Work:
    """Computes parts of a run and commits them to its folder, whose cube has been created.

    Args:
      folder: of the run.
      program: the study's program.
      still_ours: whether this object's run still holds the folder; once another run does, nothing more is committed.
      force: do not compare stored blocks with what the program gives, as other versions made them.
      writers: blocks that are written at a time; with one, blocks are computed one at a time too.
    """

    def __init__(
        self,
        folder: RunFolder,
        program: Program,
        still_ours: Callable[[], bool] = lambda: True,
        force: bool = False,
        writers: int = 1,
    ):
        self.study, self.folder = folder.study, folder
        self._program, self._still_ours, self._writers = program, still_ours, writers
        self._agrees, self._own = force, list[int]()
        self._years, self._lock = Future[None](), threading.Lock()
        summing.in_machine_code()

    @property
    def forms(self) -> tuple[Form, ...]:
        """Forms of the program (loop, kernel, XLA) that have computed blocks."""
        return self._program.forms

    def yearly(self) -> None:
        """Computes and commits the yearly summaries, from the first paths.

        Raises:
          CancelledError: the blocks failed meanwhile, and the yearly sample was given up.
          UserError: as `yearly_files`.
        """
        files = self.yearly_files()
        with self._lock:
            self._go_on_with_years()
            self._commit(FinishedPart(YEARLY, 0, yearly_paths(self.study), ()), files)

    def yearly_files(self) -> dict[str, bytes]:
        """Files of the yearly sample by place below the run folder.

        Raises:
          UserError: values are not finite, or lie beyond the bounds that the model states.
        """
        study, count = self.study, yearly_paths(self.study)
        out = np.zeros(count, bool) if not study.nonfinite else self._excluded(count)
        if out.sum() > most_excluded(study):
            out[:] = False  # too many: the first value that is not finite is refused, here or in its block

        def refuse(yearly: YearlyValues) -> None:
            refuse_bad_year(study, yearly, out)
            refuse_beyond(study, yearly, out)

        def sound(part: YearlyValues) -> YearlyValues:
            self._go_on_with_years()
            try:
                refuse(part)
            except UserError:  # the message tells of all years
                refuse(self._program.first_years(count))
                raise
            return part

        sample = map(sound, self._program.years_in_parts(count))  # holds one part at a time
        fields = of_parts(study, count, sample, ~out if out.any() else None)
        return {YEARLY_FILE: yearly_content(fields)}

    def _excluded(self, count: int) -> Bool[np.ndarray, "path"]:
        """Which of the first `count` paths are excluded, for a yearly value or an outcome that is not finite."""
        study, out = self.study, np.zeros(count, bool)
        for part in self._program.years_in_parts(count):
            self._go_on_with_years()
            out |= excluded(study, part)
        for block in replace(study, paths=count).blocks():
            self._go_on_with_years()
            outcomes = self._program.submit(block).of(block)
            out[block.first : block.first + block.count] |= excluded(study, outcomes)
        return out

    def blocks(self, wanted: Iterable[Block], yearly: bool = False) -> Iterator[Block]:
        """Computes and commits blocks; yields each once it is committed, in order, while others are under way.

        Memory holds the outcomes of at most `AHEAD` blocks being computed, of one being checked, and of up to `writers`
        blocks being written, with their files; the next block waits for a free writer.

        Args:
          wanted: the blocks; the iterator is read ahead of the yielded blocks by as many as memory may hold.
          yearly: also compute and commit the yearly sample meanwhile; no block is written before its values are known
            to be sound.

        Raises:
          UserError: the model gave values that are not finite (with the path to look at), or other values than those
            that are stored; or the folder cannot be written. It is raised at once: the yearly sample is given up.
        """
        out = ledger.excluded_of(ledger.done_blocks(self.folder)) if self.study.nonfinite else 0
        self._agree()
        self._years = Future()
        if yearly:
            threading.Thread(target=self._compute_years).start()
        else:
            self._years.set_result(None)
        writing: deque[Future[Block]] = deque()

        def store(result: BlockResult) -> Block:
            self._years.result()
            self.store(result)
            return result.block

        with ThreadPoolExecutor(self._writers) as writers:
            try:
                for result in self.results(wanted, min(self._writers, AHEAD)):
                    out += refuse_nonfinite(self.study, result, out)
                    if self._own:
                        self._agree(*writing)
                    self._own.append(result.block.index)
                    while writing and (len(writing) == self._writers or writing[0].done()):
                        yield writing.popleft().result()
                    writing.append(writers.submit(store, result))
                while writing:
                    yield writing.popleft().result()
                self._years.result()
            except BaseException:  # Ctrl-C too, which must not wait until all years are computed
                self._give_years_up()
                raise

    def _compute_years(self) -> None:
        with suppress(InvalidStateError):  # `_give_years_up` has cancelled it
            try:
                self.yearly()
                self._years.set_result(None)
            except BaseException as failure:
                self._years.set_exception(failure)

    def _give_years_up(self) -> None:
        """Cancels the yearly sample: it stops after the part that is being computed; a commit under way completes."""
        with self._lock:
            self._years.cancel()

    def _go_on_with_years(self) -> None:
        if self._years.cancelled():
            raise CancelledError

    def _agree(self, *writing: Future[Block]) -> None:
        """Compares a stored block that others computed with what the program gives, unless one was compared before.

        Where they differ, the blocks that this object has committed are removed.

        Args:
          writing: futures of the blocks that are being written.

        Raises:
          UserError: they differ.
        """
        if self._agrees or len(self._own) >= LOOKS:
            return
        try:
            if record := stored_block(self.folder, self._own):
                refuse_disagreeing(self.folder, self._program, record, REMEDY)
            self._agrees = record is not None
        except UserError:
            self._give_years_up()
            wait(writing)
            for index in self._own:
                ledger.drop(self.folder.path, index)
            raise

    def results(self, wanted: Iterable[Block], at_once: int = 1) -> Iterator[BlockResult]:
        """Computes blocks and yields them in order, without writing anything.

        Args:
          at_once: blocks in flight while the caller handles another, at least `Program.ahead`.
        """
        running: deque[Callable[[], BlockResult]] = deque()
        for block in wanted:
            running.append(self._started(block))
            while len(running) > max(at_once, self._program.ahead):
                yield running.popleft()()
        while running:
            yield running.popleft()()

    def _started(self, block: Block) -> Callable[[], BlockResult]:
        """Starts to compute a block; returns the function that waits for its result and gives it."""
        running = self._program.submit(block)
        return lambda: BlockResult(block, running.of(block))

    def files(self, result: BlockResult) -> dict[str, bytes]:
        """Files of a block by place below the run folder, without its record."""
        study, block = self.study, result.block
        kept = cube.kept_draws(study, block)
        values = self._program.draws(block)[:, :kept] if kept else None
        draws = {} if values is None else {item.name: values[k] for k, item in enumerate(study.inputs)}
        outcomes = without_excluded(study, result.outcomes)
        files = cube.block_files(study, block, outcomes, draws)
        if unkept(study):
            files[ledger.tally_name(block)] = tally_content(tally(study, outcomes, group_size(block.index)))
        return files | (moved_runs.files_of(self.folder.path, block) if study.facts else {})

    def store(self, result: BlockResult) -> None:
        """Writes and commits a computed block."""
        block, counts = result.block, np.sum(~np.isfinite(result.outcomes), axis=-1)
        out = int(excluded(self.study, result.outcomes).sum()) if counts.any() else 0
        nonfinite = tuple(map(tuple, counts.tolist()))
        self._commit(FinishedPart(block.index, block.first, block.count, (), nonfinite, out), self.files(result))

    def _commit(self, record: FinishedPart, files: Mapping[str, bytes]) -> None:
        if not self._still_ours():
            raise UserError(self.folder.path, ["another run now uses this folder, so this run was stopped."])
        ledger.commit(self.folder, record, files)
