"""How many files somebody reads who follows the calls from `run.compare` to its answer."""

import sys
import threading
from pathlib import Path

import engine
from engine.runs.run import open_run

ROOMS = ("risk", "answers", "questions", "runs")
"""Packages of estimates, questions and answers; others only read the run and store the answer."""
MOST = 20


def is_of_an_import(frame):
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__", "").startswith("engine")


def files_entered(call):
    """Files of `ROOMS` in which a call enters a function, on any thread; what imports call does not count."""
    root = Path(engine.__file__).parent
    starts, entered = tuple(f"{root / room}/" for room in ROOMS), set()

    def enter(frame, event, _):
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(starts) and file not in entered and not is_of_an_import(frame):
            entered.add(file)

    threading.setprofile(enter)
    sys.setprofile(enter)
    try:
        call()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return {Path(file).relative_to(root).as_posix() for file in entered}


def test_compare_takes_few_files(bridge_run):
    run = open_run(bridge_run)
    entered = files_entered(lambda: run.compare())
    assert {"runs/asking.py", "questions/compare.py", "risk/estimation/intervals.py"} <= entered
    assert len(entered) <= MOST, sorted(entered)
