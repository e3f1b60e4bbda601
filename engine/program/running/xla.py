"""XLA's program of a study: divides a pass among devices, compiles the tile, and puts its values in path order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from copy import copy
from itertools import chain, pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Int, Int32, UInt32

from engine.draws.sampling import path_order
from engine.modelling.cell_axis import cell_count
from engine.program.running.contract import (
    CardLost,
    FactorDraws,
    Form,
    Outcomes,
    Pass,
    Passes,
    Scores,
    Trace,
    YearlyValues,
    in_a_row,
    in_words,
)
from engine.program.running.tile import Tile
from engine.program.tracing import arguments
from engine.program.tracing.rules import traced
from engine.study.study import BLOCK, Block, Study

AXIS = "device"
WHOLE, DIVIDED = PartitionSpec(), PartitionSpec(AXIS)
"""How an array lies on the devices: all of it on each, or divided among them along its first axis."""
IN_FULL = 1 << 14
"""Most paths that a device computes at once where their yearly values are wanted."""
_ON_CPU = {"xla_cpu_prefer_vector_width": "512", "xla_disable_hlo_passes": "cpu-parallel-task-assigner"}
"""Options of XLA's compiler on processors: no loop is divided among threads, as each core is a device of its own."""

Slots = Float[Array, "device slot policy outcome lane"]


