"""Functions that dask tasks call on a worker.

They import JAX only when they are called, as the scheduler, which reads the tasks, need not have it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from engine.errors import UserError

TRIES = 3
"""Number of failures of a task, or of workers that die of it, from which on the run ends with an error."""
_ONE_AT_A_TIME = threading.Lock()


def hello(device: str | None) -> dict[str, str]:
    """Sets the worker up, and gives its versions and the kind of its devices, as `site.versions`."""
    from engine.execution.executors import site

    with _ONE_AT_A_TIME:
        _set_up()
        return site.versions(device)


def perform(span: tuple[int, int], site: Mapping[str, Any]) -> tuple[list[dict[str, str]], UserError | None]:
    """One task: computes and commits blocks, or the yearly sample; blocks that are stored already stay.

    Args:
      span: numbers of the first block and of the block after the last; the same number twice for the yearly sample.
      site: the arguments of `site.work_at`.

    Returns:
      Forms of the program that have computed blocks, each `Form` as a dictionary; and what failed if the user can
      correct it. Any other failure is raised, and dask tries again.
    """
    from engine.execution.executors.site import work_at
    from engine.modelling.loading import blamed
    from engine.run_folder import ledger

    forms: list[dict[str, str]] = []
    failure: UserError | None = None
    with _ONE_AT_A_TIME:
        _set_up()
        try:
            work, numbers = work_at(**site), range(*span)
            stored = ledger.done_blocks(work.folder, thorough=True, only=numbers)
            try:
                for _ in work.blocks([work.study.block(k) for k in numbers if k not in stored], not numbers):
                    pass
            finally:
                forms = [asdict(form) for form in work.forms if numbers]
        except UserError as raised:
            failure = UserError(raised.source, raised.problems)
        except Exception as raised:
            failure = blamed(raised)
            if failure is None:
                raise
    return forms, failure


@cache
def _set_up() -> None:
    """Gives the worker one GPU, the first of its own, before JAX looks at any; and a CPU device for each thread.

    JAX would take memory on every GPU that it sees, and dask-cuda shows each worker all of them, in another order.
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if "," in given:
        os.environ["CUDA_VISIBLE_DEVICES"] = given.split(",")[0]
    if "RUSTBELT_CPU_DEVICES" not in os.environ:
        try:
            from distributed import get_worker

            os.environ["RUSTBELT_CPU_DEVICES"] = str(get_worker().state.nthreads)
        except (ImportError, ValueError):  # called outside a cluster
            pass
    from engine.lanes import memory
    from engine.program import devices

    devices.use_every_core()
    memory.keep()
