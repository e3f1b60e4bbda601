"""A study's program by XLA: the path function mapped over groups of paths by `jit(vmap(...))`, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from engine.draws.sampling import SAMPLERS
from engine.program import arguments
from engine.program.contract import CardLost, Form, Pass, Program, Scores, YearlyValues, in_a_row, in_words
from engine.program.path import OUTCOMES, YEARLY, PathFunctions, side_by_side
from engine.study.study import Block, Study

AXIS = "device"
_WHOLE, _DIVIDED = PartitionSpec(), PartitionSpec(AXIS)
"""How an array lies on the devices: all of it on each, or divided among them along its first axis."""
LARGEST = 1 << 14
"""Most paths of a tile: a block has eight of them, so that eight devices can share it."""
_ON_CPU = {"xla_cpu_prefer_vector_width": "512", "xla_disable_hlo_passes": "cpu-parallel-task-assigner"}
"""Options of XLA's compiler on processors: no loop is divided among threads, as each core is a device of its own."""


class XlaProgram(Program):
    """The XLA program of one study on a mesh of devices: a `Program`.

    Each call computes a row of paths, a tile on every device. A path's bits depend on the size of the tile and on the
    outputs that are computed together, not on the number of devices. Every method that computes raises a CardLost where
    a card fails.

    Args:
      study: the resolved study.
      mesh: the devices, along one axis.
      lanes: paths of a tile, a power of two; at most `LARGEST` are taken.
      dtype: floating-point type, float32 or float64.
      why: the reason for these devices, as in `Form`.
    """

    def __init__(self, study: Study, mesh: Mesh, lanes: int, dtype: type, why: str):
        self.study, self.mesh, self.dtype = study, mesh, dtype
        self.tile = min(lanes, LARGEST)
        self.traces, self.form = 0, Form("XLA", in_a_row(mesh), why)
        self.inputs = arguments.of(study, dtype)
        self._on_card = mesh.devices.flat[0].platform != "cpu"
        self._functions = PathFunctions(study, dtype, side_by_side)
        self._jitted: dict[tuple[tuple[str, ...], bool], Any] = {}

    def prepare(self, years: bool = False) -> None:
        """Compiles the code for blocks, by a row of paths. That for yearly values is compiled at its first use."""
        if not years:
            with self._on_devices():
                jax.block_until_ready(self._started((OUTCOMES,), 0, 1))

    def submit(self, block: Block) -> Pass:
        first = block.first - block.first % self.tile
        running = self._started((OUTCOMES,), first, block.first + block.count - first)
        return Pass(first, lambda: self._fetched(running)[OUTCOMES])

    def years_in_parts(self, count: int) -> Iterator[YearlyValues]:
        """All years in one part, as computing paths again takes longer than holding their values."""
        yield self.first_years(count)

    def computed(
        self, outputs: tuple[str, ...], first: int, count: int, scores: Scores | None = None, years: range | None = None
    ) -> Mapping[str, np.ndarray]:
        """As `Program.computed`; the code differs by the outputs, so the last bits may too."""
        at = first % self.tile
        made = self._fetched(self._started(outputs, first - at, at + count, scores))
        if years is not None:
            made[YEARLY] = made[YEARLY][:, years.start : years.stop]
        return {name: np.ascontiguousarray(made[name][..., at : at + count]) for name in outputs}

    def _started(
        self, outputs: tuple[str, ...], first: int, count: int, scores: Scores | None = None
    ) -> list[Mapping[str, Array]]:
        """Starts the rows of paths from `first` on, the start of a tile; gives the outputs of each, [..., path]."""
        row, group = self.tile * self.mesh.devices.size, 1 if scores is not None else SAMPLERS[self.study.sampler].group
        function, running = self._of_row(outputs, scores is not None), []
        with self._on_devices():
            inputs = jax.device_put(self.inputs, NamedSharding(self.mesh, _WHOLE))
            for begin in range(first, first + max(count, 1), row):
                numbers = begin // group + np.arange(row // group, dtype=np.uint64)
                low, high = numbers.astype(np.uint32), (numbers >> np.uint64(32)).astype(np.uint32)
                own = None
                if scores is not None:
                    some: np.ndarray = scores[:, begin : begin + row].astype(self.dtype)
                    own = np.pad(some, ((0, 0), (0, row - some.shape[1]))).T
                running.append(function({"inputs": inputs, "high": high}, low, own))
        return running

    def _of_row(self, outputs: tuple[str, ...], given: bool) -> Any:
        """The compiled function (shared inputs, low words [lane], random numbers [lane, stream]) -> outputs."""
        if (outputs, given) in self._jitted:
            return self._jitted[outputs, given]

        def of_lane(shared: Any, low: Any, scores: Any) -> dict[str, Array]:
            made = self._functions.paths(shared, low, scores)
            return {name: made[name] for name in outputs}

        def of_row(shared: Any, low: Any, scores: Any) -> dict[str, Array]:
            self.traces += outputs == (OUTCOMES,) and not given
            over = jax.vmap(of_lane, ({"inputs": None, "high": 0}, 0, 0))
            specs = {"inputs": _WHOLE, "high": _DIVIDED}, _DIVIDED, _DIVIDED
            divided = jax.shard_map(over, mesh=self.mesh, in_specs=specs, out_specs=_DIVIDED, check_vma=False)
            made = divided(shared, low, scores)  # [lane, ...], or [lane, member, ...] where numbers are drawn
            if not given:
                made = {name: of.reshape(-1, *of.shape[2:]) for name, of in made.items()}
            return {name: jnp.moveaxis(of, 0, -1) for name, of in made.items()}

        self._jitted[outputs, given] = jax.jit(of_row, compiler_options={} if self._on_card else _ON_CPU)
        return self._jitted[outputs, given]

    def _fetched(self, running: list[Mapping[str, Array]]) -> dict[str, np.ndarray]:
        """The outputs of rows in main memory, side by side."""
        with self._on_devices():
            rows = jax.device_get(running)
        return {name: np.concatenate([row[name] for row in rows], axis=-1) for name in rows[0]}

    @contextmanager
    def _on_devices(self) -> Iterator[None]:
        """Within it numbers have the program's precision, and an exception of XLA on a card is raised as a CardLost."""
        try:
            with jax.enable_x64(self.dtype == np.float64):
                yield
        except jax.errors.JaxRuntimeError as failure:
            if not self._on_card:
                raise
            raise CardLost(in_a_row(self.mesh), in_words(failure)) from failure
