"""What a cluster asks of a worker, by name. Nothing heavy is imported until it does it: the scheduler, which reads each task, needs no JAX."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

_ONE_AT_A_TIME = threading.Lock()


def hello(device: str | None) -> dict[str, str]:
    """Versions of the worker and the kind of its devices, as `site.versions`; it is set up first."""
    from engine.execution.executors import site

    with _ONE_AT_A_TIME:
        _set_up()
        return site.versions(device)


def perform(plain: Mapping[str, Any], first: int, last: int, yearly: bool) -> None:
    """One task: blocks `first` to `last` - 1 committed, and the yearly sample if that is asked for.

    Nothing is given back: the records on the disk are the receipt.

    Args:
      plain: the fields of a `Site`.
    """
    from engine.execution.executors import site

    with _ONE_AT_A_TIME:
        _set_up()
        work = site.work_at(site.from_plain(plain))
        for _ in work.blocks((work.study.block(index) for index in range(first, last)), yearly):
            pass


def forms() -> list[dict[str, str]]:
    """What has computed the blocks of this worker's last site, as `asdict` has a `Form`."""
    from dataclasses import asdict

    from engine.execution.executors import site

    with _ONE_AT_A_TIME:
        return [asdict(form) for form in site.forms()]


@cache
def _set_up() -> None:
    """One GPU, the first that the worker was given, before JAX looks at any; and as many CPU devices as it has threads.

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
    from engine.program.running import devices, memory

    devices.use_every_core()
    memory.keep()
