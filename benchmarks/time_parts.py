"""Where the time of the default run goes: a run watched from inside, and the kernel with parts of its work left out."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from timing import best, table
from variants import draws_only, with_model

import engine
from engine.execution import job
from engine.execution.results import Answers
from engine.modelling import contract
from engine.program import devices
from engine.program.cpu_program import CpuProgram
from engine.program.programs import program_on
from engine.run_folder import cube
from engine.study import loading
from engine.study.study import Study


class Clock:
    """Adds up the time that named functions take while they stand in for the real ones."""

    def __init__(self) -> None:
        self.calls: dict[str, list[float]] = {}

    def watch(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with the time of each call added under the name."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.calls.setdefault(name, []).append(time.perf_counter() - start)

        return timed

    def total(self, name: str) -> float:
        """Time of all calls under a name [s]."""
        return sum(self.calls.get(name, []))


WATCHED = (
    (contract, "refuse_broken"),
    (job.Job, "_simulate"),
    (CpuProgram, "prepare"),
    (Answers, "tables"),
    (Answers, "summaries"),
    (cube, "finish"),
)


def watched_run(study: Study, folder: Path) -> Clock:
    """One run in this process, its parts timed."""
    clock = Clock()
    before = [(place, name, getattr(place, name)) for place, name in WATCHED]
    try:
        for place, name, function in before:
            setattr(place, name, clock.watch(name, function))
        clock.watch("run", engine.run)(study, folder)
    finally:
        for place, name, function in before:
            setattr(place, name, function)
    return clock


def _blocks(study: Study) -> Callable[[], None]:
    program = program_on(study, devices.mesh("cpu"))
    blocks = study.blocks()[:2]

    def call() -> None:
        running = [program.submit(block) for block in blocks]
        for block, part in zip(blocks, running, strict=True):
            part.of(block)

    return call


def report(rounds: int) -> str:
    """The table: seconds of the default run by part, the programs compiled before and found in the cache."""
    start = [sys.executable, "-c", "import engine.execution.job"]
    imported = best({"import": lambda: subprocess.run(start, check=True) and None}, 2)["import"]
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for k in range(1 + max(2, rounds // 2)):
            clock = Clock()
            study = clock.watch("load", loading.load_study)("rustbelt")
            run = watched_run(study, Path(folder) / f"run{k}")
            runs.append((run.total("run"), clock.total("load"), run))
    _, study_read, run = min(runs[1:], key=lambda taken: taken[0])
    draws = with_model(study, draws_only(study.model))
    kernel = best({"whole": _blocks(study), "draws": _blocks(draws)}, rounds)
    scale = len(study.blocks()) / 2
    whole, drawing = (kernel[name] * scale for name in ("whole", "draws"))

    ready = run.total("prepare")
    beside = run.total("_simulate") - ready - whole
    parts = [
        ("import", imported),
        ("read the study, check the model", study_read + run.total("refuse_broken")),
        ("programs made ready: traced, and found in the cache", ready),
        ("draw: random words, normals, priors", drawing),
        ("model: 15 years, 2 policies", whole - drawing),
        (f"tables of years, of {study.keep.yearly:,} paths; shards, records: where not hidden", beside),
        ("estimate: VaR, ES, events, differences, intervals", run.total("tables")),
        ("summaries, written", run.total("summaries") - run.total("tables") + run.total("finish")),
    ]
    total = imported + study_read + run.total("run")
    parts.append(("everything else", total - sum(seconds for _, seconds in parts)))
    rows = [(name, f"{seconds:.2f}", f"{100 * seconds / total:.0f}") for name, seconds in parts]
    rows.append(("whole", f"{total:.2f}", "100"))
    head = (f"default run, {study.paths:,} paths, 2 policies", "s", "%")
    working = total - sum(seconds for _, seconds in parts[:3])
    share = 100 * (1 - whole / working)
    note = f"Of the {working:.1f} s after the programs are ready, {share:.0f} % are neither draw nor model."
    return f"{table(head, rows)}\n\n{note}"
