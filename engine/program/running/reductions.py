"""What a block leaves of its outcomes, made where they lie: counts by bin, sums, events, and the outcomes that are kept whole.

What comes of it are the bytes of `risk/estimation/tallies.py`, which says what they mean. Values are compared by their keys, whole numbers that order like
them, so that nothing hangs on what a device does with subnormal numbers; sums are added up in the order that is stated there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, runtime_checkable

import jax
import numpy as np
from jax import lax, numpy as jnp
from jaxtyping import Array, Bool, Float, Float32, Float64, Int32, UInt32

from engine.program.running import hardware
from engine.program.running.contract import Outcomes, Pass
from engine.study.study import Block

LANES = 256, 16
"""As `risk.tallies.LANES`."""
LOOKED_AT = 1 << 6
"""Paths at the end of a block that cross as they are, to be held against the processors'."""
MOST_ROWS = 1 << 11
"""Outcomes and policies of a block that are counted, at most: their bins by group are numbered in 32 bits."""
_BINS = 1 << 16
_PINNED = "pinned_host"
_SIGN, _ONES, _INFINITE, _LEAST_NORMAL = 1 << 31, 0xFFFFFFFF, 0x7F800000, 0x00800000


@dataclass(frozen=True)
class Asked:
    """What is asked of the outcomes of a block, which are of single precision; outcomes and policies by their places.

    Args:
      count: paths of the block.
      starts: first path of each group, ascending from 0.
      kept: outcomes that are kept whole.
      tallied: those that are not.
      losses: whether each of these is a loss.
      baseline: the policy that others are compared with.
      events: thresholds that have to be passed together: an outcome, whether above it, and the threshold.
    """

    count: int
    starts: tuple[int, ...]
    kept: tuple[int, ...]
    tallied: tuple[int, ...]
    losses: tuple[bool, ...]
    baseline: int
    events: tuple[tuple[tuple[int, bool, float], ...], ...]

    def bytes_needed(self, policies: int) -> int:
        """Bytes that a device takes for it beside the outcomes, roughly: rows of bins, and what is made of each value."""
        return len(self.tallied) * policies * (16 * _BINS + 40 * self.count)


@dataclass(frozen=True)
class Reduced:
    """What a block leaves, its outcomes being finite.

    Args:
      kept: the outcomes that are kept whole.
      tally: the fields of a tally, by name.
    """

    block: Block
    kept: Outcomes
    tally: Mapping[str, np.ndarray]


@runtime_checkable
class Reduces(Protocol):
    """A program whose blocks can be reduced where it computes them.

    Args:
      ahead: blocks that are best begun before the first of them is waited for; 0 where it reduces none any more.
    """

    @property
    def ahead(self) -> int: ...

    def reduce(self, block: Block, running: Pass, asked: Asked) -> Callable[[], Reduced | None]:
        """Starts what a block leaves, and gives what waits for it: None where its outcomes have to be looked at themselves."""


def started(outcomes: Array, at: int, asked: Asked, room: int) -> dict[str, Array]:
    """Starts a block; its arrays are on their way to main memory when this returns.

    Args:
      outcomes: where the block lies, [1, policy, outcome, path].
      at: its first path there.
      room: bins that there is room for, over all tallied outcomes and policies.

    Returns:
      The fields of a tally, with `held`, how many bins hold a value; `kept`; `nonfinite`, values that are not finite; and `last`, all
      outcomes of the last `LOOKED_AT` paths.
    """
    with jax.enable_x64(True):  # sums are of double precision
        made = _reduced(outcomes, np.int32(at), asked, room)
    device = next(iter(outcomes.devices()))
    if _PINNED in {memory.kind for memory in device.addressable_memories()}:
        return jax.device_put(made, jax.sharding.SingleDeviceSharding(device, memory_kind=_PINNED))
    for array in made.values():
        array.copy_to_host_async()
    return made


