"""The one loop on GPUs, as a kernel within XLA's program: a `Program`. **It has never run on a card**, only been compiled for one.

A pass is one launch on each device. Before the first, some of its paths are held against the bytes of this machine's processors; where
they differ, or nothing comes back, a warning says so and XLA's own program takes over. All but outcomes is computed here, by
the one loop on the processors: a path has the same bits there.
"""

from __future__ import annotations

import ctypes
import os
import threading
import warnings
from collections.abc import Callable
from copy import copy
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, UInt32

from engine.program import arguments, gpu_code, machine_code, ptx
from engine.program.contract import (
    BlockResult,
    FactorDraws,
    Outcomes,
    Pass,
    Program,
    Scores,
    Trace,
    YearlyValues,
)
from engine.program.gpu_code import ARRAYS, GpuCode
from engine.program.listing import Listing
from engine.program.native import LoopProgram, filled
from engine.program.xla import AXIS, XlaProgram
from engine.study.study import BLOCK, Block, Study

COMPARED = 1 << 12
"""Paths of each device that are held against the processors' bytes before the first pass."""
_CALL = "__gpu$xla.gpu.ptx"
"""What XLA calls a kernel that it is handed as PTX."""
_NEWEST = 90
"""Architecture that the PTX is written for, at most: drivers translate it for newer cards."""


class GpuProgram:
    """A study's one loop on a mesh of GPUs.

    Args:
      study: the resolved study.
      mesh: one axis, one entry a GPU.
      lanes: paths of a launch, a power of two; a block's if they are fewer.
      listing: of its operations.
    """

    def __init__(self, study: Study, mesh: Mesh, lanes: int, listing: Listing):
        self.study, self.mesh, self.dtype = study, mesh, listing.dtype
        self.traces = 0
        self.inputs = arguments.of(study, self.dtype)
        self.tile, self.lanes = lanes, max(lanes, BLOCK)
        self.reach = self.lanes * mesh.devices.size
        self._code = gpu_code.code(study, listing, self.inputs, self.lanes)
        self._host: Program = LoopProgram(study, mesh, listing, threads=os.cpu_count())
        self._other: Program | None = None
        self._run: Callable[..., Any] | None = None
        self._arrays: tuple[np.ndarray, ...] | None = None
        self._passes: dict[int, Pass] = {}
        self._lock = threading.RLock()

    def fed(self, inputs: Any) -> Program:
        other = copy(self)
        other.inputs, other._arrays, other._passes = inputs, None, {}
        other._host = self._host.fed(inputs)
        other._other = None if self._other is None else self._other.fed(inputs)
        return other

    def prepare(self) -> None:
        """Compiles what blocks need, and compares some paths."""
        self._ready()

    def submit(self, block: Block) -> Pass:
        """As `Program.submit`; blocks of one pass share it."""
        other = self._ready()
        if other is not None:
            return other.submit(block)
        index = block.first // self.reach
        with self._lock:
            if index not in self._passes:
                while len(self._passes) > 1:
                    self._passes.pop(next(iter(self._passes)))
                self._passes[index] = self._launched(index * self.reach)
            return self._passes[index]

    def collect(self, block: Block, running: Pass) -> BlockResult:
        return running.of(block)

    def path(self, number: int) -> Trace:
        return self._in_full.path(number)

    def trace(self, first_path: int) -> Trace:
        return self._in_full.trace(first_path)

    def first_years(self, count: int) -> YearlyValues:
        return self._in_full.first_years(count)

    def draws(self, block: Block) -> FactorDraws:
        return self._in_full.draws(block)

    def scores(self, block: Block) -> Scores:
        return self._in_full.scores(block)

    def outcomes_of(self, scores: Scores) -> Outcomes:
        return self._in_full.outcomes_of(scores)

    def trace_of(self, scores: Scores) -> Trace:
        return self._in_full.trace_of(scores)

    @property
    def _in_full(self) -> Program:
        """What computes all but outcomes: the bits are those of what computes these."""
        return self._ready() or self._host

    def _ready(self) -> Program | None:
        """Compiles the kernel and holds it against the processors, once; what takes over where it is not fit."""
        with self._lock:
            if self._run is None and self._other is None:
                wrong = self._tried()
                if wrong is not None:
                    warnings.warn(f"the GPU's kernel is not used, but XLA's program: {wrong}", stacklevel=4)
                    self._other = XlaProgram(self.study, self.mesh, self.tile, self.dtype).fed(self.inputs)
            return self._other

    def _tried(self) -> str | None:
        """What is wrong with the kernel."""
        try:
            self._run = self._compiled()
            self.traces += 1
            values = self._launched(0).values()
        except Exception as failure:  # whatever a compiler, a driver or a card may raise
            self._run = None
            return f"{type(failure).__name__}: {str(failure).partition(chr(10))[0]}"
        for first in range(0, self.reach, self.lanes):
            block = Block(0, first, COMPARED)
            expected = self._host.collect(block, self._host.submit(block)).outcomes
            if expected.tobytes() != np.ascontiguousarray(values[..., first : first + COMPARED]).tobytes():
                self._run = None
                return f"paths {first:,} to {first + COMPARED - 1:,} have other bytes than on the processor."
        return None

    def _launched(self, first: int) -> Pass:
        """Starts the paths from `first` on, as many as all devices take."""
        assert self._run is not None
        if self._arrays is None:
            self._arrays = launched(self._code, self.study, self.inputs)
        groups = self.lanes // self._code.layout.group
        counters = first // self._code.layout.group + groups * np.arange(
            self.mesh.devices.size, dtype=np.int64
        )
        words = np.stack([counters & 0xFFFFFFFF, counters >> 32], axis=-1).astype(np.uint32)
        running = self._run(words, *self._arrays)

        def outcomes() -> Outcomes:
            values = np.asarray(jax.device_get(running))
            return np.moveaxis(values, 0, -2).reshape(*values.shape[1:-1], -1)

        return Pass(first, outcomes)

    def _compiled(self) -> Callable[..., Any]:
        device = self.mesh.devices.flat[0]
        capability = int(10 * float(getattr(device, "compute_capability", _NEWEST / 10)))
        text = ptx.text(self._code, f"sm_{min(capability, _NEWEST)}")
        return on_mesh(self._code, text, self.mesh)


