"""One compiled program per study: which tiles a device takes, how they are compiled, and their values in path order.

A tile of paths is one pass; a strip of tiles is what a device takes at a time, so that sums over a strip, like the
values of a path, do not depend on how many devices share the work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from engine import arguments
from engine.reducers import YearlySums, cell_count
from engine.study import BLOCK, Block, Study
from engine.tile import SUMS, Tile, stacked

STRIP = 1 << 12
"""Paths that one device takes at a time (or one tile, where that is more)."""
AXIS = "device"
# jax 0.10 removes barriers before it fuses, and everything is computed again for each reader: 2.8 times slower;
# jax 0.12 keeps them as long as it needs them, and cannot compile where this pass is off
# a loop over less than a kilobyte is emitted by another part of jax 0.10, which knows no barriers
_KEEP_BARRIERS = {"xla_disable_hlo_passes": "cse_barrier_expander,small-while-loop-hoisting"}


@dataclass(frozen=True)
class BlockResult:
    """What one block leaves.

    Args:
      block: which paths.
      outcomes: float32 [policy, outcome, path].
      yearly: sums of the yearly values over the block's paths; None for a static model.
    """

    block: Block
    outcomes: np.ndarray
    yearly: YearlySums | None


@dataclass(frozen=True)
class Trace:
    """Some paths in full.

    Args:
      first_path: number of the first of them.
      outcomes: float32 [policy, outcome, path].
      yearly: float32 [policy, year, cell, path]; None for a static model.
      draws: float32 [factor, path].
    """

    first_path: int
    outcomes: np.ndarray
    yearly: np.ndarray | None
    draws: np.ndarray


class Program:
    """The compiled program of one study on a mesh of devices.

    Args:
      study: the resolved study.
      mesh: one axis, one entry per device.
    """

    def __init__(self, study: Study, mesh: Mesh):
        self.study = study
        self.mesh = mesh
        self.traces = 0
        self.tile = Tile(study)
        self.sampler = self.tile.sampler
        self.strip = max(STRIP, study.tile)
        self.inputs = arguments.of(study)
        devices = mesh.devices.size
        self.strips_each = -(-BLOCK // self.strip // devices)
        self._run = self._compiled(self._strips)
        self._trace = self._compiled(self._traced_tile)
        self._draw = self._compiled(self._drawn_tiles)

    # ------------------------------------------------------------------ what a caller asks for

    def prepare(self) -> None:
        """Compiles what blocks need, by running it over no paths; another thread may trace other paths meanwhile."""
        nothing = np.zeros(self.mesh.devices.size, np.int32)
        base = np.zeros(2, np.uint32)
        nobody = np.zeros(2, np.int32)
        jax.block_until_ready(self._run(self.inputs, nothing, nothing, base, nobody, self.no_shift()))

    def submit(self, block: Block, shift: np.ndarray | None) -> Any:
        """Starts a block and returns at once; `collect` waits for it.

        Args:
          block: which paths.
          shift: value that yearly sums are taken about, float32 [year, policy, cell]; None for a static model.
        """
        devices = self.mesh.devices.size
        strips = -(-block.count // self.strip)
        each = -(-strips // devices)
        start = np.minimum(np.arange(devices, dtype=np.int32) * each, strips)
        stop = np.minimum(start + each, strips).astype(np.int32)
        asked = np.array([0, block.count], np.int32)
        return self._run(self.inputs, start, stop, self._base(block.index), asked, shift)

    def collect(self, block: Block, running: Any) -> BlockResult:
        """The block's result on the host, paths in their order."""
        outcomes, sums = jax.device_get(running)
        strips = -(-block.count // self.strip)
        devices = self.mesh.devices.size
        each = -(-strips // devices)
        taken = [(d, s) for d in range(devices) for s in range(max(0, min(each, strips - d * each)))]
        device, slot = (np.array(part) for part in zip(*taken, strict=True))
        values = self._in_path_order(outcomes[device, slot], block.count)
        if sums is None:
            return BlockResult(block, values, None)
        tiles = -(-block.count // self.study.tile)
        last = block.count - (tiles - 1) * self.study.tile
        parts = {
            name: np.swapaxes(np.sum(part[device, slot], axis=0, dtype=np.float64), 0, 1)
            for name, part in sums["sums"].items()
        }
        yearly = YearlySums(
            count=block.count,
            clusters=tiles,
            baseline=self.study.policy_names.index(self.study.baseline),
            count_squares=float((tiles - 1) * self.study.tile**2 + last**2),
            shift=np.swapaxes(np.asarray(sums["shift"][0], np.float64), 0, 1),
            **parts,
        )
        return BlockResult(block, values, yearly)

    def path(self, number: int) -> Trace:
        """One path in full, by the very program that ran it: bit for bit what is in its block and in its sums.

        One strip is run with sums over this path alone, about nothing.
        """
        index, at = divmod(number, BLOCK)
        start = np.full(self.mesh.devices.size, at // self.strip, np.int32)
        stop = start + (np.arange(len(start)) == 0).astype(np.int32)
        asked = np.array([at, at + 1], np.int32)
        running = self._run(self.inputs, start, stop, self._base(index), asked, self.no_shift())
        outcomes, sums = jax.device_get(running)
        lane = at % self.study.tile
        return Trace(
            number,
            self._in_path_order(outcomes[0, :1], self.strip)[..., [at % self.strip]],
            None if sums is None else np.swapaxes(sums["sums"]["first"][0, 0], 0, 1)[..., None],
            self.draws(Block(index, number - lane, self.study.tile))[:, [lane]],
        )

    def trace(self, first_path: int) -> Trace:
        """Consecutive tiles in full, one for each device. Another program than that of the run, so rounding may differ.

        Args:
          first_path: a multiple of the tile.
        """
        firsts = first_path + self.study.tile * np.arange(self.mesh.devices.size)
        counters = [self.sampler.first_counter(int(first)) for first in firsts]
        base = np.array([[c & 0xFFFFFFFF, c >> 32] for c in counters], np.uint32)
        outcomes, yearly, draws = jax.device_get(self._trace(self.inputs, base))
        return Trace(
            first_path,
            self._joined(outcomes),
            None if yearly is None else self._joined(np.moveaxis(yearly, 3, 1)),
            self._joined(draws),
        )

    def traced_years(self, first_path: int) -> np.ndarray:
        """Yearly values of consecutive tiles, one for each device: float32 [policy, year, cell, path]."""
        yearly = self.trace(first_path).yearly
        if yearly is None:
            raise ValueError("a static model has no years")
        return yearly

    def draws(self, block: Block) -> np.ndarray:
        """Factor draws of a block's paths, float32 [factor, path]."""
        devices, tile = self.mesh.devices.size, self.study.tile
        tiles = -(-block.count // tile // devices) * devices
        counter = self.sampler.first_counter(block.first)
        low = (counter & 0xFFFFFFFF) + np.arange(tiles, dtype=np.uint32) * np.uint32(
            tile // self.sampler.group
        )
        base = np.stack([low, np.full(tiles, counter >> 32, np.uint32)], axis=-1)
        values = jax.device_get(self._draw(self.inputs, base))
        ordered = values[..., np.argsort(self.sampler.path_order(tile))]
        return np.moveaxis(ordered, 1, 0).reshape(len(self.study.inputs), tiles * tile)[:, : block.count]

    def lowered_for(self, platform: str) -> Any:
        """The main program lowered for another platform ("cuda"), as `jax.export` gives it."""
        devices = self.mesh.devices.size
        first, last = np.zeros(devices, np.int32), np.ones(devices, np.int32)
        shift = self.no_shift()
        return jax.export.export(self._run, platforms=[platform])(
            self.inputs, first, last, np.zeros(2, np.uint32), np.array([0, self.strip], np.int32), shift
        )

    # ------------------------------------------------------------------ the program

    def _compiled(self, function: Callable) -> Any:
        sharded, whole = PartitionSpec(AXIS), PartitionSpec()
        specs = (
            (whole, sharded, sharded, whole, whole, whole) if function == self._strips else (whole, sharded)
        )
        mapped = jax.shard_map(function, mesh=self.mesh, in_specs=specs, out_specs=sharded, check_vma=False)
        platform = self.mesh.devices.flat[0].platform
        options = _KEEP_BARRIERS if platform == "cpu" and jax.__version_info__ < (0, 12) else None
        return jax.jit(mapped, compiler_options=options)

    def _base(self, index: int) -> np.ndarray:
        """Counter of a block's first group, (low, high) words."""
        counter = self.sampler.first_counter(index * BLOCK)
        return np.array([counter & 0xFFFFFFFF, counter >> 32], np.uint32)

    def _strips(self, inputs: Any, start: Any, stop: Any, base: Any, asked: Any, shift: Any) -> Any:
        self.traces += 1
        study, tile = self.study, self.study.tile
        tiles = self.strip // tile
        n_policies, n_outcomes = len(study.policies), len(study.model.outcomes)
        order = jnp.asarray(self.sampler.path_order(tile), jnp.int32)

        def one_tile(total: Any, first: Any) -> tuple[Any, Any]:
            low = base[0] | (first.astype(jnp.uint32) // self.sampler.group)
            path = order + first
            counts = (asked[0] <= path) & (path < asked[1])
            outcomes, yearly_sums, _ = self.tile.run(inputs, (low, base[1]), shift, counts)
            if total is not None:
                total = jax.tree.map(jnp.add, total, yearly_sums)
            return total, outcomes

        def one_strip(slot: Any, buffers: Any) -> Any:
            outcomes, sums = buffers
            first = (start[0] + slot) * self.strip + jnp.arange(tiles, dtype=jnp.int32) * tile
            zero = (
                None if sums is None else {name: jnp.zeros(self._sums_shape(), jnp.float32) for name in SUMS}
            )
            total, values = jax.lax.scan(one_tile, zero, first)
            outcomes = jax.lax.dynamic_update_index_in_dim(outcomes, values, slot, 0)
            if sums is not None:
                sums = jax.tree.map(
                    lambda s, t: jax.lax.dynamic_update_index_in_dim(s, t, slot, 0), sums, total
                )
            return outcomes, sums

        n = self.strips_each
        buffers = (
            jnp.zeros((n, tiles, n_policies, n_outcomes, tile), jnp.float32),
            {name: jnp.zeros((n, *self._sums_shape()), jnp.float32) for name in SUMS}
            if study.has_yearly
            else None,
        )
        outcomes, sums = jax.lax.fori_loop(0, stop[0] - start[0], one_strip, buffers)
        lead = lambda leaf: leaf[None]  # noqa: E731 - one row per device
        if sums is None:
            return lead(outcomes), None
        return lead(outcomes), {"sums": jax.tree.map(lead, sums), "shift": lead(shift)}

    def _traced_tile(self, inputs: Any, base: Any) -> Any:
        everyone = jnp.ones(self.study.tile, bool)
        outcomes, yearly, draws = self.tile.run(inputs, (base[0, 0], base[0, 1]), None, everyone)
        return jax.tree.map(lambda leaf: leaf[None], (outcomes, yearly, draws))

    def _drawn_tiles(self, inputs: Any, base: Any) -> Any:
        return jax.lax.map(
            lambda first: stacked(self.tile.draws(inputs, (first[0], first[1])), self.study), base
        )

    def _sums_shape(self) -> tuple[int, int, int]:
        return len(self.study.years), len(self.study.policies), cell_count(self.study.model)

    def no_shift(self) -> np.ndarray | None:
        """Yearly sums taken about nothing: float32 zeros [year, policy, cell]; None where there are none."""
        return np.zeros(self._sums_shape(), np.float32) if self.study.has_yearly else None

    def _joined(self, lanes: np.ndarray) -> np.ndarray:
        """[device, ..., lane] of consecutive tiles -> [..., path]."""
        group = self.sampler.group
        devices, *shape, tile = lanes.shape
        runs = lanes.reshape(devices, *shape, group, tile // group)[..., np.argsort(self.sampler.offsets), :]
        ordered = np.moveaxis(np.swapaxes(runs, -1, -2), 0, -3)
        return ordered.reshape(*shape, devices * tile)

    def _in_path_order(self, lanes: np.ndarray, count: int) -> np.ndarray:
        """[strip, tile, policy, outcome, lane] -> [policy, outcome, path]."""
        strips, tiles, n_policies, n_outcomes, tile = lanes.shape
        group = self.sampler.group
        runs = lanes.reshape(strips * tiles, n_policies, n_outcomes, group, tile // group)
        runs = runs[..., np.argsort(self.sampler.offsets), :]
        ordered = runs.transpose(1, 2, 0, 4, 3).reshape(n_policies, n_outcomes, strips * tiles * tile)
        return np.ascontiguousarray(ordered[..., :count])
