"""This process's own devices as the executor of a run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from engine.execution.executors import site
from engine.execution.executors.contract import Assignment
from engine.execution.nonfinite import refuse_bad_year
from engine.execution.stages import Stage
from engine.execution.work import Work
from engine.program import compilation_cache, devices
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
        """As `Executor.perform`. The program of the blocks is compiled while the yearly sample is computed."""
        study, blocks = assignment.folder.study, assignment.blocks
        done, observe = assignment.paths_done, assignment.observe
        observe(Stage("compiling", done, study.paths))
        began = time.monotonic()
        with compilation_cache.watched() as all_kept, _not_awaited() as compiler:
            program = devices.program(study, self._device)
            work = Work(assignment.folder, program, force=assignment.force)
            if assignment.yearly:
                work.prepare(
                    years=True
                )  # one program is compiled at a time, and the sample is computed first
            prepared = compiler.submit(work.prepare) if blocks else None
            if prepared is not None and study.nonfinite:  # the sample looks at outcomes too
                prepared.result()
            bad_year = work.yearly() if assignment.yearly else ""
            if prepared is not None:
                taken = prepared.result() - began
                note = (
                    f"compiled programs found ({taken:.1f} s)" if all_kept() else f"compiled in {taken:.1f} s"
                )
                observe(Stage("compiled", done, study.paths, note))
        if not blocks:
            refuse_bad_year(study, bad_year)
        yield from work.blocks(blocks, bad_year)


@contextmanager
def _not_awaited() -> Iterator[ThreadPoolExecutor]:
    """A thread that compiles; nobody who has been stopped waits for it."""
    compiler = ThreadPoolExecutor(max_workers=1)
    try:
        yield compiler
    finally:
        compiler.shutdown(wait=False, cancel_futures=True)
