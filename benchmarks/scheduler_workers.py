"""Blocks that compute nothing; real workers, many in a process; hollow workers; and a probe of scheduling delays."""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import pickle
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import dask
from distributed import Worker, get_worker
from distributed.batched import BatchedSend
from distributed.comm import connect, listen
from distributed.protocol import to_serialize
from distributed.versions import get_versions
from tornado.ioloop import IOLoop

TOPIC = "blocks"
# Timers that a worker runs many times a second in a process of its own; all workers' together would fill a host's core.
QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.use-file-locking": False,
    "distributed.admin.tick.interval": "1h",
    "distributed.admin.tick.cycle": "1h",
    "distributed.admin.system-monitor.interval": "1h",
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.diagnostics.nvml": False,
}


def spec(k: int) -> dict[str, Any]:
    """The description of a block that the client sends."""
    return {
        "folder": f"/scratch/project/runs/{'x' * 100}",
        "fingerprint": "0123456789abcdef" * 4,
        "first": 65536 * k,
        "last": 65536 * (k + 1),
        "policies": ["old", "reform"],
        "format": 1,
    }


async def block(given: dict[str, Any], seconds: float, event: bool) -> dict[str, Any] | None:
    """A block that computes nothing; its small result goes back as the task's, or as an event.

    It is a coroutine, so that 2,500 workers in a process do not need as many threads, which would wait for each other.
    """
    if seconds:
        await asyncio.sleep(seconds)
    found = {"first": given["first"], "last": given["last"], "written": True, "seconds": seconds}
    if not event:
        return found
    get_worker().log_event(TOPIC, found)
    return None


# Workers
# ------------------------------------------------------------------------------------------------------------------


class Hollow:
    """Speaks the protocol of a worker with one thread: registers, takes tasks, reports them done, hands results out."""

    def __init__(self, name: str, seconds: float, event: bool) -> None:
        self.name, self.seconds, self.event = name, seconds, event
        self.free = 0.0
        self.sent = BatchedSend(interval="2ms", loop=IOLoop.current())

    async def start(self, scheduler: str, host: str, like: dict[str, Any]) -> None:
        """Connects and registers as a worker does."""
        self.listener = await listen(f"tcp://{host}", self._hand_out, deserialize=False)
        self.address = self.listener.contact_address
        comm = await connect(scheduler, deserialize=False)
        await comm.write(
            {"op": "register-worker", "reply": False, "address": self.address, "name": self.name}
            | {"now": time.time(), "server_id": self.name, "stimulus_id": "connect", **like},
            serializers=["msgpack"],
        )
        answer = await comm.read()
        if answer["status"] != "OK":
            raise OSError(str(answer))
        self.every = answer["heartbeat-interval"]
        self.sent.start(comm)
        self._working = asyncio.create_task(self._work(comm))

    async def _work(self, comm: Any) -> None:
        loop = asyncio.get_running_loop()
        while True:
            for message in await comm.read():
                if message.get("op") != "compute-task":
                    continue
                asked = message["key"], message["run_id"]
                if self.seconds:
                    self.free = max(self.free, loop.time()) + self.seconds
                    loop.call_at(self.free, self._done, *asked)
                else:
                    self._done(*asked)

    def _done(self, key: str, run: int) -> None:
        now = time.time()
        if self.event:
            self.sent.send({"op": "log-event", "topic": TOPIC, "msg": {"key": key, "written": True}})
        self.sent.send(
            {"op": "task-finished", "status": "OK", "key": key, "run_id": run, "nbytes": 400, "metadata": {}}
            | {"type": pickle.dumps(dict), "typename": "dict", "thread": 1, "stimulus_id": f"done-{now}"}
            | {"startstops": [{"action": "compute", "start": now - self.seconds, "stop": now}]}
        )

    async def _hand_out(self, comm: Any) -> None:
        with contextlib.suppress(OSError):
            while True:
                message = await comm.read()
                found = {"first": 0, "last": 65536, "written": True, "seconds": self.seconds}
                await comm.write({"status": "OK", "data": {key: to_serialize(found) for key in message["keys"]}})
                await comm.read()


async def _hollow(given: dict[str, Any]) -> None:
    """Starts hollow workers; their heartbeats share one connection, which spares the scheduler a descriptor each."""
    scheduler = given["scheduler"]
    with contextlib.suppress(Exception):
        real = Worker(scheduler, nthreads=1, memory_limit=0, local_directory=given["folder"])
    like = {
        "status": "running",
        "nthreads": 1,
        "memory_limit": 0,
        "resources": {},
        "local_directory": given["folder"],
        "services": {},
        "nanny": None,
        "pid": os.getpid(),
        "versions": get_versions(),
        "metrics": await real.get_metrics(),
        "extra": await real.get_startup_information(),
    }
    workers = [Hollow(f"{given['host']}-{k}", given["seconds"], given["event"]) for k in range(given["n"])]
    await _all(worker.start(scheduler, given["host"], like) for worker in workers)
    comm = await connect(scheduler)
    while True:
        every = workers[-1].every
        for worker in workers:
            begun = time.perf_counter()
            await comm.write(
                {"op": "heartbeat_worker", "reply": True, "address": worker.address, "now": time.time()}
                | {"metrics": like["metrics"], "executing": {}, "extensions": {}}
            )
            await comm.read()
            await asyncio.sleep(max(0.0, every / len(workers) - (time.perf_counter() - begun)))


async def _real(given: dict[str, Any]) -> None:
    """Starts real workers."""

    async def start(k: int) -> Worker:
        return await Worker(
            given["scheduler"],
            nthreads=1,
            memory_limit=0,
            host=given["host"],
            name=f"{given['host']}-{k}",
            local_directory=given["folder"],
            dashboard=False,
            silence_logs=50,
        )

    workers = await _all(start(k) for k in range(given["n"]))
    await asyncio.gather(*(worker.finished() for worker in workers))


async def _all(starts: Iterator[Any]) -> list[Any]:
    """Starts workers, 16 at a time, and tells the parent how many there are."""
    waiting, found = deque(starts), []

    async def some() -> None:
        while waiting:
            found.append(await waiting.popleft())
            if not len(found) % 50 or not waiting:
                print(json.dumps({"up": len(found)}), flush=True)

    await asyncio.gather(*(some() for _ in range(16)))
    print(json.dumps({"up": len(found), "done": True}), flush=True)
    return found


async def _probe(given: dict[str, Any]) -> None:
    """Prints, four times a second, a line with the time that the scheduler takes to answer."""
    comm = await connect(given["scheduler"])
    while True:
        begun = time.perf_counter()
        await comm.write({"op": "echo", "data": 0, "reply": True})
        await comm.read()
        print(json.dumps({"lag": time.perf_counter() - begun}), flush=True)
        await asyncio.sleep(0.25)


def main() -> None:
    """Serves workers, or times the scheduler's answers, until it is ended; the arguments are which, and with what."""
    serving = {"workers": _real, "hollow": _hollow, "probe": _probe}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=serving)
    parser.add_argument("given", type=json.loads, help="a JSON object")
    asked = parser.parse_args()
    logging.disable()
    with dask.config.set(QUIET):
        asyncio.run(serving[asked.what](asked.given))


if __name__ == "__main__":
    main()
