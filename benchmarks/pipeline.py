"""Futures a second of every stage of a run beside the kernel's, and of the whole run.

python benchmarks/pipeline.py --help
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from memory import STUDIES, _study as study_that_keeps
from timing import machine, table

MANY, CORES = 10**9, 16
"""Futures and cores that seconds are extrapolated to: processor seconds, shared by as many cores as a stage uses."""
CHILD = """
import json, resource, sys, threading, time
from engine.program import devices
devices.use_every_core()
import engine
from engine.execution.resources import writers_for
from engine.execution.results import Answers
from engine.execution.work import Work
from engine.run_folder import cube, ledger
from engine.run_folder.folder import RunFolder
from engine.storage import files
from engine.study.loading import load_model_file, load_study
place, spec, paths, folder = json.loads(sys.argv[1])
study = load_study(place, model=load_model_file(spec) if spec else None, paths=paths)
stages, lock, committing = {}, threading.Lock(), set()
def added(name, wall, cpu):
    with lock:
        before = stages.get(name, (0.0, 0.0))
        stages[name] = before[0] + wall, before[1] + cpu
def timed(name, function, *given, share=1.0, clock=time.process_time):
    wall, cpu = time.perf_counter(), clock()
    found = function(*given)
    added(name, (time.perf_counter() - wall) * share, (clock() - cpu) * share)
    return found
def watched(owner, attribute, name):
    function = getattr(owner, attribute)
    setattr(owner, attribute, lambda *given: timed(name, function, *given))
def committed(*given, commit=ledger.commit):
    one = object()
    committing.add(one)
    try:
        return timed("hashed and written", commit, *given, clock=time.thread_time)
    finally:
        committing.discard(one)
def helping(owner, attribute):
    function = getattr(owner, attribute)
    def helped(*given):
        cpu = time.thread_time()
        try:
            return function(*given)
        finally:
            if committing:
                added("hashed and written", 0.0, time.thread_time() - cpu)
    setattr(owner, attribute, helped)
program = devices.program(study)
program.prepare()
program.prepare(years=True)
work = Work(RunFolder(folder, study), program)
def kernel():
    for result in work.results(study.blocks(), 2):
        last.append(result)
        del last[:-2]
last = []
timed("kernel", kernel)
for result in last:
    timed("files of a block", work.files, result, share=len(study.blocks()) / len(last))
if study.has_yearly:
    timed("yearly sample", work.yearly_files)
ledger.commit = committed
helping(ledger, "digest")
helping(files, "write_atomically")
watched(Answers, "tables", "tables and summaries")  # which summaries find made
watched(Answers, "summaries", "tables and summaries")
watched(cube, "finish", "cube finished")
timed("whole run", engine.run, study, folder)
peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
form = ", then ".join(map(str, program.forms))
print(json.dumps({"stages": stages, "peak": peak, "writers": writers_for(study), "form": form}))
"""
FIXED = ("yearly sample", "cube finished")
"""Stages that take as long for many futures as for few."""
BESIDE = ("hashed and written",)
"""Stages that run beside others: the processor seconds of their own threads count, and the seconds of calls that
overlap add up.
"""


def measured(study: str, keep: str, paths: int, cores: int, rounds: int) -> dict:
    """The stages of the fastest of some runs, each in a process of its own."""
    place, spec = STUDIES[study]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "study.toml"
        written.write_text(study_that_keeps(place, keep), encoding="utf-8")
        pins = ",".join(map(str, sorted(os.sched_getaffinity(0))[:cores]))
        for k in range(rounds):
            given = json.dumps([str(written), spec, paths, f"{folder}/{k}"])
            command = ["taskset", "-c", pins, sys.executable, "-c", CHILD, given]
            ended = subprocess.run(command, capture_output=True, text=True)
            if ended.returncode:
                raise SystemExit(f"{study}, {paths:,} futures: ended with {ended.returncode}\n{ended.stderr}")
            found.append(json.loads(ended.stdout.splitlines()[-1]))
    return min(found, key=lambda one: one["stages"]["whole run"][0])


def rows_of(found: dict, paths: int) -> list[tuple[str, ...]]:
    """A row per stage: seconds, processor seconds and whose, futures a second, seconds by the kernel's, and seconds of
    10^9 futures on 16 cores.
    """
    kernel, rows = found["stages"]["kernel"], []
    for name, (wall, cpu) in found["stages"].items():
        used = found["writers"] if name in ("files of a block", "hashed and written") else CORES
        used = 1 if name == "cube finished" else used
        far = cpu * (1 if name in FIXED else MANY / paths) / used
        rows.append(
            (
                f"{name}: {found['form']}" if name == "kernel" else name,
                f"{wall:.2f}",
                f"{cpu:.2f}",
                "its own threads" if name in BESIDE else "the process",
                f"{paths / wall:,.0f}" if wall else "",
                f"{wall / kernel[0]:.2f}",
                "" if name == "whole run" else f"{far:,.0f}",
            )
        )
    return rows


def main() -> None:
    """Prints a table for each study, what it keeps, cores and number of futures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", choices=STUDIES, nargs="+", default=["toy"])
    parser.add_argument("--paths", type=float, nargs="+", default=[1e6], metavar="N", help="such as 1e6 1e7 1e8")
    parser.add_argument("--keep", nargs="+", default=["none", "all"], metavar="WHAT", help="keep.outcomes")
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="of which the fastest counts")
    asked = parser.parse_args()
    print(machine())
    for study in asked.study:
        for keep in asked.keep:
            for paths in map(int, asked.paths):
                for cores in asked.cores:
                    found = measured(study, keep, paths, cores, asked.rounds)
                    what = (
                        f"{study}, {paths:,} futures, keep {keep}, {cores} core{'s' * (cores > 1)},"
                        f" {found['peak'] / 1e6:,.0f} MB"
                    )
                    head = (
                        what,
                        "s",
                        "processor s",
                        "of",
                        "futures/s",
                        "of the kernel's time",
                        f"{CORES} cores, 10^9 [s]",
                    )
                    print(f"\n{table(head, rows_of(found, paths))}", flush=True)


if __name__ == "__main__":
    main()