def on_mesh(code: GpuCode, text: str, mesh: Mesh) -> Any:
    """The jitted launch on every device of a mesh: counters [device, 2] and the arrays -> outcomes [device, policy, outcome, path].

    Args:
      text: PTX of the kernel.
    """
    layout = code.layout
    along, strips = layout.grid
    numbers = {
        "grid_x": along, "grid_y": strips, "grid_z": 1, "block_x": layout.threads, "block_y": 1, "block_z": 1, "shared_mem_bytes": 0,
    }  # fmt: skip
    quoted = "".join(letter if letter not in '"\\\n\t' else f"\\{ord(letter):02X}" for letter in text)
    parts = [f'name = "{ptx.KERNEL}"', 'kernel_type = "ptx"', f'kernel_data = "{quoted}"']
    parts += [f"{name} = {number} : i32" for name, number in numbers.items()]
    parts.append(f"output_indices = [{len(ARRAYS) - 1} : i32]")
    shape = (layout.policies, layout.outcomes, layout.lanes)
    simulate = jax.ffi.ffi_call(
        _CALL,
        jax.ShapeDtypeStruct(shape, layout.dtype),
        custom_call_api_version=2,
        legacy_backend_config=f"{{{', '.join(parts)}}}",
    )

    def of_device(counter: UInt32[Array, "1 2"], *held: Array) -> Array:
        return simulate(counter[0], *held)[None]

    whole, sharded = PartitionSpec(), PartitionSpec(AXIS)
    specs = (sharded, *[whole] * (len(ARRAYS) - 2))
    return jax.jit(jax.shard_map(of_device, mesh=mesh, in_specs=specs, out_specs=sharded, check_vma=False))


def launched(code: GpuCode, study: Study, inputs: Any) -> tuple[np.ndarray, ...]:
    """What a launch reads beside the counter, none of it empty."""
    found = arrays(code, study, inputs)
    return tuple(found[name] if found[name].size else np.zeros(1, np.uint32) for name in ARRAYS[1:-1])


def arrays(code: GpuCode, study: Study, inputs: Any) -> dict[str, np.ndarray]:
    """The arrays that every launch reads, by name; `gpu_code.ARRAYS` but for the counter and the outcomes.

    Args:
      inputs: as `arguments.of` gives them.
    """
    layout = code.layout
    held = machine_code.loaded(code.table)
    table = machine_code.function(held, "table", [ctypes.c_void_p] * 4 + [ctypes.c_int64])
    return filled(study, inputs, table, layout.table, layout.years, layout.each)
