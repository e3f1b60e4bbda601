"""The rustbelt study against plain NumPy of the same model (rustbelt_numpy.py), which is first checked path by path."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rustbelt_numpy
from timing import CORES, best, table

import engine
from engine.draws import random_words
from engine.draws.sampling import SAMPLERS, path_order
from engine.modelling.records import shock_streams
from engine.program import devices
from engine.program.kernel import Program
from engine.study.study import Study

CHECKED = 2048
TOLERANCE = 1e-3
BLOCKS = 2
REFERENCE_PATHS = 20_000
PLAIN = (
    ("float64, 65,536 paths at a time", np.float64, 1 << 16),
    ("float64, 4,096 at a time, in the cache", np.float64, 1 << 12),
    ("float32, 8,192 at a time, in the cache", np.float32, 1 << 13),
)
"""NumPy as it is first written, and as it is after tuning."""


def shocks_of(study: Study, n_paths: int) -> dict[str, np.ndarray]:
    """Shock draws of the first paths as the kernel makes them: name -> [year, *labels, path]."""
    sampler = SAMPLERS[study.sampler]
    order = np.argsort(path_order(sampler, n_paths))
    found = {}
    for name, streams in shock_streams(study.model).items():
        shock = study.model.shocks[name]
        keys = [
            [random_words.stream_key(study.seed, f"shock:{stream}", step) for stream in streams]
            for step in range(len(study.years))
        ]
        words = sampler.words(np.array(keys, np.uint32), (np.uint32(0), np.uint32(0)), n_paths)
        law = random_words.normal if shock.law == "normal" else random_words.uniform
        shape = [len(study.model.dims[dim]) for dim in shock.dims]
        found[name] = np.asarray(law(words))[..., order].reshape(len(study.years), *shape, n_paths)
    return found


def largest_difference(study: Study, dtype: type) -> float:
    """Largest difference between kernel and NumPy on the same draws, over paths, policies, outcomes [sd of the outcome]."""
    program = Program(study, devices.mesh("cpu"))
    step = study.tile * program.mesh.devices.size
    traces = [program.trace(first) for first in range(0, CHECKED, step)]
    outcomes = np.concatenate([trace.outcomes for trace in traces], -1)[..., :CHECKED]
    draws = np.concatenate([trace.draws for trace in traces], -1)[..., :CHECKED].astype(dtype)
    factors = {item.name: draws[k] for k, item in enumerate(study.inputs)}
    shocks = {name: value.astype(dtype) for name, value in shocks_of(study, CHECKED).items()}
    worst = 0.0
    for p, policy in enumerate(study.policies):
        plain = rustbelt_numpy.simulate(study, policy, factors, shocks)
        for k, name in enumerate(study.model.outcomes):
            gap = np.abs(plain[name] - outcomes[p, k]).max() / outcomes[p, k].std()
            worst = max(worst, float(gap))
    return worst


def _kernel(study: Study) -> Callable[[], None]:
    program = Program(study, devices.mesh("cpu"))
    blocks = study.blocks()[:BLOCKS]

    def call() -> None:
        running = [program.submit(block) for block in blocks]
        for block, part in zip(blocks, running, strict=True):
            program.collect(block, part)

    return call


def _numpy(study: Study, chunk: int, dtype: type) -> Callable[[], None]:
    rng = np.random.default_rng(1)

    def call() -> None:
        factors, shocks = rustbelt_numpy.draw(study, chunk, rng, dtype)
        for policy in study.policies:
            rustbelt_numpy.simulate(study, policy, factors, shocks)

    return call


def _reference(file: Path) -> Callable[[], None]:
    """Old policies and reform in a reference implementation of the equations: a script with `draw`, `POL` and `simulate`."""
    spec = importlib.util.spec_from_file_location("reference", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def call() -> None:
        drawn = module.draw(REFERENCE_PATHS, np.random.default_rng(1))
        for name in ("old_policies", "reform"):
            module.simulate(drawn, module.POL[name], 77)

    return call


def report(rounds: int, reference: Path | None = None) -> str:
    """The table, and how far the two versions lie apart.

    Args:
      reference: a reference implementation of the same equations to time beside them.
    """
    study = engine.load_study("rustbelt")
    apart = largest_difference(study, np.float64)
    if not apart < TOLERANCE:
        raise SystemExit(
            f"NumPy and kernel differ by {apart:.2e} standard deviations, expected less than {TOLERANCE}"
        )
    n_policies = len(study.policies)
    ours = f"engine, {CORES} cores"
    peers = {ours: _kernel(study)}
    work = dict.fromkeys(peers, BLOCKS << 17)
    for label, dtype, chunk in PLAIN:
        name = f"NumPy, {label}"
        peers[name], work[name] = _numpy(study, chunk, dtype), chunk
    if reference is not None:
        name = f"NumPy reference, path axis first, {REFERENCE_PATHS:,} at a time"
        peers[name], work[name] = _reference(reference), REFERENCE_PATHS
    seconds = best(peers, rounds)
    cores = {name: CORES if name.startswith("engine") else 1 for name in peers}
    rate = {name: work[name] * n_policies / took / cores[name] for name, took in seconds.items()}
    rows = [
        (name, f"{rate[name]:,.0f}", "" if name == ours else f"{rate[ours] / rate[name]:.1f}")
        for name in peers
    ]
    head = ("rustbelt, 2 policies, all outcomes", "path-policies/s per core", "engine is faster")
    note = f"On the same draws ({CHECKED:,} paths) kernel and NumPy agree within {apart:.0e} standard deviations."
    return f"{table(head, rows)}\n\n{note}"
