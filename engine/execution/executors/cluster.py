"""A dask cluster as executor: a task is a run folder and a range of blocks; workers write their own shards."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from itertools import count
from typing import TYPE_CHECKING, Any

from engine.errors import UserError
from engine.execution.executors import cluster_worker, site
from engine.execution.executors.contract import Assignment
from engine.execution.executors.own_workers import OwnWorkers
from engine.program.contract import Form
from engine.run_folder import ledger
from engine.study.study import Block

if TYPE_CHECKING:
    from distributed import Client, Future

WINDOW = 2
"""Tasks in flight for each thread of the cluster."""
TASKS_EACH = 8
"""Tasks that each thread gets over the whole run, if there are enough blocks."""
LARGEST = 64
"""Most blocks in one task, and so the most that one lost task costs."""
TRIES = 3
"""Number of losses of the same task from which on the run ends with an error."""
PATIENCE = 60
"""Seconds to wait for the scheduler, and for its first worker."""
Span = tuple[int, int]
"""A task: the numbers of its first block and of the block after its last."""
YEARLY: Span = (0, 0)
"""The task of the yearly sample."""


class Cluster:
    """The workers of a `dask.distributed` scheduler: an `Executor`. They must see the run folder under the same path.

    Args:
      scheduler: its address, such as tcp://127.0.0.1:8786; or workers that are started here when they are needed.
      device: "cpu" or "gpu"; if not given, a worker's GPUs if it has any.
    """

    def __init__(self, scheduler: str | OwnWorkers, device: str | None = None):
        self._own = None if isinstance(scheduler, str) else scheduler
        self._address = scheduler if isinstance(scheduler, str) else ""
        self._option = "--workers" if self._own else "--scheduler"
        self._device, self._why = (self._own.device, self._own.why) if self._own else (device, "")
        self._client: Client | None = None
        self._versions: dict[str, str] = {}
        self._forms: dict[Form, None] = {}

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *failure: object) -> None:
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
            message = f"no scheduler answers at {self._address} ({failure})."
            raise UserError(self._option, [message]) from failure
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as failure:
            message = f"the scheduler at {self._address} has no workers. Start some: dask worker {self._address}"
            raise UserError(self._option, [message]) from failure
        hello = self._client.submit(cluster_worker.hello, self._device, pure=False)
        self._versions = self._gathered(hello)
        return self._versions

    def forms(self) -> tuple[Form, ...]:
        return tuple(self._forms)

    def tally(self) -> None:
        """None: workers send no tallies back but write them into the run folder."""

    def perform(self, assignment: Assignment) -> Iterator[Block]:
        """As `Executor.perform`; blocks come in the order in which their tasks are done.

        Raises:
          UserError: a worker found something that the user can mend, the scheduler is gone, or one task was lost
            `TRIES` times.
        """
        from distributed import as_completed

        client, folder, study = self._client, assignment.folder, assignment.folder.study
        assert client is not None
        where = asdict(site.of_assignment(assignment, self._device, self._versions, self._why))
        threads, looked = _threads(client), time.monotonic()
        todo = deque(spans([block.index for block in assignment.blocks], threads))
        if assignment.yearly:
            todo.appendleft(YEARLY)
        lost, tasks, numbers = Counter[Span](), dict[Any, Span](), count()
        running = as_completed(loop=client.loop)
        while todo or tasks:
            while todo and len(tasks) < WINDOW * threads:
                number = next(numbers)
                # one group of tasks for each round of the threads: among more than twice as many of one group, the
                # scheduler looks at every worker for every task
                key = (f"blocks-{assignment.token}-{number // threads}", number)
                future = client.submit(cluster_worker.perform, where, *todo[0], key=key, retries=0)
                tasks[future.key] = todo.popleft()
                running.add(future)
            future = self._next(running)
            span = tasks.pop(future.key)
            done = range(*span)
            committed: Collection[int]
            if _was_lost(future):
                lost[span] += 1
                if lost[span] >= TRIES:
                    what = "the yearly sample" if span == YEARLY else ledger.named(done)
                    failure = future.exception()
                    message = f"{TRIES} workers died while computing {what}."
                    if isinstance(failure, OSError):
                        message = f"computing {what} failed {TRIES} times ({failure})."
                    raise UserError(self._option, [f"{message} Finished blocks are kept."]) from failure
                committed = ledger.done_blocks(folder, thorough=True, only=done)
                parts = [YEARLY] if span == YEARLY else spans([index for index in done if index not in committed], 1)
                lost.update({part: lost[span] for part in parts if part != span})
                todo.extendleft(reversed(parts))
            else:
                if future.status != "finished":
                    self._gathered(future)  # raises what the worker raised
                future.release()
                committed = done
            yield from (study.block(index) for index in committed)
            if time.monotonic() - looked > 5:  # workers may have joined or left
                threads, looked = _threads(client), time.monotonic()
        told = client.run(cluster_worker.forms, on_error="ignore") if assignment.blocks else {}
        self._forms = {Form(**form): None for forms in told.values() for form in forms}

    def _next(self, running: Any) -> "Future[Any]":
        """The next future that is done.

        Raises:
          UserError: the scheduler is gone, and the futures with it.
        """
        try:
            return next(running)
        except StopIteration:
            raise self._gone() from None

    def _gathered(self, future: "Future[Any]") -> Any:
        """The result of a task.

        Raises:
          UserError: as the worker raised it, or the scheduler is gone.
        """
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError
        from distributed.comm.core import CommClosedError

        try:
            return future.result(timeout=None)
        except KilledWorker as failure:
            raise UserError(self._option, ["a worker died before it computed anything."]) from failure
        except (FutureCancelledError, CommClosedError) as failure:
            raise self._gone() from failure

    def _gone(self) -> UserError:
        message = f"the scheduler at {self._address} is gone. Finished blocks are kept: run the same command again."
        return UserError(self._option, [message])


def blocks_of_task(blocks: int, threads: int) -> int:
    """Most blocks per task: blocks / (8 threads), from 1 to 64, so that each thread gets several, and none is large."""
    return min(max(blocks // (TASKS_EACH * threads), 1), LARGEST)


def spans(indices: Sequence[int], threads: int) -> list[Span]:
    """Block numbers cut into tasks: ranges [first, last) of consecutive blocks, at most `blocks_of_task` each."""
    most = blocks_of_task(len(indices), threads)
    ranges: list[Span] = []
    for index in indices:
        if ranges and ranges[-1][1] == index and index - ranges[-1][0] < most:
            ranges[-1] = ranges[-1][0], index + 1
        else:
            ranges.append((index, index + 1))
    return ranges


def _threads(client: "Client") -> int:
    """Number of threads of the workers that are there; at least 1."""
    count: int = sum(client.nthreads().values())
    return max(count, 1)


def _was_lost(future: "Future[Any]") -> bool:
    """Whether a task failed because its worker or the connection was lost (killed, preempted, out of memory)."""
    from distributed import KilledWorker

    return future.status == "error" and isinstance(future.exception(), KilledWorker | OSError)
