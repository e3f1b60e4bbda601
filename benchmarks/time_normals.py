"""Normals per second, drawn and consumed: a model that only adds them up, a bare loop in C, and jax.random.normal."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from timing import CORES, best, table

from engine.modelling.records import Factor, Outcome, PathModel, Shock
from engine.program import devices
from engine.program.programs import program_on
from engine.study.loading import read_study
from engine.study.study import BLOCK

HERE = Path(__file__).parent
COMPILE = "gcc -O3 -march=native -ffast-math -fopenmp -mprefer-vector-width=512"
FACTORS, SHOCKS, YEARS, BLOCKS = 12, 12, 15, 4
NORMALS = FACTORS + SHOCKS * YEARS
MILLIONS = 400
LIBRARY = 1 << 22


class Sum(PathModel):
    """The sum of all its draws."""

    dims = {"one": tuple(f"s{k}" for k in range(SHOCKS))}
    factors = {f"f{k}": Factor("1") for k in range(FACTORS)}
    shocks = {"shock": Shock(dims=("one",))}
    outcomes = {"sum": Outcome("1", lambda state: state)}

    def init(self, factors, levers):
        """Sum of the factors."""
        return sum(vars(factors).values())

    def step(self, state, year, factors, shocks, levers):
        """The year's shocks added."""
        return state + shocks.shock.over(), {}


def _engine() -> Callable[[], None]:
    text = {
        "name": "sum",
        "run": {"paths": BLOCKS * BLOCK, "sampler": "random"},
        "time": {"first": 1, "last": YEARS},
        "factors": {name: {"family": "normal", "mean": 0.0, "sd": 1.0} for name in Sum.factors},
        "policies": {"only": {}},
    }
    study = read_study(text, "sum.toml", model=Sum())
    program = program_on(study, devices.mesh("cpu"))
    blocks = study.blocks()

    def call() -> None:
        running = [program.submit(block) for block in blocks]
        values = np.concatenate([part.of(block) for block, part in zip(blocks, running, strict=True)], -1)
        spread = float(values.var(dtype=np.float64)) / NORMALS
        if abs(spread - 1) > 0.02:
            raise SystemExit(f"variance of a normal: expected 1, got {spread:.4f}")

    return call


def _c(folder: str) -> Callable[[], float]:
    program = str(Path(folder) / "normals")
    subprocess.run([*COMPILE.split(), str(HERE / "normals.c"), "-o", program, "-lm"], check=True)

    def call() -> float:
        said = subprocess.run([program, str(MILLIONS)], check=True, capture_output=True, text=True).stdout
        took, mean, spread = map(float, said.split())
        if abs(mean) > 0.001 or abs(spread - 1) > 0.001:
            raise SystemExit(f"normals in C: expected mean 0 and variance 1, got {mean} and {spread}")
        return took

    return call


def _library() -> Callable[[], None]:
    """`jax.random.normal` on all devices, each with a key of its own; summed, so that nothing need be stored."""
    many = devices.mesh("cpu").devices.size
    keys = jax.random.split(jax.random.key(1), many)
    shares = jax.pmap(lambda key: jnp.sum(jax.random.normal(key, (LIBRARY // many,))))

    def call() -> None:
        jax.block_until_ready(shares(keys))

    return call


def report(rounds: int) -> str:
    """The table."""
    with tempfile.TemporaryDirectory() as folder:
        peers = {"engine, a model that adds them up": _engine(), "jax.random.normal, summed": _library()}
        count = dict(zip(peers, (BLOCKS * BLOCK * NORMALS, LIBRARY), strict=True))
        if shutil.which("gcc"):
            peers["C with OpenMP, a bare loop that adds them up"] = _c(folder)
            count["C with OpenMP, a bare loop that adds them up"] = MILLIONS * 1_000_000
        seconds = best(peers, rounds)
    rate = {name: count[name] / took / 1e6 for name, took in seconds.items()}
    ours = next(iter(peers))
    rows = [(name, f"{rate[name]:,.0f}", "" if name == ours else f"{rate[ours] / rate[name]:.2f}") for name in peers]
    return table((f"normals, {CORES} cores", "M/s", "engine / this"), rows)