def fetched(made: Mapping[str, Array]) -> dict[str, np.ndarray]:
    """The arrays of a block in main memory, once they are there."""
    return {name: np.asarray(array) for name, array in made.items()}


def by_processor(outcomes: Outcomes, asked: Asked, room: int) -> dict[str, np.ndarray]:
    """The arrays of a block whose outcomes lie in main memory."""
    placed = jax.device_put(outcomes[None], hardware.processors().devices.flat[0])
    return fetched(started(placed, 0, asked, room))


def as_result(block: Block, arrays: Mapping[str, np.ndarray]) -> Reduced:
    """What a block leaves, from its arrays, in which all bins that hold a value have room."""
    held = int(arrays["held"])
    whole = {name: arrays[name].astype(np.int64) for name in ("worse", "events")}
    return Reduced(
        block,
        arrays["kept"],
        {
            "bins": arrays["bins"][:held].astype(np.int64),
            "counts": np.ascontiguousarray(arrays["counts"][:held].T).astype(np.int64),
            "steps": arrays["steps"][:held].astype(np.int64),
            **{name: arrays[name] for name in ("totals", "least", "most", "regret")},
            **whole,
        },
    )


@functools.partial(jax.jit, static_argnums=(2, 3))
def _reduced(
    outcomes: Float32[Array, "1 policy outcome lane"], at: Int32[Array, ""], asked: Asked, room: int
) -> dict[str, Array]:
    block = lax.dynamic_slice_in_dim(outcomes[0], at, asked.count, axis=-1)
    bits = lax.bitcast_convert_type(block, jnp.uint32)
    keys = _keys(bits)
    own = keys[:, list(asked.tallied)].swapaxes(0, 1)
    values = _doubles(_bits_of(own))
    # turned so that less is better
    turn = np.array([0 if loss else _ONES for loss in asked.losses], np.uint32)[:, None, None]
    turned = own ^ turn
    distance = jnp.abs(values - _doubles(_bits_of(turned.min(axis=1, keepdims=True) ^ turn)))
    # as if of single precision; what is subnormal there is exact
    single = jnp.where(distance < 2.0**-126, distance, lax.reduce_precision(distance, 8, 23))
    return {
        **_histograms(own, asked, room),
        "kept": block[:, list(asked.kept)],
        "last": block[..., -LOOKED_AT:],
        "nonfinite": ((bits & (_SIGN - 1)) >= _INFINITE).sum(axis=-1, dtype=jnp.int32),
        "totals": _added(values, asked),
        "regret": _added(single, asked),
        "least": lax.bitcast_convert_type(_bits_of(own.min(axis=-1)), jnp.float32),
        "most": lax.bitcast_convert_type(_bits_of(own.max(axis=-1)), jnp.float32),
        "worse": _numbers(turned > turned[:, asked.baseline][:, None], asked),
        "events": _events(keys, asked),
    }


def _keys(bits: UInt32[Array, "*shape"]) -> UInt32[Array, "*shape"]:
    """As `risk.histograms.keys`, of the bits of values."""
    bits = jnp.where(bits == _SIGN, 0, bits)
    return jnp.where(bits >> 31, ~bits, bits | _SIGN)


def _bits_of(keys: UInt32[Array, "*shape"]) -> UInt32[Array, "*shape"]:
    return jnp.where(keys >> 31, keys ^ _SIGN, ~keys)


def _doubles(bits: UInt32[Array, "*shape"]) -> Float64[Array, "*shape"]:
    """The values that bits of single precision mean; subnormal ones too, which a device may take for zeros."""
    size = bits & (_SIGN - 1)
    small = jnp.where(bits >> 31, -1.0, 1.0) * size.astype(jnp.float64) * 2.0**-149
    return jnp.where(
        size < _LEAST_NORMAL, small, lax.bitcast_convert_type(bits, jnp.float32).astype(jnp.float64)
    )


