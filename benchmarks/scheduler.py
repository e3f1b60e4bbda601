"""Where the dask scheduler breaks: empty blocks through up to 10,000 workers: python benchmarks/scheduler.py --help.

A real scheduler process, and a real client that sends task specs of 300 bytes with a sliding window of two tasks a
worker. The workers are real ones, many in a process, whose own timers are off; or hollow ones (--kind hollow), which
only speak the protocol of a worker and compute nothing: where 10,000 real ones do not fit, they measure the scheduler
by itself. The scheduler has a core of its own, client and workers share the rest. "tasks/s of its whole core" is the
rate by the scheduler's CPU time: what it could do if client and workers kept up. The shortest useful task takes
workers / rate seconds.
"""

import argparse
import contextlib
import json
import logging
import math
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import dask
import psutil
from distributed import Client, as_completed
from scheduler_workers import TOPIC, block, spec  # tasks of a module are sent by name, as a package's would be
from timing import machine, table

HERE = Path(__file__).resolve().parent
PER_HOST = 2500  # workers in one process
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


class Process:
    """A process of this benchmark as a `with` block, which ends it; its output goes to a file."""

    def __init__(self, command: list[str], out: Path, cores: list[int], env: dict[str, str]) -> None:
        self.out = out
        with out.open("wb") as file:
            self.popen = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=env)
        self.stats = psutil.Process(self.popen.pid)
        if cores:
            os.sched_setaffinity(self.popen.pid, cores)

    def lines(self) -> list[dict[str, Any]]:
        """The lines of JSON that it has printed."""
        text = self.out.read_text(errors="replace")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]

    def cpu(self) -> float:
        """Seconds of processor time."""
        used = self.stats.cpu_times()
        return used.user + used.system

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.popen.kill()
        self.popen.wait()


class Found(NamedTuple):
    """The measurements with one number of workers."""

    workers: int
    up: int
    connect: float
    idle: float
    rate: float
    scheduler: float
    client: float
    hosts: float
    memory: float
    host_memory: float
    lag: float
    broke: list[str]


def measure(n: int, asked: argparse.Namespace, folder: Path) -> Found:
    """Starts everything for n workers, drives it, and ends it."""
    place = folder / "scheduler.json"
    given = {"seconds": asked.task, "event": asked.results == "event", "folder": str(folder / "local")}
    env = os.environ | {"PYTHONPATH": str(HERE), "PYTHONWARNINGS": "ignore"}
    served = env | dict(
        ("DASK_" + name.upper().replace(".", "__").replace("-", "_"), value) for name, value in asked.config
    )
    own = CORES[:1] if len(CORES) > 1 else []
    rest = CORES[1:] if len(CORES) > 1 else []
    if rest:
        os.sched_setaffinity(0, rest)
    command = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    command += ["--no-dashboard", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(place)]
    with contextlib.ExitStack() as stack:
        scheduler = stack.enter_context(Process([sys.executable, *command], folder / "scheduler.log", own, served))
        _until(place.exists, 60)
        address = json.loads(place.read_text())["address"]
        client = stack.enter_context(Client(address, timeout=60, set_as_default=False))
        probe = _helper(stack, "probe", {"scheduler": address}, folder / "probe.log", own, env)
        begun = time.perf_counter()
        hosts = []
        for k in range(max(1, math.ceil(n / PER_HOST))):
            share = {"n": len(range(k, n, math.ceil(n / PER_HOST))), "host": f"127.0.1.{k + 1}", "scheduler": address}
            hosts.append(_helper(stack, asked.kind, given | share, folder / f"host-{k}.log", rest, env))
        broke = []
        if not _until(lambda: all(line.get("done") for line in map(_last, hosts)), max(120.0, n / 15)):
            broke.append("not all connected in time")
        took = time.perf_counter() - begun
        up = sum(_last(host).get("up", 0) for host in hosts)
        fds = _descriptors(scheduler)
        before = scheduler.cpu()
        time.sleep(5)
        idle = (scheduler.cpu() - before) / 5
        measured = _drive(client, up, scheduler, hosts, asked)
        lag = max((line["lag"] for line in probe.lines()), default=math.inf)
        memory, host_memory = (sum(p.stats.memory_info().rss for p in ps) for ps in ([scheduler], hosts))
        seen = max(fds, _descriptors(scheduler))
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if seen > 0.95 * limit:
            broke.append(f"{seen:,} of {limit:,} file descriptors")
        text = (folder / "scheduler.log").read_text(errors="replace")
        for what, words in (
            ("EMFILE", "Too many open files"),
            ("worker lost", "Remove worker"),
            ("gather failed", "gather keys"),
        ):
            if hits := text.count(words):
                broke.append(f"{what} ({hits:,} x)")
        stalls = [float(s) for s in re.findall(r"unresponsive in Scheduler for ([\d.]+)s", text)]
        if stalls:
            broke.append(f"loop stood still {len(stalls)} x, up to {max(stalls):.0f} s")
        broke += measured.pop("broke")
        if asked.keep:
            shutil.copytree(folder, Path(asked.keep) / f"{asked.kind}-{asked.results}-{n}", dirs_exist_ok=True)
        return Found(n, up, took, idle, memory=memory, host_memory=host_memory, lag=lag, broke=broke, **measured)


