"""The toy workload as a user's model against NumPy, numba and C."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import toy_numba
import toy_numpy
from timing import CORES, best, table

import engine
from engine.program import devices
from engine.program.programs import program_on
from engine.study.loading import load_model_file
from engine.study.study import Study

HERE = Path(__file__).parent
COMPILE = "gcc -O3 -march=native -ffast-math -fopenmp -mprefer-vector-width=512"
BLOCKS = 2
PEER_PATHS = 1 << 17
NUMPY_CHUNK = 1 << 12
NUMPY_CHUNKS = 8
KNOWN = {"layoffs": 4.88, "default_share": 0.174, "bank_loss": 6.51, "gdp": 2.636}
"""Means under the second policy. GDP has a long tail, so that it shows only gross errors."""


def _agree(name: str, means: np.ndarray) -> None:
    """Stops where a version does not do the same work."""
    for (what, known), mean in zip(KNOWN.items(), means, strict=True):
        allowed = 0.2 if what == "gdp" else 0.02
        if not abs(mean - known) <= allowed * known:
            raise SystemExit(f"{name}: mean {what} is {mean:.4f}, expected about {known}")


def _engine_kernel(study: Study) -> Callable[[], None]:
    program = program_on(study, devices.mesh("cpu"))
    blocks = study.blocks()[:BLOCKS]

    def call() -> None:
        running = [program.submit(block) for block in blocks]
        results = [part.of(block) for block, part in zip(blocks, running, strict=True)]
        _agree("engine", np.mean([result[1].mean(-1, dtype=np.float64) for result in results], axis=0))

    return call


def _numpy() -> Callable[[], None]:
    rng = np.random.default_rng(1)

    def call() -> None:
        chunks = [toy_numpy.simulate(NUMPY_CHUNK, rng)[1].mean(-1) for _ in range(NUMPY_CHUNKS)]
        _agree("NumPy", np.mean(chunks, axis=0))

    return call


def _numba() -> Callable[[], None]:
    outcomes = np.empty((PEER_PATHS, toy_numba.POLICIES, len(KNOWN)), np.float32)

    def call() -> None:
        toy_numba.simulate(outcomes)
        _agree("numba", outcomes[:, 1].mean(0, dtype=np.float64))

    return call


def _c(folder: str) -> Callable[[], float]:
    program = str(Path(folder) / "toy")
    subprocess.run([*COMPILE.split(), str(HERE / "toy.c"), "-o", program, "-lm"], check=True)

    def call() -> float:
        words = subprocess.run([program, str(PEER_PATHS)], check=True, capture_output=True, text=True).stdout.split()
        _agree("C", np.array(words[1:], float))
        return float(words[0])

    return call


def report(rounds: int) -> str:
    """The table, and the time of a whole run."""
    study = engine.load_study(HERE / "toy.toml", model=load_model_file(f"{HERE / 'toy_model.py'}:Toy"))
    with tempfile.TemporaryDirectory() as folder:
        paths = {"engine": BLOCKS << 17, "NumPy": NUMPY_CHUNK * NUMPY_CHUNKS, "numba": PEER_PATHS, "C": PEER_PATHS}
        peers = {"engine": _engine_kernel(study), "NumPy": _numpy(), "numba": _numba()}
        if shutil.which("gcc"):
            peers["C"] = _c(folder)
        seconds = best(peers, rounds)
        start = time.perf_counter()
        engine.run(study, out=Path(folder) / "run")
        whole = time.perf_counter() - start
    rate = {name: paths[name] / took / 1e6 for name, took in seconds.items()}
    labels = {
        "engine": f"engine, {CORES} cores",
        "NumPy": "NumPy, 1 thread",
        "numba": f"numba prange, {CORES} cores",
        "C": f"C with OpenMP, {CORES} cores",
    }
    rows = [(labels["engine"], f"{rate['engine']:.3f}", "", "")]
    for name in list(rate)[1:]:
        per_core = rate["engine"] / rate[name] / (CORES if name == "NumPy" else 1)
        rows.append((labels[name], f"{rate[name]:.3f}", f"{rate['engine'] / rate[name]:.1f}", f"{per_core:.1f}"))
    head = ("toy workload, kernel", "M paths/s", "engine is faster", "per core")
    run = (
        f"A whole run of it (its programs compiled or found in the cache; simulate, cube, tables): {study.paths:,}"
        f" paths in {whole:.1f} s."
    )
    return f"{table(head, rows)}\n\n{run}"
