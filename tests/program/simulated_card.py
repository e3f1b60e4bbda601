"""A card that is none: processors behind its interface, which give the loop's bytes until they are told to fail."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from jax.sharding import Mesh, PartitionSpec

from engine.program.emitting import ptx
from engine.program.running import first_launch, gpu, hardware
from engine.program.running.contract import Program
from engine.program.running.hardware import processors
from engine.program.running.kernel import program_on
from engine.program.running.xla import AXIS, XlaProgram
from engine.study.study import Block, Study

FAILURES = "raises", "hangs", "does not start", "runs out of memory", "gives other bytes"
WORDS = {
    "raises": "RuntimeError: CUDA_ERROR_ILLEGAL_ADDRESS",
    "hangs": "a launch had not come back after",
    "does not start": "a launch had not come back after",
    "runs out of memory": "its memory is full; end what else runs there",
    "gives other bytes": "have other bytes than on the processor",
}
"""What is said of each."""
OPENED = 4
"""Launches before those of blocks: three of the trial, one that begins."""


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


class OnCard:
    """Outcomes of a launch, each card's part on a processor of its own; what crosses of all of them is counted."""

    def __init__(self, card: Card, values: np.ndarray):
        self._card, self._number, self._values = card, card.launches, values

    @property
    def addressable_shards(self) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(index=(slice(k, k + 1),), data=jax.device_put(self._values[k : k + 1]))
            for k in range(len(self._values))
        ]

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        self._card.crossed.append(self._number)
        return self._values


class Hangs:
    """Outcomes that never come."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    @property
    def addressable_shards(self) -> list[SimpleNamespace]:
        self.let_go.wait()
        raise RuntimeError

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        self.let_go.wait()
        raise RuntimeError


class Card:
    """Launches of one study's kernel.

    Args:
      study: whose they are.
      what: happens to launches from the number `launch` on, counted from 1; one of `FAILURES`.
      crossed: numbers of the launches all of whose outcomes were copied to main memory.
      held: outcomes of launches by their first path.
      trial: launches of the trial, which are counted for themselves, happen to them too.
    """

    def __init__(self, patch: pytest.MonkeyPatch, study: Study, what: str = "", launch: int = 0):
        self.study, self.what, self.launch = study, what, launch
        self.launches, self.trials, self.hanging = 0, 0, list[Hangs]()
        self.crossed = list[int]()
        self._host, self.held = program_on(study, processors()), dict[int, np.ndarray]()
        patch.setattr(ptx, "text", lambda code, processor: "// a kernel")
        patch.setattr(gpu, "on_mesh", self.on_mesh)
        patch.setattr(gpu, "_LOST", [])
        if what in ("hangs", "does not start"):
            patch.setattr(gpu, "LEAST", 0.2)
        patch.setattr(gpu, "TIMES", 1)
        patch.setattr(first_launch, "ends_apart", self.ends_apart)
        driver = uuid.uuid4().hex  # another one each time: nothing is known to be fit
        patch.setattr(hardware, "driver", lambda: driver)

    def ends_apart(self, *given: object) -> np.ndarray:
        """As `first_launch.ends_apart`."""
        self.trials += 1
        return first_launch.ends_here(*given)

    def _outcomes(self, first: int, count: int) -> np.ndarray:
        if first not in self.held:
            self.held[first] = outcomes(self._host, Block(0, first, count))
        return self.held[first]

    def on_mesh(self, layout, text: str, mesh: Mesh) -> Callable[..., object]:
        """As `gpu.on_mesh`."""

        def launch(counters: np.ndarray, *held: np.ndarray) -> object:
            self.launches += 1
            fails = self.what and self.launches >= self.launch
            if fails and self.what == "raises":
                raise RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS\nand more")
            if fails and self.what == "runs out of memory":
                raise RuntimeError("RESOURCE_EXHAUSTED: Failed to allocate 1 GiB")
            if fails and self.what == "hangs":
                self.hanging.append(Hangs())
                return self.hanging[-1]
            if fails and self.what == "does not start":
                threading.Event().wait()
            firsts = [(int(low) + (int(high) << 32)) * layout.group for low, high in counters]
            values = np.stack([self._outcomes(first, layout.lanes) for first in firsts])
            if fails:
                values[..., -1] += 1  # of the last path alone
            return OnCard(self, values)

        return launch


class XlaCard:
    """XLA's program on a card, which a processor computes until the outcomes of a pass are asked for that are lost.

    Args:
      launch: the pass whose outcomes are lost, counted from 1.
      differs: whether the card's last bits are others.
    """

    def __init__(self, patch: pytest.MonkeyPatch, launch: int, differs: bool = False):
        self.launches, here = 0, processors()
        compiled, device_get = XlaProgram._compiled, jax.device_get
        one = Mesh(here.devices[:1], here.axis_names)
        patch.setattr(hardware, "_FAILED", [])
        patch.setattr(hardware, "cards", lambda: self._cards())

        def on_processor(program: XlaProgram, function: Callable, *specs: PartitionSpec) -> object:
            mesh = program.mesh
            if mesh.devices.flat[0].platform == "gpu":
                program.mesh = one
            try:
                return compiled(program, function, *specs)
            finally:
                program.mesh = mesh

        def fetched(running: object) -> object:
            values = device_get(running)
            if getattr(running, "ndim", 0) != 5 or hardware._FAILED:  # no outcomes of a pass
                return values
            self.launches += 1
            if self.launches == launch:
                raise jax.errors.JaxRuntimeError("INTERNAL: CUDA_ERROR_ILLEGAL_ADDRESS\nand more")
            return np.nextafter(values, np.float32(np.inf)) if differs else values

        patch.setattr(XlaProgram, "_compiled", on_processor)
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
