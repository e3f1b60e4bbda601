"""What a cluster is asked to do, by name. Nothing is imported until a worker does it: the scheduler, which reads each task, needs no JAX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def hello(device: str | None) -> dict[str, str]:
    """Versions of the worker and the kind of its devices, as `worker.hello`."""
    from engine.execution.executors import worker_process

    return worker_process.hello(device)


def perform(site: Mapping[str, Any], first: int, last: int, yearly: bool) -> None:
    """Commits blocks, as `worker.perform`. Nothing is given back: the records on the disk are the receipt."""
    from engine.execution.executors import worker_process

    worker_process.perform(site, first, last, yearly)
