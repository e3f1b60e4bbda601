"""Paths of a study by the PTX machine, and the same paths by the processor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.draws.sampling import SAMPLERS
from engine.lanes import cpu, ptx
from engine.lanes.ptx import Kernel
from engine.program import arguments
from engine.program.cpu_program import CpuProgram, shared_of, traced
from engine.program.devices import mesh
from engine.program.path import OUTCOMES
from engine.study.loading import load_model_file, load_study
from engine.study.study import BLOCK, Block, Study
from tests.program.ptx_machine import Machine
from tests.program.ptx_memory import GlobalMemory, address

BLOCKS = 8
"""Blocks of threads of a launch."""
BEFORE = 2
"""Blocks of threads of an earlier launch that wrote to the same outputs."""
_SHARED, _ROWS, _WIDE_ROWS, _SCRATCH, _OUTCOMES = range(5)


def toy() -> Study:
    """The toy workload of the benchmarks."""
    folder = Path(__file__).parents[2] / "benchmarks"
    return load_study(folder / "toy.toml", model=load_model_file(f"{folder / 'toy_model.py'}:Toy"))


def kernel_of(study: Study, processor: str = "sm_90") -> Kernel:
    """The kernel of a study's outcomes."""
    found = traced(study, study.dtype)
    assert not isinstance(found, str), found
    return ptx.compile_nest(found.nest((OUTCOMES,)), processor, SAMPLERS[study.sampler].group)


def paths_of_block(study: Study) -> int:
    """Paths that a block of threads computes."""
    return ptx.THREADS * SAMPLERS[study.sampler].group


def played(kernel: Kernel, study: Study, first: int, blocks: Sequence[int] = (BLOCKS - 1,)) -> np.ndarray:
    """Outcomes [policy, outcome, path] of some blocks of threads of the launch that begins with path `first`."""
    layout, each = kernel.layout, paths_of_block(study)
    group, length = first // SAMPLERS[study.sampler].group, (BEFORE + BLOCKS) * each
    dtype, at = layout.outputs[OUTCOMES]
    inputs = shared_of(arguments.of(study, study.dtype), group >> 32)
    tables = [cpu.row_table([(address(_OUTCOMES), length, dtype, at)], size) for size in (4, 8)]
    words = [cpu.shared_words(layout, inputs), *(np.ascontiguousarray(one).view(np.uint32).ravel() for one in tables)]
    rows, unit = int(np.prod(at.shape[1:])), dtype.itemsize // 4
    memory = GlobalMemory(words, [layout.scratch * ptx.THREADS * BLOCKS, rows * length * unit])
    given = [
        BEFORE * ptx.THREADS, group & 0xFFFFFFFF, address(_SHARED), address(_SCRATCH),
        address(_ROWS), len(tables[0]), address(_WIDE_ROWS), len(tables[1]),
    ]  # fmt: skip
    Machine(kernel.text).launch(memory, given, blocks)
    found = memory.arrays[_OUTCOMES].view(dtype).reshape(*at.shape[1:], length)
    taken = [slice((BEFORE + one) * each, (BEFORE + one + 1) * each) for one in blocks]
    return np.concatenate([found[..., one] for one in taken], axis=-1)


def expected(study: Study, first: int, blocks: Sequence[int] = (BLOCKS - 1,)) -> np.ndarray:
    """What the processor gives in place of `played`."""
    program, each = CpuProgram(study, mesh("cpu"), study.dtype), paths_of_block(study)
    passes = [Block((first + one * each) // BLOCK, first + one * each, each) for one in blocks]
    return np.concatenate([program.submit(one).of(one) for one in passes], axis=-1)


def differing(given: np.ndarray, wanted: np.ndarray) -> int:
    """Words that differ."""
    words = [np.ascontiguousarray(one).view(np.uint32) for one in (given, wanted)]
    return int(np.sum(words[0] != words[1]))
