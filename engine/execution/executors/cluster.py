"""A dask cluster as executor: a task is a run folder and a range of blocks; workers write their own shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from engine.errors import UserError
from engine.execution.executors import cluster_worker, site
from engine.execution.executors.own_workers import OwnWorkers
from engine.execution.executors.site import Assignment
from engine.program.contract import Form
from engine.run_folder import ledger
from engine.study.study import Block

if TYPE_CHECKING:
    from distributed import Client, Future

TASKS_EACH = 8
"""Tasks that each thread gets over the whole run, if there are enough blocks."""
LARGEST = 64
"""Most blocks in one task, and so the most that one lost task costs."""
PATIENCE = 60
"""Seconds to wait for the scheduler, and for its first worker."""
Span = tuple[int, int]
"""A task: the numbers of its first block and of the block after its last."""
YEARLY: Span = (0, 0)
"""The task of the yearly sample."""


class Cluster:
    """The workers of a `dask.distributed` scheduler as executor. They must see the run folder under the same path.

    `launch` is that of `Local`; no device of this process computes, so `devices` is None.

    Args:
      scheduler: its address, such as tcp://127.0.0.1:8786; or workers that are started here when they are needed.
      device: "cpu" or "gpu"; if not given, a worker's GPUs if it has any.
    """

    devices = None

    def __init__(self, scheduler: str | OwnWorkers, device: str | None = None):
        self._own = None if isinstance(scheduler, str) else scheduler
        self._address = scheduler if isinstance(scheduler, str) else ""
        self._option = "--workers" if self._own else "--scheduler"
        self._device, self._why = (self._own.device, self._own.why) if self._own else (device, "")
        self.launch = self._own.launch if self._own else 0
        self._client: Client | None = None
        self._versions: dict[str, str] = {}
        self._forms: dict[Form, None] = {}

    def close(self) -> None:
        """Ends the connection to the scheduler, and the workers that were started here."""
        if self._client is not None:
            self._client.close(timeout=5)
        if self._own is not None:
            self._own.end()

    def versions(self) -> dict[str, str]:
        """Versions and device kind of the first worker that answers; all others must have the same.

        Raises:
          UserError: the scheduler does not answer, or has no workers.
        """
        from distributed import Client

        if self._versions:
            return self._versions
        if self._own is not None:
            self._address = self._own.started()
        try:
            self._client = Client(self._address, timeout=PATIENCE, set_as_default=False)
        except (OSError, TypeError, ValueError, TimeoutError) as failure:  # a TypeError where TLS lacks its files
            raise UserError(self._option, [f"no scheduler answers at {self._address} ({failure})."]) from failure
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as failure:
            remedy = f"Start some: dask worker {self._address}"
            raise UserError(self._option, [f"the scheduler at {self._address} has no workers. {remedy}"]) from failure
        hello = self._client.submit(cluster_worker.hello, self._device, pure=False, retries=cluster_worker.TRIES - 1)
        self._versions = self._result(hello, "starting")
        return self._versions

    def forms(self) -> tuple[Form, ...]:
        return tuple(self._forms)

    def perform(self, assignment: Assignment) -> Iterator[Block]:
        """Computes and commits the parts; yields each block once its task is done.

        Raises:
          UserError: a worker found something that the user can mend, the scheduler is gone, or one task failed
            `TRIES` times.
        """
        from distributed import as_completed

        client, study = self._client, assignment.folder.study
        assert client is not None
        where = site.of_assignment(assignment, self._device, self._versions, self._why)
        tasks = spans([block.index for block in assignment.blocks], max(sum(client.nthreads().values()), 1))
        if assignment.yearly:
            tasks.insert(0, YEARLY)
        futures = client.map(cluster_worker.perform, tasks, site=where, pure=False, retries=cluster_worker.TRIES - 1)
        left = dict(zip((future.key for future in futures), tasks, strict=True))
        for future in as_completed(futures, loop=client.loop):
            span = left.pop(future.key)
            what = "the yearly sample" if span == YEARLY else ledger.named(range(*span))
            forms, failure = self._result(future, f"computing {what}")
            self._forms |= {Form(**form): None for form in forms}
            if failure is not None:
                raise failure
            yield from map(study.block, range(*span))
        if left:
            raise self._gone()

    def _result(self, future: Future[Any], doing: str) -> Any:
        """The result of a task.

        Args:
          doing: what the task does, for messages.

        Raises:
          UserError: workers died of it, it failed `TRIES` times, or the scheduler is gone.
        """
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError
        from distributed.comm.core import CommClosedError

        kept = "Finished blocks are kept."
        try:
            return future.result()
        except KilledWorker as failure:
            died = f"{failure.allowed_failures + 1} workers died while {doing}. {kept}"
            raise UserError(self._option, [died]) from failure
        except (FutureCancelledError, CommClosedError) as failure:
            raise self._gone() from failure
        except OSError as failure:
            raise UserError(
                self._option, [f"{doing} failed {cluster_worker.TRIES} times ({failure}). {kept}"]
            ) from failure

    def _gone(self) -> UserError:
        message = f"the scheduler at {self._address} is gone. Finished blocks are kept; run the same command again."
        return UserError(self._option, [message])


def spans(indices: Sequence[int], threads: int) -> list[Span]:
    """Block numbers cut into tasks: ranges [first, last) of consecutive blocks.

    A task has at most blocks / (8 threads) blocks, from 1 to 64, so that each thread gets several, and none is large.
    """
    most = min(max(len(indices) // (TASKS_EACH * threads), 1), LARGEST)
    ranges: list[Span] = []
    for index in indices:
        follows = ranges and ranges[-1][1] == index and index - ranges[-1][0] < most
        ranges.append((ranges.pop()[0] if follows else index, index + 1))
    return ranges
