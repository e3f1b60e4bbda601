"""Measures one kind of device in a process of its own: python benchmarks/on_device.py cpu|gpu PATHS FOLDER

Leaves `figures.json` and `events.npz` in the folder; `gpu.py` starts it once for each device and compares the results.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections import deque
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from engine.program.devices import use_every_core

use_every_core()

import jax  # noqa: E402
import numpy as np  # noqa: E402
from instructions import Instructions, carried, counted, per_normal  # noqa: E402
from jax.interpreters.partial_eval import dce_jaxpr  # noqa: E402
from roofline import bandwidth_limit, card_of, highest_clock, instruction_limit  # noqa: E402
from timing import best  # noqa: E402

import engine  # noqa: E402
from engine.draws.sampling import SAMPLERS  # noqa: E402
from engine.errors import UserError  # noqa: E402
from engine.program import devices  # noqa: E402
from engine.program.contract import Program  # noqa: E402
from engine.program.path import OUTCOMES, PathFunctions, side_by_side  # noqa: E402
from engine.risk.estimation.events import event_indicators  # noqa: E402
from engine.risk.estimation.measures import summary  # noqa: E402
from engine.study.loading import load_model_file  # noqa: E402
from engine.study.study import BLOCK, Block, Study  # noqa: E402

HERE = Path(__file__).parent
PASSES = 4
"""Passes that are started together where the kernel alone is timed."""
ROUNDS = 3
RUSTBELT_SHARE = 8
"""The toy's sustained run has this many times the rustbelt's paths: a path of the toy is faster by about as much."""
TAIL = ("VaR99", "ES99")


def studies() -> dict[str, Study]:
    """The workloads by name, two policies each."""
    toy = engine.load_study(HERE / "toy.toml", model=load_model_file(f"{HERE / 'toy_model.py'}:Toy"))
    return {"toy": toy, "rustbelt": engine.load_study("rustbelt")}


def device_of(kind: str) -> dict[str, Any]:
    """Name, number and clock of the devices of a kind, as they and their driver report them."""
    row = devices.mesh(kind).devices.flat
    first = row[0]
    return {
        "kind": kind,
        "name": first.device_kind,
        "count": len(row),
        "multiprocessors": getattr(first, "core_count", None) if kind == "gpu" else None,
        "compute_capability": getattr(first, "compute_capability", None),
        "highest_clock_ghz": highest_clock() if kind == "gpu" else None,
    }


def blocks(paths: int) -> Iterator[Block]:
    """The blocks of so many paths."""
    for first in range(0, paths, BLOCK):
        yield Block(first // BLOCK, first, min(BLOCK, paths - first))


def reach_of(program: Program) -> int:
    """Paths of a pass: what all GPUs take at once, or a block."""
    return int(getattr(program, "reach", BLOCK))


def kernel_seconds(program: Program) -> float:
    """Seconds of the best of several calls of `PASSES` passes, nothing fetched."""
    fresh = count()

    def call() -> None:
        firsts = [next(fresh) * reach_of(program) for _ in range(PASSES)]
        running = [program.submit(Block(first // BLOCK, first, BLOCK)) for first in firsts]
        if program.mesh.devices.flat[0].platform == "cpu":  # outcomes are written straight into main memory
            for part in running:
                part.values()
        jax.block_until_ready(jax.live_arrays())
        del running

    return best({"kernel": call}, ROUNDS)["kernel"]


def sustained(program: Program, paths: int) -> float:
    """Seconds for so many paths, the outcomes of each fetched in their order and added up, as in a run."""
    total, under_way, ahead = 0.0, deque(), reach_of(program) // BLOCK + 1

    def fetch() -> Any:
        block, running = under_way.popleft()
        return running.of(block).sum(axis=-1, dtype=np.float64)

    start = time.perf_counter()
    for block in blocks(paths):
        under_way.append((block, program.submit(block)))
        if len(under_way) > ahead:
            total = total + fetch()
    while under_way:
        total = total + fetch()
    took = time.perf_counter() - start
    if not np.isfinite(total).all():
        raise SystemExit(f"{program.study.name}: an outcome is not finite")
    return took


def throughput(program: Program, paths: int) -> dict[str, Any]:
    """Seconds to compile, the form that computed, paths a second of the kernel alone and of a long run's outcomes."""
    start = time.perf_counter()
    program.prepare()
    compiling = time.perf_counter() - start
    kernel = PASSES * reach_of(program) / kernel_seconds(program)
    took = sustained(program, paths)
    years = len(program.study.years)
    return {
        "compile_s": compiling,
        "form": ", then ".join(map(str, program.forms)),
        "kernel": {"paths_per_s": kernel, "path_years_per_s": kernel * years},
        "sustained": {
            "paths": paths,
            "seconds": took,
            "paths_per_s": paths / took,
            "path_years_per_s": paths * years / took,
        },
    }


