"""Blocks reduced on the card that computed them, so that outcomes that are not kept do not cross to main memory.

The tally is bit for bit that of `risk/estimation/tallies.py`, where its meaning and the order of sums are stated.
Values are taken to double precision first, as devices treat subnormal numbers of single precision differently.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from jax import lax, numpy as jnp
from jaxtyping import Array, Bool, Float32, Float64, Int, UInt32

from engine.program import gpu
from engine.program.contract import CardFailed, Outcomes, Pass
from engine.program.gpu_program import CardPass, GpuProgram
from engine.risk.estimation.events import hold, thresholds
from engine.risk.estimation.histograms import BINS, WIDEST
from engine.risk.estimation.tallies import LANES, Tally, group_size, group_starts, tally, unkept, unkept_events
from engine.study.components import Event
from engine.study.study import Block, Study

Starts = tuple[int, ...]
_ROOM = 1 << 14
"""Most bins for an outcome and policy, on average, that a card has room for; with more, all outcomes cross."""
_SIGN, _LEAST_NORMAL = 1 << 31, 0x00800000


@dataclass(frozen=True)
class Reduced:
    """A block whose outcomes are all finite, reduced on its card.

    Args:
      kept: the outcomes that are kept whole, [policy, outcome, path].
      tally: of the others.
    """

    block: Block
    kept: Outcomes
    tally: Tally


class Reduction:
    """Reductions of blocks on the cards of a program.

    Args:
      program: gives the passes.
    """

    def __init__(self, program: GpuProgram):
        self.program, self._study, self._proved = program, program.study, set[bytes]()
        self._on_card = jax.jit(functools.partial(_on_card, program.study), static_argnums=1)

    def started(self, block: Block, running: Pass) -> Callable[[], Reduced | None]:
        """Starts the reduction of a block, and gives a function that waits for it.

        That function gives None where the outcomes are taken to main memory: where all are kept, a value is not finite,
        bins are too many, or the cards fail.

        Args:
          running: the pass that the program gave for the block.
        """
        if not isinstance(running, CardPass) or not unkept(self._study):
            return lambda: None
        made = running.then(lambda outcomes: self.reduced(block, outcomes, block.first - running.first))

        def wait() -> Reduced | None:
            try:
                found = made()
                if found is not None:
                    self._refuse_other(found)
            except CardFailed:
                return None
            return found

        return wait

    def reduced(self, block: Block, outcomes: Float32[Array, "policy outcome lane"], at: int) -> Reduced | None:
        """A block, reduced on the device of its outcomes, which begin at lane `at`; None as of `started`."""
        starts = group_starts(block.count, self._study.unit, group_size(block.index))
        with jax.enable_x64(True):  # sums are of double precision
            values = lax.dynamic_slice_in_dim(outcomes, at, block.count, axis=-1)
            is_finite, held, kept, bins, rest = self._on_card(values, tuple(starts.tolist()))
            count = int(held)
            if not is_finite or count > bins["bins"].size:
                return None
            # a power of two, as each length is compiled
            bins = {name: of[..., : 1 << count.bit_length()] for name, of in bins.items()}
        kept, bins, rest = jax.device_get((kept, bins, rest))
        fields = {name: of[..., :count].astype(np.int64) for name, of in bins.items()}
        fields |= {name: of + 0 for name, of in rest.items()}  # adding 0 turns -0.0 into 0.0
        ends = {name: fields.pop(name).astype(np.float32) for name in ("least", "most")}
        return Reduced(block, kept, Tally(sizes=np.diff(starts, append=block.count), **fields, **ends))

    def _refuse_other(self, found: Reduced) -> None:
        """Raises a CardFailed where the first reduction into groups of these sizes differs from the processors'."""
        block, sizes = found.block, found.tally.sizes.tobytes()
        if sizes in self._proved:
            return
        expected = tally(self._study, self.program.host.submit(block).of(block), group_size(block.index))
        if any(getattr(found.tally, name).tobytes() != of.tobytes() for name, of in vars(expected).items()):
            paths = f"{block.first:,} to {block.first + block.count - 1:,}"
            raise gpu.give_up(f"counts of paths {paths} differ from those of the CPU")
        self._proved.add(sizes)