class XlaProgram:
    """The XLA program of one study on a mesh of devices: a `Program`.

    A pass is one tile for each device, rounded up to whole blocks. The bits of a path depend on the tile that it is in,
    not on the number of devices. Every method that computes raises a CardLost where a card fails.

    Args:
      study: the resolved study.
      mesh: the devices, along one axis.
      lanes: paths of a tile, a power of two.
      dtype: floating-point type, float32 or float64.
      why: the reason for these devices, as in `Form`.
    """

    def __init__(self, study: Study, mesh: Mesh, lanes: int, dtype: type, why: str):
        self.study = study
        self.mesh = mesh
        self.traces, self.forms = 0, (Form.of("XLA", mesh, why),)
        self.lanes, self.dtype = lanes, dtype
        rules = traced(study, self.dtype)
        self.tile = Tile(rules, self.lanes)
        self.full = Tile(rules, min(self.lanes, IN_FULL))
        self.sampler = self.tile.sampler
        self.inputs = arguments.of(study, self.dtype)
        devices = mesh.devices.size
        self.reach = BLOCK * -(-self.lanes * devices // BLOCK)
        self.tiles_each = -(-self.reach // self.lanes // devices)
        self._passes = Passes(self.reach)
        self._run = self._compiled(self._tiles, WHOLE, DIVIDED, DIVIDED)
        self._trace = self._tile_each(self.full.in_full)
        self._draw = self._tile_by_tile(self.tile.draws)
        self._shock = self._tile_each(self.full.shocks)
        self._score = self._tile_by_tile(self.tile.scores)
        self._trace_of = self._jitted(self.full.of_scores)
        self._outcomes_of = self._jitted(lambda inputs, scores: self.full.of_scores(inputs, scores)[:1])

    def fed(self, inputs: Any) -> XlaProgram:
        arguments.must_be_alike(inputs, self.inputs)
        other = copy(self)
        other.inputs, other._passes = inputs, Passes(self.reach)
        return other

    def prepare(self, years: bool = False) -> None:
        """Compiles the code for blocks, by a run of no paths. That for yearly values is compiled at its first use."""
        if not years:
            with self._failures_told():
                jax.block_until_ready(self._start(0, 0, 0))

    def submit(self, block: Block) -> Pass:
        """As `Program.submit`; blocks that belong to one pass share it."""
        if self.reach == BLOCK:
            return self._launched(block.first - block.first % BLOCK, block.count)
        return self._passes.of(block, lambda first: self._launched(first, self.reach))

    def path(self, number: int) -> Trace:
        """As `Program.path`; outcomes are computed by the same code as in a run, so that every bit is the same."""
        in_pass, lane = number % self.reach, [number % self.full.lanes]
        at = in_pass // self.lanes
        outcomes = self._fetched(self._start(number - in_pass, at, at + 1))[0, 0]
        first, shocks = number - lane[0], None
        full = self.trace(first)
        if self.study.is_path_model and self.study.model.shocks:
            base = self._counters(np.full(self.mesh.devices.size, first))
            shocks = self._fetched(self._shock(self.inputs, base))[0][..., lane]
        return Trace(
            outcomes[..., [number % self.lanes]],
            None if full.yearly is None else full.yearly[..., lane],
            full.draws[..., lane],
            shocks,
        )

    def trace(self, first_path: int) -> Trace:
        """Consecutive tiles in full, one for each device, from path `first_path` on, a multiple of `full.lanes`.

        The code differs from that of a run, so the last bits may too.
        """
        outcomes, yearly, draws = self._fetched(self._traced(first_path))
        return Trace(joined(outcomes), None if yearly is None else joined(yearly), joined(draws))

    def first_years(self, count: int) -> YearlyValues:
        """Yearly values of paths 0 to `count - 1`, [policy, year, cell, path]."""
        study, step = self.study, self.full.lanes * self.mesh.devices.size
        shape = len(study.policies), len(study.years), cell_count(study.model)
        values: np.ndarray = np.empty((*shape, -(-count // step) * step), self.dtype)

        firsts = range(0, count, step)
        started = (self._traced(first)[1] for first in firsts)
        # in pairs, so that values are copied while the next tiles are computed
        for first, (yearly, _) in zip(firsts, pairwise(chain(started, [None])), strict=True):
            with self._failures_told():
                for shard in yearly.addressable_shards:
                    at = first + (shard.index[0].start or 0) * self.full.lanes  # a single device has no start
                    values[..., at : at + self.full.lanes] = np.asarray(shard.data)[0]
        return values[..., :count]

    def years_in_parts(self, count: int) -> Iterator[YearlyValues]:
        """All years in one part, as computing paths again takes longer than holding their values."""
        yield self.first_years(count)

    def draws(self, block: Block) -> FactorDraws:
        """Factor draws of a block's paths, [factor, path]."""
        return self._by_block(self._draw, block)

    def scores(self, block: Block) -> Scores:
        return self._by_block(self._score, block)

    def outcomes_of(self, scores: Scores) -> Outcomes:
        (outcomes,) = self._made_of(self._outcomes_of, scores)
        return outcomes

    def trace_of(self, scores: Scores) -> Trace:
        """As `Program.trace_of`; the code differs from that of a run, so the last bits may too."""
        outcomes, *rest = self._made_of(self._trace_of, scores)
        if not self.study.is_path_model:
            return Trace(outcomes, None, *rest)
        yearly, draws, shocks = rest
        return Trace(outcomes, yearly, draws, shocks if self.study.model.shocks else None)

    def _made_of(self, function: Callable[..., Any], scores: Scores) -> list[np.ndarray]:
        """Results of a compiled function of random numbers, which is applied to `full.lanes` paths at a time."""
        scores = arguments.checked_scores(scores, self.study)
        parts: list[list[np.ndarray]] = []
        for first in range(0, max(scores.shape[-1], 1), self.full.lanes):
            given: np.ndarray = np.asarray(scores[:, first : first + self.full.lanes], self.dtype)
            count = given.shape[-1]
            # padded to one of a few sizes, as each size is compiled separately
            lanes = min(1 << 3 * -(-max(count - 1, 1).bit_length() // 3), self.full.lanes)
            values = self._fetched(function(self.inputs, np.pad(given, ((0, 0), (0, lanes - count)))))
            parts.append([leaf[..., :count] for leaf in jax.tree.leaves(values)])
        return [np.concatenate(of, axis=-1) for of in zip(*parts, strict=True)]

    def _by_block(self, tiles_of: Any, block: Block) -> np.ndarray:
        """Rows [row, path] of a block, from a function that gives them tile by tile in the sampler's order."""
        at, devices = block.first % self.lanes, self.mesh.devices.size
        tiles = -(-(at + block.count) // self.lanes // devices) * devices
        values = self._fetched(tiles_of(self.inputs, self._counters(block.first - at + self.lanes * np.arange(tiles))))
        ordered = values[..., np.argsort(path_order(self.sampler, self.lanes))]
        return joined(ordered)[:, at : at + block.count]

    def _compiled(self, function: Callable[..., Any], *specs: PartitionSpec) -> Any:
        """A function jitted over the mesh, of the arguments and of arrays that are `WHOLE` or `DIVIDED`."""
        return self._jitted(
            jax.shard_map(function, mesh=self.mesh, in_specs=(WHOLE, *specs), out_specs=DIVIDED, check_vma=False)
        )

    @property
    def _on_card(self) -> bool:
        return self.mesh.devices.flat[0].platform != "cpu"

    def _jitted(self, function: Callable[..., Any]) -> Any:
        jitted = jax.jit(function, compiler_options={} if self._on_card else _ON_CPU)
        if self.dtype == np.float32 and not self._on_card:
            return jitted

        def told(*arrays: Any) -> Any:
            with jax.enable_x64(True) if self.dtype == np.float64 else nullcontext(), self._failures_told():
                return jitted(*arrays)

        return told

    def _fetched(self, running: Any) -> Any:
        """Results in main memory, waited for."""
        with self._failures_told():
            return jax.device_get(running)

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        """Within it an exception of XLA on a card is raised as a CardLost."""
        try:
            yield
        except jax.errors.JaxRuntimeError as failure:
            if not self._on_card:
                raise
            raise CardLost(in_a_row(self.mesh), in_words(failure)) from failure

    def _launched(self, first: int, count: int) -> Pass:
        tiles = -(-count // self.lanes)
        running = self._start(first, 0, tiles)

        def outcomes() -> Outcomes:
            values = self._fetched(running)[:, : -(-tiles // self.mesh.devices.size)]
            return joined(values.reshape(-1, *values.shape[2:])[:tiles])

        return Pass(first, outcomes)

    def _start(self, first: int, begin: int, end: int) -> Slots:
        """Starts tiles `begin` to `end - 1` of the pass that begins with path `first`; does not wait for them.

        Each device computes the same number of them, one after the other, in the first of its slots.
        """
        devices = self.mesh.devices.size
        each = -(-(end - begin) // devices)
        start = np.minimum(begin + np.arange(devices, dtype=np.int32) * each, end).astype(np.int32)
        stop = np.minimum(start + each, end).astype(np.int32)
        return self._run(self.inputs, self._counters(np.array([first]))[0], start, stop)

    def _counters(self, firsts: Int[np.ndarray, "tile"]) -> UInt32[np.ndarray, "tile 2"]:
        return counters_of(firsts, self.sampler.group)

    def _tiles(self, inputs: Any, base: UInt32[Array, "2"], start: Int32[Array, "1"], stop: Int32[Array, "1"]) -> Slots:
        self.traces += 1
        groups = self.lanes // self.sampler.group

        def one_tile(slot: Int32[Array, ""], buffer: Float[Array, "slot policy outcome lane"]) -> Array:
            low = base[0] + (start[0] + slot).astype(jnp.uint32) * jnp.uint32(groups)
            high = base[1] + (low < base[0]).astype(jnp.uint32)
            outcomes = self._in_path_order(self.tile.outcomes(inputs, (low, high)))
            return jax.lax.dynamic_update_index_in_dim(buffer, outcomes, slot, 0)

        shape = len(self.study.policies), len(self.study.model.outcomes), self.lanes
        buffer = jnp.zeros((self.tiles_each, *shape), self.dtype)
        return jax.lax.fori_loop(0, stop[0] - start[0], one_tile, buffer)[None]

    def _traced(self, first: int) -> Any:
        """Starts consecutive tiles in full, one for each device: (outcomes, yearly values, draws)."""
        firsts = first + self.full.lanes * np.arange(self.mesh.devices.size)
        return self._trace(self.inputs, self._counters(firsts))

    def _tile_each(self, function: Callable[..., Any]) -> Any:
        """A compiled function of counters [device, 2] that computes one tile on each device.

        It gives values [device, ..., path] in path order.
        """

        def of_device(inputs: Any, base: UInt32[Array, "1 2"]) -> Any:
            values = function(inputs, (base[0, 0], base[0, 1]))
            return jax.tree.map(lambda leaf: self._in_path_order(leaf)[None], values)

        return self._compiled(of_device, DIVIDED)

    def _tile_by_tile(self, function: Callable[..., Any]) -> Any:
        """A compiled function of counters [tile, 2] that gives rows of each tile, [tile, row, lane].

        Tiles are divided among the devices; a device computes its own one after the other. Lanes have the sampler's
        order, not that of paths.
        """

        def of_device(inputs: Any, base: UInt32[Array, "tile 2"]) -> Float[Array, "tile row lane"]:
            return jax.lax.map(lambda first: function(inputs, (first[0], first[1])), base)

        return self._compiled(of_device, DIVIDED)

    def _in_path_order(self, lanes: Float[Array, "... lane"]) -> Float[Array, "... path"]:
        """The values of a tile, reordered from the sampler's order to path order."""
        group, order = self.sampler.group, np.argsort(self.sampler.offsets)
        runs = lanes.reshape(*lanes.shape[:-1], group, lanes.shape[-1] // group)[..., order, :]
        return jnp.swapaxes(runs, -1, -2).reshape(lanes.shape)


def counters_of(firsts: Int[np.ndarray, "tile"], group: int) -> UInt32[np.ndarray, "tile 2"]:
    """Number of the group of paths that each of these paths begins, (low, high word)."""
    counters = np.asarray(firsts, np.int64) // group
    return np.stack([counters & 0xFFFFFFFF, counters >> 32], axis=-1).astype(np.uint32)


def joined(tiles: Float[np.ndarray, "tile ... path"]) -> Float[np.ndarray, "... paths"]:
    """Consecutive tiles joined along the axis of paths."""
    return np.moveaxis(tiles, 0, -2).reshape(*tiles.shape[1:-1], len(tiles) * tiles.shape[-1])