def work(program: Program) -> dict[str, Any]:
    """The work of a path and year on a card, for outcomes: instructions by unit, floats carried on, random numbers."""
    study = program.study
    groups = study.tile // SAMPLERS[study.sampler].group
    functions = PathFunctions(study, np.float32, side_by_side)

    def outcomes(inputs: Any, low: Any) -> Any:
        return functions.paths({"inputs": inputs, "high": np.uint32(0)}, low)[OUTCOMES]

    jaxpr = jax.make_jaxpr(jax.vmap(outcomes, (None, 0)))(program.inputs, np.arange(groups, dtype=np.uint32)).jaxpr
    jaxpr, _ = dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars))
    path_years = study.tile * len(study.years)
    once, yearly = program.inputs["factor_keys"], program.inputs["shock_keys"].values()
    drawn = len(once) + sum(keys.shape[0] * keys.shape[1] for keys in yearly)
    return {
        "instructions": counted(jaxpr) * (1 / path_years),
        "state": carried(jaxpr, len(study.years)) / study.tile,
        "random_numbers": drawn / len(study.years),
    }


def limits(device: dict[str, Any], asked: dict[str, Any], path_years: float) -> dict[str, Any] | None:
    """Limits of the card [path-years/s], and the share of each that was reached; None for a CPU or an unknown card."""
    card = card_of(device["name"], device["multiprocessors"], device["highest_clock_ghz"])
    if card is None:
        return None
    instructions, unit = instruction_limit(card, asked["instructions"])
    memory = bandwidth_limit(card, asked["state"], asked["random_numbers"])
    each = path_years / device["count"]
    return {
        "instruction_limit": instructions,
        "limited_by": unit,
        "bandwidth_limit": memory,
        "fraction_of_instruction_limit": each / instructions,
        "fraction_of_bandwidth_limit": each / memory,
        "fraction_of_limit": each / min(instructions, memory),
    }


def tail(program: Program) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """VaR and ES of the first block by "outcome, measure, policy", and events by name, bool [policy, path]."""
    study = program.study
    block = Block(0, 0, BLOCK)
    outcomes = program.submit(block).of(block)
    by_name = {name: outcomes[:, k] for k, name in enumerate(study.model.outcomes)}
    table = {}
    for name, values in by_name.items():
        for policy, of_policy in zip(study.policy_names, values, strict=True):
            estimates = summary(of_policy, study.unit, study.model.outcomes[name].loss)
            table |= {f"{name}, {measure}, {policy}": estimates[measure].estimate for measure in TAIL}
    return table, event_indicators(study, by_name)


def main(kind: str, paths: int, folder: Path) -> None:
    """Measures and writes."""
    device = device_of(kind)
    found: dict[str, Any] = {"device": device, "per_normal": per_normal(), "workloads": {}}
    for name, study in studies().items():
        program = devices.program(study, kind)
        rates = throughput(program, paths if name == "toy" else max(BLOCK, paths // RUSTBELT_SHARE))
        asked = work(program)
        found["workloads"][name] = {
            "policies": len(study.policies),
            "years": len(study.years),
            "lanes": getattr(program, "lanes", None),
            **rates,
            "path_year": asked,
            "limits": limits(device, asked, rates["kernel"]["path_years_per_s"]),
        }
        if name == "rustbelt":
            found["tail"], events = tail(program)
            np.savez(folder / "events.npz", **events)
    text = json.dumps(found, indent=2, default=_plain)
    (folder / "figures.json").write_text(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Instructions):
        return {**dataclasses.asdict(value), "issued": value.issued}
    return value.item()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("device", choices=("cpu", "gpu"))
    parser.add_argument("paths", type=int)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    try:
        main(asked.device, asked.paths, asked.folder)
    except UserError as refused:
        raise SystemExit(str(refused)) from None