def _on_card(study: Study, block: Float32[Array, "policy outcome path"], starts: Starts) -> tuple[Any, ...]:
    """Whether all is finite; number of bins that hold a value; outcomes kept; arrays by bin; the rest of a tally."""
    names, own = list(study.model.outcomes), unkept(study)
    tallied, kept = ([names.index(name) for name in some] for some in (own, study.keep.outcomes))
    bits = lax.bitcast_convert_type(block, jnp.uint32).swapaxes(0, 1)
    every = _doubles(bits)
    values = every[np.array(tallied)]
    losses = values * np.array([1.0 if study.is_loss(name) else -1.0 for name in own])[:, None, None]
    distance = losses - losses.min(axis=1, keepdims=True)
    # rounded to single precision; what is subnormal there is exact already
    single = jnp.where(distance < 2.0**-126, distance, lax.reduce_precision(distance, 8, 23))
    by_name = dict(zip(names, every, strict=True))
    happens = [_happens(study, event, by_name) for event in unkept_events(study)]
    rest = {
        "totals": _added(values, starts),
        "least": values.min(axis=-1),
        "most": values.max(axis=-1),
        "worse": _numbers(losses > losses[:, [study.row(study.baseline)]], starts),
        "regret": _added(single, starts),
        "events": _numbers(jnp.array(happens, bool).reshape(len(happens), *values.shape[1:]), starts),
    }
    held, bins = _histograms(bits[np.array(tallied)], starts)
    return jnp.isfinite(block).all(), held, block[:, np.array(kept, int)], bins, rest


def _doubles(bits: UInt32[Array, "*shape"]) -> Float64[Array, "*shape"]:
    """The values of float32 bits in float64, subnormal ones included."""
    single, size = lax.bitcast_convert_type(bits, jnp.float32), bits & (_SIGN - 1)
    small = jnp.copysign(size.astype(jnp.float64) * 2.0**-149, single)
    return jnp.where(size < _LEAST_NORMAL, small, single.astype(jnp.float64))


def _histograms(
    bits: UInt32[Array, "outcome policy path"], starts: Starts
) -> tuple[Int[Array, ""], dict[str, Int[Array, "... bin"]]]:
    """Number of bins that hold a value, and arrays by bin with room for some: bins, counts [group, bin], steps."""
    bits = jnp.where(bits == _SIGN, 0, bits).reshape(-1, bits.shape[-1])
    keys = jnp.where(bits >> 31, ~bits, bits | _SIGN)  # as `keys` in `risk/estimation/histograms.py`
    rows, count = keys.shape
    room, groups = rows * min(count, _ROOM), len(starts)
    cells = jnp.arange(rows)[:, None] * BINS + (keys >> 16)
    is_held = jnp.zeros(rows * BINS, bool).at[cells].set(True)
    places = jnp.cumsum(is_held)[cells] - 1
    of_group = np.repeat(np.arange(groups), np.diff(starts, append=count))
    return is_held.sum(), {
        "bins": jnp.flatnonzero(is_held, size=room),
        "counts": jnp.zeros((groups, room), jnp.int32).at[of_group, places].add(1, mode="drop"),
        "steps": jnp.zeros(room, int).at[places].add(keys & WIDEST, mode="drop"),
    }


def _happens(study: Study, event: Event, values: dict[str, Array]) -> Any:
    """As `happens` in `risk/estimation/events.py`, with thresholds rounded to single precision, as NumPy does."""
    with np.errstate(over="ignore"):
        return hold(
            thresholds(study, event), lambda term: replace(term, number=float(np.float32(term.number))).holds(values)
        )


def _numbers(holds: Bool[Array, "*row path"], starts: Starts) -> Int[Array, "*row group"]:
    """Number of paths of each group on which a property holds."""
    return jnp.stack([part.sum(axis=-1) for part in jnp.split(holds, starts[1:], axis=-1)], axis=-1)


def _added(values: Float64[Array, "outcome policy path"], starts: Starts) -> Float64[Array, "outcome policy group"]:
    """Sums by group, as `added` in `risk/estimation/tallies.py`.

    Additions are written out one by one, as XLA is free to choose the order of a sum.
    """
    parts = jnp.split(values, starts[1:], axis=-1)
    width = -(-max(part.shape[-1] for part in parts) // LANES[0]) * LANES[0]
    sums = jnp.stack([jnp.pad(part, ((0, 0), (0, 0), (0, width - part.shape[-1]))) for part in parts], axis=2)
    for lanes in (*LANES, 1):
        sums = functools.reduce(jnp.add, jnp.split(sums, sums.shape[-1] // lanes, axis=-1))
    return sums[..., 0]
