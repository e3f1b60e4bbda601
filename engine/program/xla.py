"""A study's program by XLA: the path function mapped over groups of paths by `jit(vmap(...))`, tile by tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import copy
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Int32, UInt32

from engine.draws.sampling import SAMPLERS
from engine.program import arguments
from engine.program.by_outputs import ByOutputs
from engine.program.contract import CardLost, Form, Pass, Scores, Trace, YearlyValues, in_a_row, in_words
from engine.program.path import OUTCOMES, SHOCKS, YEARLY, PathFunctions, side_by_side
from engine.program.rules import rules_of
from engine.study.study import BLOCK, Block, Study

AXIS = "device"
_WHOLE, _DIVIDED = PartitionSpec(), PartitionSpec(AXIS)
"""How an array lies on the devices: all of it on each, or divided among them along its first axis."""
LARGEST = 1 << 14
"""Most paths of a tile: a block has eight of them, so that eight devices can share it."""
_ON_CPU = {"xla_cpu_prefer_vector_width": "512", "xla_disable_hlo_passes": "cpu-parallel-task-assigner"}
"""Options of XLA's compiler on processors: no loop is divided among threads, as each core is a device of its own."""


class XlaProgram(ByOutputs):
    """The XLA program of one study on a mesh of devices: a `Program`.

    A path's bits depend on the size of the tile that it is in and on the outputs that are computed together, not on the
    number of devices. Every method that computes raises a CardLost where a card fails.

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
        self.traces, self.forms = 0, (Form.of("XLA", mesh, why),)
        self.inputs = arguments.of(study, dtype)
        self._group = SAMPLERS[study.sampler].group
        self._functions = PathFunctions(rules_of(study, dtype), side_by_side)
        self._jitted_tiles: dict[tuple[str, ...], Any] = {}
        self._jitted_given: dict[tuple[str, ...], Any] = {}

    def fed(self, inputs: Any) -> XlaProgram:
        arguments.must_be_alike(inputs, self.inputs)
        other = copy(self)
        other.inputs = inputs
        return other

    def prepare(self, years: bool = False) -> None:
        """Compiles the code for blocks, by a run of no paths. That for yearly values is compiled at its first use."""
        if not years:
            with self._failures_told():
                jax.block_until_ready(self._started((OUTCOMES,), 0, 0))

    def submit(self, block: Block) -> Pass:
        first = block.first - block.first % self.tile
        running = self._started((OUTCOMES,), first, block.first + block.count - first)
        return Pass(first, lambda: self._fetched(running)[OUTCOMES])

    def path(self, number: int) -> Trace:
        """As `Program.path`; outcomes are computed by the same code as in a run, so that every bit is the same."""
        block = Block(0, number, 1)
        return replace(super().path(number), outcomes=self.submit(block).of(block))

    def years_in_parts(self, count: int) -> Iterator[YearlyValues]:
        """All years in one part, as computing paths again takes longer than holding their values."""
        yield self.first_years(count)

    def _of_given(self, outputs: tuple[str, ...], scores: Scores) -> dict[str, np.ndarray]:
        """Outputs of paths with the given random numbers, `lanes` paths at a time."""
        parts: list[dict[str, np.ndarray]] = []
        if outputs not in self._jitted_given:

            def of_path(inputs: Any, own: Array) -> dict[str, Array]:
                made = self._functions.given({"inputs": inputs}, jnp.uint32(0), own)
                return {name: made[name] for name in outputs}

            self._jitted_given[outputs] = self._jitted(jax.vmap(of_path, (None, -1), -1))
        for first in range(0, max(scores.shape[-1], 1), self.tile):
            given: np.ndarray = np.asarray(scores[:, first : first + self.tile], self.dtype)
            count = given.shape[-1]
            # padded to one of a few sizes, as each size is compiled separately
            lanes = min(1 << 3 * -(-max(count - 1, 1).bit_length() // 3), self.tile)
            padded = np.pad(given, ((0, 0), (0, lanes - count)))
            made = self._fetched(self._jitted_given[outputs](self.inputs, padded))
            parts.append({name: made[name][..., :count] for name in outputs})
        return {name: np.concatenate([part[name] for part in parts], axis=-1) for name in outputs}

    def computed(
        self, outputs: tuple[str, ...], first: int, count: int, scores: Scores | None = None
    ) -> dict[str, np.ndarray]:
        """As `ByOutputs.computed`; the code differs by the outputs, so the last bits may too."""
        if scores is not None:
            return self._of_given(outputs, scores)
        at = first % self.tile
        made = self._fetched(self._started(outputs, first - at, at + count))
        return {name: np.ascontiguousarray(made[name][..., at : at + count]) for name in outputs}

    def _started(self, outputs: tuple[str, ...], first: int, count: int) -> list[tuple[int, Any]]:
        """Starts the tiles of paths from `first` on, the start of a tile: (number of tiles, their outputs) by call.

        Each device computes consecutive tiles of a call, in the first of its slots.
        """
        devices, slots = self.mesh.devices.size, self._slots(outputs)
        tiles, running = -(-count // self.tile), []
        for begin in range(0, max(tiles, 1), slots * devices):
            size = min(slots * devices, tiles - begin)
            each = -(-size // devices)
            start = np.minimum(begin + np.arange(devices) * each, begin + size).astype(np.int32)
            stop = np.minimum(start + each, begin + size).astype(np.int32)
            counter = first // self._group
            base = np.array([counter & 0xFFFFFFFF, counter >> 32], np.uint32)
            running.append((size, self._tiles(outputs)(self.inputs, base, start, stop)))
        return running

    def _slots(self, outputs: tuple[str, ...]) -> int:
        """Most tiles of a device in one call: one where values of all years are computed, else its share of a block."""
        return 1 if YEARLY in outputs or SHOCKS in outputs else max(1, BLOCK // self.tile // self.mesh.devices.size)

    def _tiles(self, outputs: tuple[str, ...]) -> Any:
        """The compiled function (inputs, first group, first tile, last tile) -> outputs [device, slot, ..., path]."""
        if outputs in self._jitted_tiles:
            return self._jitted_tiles[outputs]
        groups, slots = self.tile // self._group, self._slots(outputs)

        def tile(inputs: Any, low: UInt32[Array, ""], high: UInt32[Array, ""]) -> dict[str, Array]:
            lanes = low + jnp.arange(groups, dtype=jnp.uint32)
            made = jax.vmap(self._functions.group, (None, 0), -1)({"inputs": inputs, "high": high}, lanes)
            in_order = {name: jnp.moveaxis(made[name], 0, -1) for name in outputs}  # [..., group, member]
            return {name: values.reshape(*values.shape[:-2], self.tile) for name, values in in_order.items()}

        def of_device(inputs: Any, base: UInt32[Array, "2"], start: Int32[Array, "1"], stop: Int32[Array, "1"]) -> Any:
            self.traces += outputs == (OUTCOMES,)

            def one_tile(slot: Int32[Array, ""], held: dict[str, Array]) -> dict[str, Array]:
                low = base[0] + (start[0] + slot).astype(jnp.uint32) * jnp.uint32(groups)
                high = base[1] + (low < base[0]).astype(jnp.uint32)
                made = tile(inputs, low, high)
                return {name: jax.lax.dynamic_update_index_in_dim(held[name], made[name], slot, 0) for name in outputs}

            form = jax.eval_shape(tile, inputs, base[0], base[1])
            empty = {name: jnp.zeros((slots, *form[name].shape), form[name].dtype) for name in outputs}
            return jax.tree.map(lambda leaf: leaf[None], jax.lax.fori_loop(0, stop[0] - start[0], one_tile, empty))

        specs = _WHOLE, _WHOLE, _DIVIDED, _DIVIDED
        mapped = jax.shard_map(of_device, mesh=self.mesh, in_specs=specs, out_specs=_DIVIDED, check_vma=False)
        self._jitted_tiles[outputs] = self._jitted(mapped)
        return self._jitted_tiles[outputs]

    def _fetched(self, running: Any) -> dict[str, np.ndarray]:
        """Outputs in main memory [..., path]; those of `_started` with their tiles joined."""
        with self._failures_told():
            if isinstance(running, dict):
                return jax.device_get(running)
            parts: dict[str, list[np.ndarray]] = {}
            for size, made in running:
                each = -(-size // self.mesh.devices.size)
                for name, values in jax.device_get(made).items():
                    tiles = values[:, :each].reshape(-1, *values.shape[2:])[:size]
                    joined = np.moveaxis(tiles, 0, -2)
                    parts.setdefault(name, []).append(joined.reshape(*joined.shape[:-2], size * self.tile))
            return {name: np.concatenate(of, axis=-1) for name, of in parts.items()}

    @property
    def _on_card(self) -> bool:
        return self.mesh.devices.flat[0].platform != "cpu"

    def _jitted(self, function: Callable[..., Any]) -> Any:
        jitted = jax.jit(function, compiler_options={} if self._on_card else _ON_CPU)
        if self.dtype == np.float32 and not self._on_card:
            return jitted

        def told(*arrays: Any) -> Mapping[str, Array]:
            with jax.enable_x64(True) if self.dtype == np.float64 else nullcontext(), self._failures_told():
                return jitted(*arrays)

        return told

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        """Within it an exception of XLA on a card is raised as a CardLost."""
        try:
            yield
        except jax.errors.JaxRuntimeError as failure:
            if not self._on_card:
                raise
            raise CardLost(in_a_row(self.mesh), in_words(failure)) from failure
