"""Reduces a block's outcomes on the device that computed them: histograms, sums, counts of events.

The results are bit for bit the tallies of `risk/estimation/tallies.py`, where their meaning and the order of sums are
stated. Values are compared by their keys, integers in the same order, as devices treat subnormal numbers differently.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import jax
import numpy as np
from jax import lax, numpy as jnp
from jaxtyping import Array, Bool, Float, Float32, Float64, Int32, UInt32

from engine.program.contract import Outcomes
from engine.study.study import Block

LANES = 256, 16
"""Lanes to which values are dealt to be summed, as `LANES` in `risk/estimation/tallies.py`."""
MOST_ROWS = 1 << 11
"""Most histograms of a block, one for each tallied outcome and policy: all their bins are numbered in 32 bits."""
_BINS = 1 << 16
_SIGN, _ONES, _INFINITE, _LEAST_NORMAL = 1 << 31, 0xFFFFFFFF, 0x7F800000, 0x00800000


@dataclass(frozen=True)
class Asked:
    """What to compute of a block's float32 outcomes; outcomes and policies are given by their indices.

    Args:
      count: number of paths of the block.
      starts: first path of each group of paths, ascending from 0.
      kept: outcomes that are transferred whole.
      tallied: outcomes of which only a tally is made.
      losses: for each tallied outcome whether more of it is worse.
      baseline: the policy with which the others are compared.
      events: each event as thresholds that must all be passed: (outcome, whether above rather than below, threshold).
    """

    count: int
    starts: tuple[int, ...]
    kept: tuple[int, ...]
    tallied: tuple[int, ...]
    losses: tuple[bool, ...]
    baseline: int
    events: tuple[tuple[tuple[int, bool, float], ...], ...]


@dataclass(frozen=True)
class Reduced:
    """The reduction of a block whose outcomes are all finite.

    Args:
      block: the block.
      kept: the outcomes that are kept whole, [policy, outcome, path].
      tally: name of a tally's field -> its array.
    """

    block: Block
    kept: Outcomes
    tally: Mapping[str, np.ndarray]


def reduced(outcomes: Array, at: int, asked: Asked, room: int) -> dict[str, np.ndarray]:
    """The reduction of a block, made on the device of its outcomes and transferred to main memory.

    Args:
      outcomes: outcomes on one device, [policy, outcome, path], the block's among them.
      at: index of the block's first path in them.
      room: bins for which the result has room, over all tallied outcomes and policies.

    Returns:
      Arrays by name: the fields of a tally; "held", the number of bins that hold a value, which may exceed `room`;
        "kept"; and "nonfinite", the number of non-finite values [policy, outcome].
    """
    with jax.enable_x64(True):  # sums are of double precision
        made = _reduced(outcomes, np.int32(at), asked, room)
    return jax.device_get(made)


def as_result(block: Block, arrays: Mapping[str, np.ndarray]) -> Reduced:
    """The reduction of a block, from arrays that had room for all bins that hold a value."""
    held = int(arrays["held"])
    return Reduced(
        block,
        arrays["kept"],
        {
            "bins": arrays["bins"][:held].astype(np.int64),
            "counts": np.ascontiguousarray(arrays["counts"][:held].T).astype(np.int64),
            "steps": arrays["steps"][:held].astype(np.int64),
            **{name: arrays[name] for name in ("totals", "least", "most", "regret")},
            **{name: arrays[name].astype(np.int64) for name in ("worse", "events")},
        },
    )


@functools.partial(jax.jit, static_argnums=(2, 3))
def _reduced(
    outcomes: Float32[Array, "policy outcome lane"], at: Int32[Array, ""], asked: Asked, room: int
) -> dict[str, Array]:
    block = lax.dynamic_slice_in_dim(outcomes, at, asked.count, axis=-1)
    bits = lax.bitcast_convert_type(block, jnp.uint32)
    keys = _keys(bits)
    own = keys[:, list(asked.tallied)].swapaxes(0, 1)
    values = _doubles(_bits_of(own))
    # keys inverted where more is better, so that less is better in all
    turn = np.array([0 if loss else _ONES for loss in asked.losses], np.uint32)[:, None, None]
    turned = own ^ turn
    distance = jnp.abs(values - _doubles(_bits_of(turned.min(axis=1, keepdims=True) ^ turn)))
    # rounded to float32; distances that are subnormal there are exact already
    single = jnp.where(distance < 2.0**-126, distance, lax.reduce_precision(distance, 8, 23))
    return {
        **_histograms(own, asked, room),
        "kept": block[:, list(asked.kept)],
        "nonfinite": ((bits & (_SIGN - 1)) >= _INFINITE).sum(axis=-1, dtype=jnp.int32),
        "totals": _added(values, asked),
        "regret": _added(single, asked),
        "least": lax.bitcast_convert_type(_bits_of(own.min(axis=-1)), jnp.float32),
        "most": lax.bitcast_convert_type(_bits_of(own.max(axis=-1)), jnp.float32),
        "worse": _numbers(turned > turned[:, asked.baseline][:, None], asked),
        "events": _events(keys, asked),
    }


def _keys(bits: UInt32[Array, "*shape"]) -> UInt32[Array, "*shape"]:
    """As `keys` in `risk/estimation/histograms.py`, given the bits of float32 values."""
    bits = jnp.where(bits == _SIGN, 0, bits)
    return jnp.where(bits >> 31, ~bits, bits | _SIGN)


def _bits_of(keys: UInt32[Array, "*shape"]) -> UInt32[Array, "*shape"]:
    return jnp.where(keys >> 31, keys ^ _SIGN, ~keys)


def _doubles(bits: UInt32[Array, "*shape"]) -> Float64[Array, "*shape"]:
    """The values of float32 bits in float64, subnormal ones included, which a device may flush to zero."""
    size = bits & (_SIGN - 1)
    small = jnp.where(bits >> 31, -1.0, 1.0) * size.astype(jnp.float64) * 2.0**-149
    return jnp.where(size < _LEAST_NORMAL, small, lax.bitcast_convert_type(bits, jnp.float32).astype(jnp.float64))


def _histograms(own: UInt32[Array, "outcome policy path"], asked: Asked, room: int) -> dict[str, Array]:
    """Arrays by name: "bins" that hold a value [room], their "counts" [room, group] and sums of "steps" [room].

    "held" is the number of such bins, which may exceed the room.
    """
    rows, groups = own.shape[0] * own.shape[1], len(asked.starts)
    sizes = np.diff(asked.starts, append=asked.count)
    group = np.repeat(np.arange(groups, dtype=np.int32), sizes)
    row = jnp.arange(rows, dtype=jnp.int32).reshape(*own.shape[:2], 1)
    cells = row * _BINS + (own >> 16).astype(jnp.int32)
    seen = jnp.zeros(rows * _BINS, jnp.int32).at[cells.ravel()].set(1, mode="promise_in_bounds")
    places = jnp.cumsum(seen) - 1
    numbers = jnp.arange(rows * _BINS, dtype=jnp.int32)
    bins = jnp.zeros(room, jnp.int32).at[jnp.where(seen > 0, places, room)].set(numbers, mode="drop")
    place = jnp.minimum(places[cells], room)  # bins beyond the room are dropped
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
    def passed(outcome: int, above: bool, threshold: float) -> Bool[Array, "policy path"]:
        with np.errstate(over="ignore"):  # rounded to float32, as NumPy does where it compares it with float32 values
            limit = _keys(lax.bitcast_convert_type(np.float32(threshold), jnp.uint32))
        return keys[:, outcome] > limit if above else keys[:, outcome] < limit

    found = [functools.reduce(jnp.logical_and, [passed(*one) for one in event]) for event in asked.events]
    shape = 0, keys.shape[0], len(asked.starts)
    return _numbers(jnp.stack(found), asked) if found else jnp.zeros(shape, jnp.int32)


def _numbers(holds: Bool[Array, "one policy path"], asked: Asked) -> Int32[Array, "one policy group"]:
    """Number of paths of each group on which a condition holds."""
    return _by_group(holds, asked).sum(axis=-1, dtype=jnp.int32)


def _added(values: Float64[Array, "outcome policy path"], asked: Asked) -> Float64[Array, "outcome policy group"]:
    """Sums by group, as `added` in `risk/estimation/tallies.py`.

    Additions are written out one by one, as XLA is free to choose the order of a sum.
    """
    rows = _by_group(values, asked)
    for lanes in (*LANES, 1):
        rows = rows.reshape(*rows.shape[:3], -1, lanes)
        rows = functools.reduce(jnp.add, [rows[..., k, :] for k in range(rows.shape[3])])
    return rows[..., 0] + 0.0


def _by_group(values: Array, asked: Asked) -> Float[Array, "one policy group width"]:
    """Values by group, each group padded with zeros to one width, a multiple of the lanes."""
    ends = [*asked.starts, asked.count]
    sizes = {end - begin for begin, end in pairwise(ends)}
    width = -(-max(sizes) // LANES[0]) * LANES[0]
    parts = [values[..., begin:end] for begin, end in pairwise(ends)]
    return jnp.stack([jnp.pad(part, ((0, 0), (0, 0), (0, width - part.shape[-1]))) for part in parts], axis=2)
