"""Some blocks of a launch by the PTX machine, and the same paths by the one loop on this processor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.program.emitting import gpu_code
from engine.program.emitting.gpu_code import GpuCode
from engine.program.running import gpu
from engine.program.running.cache_keys import Unlisted
from engine.program.running.devices import mesh
from engine.program.running.kernel import listing_of
from engine.program.running.native import LoopProgram
from engine.program.tracing import arguments
from engine.study.loading import load_model_file, load_study
from engine.study.study import BLOCK, Block, Study
from tests.program.ptx_arithmetic import Fault
from tests.program.ptx_machine import Machine

LANES = 1 << 20
"""Paths of a launch, as many as on a card."""
ENDS = (0, -1)
"""The first block of a launch and the last."""


def toy() -> Study:
    """The toy workload of the benchmarks."""
    folder = Path(__file__).parents[2] / "benchmarks"
    return load_study(folder / "toy.toml", model=load_model_file(f"{folder / 'toy_model.py'}:Toy"))


def code_of(study: Study, paths: int = 32, each: int | None = 1) -> GpuCode:
    """The code of a study for a launch of the size that cards get."""
    listing = listing_of(study, study.dtype)
    return gpu_code.code(study, listing, arguments.of(study, study.dtype), LANES, paths, each)


def played(machine: Machine, code: GpuCode, study: Study, first: int, blocks: Sequence[int] = ENDS) -> np.ndarray:
    """Outcomes [policy, outcome, path] of some blocks of paths of the launch that begins with a path, side by side."""
    layout = code.layout
    counter, (along, strips) = first // layout.group, layout.grid
    held = gpu.launched(code, study, arguments.of(study, study.dtype))
    arrays = [np.array([counter & 0xFFFFFFFF, counter >> 32], np.uint32), *held]
    words = [np.ascontiguousarray(one).reshape(-1).view(np.uint32) for one in arrays]
    numbers = [block % along for block in blocks]
    places, written = machine.launch(
        words,
        layout.policies * layout.outcomes * layout.lanes * layout.unit,
        [(block, strip) for block in numbers for strip in range(strips)],
    )
    row = np.concatenate([np.arange(layout.paths) + block * layout.paths for block in numbers])
    rows = np.arange(layout.policies * layout.outcomes)[:, None] * layout.lanes
    asked = ((rows + row)[..., None] * layout.unit + np.arange(layout.unit)).reshape(-1)
    if not np.array_equal(np.sort(asked), places):
        raise Fault("other words are written than the outcomes of these paths")
    found = written[np.searchsorted(places, asked)].view(layout.dtype)
    return found.reshape(layout.policies, layout.outcomes, -1)


def expected(code: GpuCode, study: Study, first: int, blocks: Sequence[int] = ENDS) -> np.ndarray:
    """What the loop gives in place of `played`."""
    program = LoopProgram(study, mesh("cpu"), Unlisted.of(listing_of(study, study.dtype)))
    each, along = code.layout.paths, code.layout.grid[0]
    firsts = [first + block % along * each for block in blocks]
    passes = [Block(start // BLOCK, start, each) for start in firsts]
    return np.concatenate([program.submit(one).of(one) for one in passes], axis=-1)


def differing(given: np.ndarray, wanted: np.ndarray) -> int:
    """Words that differ."""
    words = [np.ascontiguousarray(one).view(np.uint32) for one in (given, wanted)]
    return int(np.sum(words[0] != words[1]))
