"""A process with a dask scheduler and workers on the loopback interface of this machine.

The argument is JSON: a folder for temporary files, and the options of each worker. The address of the scheduler is the
only line of standard output. The end of standard input, also where the coordinator was killed, ends all.
"""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import sys

from distributed import Nanny, Scheduler, SpecCluster

from engine.execution.executors.cluster_worker import TRIES
from engine.formatting import printable

HERE = "127.0.0.1"


class _Complaints(io.TextIOWrapper):
    """Standard error on which control characters are written as escapes, as a model may print anything."""

    def write(self, text: str) -> int:
        super().write(printable(text))
        return len(text)


def dask_setup(_worker: object) -> None:
    """Sends what a model prints to standard error; dask calls this as each worker starts."""
    logging.getLogger("jax._src.callback").setLevel(logging.CRITICAL)  # a failed task says what a callback raised
    sys.stdout = sys.stderr = _Complaints(open(2, "wb", buffering=0, closefd=False), write_through=True)  # noqa: SIM115


def main() -> None:
    """Starts the scheduler and the workers, and ends them with the standard input."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a model prints is no reply
    asked = json.loads(sys.argv[1])
    scheduler = {"host": HERE, "port": 0, "dashboard": False, "allowed_failures": TRIES - 1}
    each = {
        "host": HERE,
        "memory_limit": 0,
        "local_directory": asked["folder"],
        "silence_logs": logging.CRITICAL,
        "preload": ["engine.execution.executors.local_cluster"],
    }
    workers = {k: {"cls": Nanny, "options": {**each, **own}} for k, own in enumerate(asked["workers"])}
    with SpecCluster(workers, {"cls": Scheduler, "options": scheduler}, silence_logs=logging.CRITICAL) as cluster:
        replies.write(f"{cluster.scheduler_address}\n")
        sys.stdin.read()
    shutil.rmtree(asked["folder"], ignore_errors=True)


if __name__ == "__main__":
    main()
