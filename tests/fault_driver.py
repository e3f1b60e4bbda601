"""Runs a small study again and again while library calls fail, or kill it.

`test_faults.py` calls it, `python -m tests.fault_driver ...`, with data/faults.c preloaded; it prints one JSON line a
try. The results of the study's program are read from a file, so that no JAX runs in a process that forks.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.errors import UserError
from engine.execution import job
from engine.run_folder import ledger
from engine.run_folder.folder import RunFolder
from engine.study.study import Study
from tests.recorded import PlayedBack, Recorded, contents, small_study_in, study_in

OFF, ONCE, FOR_EVER, KILL_BEFORE, KILL_AFTER = range(5)
HOW = {"once": ONCE, "for_ever": FOR_EVER, "kill_before": KILL_BEFORE, "kill_after": KILL_AFTER}


class Driver:
    """The study, its recorded program, and the library calls that are counted."""

    def __init__(self, recorded: Path, root: Path, model: str, grown: bool):
        self.root = root
        self.study = study_in(root) if model == "Pond" else small_study_in(root)
        self.begun = root / "begun"
        with np.load(recorded) as arrays:
            executor = PlayedBack(Recorded(dict(arrays)))
        job.executor_of = lambda *_: executor
        Study.refuse_broken_model = lambda study: None
        job.compilation_cache.keep_programs = lambda: None
        job.precision.too_coarse = lambda study: ()  # it computes
        self.library = ctypes.CDLL(None)
        self.library.faults_last.restype = ctypes.c_char_p
        self.library.faults_calls.restype = ctypes.c_long
        if grown:  # every try begins with a finished run of fewer paths, whose block is short
            job.compute(replace(self.study, paths=1000), job.RunOptions(self.begun))
        job.compute(self.study, job.RunOptions(root / "whole"))
        self.whole = contents(root / "whole")

    def arm(self, folder: Path, n: int, how: int, code: int = 0) -> None:
        """Has the n-th call that touches the folder fail, or kill the process."""
        self.library.faults_arm(str(folder).encode(), ctypes.c_long(n), how, code)

    def fresh(self, name: str) -> Path:
        """A folder as a try finds it: missing, or with a finished run of fewer paths."""
        folder = self.root / name
        shutil.rmtree(folder, ignore_errors=True)
        if self.begun.exists():
            shutil.copytree(self.begun, folder)
        return folder

    def count(self) -> int:
        """Number of calls of an undisturbed run that touch the folder."""
        folder = self.fresh("counted")
        self.arm(folder, 0, OFF)
        job.compute(self.study, job.RunOptions(folder))
        return self.library.faults_calls()

    def attempt(self, n: int, how: str, code: int) -> dict:
        """The results of a run whose n-th call fails, and of an undisturbed one after it."""
        folder = self.fresh("run")
        ended = "complete"
        self.arm(folder, n, HOW[how], code)
        try:
            job.compute(self.study, job.RunOptions(folder))
        except UserError as error:
            ended = f"told: {error.problems[0].message[:60]}"
        except Exception as error:
            ended = f"{type(error).__name__}: {error}"
        struck = self.library.faults_last().decode()
        calls = self.library.faults_calls()
        self.arm(folder, 0, OFF)
        return {"n": n, "calls": calls, "struck": struck, "ended": ended, **self.resumed(folder)}

    def killed(self, n: int, how: str) -> dict:
        """The results of a run that is killed at its n-th call, and of an undisturbed one after it."""
        folder = self.fresh("run")
        child = os.fork()
        if child == 0:
            self.arm(folder, n, HOW[how])
            job.compute(self.study, job.RunOptions(folder))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        ended = "killed" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL else str(status)
        return {"n": n, "ended": ended, **self.resumed(folder)}

    def resumed(self, folder: Path) -> dict:
        """The blocks that the next run computes, and whether the folder then has the content of an undisturbed run."""
        done = ledger.done_blocks(RunFolder(folder, self.study))
        kept = [f"{index:08d}" for index in done]
        try:
            again = job.compute(self.study, job.RunOptions(folder))
        except Exception as error:
            return {"again": f"{type(error).__name__}: {error}", "same": False, "kept": kept}
        strays = [path.name for path in folder.rglob("*.tmp")]
        return {"again": list(again.computed), "same": contents(folder) == self.whole, "kept": kept, "strays": strays}


def main(*words: str) -> None:
    """Has one call after the other fail or kill, and prints the result of each."""
    driver = Driver(Path(words[0]), Path(words[1]), words[6], words[7] == "grown")
    how, code, step, n = words[2], *map(int, words[3:6])
    calls = driver.count()
    print(json.dumps({"calls": calls}), flush=True)
    if how.startswith("kill"):
        for each in range(n, calls + 1, step):
            print(json.dumps(driver.killed(each, how)), flush=True)
        return
    while True:
        found = driver.attempt(n, how, code)
        print(json.dumps(found), flush=True)
        if not found["struck"]:
            break
        n += step


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main(*sys.argv[1:])