def _histograms(own: UInt32[Array, "outcome policy path"], asked: Asked, room: int) -> dict[str, Array]:
    """Bins that hold a value, [room], with counts [room, group] and sums of steps [room]; and how many they are."""
    rows, groups = own.shape[0] * own.shape[1], len(asked.starts)
    sizes = np.diff(asked.starts, append=asked.count)
    group = np.repeat(np.arange(groups, dtype=np.int32), sizes)
    row = jnp.arange(rows, dtype=jnp.int32).reshape(*own.shape[:2], 1)
    cells = row * _BINS + (own >> 16).astype(jnp.int32)
    seen = jnp.zeros(rows * _BINS, jnp.int32).at[cells.ravel()].set(1, mode="promise_in_bounds")
    places = jnp.cumsum(seen) - 1
    numbers = jnp.arange(rows * _BINS, dtype=jnp.int32)
    bins = jnp.zeros(room, jnp.int32).at[jnp.where(seen > 0, places, room)].set(numbers, mode="drop")
    place = jnp.minimum(places[cells], room)  # what has no room is dropped
    counts = jnp.zeros(room * groups, jnp.int32).at[(place * groups + group).ravel()].add(1, mode="drop")
    step = (own & (_BINS - 1)).astype(jnp.uint64)
    steps = jnp.zeros(room, jnp.uint64).at[place.ravel()].add(step.ravel(), mode="drop")
    return {
        "bins": bins.astype(jnp.uint32),
        "counts": counts.reshape(room, groups).astype(jnp.uint16 if sizes.max() < _BINS else jnp.uint32),
        "steps": steps,
        "held": places[-1] + 1,
    }


def _events(keys: UInt32[Array, "policy outcome path"], asked: Asked) -> Int32[Array, "event policy group"]:
    found = []
    for event in asked.events:
        passed = []
        for outcome, above, threshold in event:
            limit = _key_of(threshold)
            passed.append(keys[:, outcome] > limit if above else keys[:, outcome] < limit)
        found.append(functools.reduce(jnp.logical_and, passed))
    shape = 0, keys.shape[0], len(asked.starts)
    return _numbers(jnp.stack(found), asked) if found else jnp.zeros(shape, jnp.int32)


def _key_of(threshold: float) -> np.uint32:
    """The key of a threshold, rounded to single precision as NumPy rounds what it compares with."""
    with np.errstate(over="ignore"):
        bits = int((np.float32(threshold) + np.float32(0)).view(np.uint32))
    return np.uint32(bits ^ _ONES if bits >> 31 else bits | _SIGN)


def _numbers(holds: Bool[Array, "one policy path"], asked: Asked) -> Int32[Array, "one policy group"]:
    """On how many paths of each group something holds."""
    return _by_group(holds, asked).sum(axis=-1, dtype=jnp.int32)


def _added(
    values: Float64[Array, "outcome policy path"], asked: Asked
) -> Float64[Array, "outcome policy group"]:
    """As `risk.tallies.added`: sums are written out one by one, since a sum by itself may be in any order."""
    rows = _by_group(values, asked)
    for lanes in (*LANES, 1):
        rows = rows.reshape(*rows.shape[:3], -1, lanes)
        rows = functools.reduce(jnp.add, [rows[..., k, :] for k in range(rows.shape[3])])
    return rows[..., 0] + 0.0


def _by_group(values: Array, asked: Asked) -> Float[Array, "one policy group width"]:
    """Values by group, with zeros behind where lanes, or other groups, have more."""
    ends = [*asked.starts, asked.count]
    sizes = {end - begin for begin, end in pairwise(ends)}
    width = -(-max(sizes) // LANES[0]) * LANES[0]
    if sizes == {width}:
        return values.reshape(*values.shape[:2], len(asked.starts), width)
    parts = [values[..., begin:end] for begin, end in pairwise(ends)]
    return jnp.stack([jnp.pad(part, ((0, 0), (0, 0), (0, width - part.shape[-1]))) for part in parts], axis=2)
