"""Worker processes on this machine, each with its own cores or GPU; processes that die are replaced."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.errors import Problem, UserError
from engine.execution.executors import site
from engine.execution.executors.contract import Assignment
from engine.program import devices, hardware
from engine.program.contract import Form
from engine.run_folder import ledger
from engine.study.study import Block, Study

AHEAD = 3
"""Blocks that a worker is given at a time: one that it writes, one that it computes, and the next."""
TRIES = 3
"""Number of workers that died while computing the same block, from which on the run ends with an error."""
_YEARLY = None
"""Stands for the yearly sample among numbers of blocks."""

Part = int | None


class Workers:
    """Processes on this machine that share its cores, or have a GPU each: an `Executor`.

    Args:
      count: how many.
      device: "cpu" or "gpu"; if not given, the GPUs where they pay.
      study: what is to be computed, where that is known.

    Raises:
      UserError: there are fewer cores, or fewer GPUs, than workers.
    """

    def __init__(self, count: int, device: str | None = None, study: Study | None = None):
        found = devices.without_cards(device, study)
        if found is not None:
            found.warn_where_missing()
        gpus = [] if found is not None else hardware.visible_cards()
        cores = devices.cores()
        have, kind = (len(gpus), "GPU") if gpus or device == "gpu" else (len(cores), "core")
        if not 1 <= count <= have:
            expected = f"expected 1 to {have}, a worker for each {kind} of this machine, got {count}."
            raise UserError("--workers", [expected if have else f"found no {kind} on this machine."])
        self._device, self._why = (device, "") if found is None else ("cpu", found.why)
        self._pins: list[tuple[list[int], dict[str, str]]] = [
            ([], {"CUDA_VISIBLE_DEVICES": gpus[k]}) if gpus else (cores[k::count], {"JAX_PLATFORMS": "cpu"})
            for k in range(count)
        ]
        self._replies: queue.SimpleQueue[tuple[_Process, dict[str, Any] | None]] = queue.SimpleQueue()
        self._processes: list[_Process] = []
        self._versions: dict[str, str] = {}
        self._forms: dict[Form, None] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *failure: object) -> None:
        for process in self._processes:
            process.end()

    def versions(self) -> dict[str, str]:
        """Starts the workers, and gives their versions and device kind.

        Raises:
          UserError: `TRIES` workers ended as they started.
        """
        if self._versions:
            return self._versions
        self._processes = [self._start(k) for k in range(len(self._pins))]
        starting, ended = {*self._processes}, 0
        while starting:
            process, message = self._replies.get()
            starting.discard(process)
            if message is not None:
                self._versions = _understood(message)["versions"]
                continue
            ended += 1
            if ended == TRIES:
                raise UserError("--workers", [f"{TRIES} workers ended during startup ({process.ending()})."])
            process.end()
            place = self._processes.index(process)
            self._processes[place] = self._start(place)
            starting.add(self._processes[place])
        return self._versions

    def forms(self) -> tuple[Form, ...]:
        return tuple(self._forms)

    def tally(self) -> None:
        """None: workers send no tallies back but write them into the run folder."""

    def perform(self, assignment: Assignment) -> Iterator[Block]:
        """As `Executor.perform`; blocks come in the order in which they are done.

        Raises:
          UserError: the model is in no file; a worker raised a `UserError`; `TRIES` workers died over the same block.
        """
        folder, study = assignment.folder, assignment.folder.study
        where = asdict(site.of_assignment(assignment, self._device, self._versions, self._why))
        yearly = [_YEARLY] if assignment.yearly else []
        todo: deque[Part] = deque([*yearly, *(block.index for block in assignment.blocks)])
        deaths: Counter[Part] = Counter()
        for process in self._processes:
            process.send(where)
        for _ in range(AHEAD):  # in turns, so that few blocks are shared out evenly
            for process in self._processes:
                process.take(todo, most=1)
        while todo or any(process.given for process in self._processes):
            process, message = self._replies.get()
            if message is None:
                committed = ledger.done_blocks(
                    folder, thorough=True, only=[part for part in process.given if part is not None]
                )
                yield from (study.block(index) for index in committed)
                process.given = [part for part in process.given if part not in committed]
                self._replace(process, where, todo, deaths)
            elif "done" in _understood(message):
                process.given.remove(message["done"])
                process.take(todo)
                self._forms |= {Form(**form): None for form in message["forms"]}
                if message["done"] is not _YEARLY:
                    yield study.block(message["done"])

    def _start(self, place: int) -> _Process:
        cores, environment = self._pins[place]
        process = _Process(environment, self._replies)
        process.send({"cores": cores, "device": self._device})
        return process

    def _replace(self, dead: _Process, where: Mapping[str, Any], todo: deque[Part], deaths: Counter[Part]) -> None:
        """Starts another process in the place of one that has ended, if there is work left for it.

        Raises:
          UserError: `TRIES` workers died over the same part.
        """
        place = self._processes.index(dead)
        lost, dead.given = dead.given, []
        deaths.update(lost)
        deadly = [part for part in lost if deaths[part] >= TRIES]
        if deadly:
            blocks = [str(part) for part in deadly if part is not _YEARLY]
            names = ["the yearly sample"] if _YEARLY in deadly else []
            names += [f"block{'s' if len(blocks) > 1 else ''} {', '.join(blocks)}"] if blocks else []
            what = f"{TRIES} workers died while computing {' and '.join(names)} ({dead.ending()})"
            raise UserError("--workers", [f"{what}. Finished blocks are kept."])
        todo.extendleft(reversed(lost))
        dead.end()
        if todo:
            self._processes[place] = process = self._start(place)
            process.send(where)
            process.take(todo)


class _Process:
    """One worker process, and the parts that it was given and has not committed yet.

    Args:
      environment: variables that are set before Python starts, such as which GPU it sees.
      replies: queue into which its lines are put, and None once it has ended.
    """

    def __init__(
        self, environment: Mapping[str, str], replies: queue.SimpleQueue[tuple[_Process, dict[str, Any] | None]]
    ):
        self.given: list[Part] = []
        home = str(Path(__file__).parents[3])
        # with -P the engine's modules are found, whatever files the folder holds in which the run was started
        paths = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.execution.executors.worker_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment, "PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C ends the coordinator, which ends its workers
        )
        threading.Thread(target=self._listen, args=(replies,), daemon=True).start()

    def send(self, message: Any) -> None:
        """Sends one line to the process; does nothing if that has died."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError, ValueError):  # it has died, which `_listen` reports
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def take(self, todo: deque[Part], most: int = AHEAD) -> None:
        """Sends up to `most` parts of `todo`, until the process has `AHEAD`; closes its input where none are left."""
        for _ in range(most):
            if todo and len(self.given) < AHEAD:
                self.given.append(todo.popleft())
                self.send(self.given[-1])
        if not todo and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()

    def ending(self) -> str:
        """How it ended, in words."""
        code = self._process.wait()
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def end(self) -> None:
        """Kills the process; blocks that it has committed are kept."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _listen(self, replies: queue.SimpleQueue[tuple[_Process, dict[str, Any] | None]]) -> None:
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                replies.put((self, json.loads(line)))
        except ValueError:  # closed, or cut off in the middle of a line
            pass
        replies.put((self, None))


def _understood(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message, unless it reports a failure.

    Raises:
      UserError: it reports problems that the user can mend.
      RuntimeError: it reports any other failure.
    """
    if "problems" in message:
        raise UserError(message["source"], [Problem(**problem) for problem in message["problems"]])
    if "failure" in message:
        raise RuntimeError(f"a worker failed:\n{message['failure']}")
    return message
