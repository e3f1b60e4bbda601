"""A card that is none: processors behind its interface, which give the loop's bytes until they are told to fail."""

from __future__ import annotations

import ctypes
import sys
import threading
from copy import copy
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest
from jax.sharding import Mesh

from engine.draws.sampling import SAMPLERS
from engine.program import gpu, hardware
from engine.program.contract import Program
from engine.program.hardware import processors
from engine.program.path import OUTCOMES
from engine.program.programs import program_on
from engine.program.xla import AXIS, XlaProgram
from engine.study.study import Block, Study
from tests.program.ptx_machine import Machine

FAILURES = "raises", "hangs", "does not start", "runs out of memory", "gives other bytes"
WORDS = {
    "raises": "RuntimeError: CUDA_ERROR_ILLEGAL_ADDRESS",
    "hangs": "a launch had not come back after",
    "does not start": "a launch had not come back after",
    "runs out of memory": "its memory is full; end what else runs there",
    "gives other bytes": "have other bytes than on the processor",
}
"""What is said of each."""
HANGS = "hangs", "does not start"


@dataclass(frozen=True)
class Named:
    """What a card says of itself."""

    device_kind: str = "NVIDIA H100"
    compute_capability: str = "9.0"
    core_count: int = 132
    id: int = 0
    memory_limit: int = 64 << 30
    platform: str = "gpu"
    local_hardware_id: int = 0
    process_index: int = 0

    @property
    def client(self) -> SimpleNamespace:
        return SimpleNamespace(platform="cuda", platform_version="simulated")

    def memory_stats(self) -> dict[str, int]:
        return {"bytes_limit": self.memory_limit}


class _Buffer:
    """Memory of the card, which is this process's."""

    def __init__(self, size: int):
        self.data = np.zeros(size, np.uint8)
        self.handle = self.data.ctypes.data

    def close(self, stream: object) -> None:
        pass


class _Held:
    """An array on the card."""

    def __init__(self, array: np.ndarray):
        self.array = np.ascontiguousarray(array).view(np.uint32).ravel()
        self.__cuda_array_interface__ = {"data": (self.array.ctypes.data, True)}


class Card:
    """`cuda.core` with cards whose launches of one study's kernel this machine's processors compute.

    Args:
      study: whose launches they are.
      what: happens from the call number `launch` on, counted from 1; one of `FAILURES`.
      launches: number of calls so far.
    """

    def __init__(self, patch: pytest.MonkeyPatch, study: Study, what: str = "", launch: int = 0):
        self.study, self.what, self.launch, self.launches = study, what, launch, 0
        self._host, self._group = program_on(study, processors()), SAMPLERS[study.sampler].group
        core = ModuleType("cuda.core")
        core.Device = lambda number: self
        core.ObjectCode = SimpleNamespace(from_ptx=lambda text: Machine(text.decode()))
        core.LaunchConfig = lambda grid, block: grid * block
        core.launch = self._launched
        utils = ModuleType("cuda.core.utils")
        utils.StridedMemoryView = SimpleNamespace(from_buffer=self._viewed)
        cuda = ModuleType("cuda")
        cuda.core = core
        for module in (cuda, core, utils):
            patch.setitem(sys.modules, module.__name__, module)
        patch.setattr(Machine, "get_kernel", lambda machine, name: machine, raising=False)
        patch.setattr(gpu, "_on_card", lambda array, card: _Held(array))
        patch.setattr(gpu, "_LOST", [])
        if what in HANGS:
            patch.setattr(gpu, "PATIENCE", 0.2 if launch == 1 else 2.0)

    @property
    def _fails(self) -> bool:
        return bool(self.what) and self.launches >= self.launch

    def set_current(self) -> None:
        """As of `cuda.core.Device`."""

    def create_stream(self) -> SimpleNamespace:
        """As of `cuda.core.Device`: begins a call."""
        self.launches += 1
        return SimpleNamespace(sync=lambda: self._waits("hangs"))

    def allocate(self, size: int, *, stream: object) -> _Buffer:
        """As of `cuda.core.Device`."""
        if self._fails and self.what == "runs out of memory":
            raise RuntimeError("RESOURCE_EXHAUSTED: Failed to allocate 1 GiB")
        return _Buffer(size)

    def _waits(self, what: str) -> None:
        if self._fails and self.what == what:
            threading.Event().wait()

    def _launched(self, stream: object, threads: int, kernel: Machine, *given: object) -> None:
        self._waits("does not start")
        if self._fails and self.what == "raises":
            raise RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS\nand more")
        assert [kind for kind, _ in kernel.parameters] == [
            "u32" if isinstance(one, np.uint32) else "u64" for one in given
        ]
        before, low, shared, _, rows, count, _, none = given
        high, group = ctypes.c_uint32.from_address(shared).value, self._group
        first, paths = ((high << 32) + int(low)) * group, threads * group
        values = outcomes(self._host, Block(0, first, paths)).reshape(count, paths)
        table = np.ctypeslib.as_array((ctypes.c_int64 * (int(count) * (1 + group))).from_address(rows))
        assert none == 0
        for start, row in zip(table.reshape(count, -1)[:, 0].tolist(), values, strict=True):
            place = start + row.itemsize * int(before) * group
            np.ctypeslib.as_array((ctypes.c_float * paths).from_address(place))[:] = row

    def _viewed(self, buffer: _Buffer, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        values = buffer.data.view(dtype).reshape(shape)
        if self._fails and self.what == "gives other bytes":
            values[..., 7] += 1
        return values


class XlaCard:
    """XLA's program on a card, which a processor computes until the outcomes of a pass are asked for that are lost.

    Args:
      launch: the pass whose outcomes are lost, counted from 1.
    """

    def __init__(self, patch: pytest.MonkeyPatch, launch: int):
        self.launches, here, blocks, counting = 0, processors(), list[Any](), threading.Lock()
        started, device_get = XlaProgram._started, jax.device_get
        one = Mesh(here.devices[:1], here.axis_names)
        patch.setattr(hardware, "_FAILED", [])
        patch.setattr(hardware, "cards", lambda: self._cards())

        def on_processor(program: XlaProgram, *asked: Any) -> object:
            is_card = program.mesh.devices.flat[0].platform == "gpu"
            if is_card:
                program = copy(program)
                program.mesh = one
            running = started(program, *asked)
            given = (*asked, None)[3]  # the check of precision asks for given numbers
            if is_card and OUTCOMES in asked[0] and given is None:
                blocks.append(running)
            return running

        def fetched(running: Any) -> Any:
            values = device_get(running)
            if not any(running is block for block in blocks):
                return values
            with counting:  # passes are fetched by several threads
                if self.launches == launch:
                    return values
                self.launches += 1
                is_lost = self.launches == launch
            if is_lost:
                raise jax.errors.JaxRuntimeError("INTERNAL: CUDA_ERROR_ILLEGAL_ADDRESS\nand more")
            return values

        patch.setattr(XlaProgram, "_started", on_processor)
        patch.setattr(jax, "device_get", fetched)

    def _cards(self) -> tuple[list[Named], str]:
        if hardware._FAILED:
            raise hardware.NoCard(*hardware._FAILED)
        return [Named()], ""


def outcomes(program: Program, block: Block) -> np.ndarray:
    """Outcomes of a block."""
    return program.submit(block).of(block)


def row_of(*cards: Named) -> Mesh:
    """Cards in a row."""
    return Mesh(np.array(cards), (AXIS,))
