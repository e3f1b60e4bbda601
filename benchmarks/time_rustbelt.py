"""The rustbelt study against plain NumPy of the same model (tests/rustbelt_numpy/), first compared path by path."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from timing import CORES, best, table

import engine
from engine.program import devices
from engine.program.programs import program_on
from engine.study.study import Study

sys.path.append(str(Path(__file__).parents[1]))

from tests import rustbelt_numpy

CHECKED = 2048
TOLERANCE = 1e-3
BLOCKS = 2
PLAIN = (
    ("float64, 65,536 paths at a time", np.float64, 1 << 16),
    ("float64, 4,096 at a time, in the cache", np.float64, 1 << 12),
    ("float32, 8,192 at a time, in the cache", np.float32, 1 << 13),
)
"""NumPy as one would write it first, and in chunks that suit the machine."""


def largest_difference(study: Study, dtype: type) -> float:
    """Largest difference of kernel and NumPy on the same draws, over paths, policies, outcomes [sd of the outcome]."""
    program = program_on(study, devices.mesh("cpu"))
    step = study.tile * program.mesh.devices.size
    traces = [program.trace(first) for first in range(0, CHECKED, step)]
    outcomes = np.concatenate([trace.outcomes for trace in traces], -1)[..., :CHECKED]
    draws = np.concatenate([trace.draws for trace in traces], -1)[..., :CHECKED].astype(dtype)
    factors = {item.name: draws[k] for k, item in enumerate(study.inputs)}
    shocks = {name: value.astype(dtype) for name, value in rustbelt_numpy.shocks_of(study, CHECKED).items()}
    worst = 0.0
    for p, policy in enumerate(study.policies):
        plain = rustbelt_numpy.simulate(study, policy, factors, shocks)
        for k, name in enumerate(study.model.outcomes):
            gap = np.abs(plain[name] - outcomes[p, k]).max() / outcomes[p, k].std()
            worst = max(worst, float(gap))
    return worst


def _kernel(study: Study) -> Callable[[], None]:
    program = program_on(study, devices.mesh("cpu"))
    blocks = study.blocks()[:BLOCKS]

    def call() -> None:
        running = [program.submit(block) for block in blocks]
        for block, part in zip(blocks, running, strict=True):
            part.of(block)

    return call


def _numpy(study: Study, chunk: int, dtype: type) -> Callable[[], None]:
    rng = np.random.default_rng(1)

    def call() -> None:
        factors, shocks = rustbelt_numpy.draw(study, chunk, rng, dtype)
        for policy in study.policies:
            rustbelt_numpy.simulate(study, policy, factors, shocks)

    return call


def report(rounds: int) -> str:
    """The table, and how far the two versions lie apart."""
    study = engine.load_study("rustbelt")
    apart = largest_difference(study, np.float64)
    if not apart < TOLERANCE:
        raise SystemExit(f"NumPy and kernel differ by {apart:.2e} standard deviations, expected less than {TOLERANCE}")
    n_policies = len(study.policies)
    ours = f"engine, {CORES} cores"
    peers = {ours: _kernel(study)}
    work = dict.fromkeys(peers, BLOCKS << 17)
    for label, dtype, chunk in PLAIN:
        name = f"NumPy, {label}"
        peers[name], work[name] = _numpy(study, chunk, dtype), chunk
    seconds = best(peers, rounds)
    cores = {name: CORES if name.startswith("engine") else 1 for name in peers}
    rate = {name: work[name] * n_policies / took / cores[name] for name, took in seconds.items()}
    rows = [(name, f"{rate[name]:,.0f}", "" if name == ours else f"{rate[ours] / rate[name]:.1f}") for name in peers]
    head = ("rustbelt, 2 policies, all outcomes", "path-policies/s per core", "engine is faster")
    note = f"On the same draws ({CHECKED:,} paths) kernel and NumPy agree within {apart:.0e} standard deviations."
    return f"{table(head, rows)}\n\n{note}"
