"""What worker processes are worth: one on one core, two on two, and a single process on both.

python benchmarks/workers.py

Paths per second from the first committed block to the last, with everything that runs meanwhile; starting and compiling
come before, the tables after. Also the seconds of the whole run, with programs found in the cache.
"""

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

from timing import CORES, machine, table

import engine
from engine.study.study import BLOCK, Study

ALL = sorted(os.sched_getaffinity(0))


def taken(study: Study, folder: Path, workers: int | None, cores: list[int]) -> tuple[float, float]:
    """Paths per second between the first and the last block, and seconds of the whole run."""
    times: list[tuple[float, int]] = []

    def observe(stage):
        if stage.name == "simulating":
            times.append((time.perf_counter(), stage.done))

    os.sched_setaffinity(0, cores)
    began = time.perf_counter()
    try:
        engine.run(study, folder, device="cpu", workers=workers, observe=observe)
    finally:
        os.sched_setaffinity(0, ALL)
        shutil.rmtree(folder, ignore_errors=True)
    whole = time.perf_counter() - began
    (first, some), (last, all_of_them) = times[0], times[-1]
    return (all_of_them - some) / (last - first), whole


def main() -> None:
    """Prints the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--paths", type=int, default=24 * BLOCK)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    study = engine.load_study("rustbelt", paths=given.paths)
    ways = {f"{count} worker{'s' * (count > 1)}": (count, ALL[:count]) for count in range(1, CORES + 1)}
    best = {name: (0.0, float("inf")) for name in ways}
    with tempfile.TemporaryDirectory() as home:
        engine.run(engine.load_study("rustbelt", paths=BLOCK), Path(home) / "warm", device="cpu", workers=1)
        for k in range(given.rounds):
            for name, (workers, cores) in ways.items():
                pace, whole = taken(study, Path(home) / f"{name}-{k}", workers, cores)
                best[name] = max(best[name][0], pace), min(best[name][1], whole)
    slowest = best["1 worker"]
    rows = [
        (name, f"{pace:,.0f}", f"{pace / slowest[0]:.2f}", f"{whole:.1f}", f"{slowest[1] / whole:.2f}")
        for name, (pace, whole) in best.items()
    ]
    print(machine(), end="\n\n")
    print(table((f"rustbelt, {study.paths:,} paths", "paths/s", "ratio", "whole run [s]", "ratio"), rows))


if __name__ == "__main__":
    main()