def _drive(
    client: Client, n: int, scheduler: Process, hosts: list[Process], asked: argparse.Namespace
) -> dict[str, Any]:
    """Keeps two tasks per worker under way; counts those that come back after the first round of all workers."""
    event, numbers, me = asked.results == "event", count(), psutil.Process()
    events, broke = count(), []
    if event:
        client.subscribe_topic(TOPIC, lambda _: next(events))

    def more(many: int) -> list[Any]:
        which = [next(numbers) for _ in range(many)]
        size = {"one": 0, "wave": n, "each": 1}[asked.group]
        keys: list[Any] = [(f"block-{k // size}", k) if size else f"block-{k}" for k in which]
        if asked.submit == "map":
            args = [spec(k) for k in which], [asked.task] * many, [event] * many
            return client.map(block, *args, key=keys, pure=False)
        return [
            client.submit(block, spec(k), asked.task, event, key=key, pure=False)
            for k, key in zip(which, keys, strict=True)
        ]

    def used() -> tuple[float, ...]:
        own = me.cpu_times()
        return time.perf_counter(), scheduler.cpu(), own.user + own.system, sum(host.cpu() for host in hosts)

    fetch = asked.results == "gather"
    done = as_completed(loop=client.loop, with_results=fetch, raise_errors=False, timeout=asked.seconds + 300)
    start = first = used()
    done.update(more(2 * n))
    back = counted = errors = 0
    warm, why = False, ""
    try:
        for batch in done.batches():
            items = list(batch)
            back += len(items)
            for future in (item[0] if isinstance(item, tuple) else item for item in items):
                if future.status == "error":
                    errors, why = errors + 1, repr(future.exception())
            if errors > n:
                break
            now = time.perf_counter()
            if not warm and (back >= n or now - first[0] > 90):
                warm, start = True, used()
            elif warm:
                counted += len(items)
                if now - start[0] > asked.seconds:
                    break
            done.update(more(len(items)))
            del batch, items, future
    except TimeoutError:
        broke.append("did not warm up" if not warm else "stood still")
    if errors:
        broke.append(f"{errors:,} tasks failed: {why[:80]}")
    end = used()
    wall, busy, client_busy, host_busy = (b - a for a, b in zip(start, end, strict=True))
    return {
        "rate": counted / wall,
        "scheduler": busy / wall,
        "client": client_busy / wall,
        "hosts": host_busy / wall,
        "broke": broke,
    }


