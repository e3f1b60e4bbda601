"""Functions that dask tasks call on a worker.

They import JAX only when they are called, as the scheduler, which reads the tasks, need not have it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

from engine.errors import UserError

_ONE_AT_A_TIME = threading.Lock()


def hello(device: str | None) -> dict[str, str]:
    """Sets the worker up, and gives its versions and the kind of its devices, as `site.versions`."""
    from engine.execution.executors import site

    with _ONE_AT_A_TIME:
        _set_up()
        return site.versions(device)


def perform(plain: Mapping[str, Any], first: int, last: int) -> None:
    """One task: computes and commits blocks `first` to `last` - 1, or the yearly sample where there are none.

    Nothing is given back: the coordinator reads from the records on the disk what is done.

    Args:
      plain: the fields of a `Site`.
    """
    from engine.execution.executors import site
    from engine.modelling.loading import blamed

    with _ONE_AT_A_TIME:
        _set_up()
        try:
            work = site.work_at(site.Site(**plain))
            for _ in work.blocks((work.study.block(index) for index in range(first, last)), first == last):
                pass
        except UserError:
            raise
        except Exception as error:
            if (models := blamed(error)) is None:
                raise
            raise models from None


def forms() -> list[dict[str, str]]:
    """Forms of the program that computed the blocks of this worker's last site, each `Form` as a dictionary."""
    from dataclasses import asdict

    from engine.execution.executors import site

    with _ONE_AT_A_TIME:
        return [asdict(form) for form in site.forms()]


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
