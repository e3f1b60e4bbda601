"""Where the time of the default run goes: a run watched from inside, and the kernel with parts of its work left out."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from time_rustbelt import OutcomesOnly
from timing import best, table
from variants import draws_only, with_model

import engine
from engine import checks, config, cube, devices, job, simulate
from engine.kernel import Program
from engine.reducers import cell_count
from engine.study import Study


class Clock:
    """Adds up the time that named functions take while they stand in for the real ones."""

    def __init__(self) -> None:
        self.calls: dict[str, list[float]] = {}

    def watch(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its times kept under the name."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.calls.setdefault(name, []).append(time.perf_counter() - start)

        return timed

    def total(self, name: str) -> float:
        """All calls [s]."""
        return sum(self.calls.get(name, []))

    def first(self, name: str) -> float:
        """The first call, which compiles, less a typical one [s]."""
        calls = self.calls[name]
        return calls[0] - float(np.median(calls[1:] or [0.0]))


WATCHED = (
    (checks, "refuse_broken"),
    (job, "simulate"),
    (simulate, "yearly_sample"),
    (Program, "trace"),
    (Program, "submit"),
    (Program, "draws"),
    (cube, "write_block"),
    (job, "tables"),
    (job, "summarise"),
    (cube, "write_summaries"),
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
    program = Program(study, devices.mesh("cpu"))
    shift, blocks = program.no_shift(), study.blocks()[:2]

    def call() -> None:
        running = [program.submit(block, shift) for block in blocks]
        for block, part in zip(blocks, running, strict=True):
            program.collect(block, part)

    return call


def report(rounds: int) -> str:
    """The table: seconds of the default run by part."""
    clock = Clock()
    study = clock.watch("load", config.load_study)("rustbelt")
    start = [sys.executable, "-c", "import engine.job"]
    imported = best({"import": lambda: subprocess.run(start, check=True) and None}, 2)["import"]
    with tempfile.TemporaryDirectory() as folder:
        run = watched_run(study, Path(folder) / "run")
    bare, draws = with_model(study, OutcomesOnly()), with_model(study, draws_only(study.model))
    kernel = best({"whole": _blocks(study), "bare": _blocks(bare), "draws": _blocks(draws)}, rounds)
    scale = len(study.blocks()) / 2
    whole, bare_time, draw_time = (kernel[name] * scale for name in ("whole", "bare", "draws"))

    read = clock.total("load") + run.total("refuse_broken")
    compiling = run.first("trace") + run.first("submit")
    sample = run.total("yearly_sample")
    hidden = run.total("simulate") - compiling - sample - whole
    estimating = run.total("tables")
    summaries = run.total("summarise") + run.total("write_summaries")
    total = imported + clock.total("load") + run.total("run")
    parts = [
        ("import", imported),
        ("read the study, check the model", read),
        ("compile (the run; paths in full)", compiling),
        ("draw: random words, normals, priors", draw_time),
        ("model: 15 years, 2 policies", bare_time - draw_time),
        (f"reduce: sums of {cell_count(study.model)} yearly cells", whole - bare_time),
        (f"paths in full: the first {study.keep.yearly:,}", sample),
        ("write: shards, records, draws that are kept; where not hidden", hidden),
        ("estimate: VaR, ES, events, differences, intervals", estimating),
        ("summaries: yearly tables and quantiles, written", summaries),
    ]
    parts.append(("everything else", total - sum(seconds for _, seconds in parts)))
    rows = [(name, f"{seconds:.1f}", f"{100 * seconds / total:.0f}") for name, seconds in parts]
    rows.append(("whole", f"{total:.1f}", "100"))
    head = (f"default run, {study.paths:,} paths, 2 policies", "s", "%")
    wrote, drew = run.total("write_block"), run.total("draws")
    note = f"In all, shards took {wrote:.1f} s and the draws that are kept {drew:.1f} s (their program compiles meanwhile);"
    return f"{table(head, rows)}\n\n{note} most of it lies behind the kernel, which works on the next block."