def _helper(
    stack: contextlib.ExitStack, what: str, given: dict[str, Any], out: Path, cores: list[int], env: dict[str, str]
) -> Process:
    """Starts a process that serves workers, or that times the scheduler's answers."""
    command = [sys.executable, str(HERE / "scheduler_workers.py"), what, json.dumps(given)]
    return stack.enter_context(Process(command, out, cores, env))


def _last(host: Process) -> dict[str, Any]:
    """The last line of JSON that a host has printed; empty if none."""
    return (host.lines() or [{}])[-1]


def _until(holds: Any, seconds: float) -> bool:
    """Waits until something holds; whether it does in that time."""
    end = time.perf_counter() + seconds
    while not holds():
        if time.perf_counter() > end:
            return False
        time.sleep(0.1)
    return True


def _descriptors(process: Process) -> int:
    """Number of a process's open file descriptors."""
    with contextlib.suppress(psutil.Error):
        return process.stats.num_fds()
    return 0


def main() -> None:
    """Measures each number of workers and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", default="10,100,1000,3000,10000", metavar="N,...")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each is measured")
    parser.add_argument("--task", type=float, default=0.0, metavar="SECONDS", help="how long a task sleeps")
    parser.add_argument("--kind", choices=("workers", "hollow"), default="workers")
    parser.add_argument(
        "--results",
        choices=("gather", "status", "event"),
        default="gather",
        help="how a result comes back: fetched, not at all, as an event",
    )
    parser.add_argument(
        "--submit",
        choices=("one", "map"),
        default="one",
        help="Client.submit each, or Client.map what came back together",
    )
    parser.add_argument(
        "--group",
        choices=("one", "wave", "each"),
        default="one",
        help="the tasks' names make one group of them all, of as many as workers, or of each",
    )
    parser.add_argument(
        "--config",
        type=lambda text: tuple(text.split("=", 1)),
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the scheduler's, such as distributed.scheduler.worker-saturation=inf",
    )
    parser.add_argument("--keep", metavar="FOLDER", help="keep the logs there")
    asked = parser.parse_args()
    logging.disable()

    rows = []
    for n in (int(word) for word in asked.workers.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            found = measure(n, asked, Path(folder))
        print(found, file=sys.stderr, flush=True)
        rows.append(_row(found, asked))
    print(machine())
    print(
        (
            f"dask {dask.__version__}; {asked.kind}, tasks of {asked.task:g} s, results: {asked.results},"
            f" submit: {asked.submit}, group: {asked.group}"
        ),
        *(f"{k}={v}" for k, v in asked.config),
    )
    print()
    head = (
        "workers",
        "connected in s",
        "tasks/s",
        "shortest useful task, s",
        "scheduler CPU %",
        "tasks/s of its whole core",
        "shortest then, s",
        "busy %",
        "client CPU %",
        "workers' CPU %",
        "scheduler idle %",
        "slowest answer, s",
        "scheduler MB",
        "MB a worker here",
        "what broke",
    )
    print(table(head, rows))


def _row(found: Found, asked: argparse.Namespace) -> tuple[str, ...]:
    rate = found.rate
    return (
        f"{found.up:,}" if found.up == found.workers else f"{found.up:,} of {found.workers:,}",
        f"{found.connect:.1f}",
        f"{rate:,.0f}",
        f"{found.up / rate:,.2f}" if rate else "",
        f"{100 * found.scheduler:.0f}",
        f"{rate / found.scheduler:,.0f}" if rate else "",
        f"{found.up * found.scheduler / rate:,.2f}" if rate else "",
        f"{100 * rate * asked.task / max(found.up, 1):.0f}" if asked.task else "",
        f"{100 * found.client:.0f}",
        f"{100 * found.hosts:.0f}",
        f"{100 * found.idle:.0f}",
        f"{found.lag:.2f}",
        f"{found.memory / 1e6:,.0f}",
        f"{found.host_memory / 1e6 / max(found.up, 1):.2f}",
        "; ".join(found.broke),
    )


if __name__ == "__main__":
    main()
