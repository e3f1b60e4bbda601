"""Functions of one lane computed by machine code of each width, and by XLA."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from engine.lanes import cpu
from engine.lanes.nest import Traced
from engine.lanes.operations import Address, Level, Operation, single, words_of
from engine.lanes.scalars import Scalars
from tests.helpers import assert_same

WIDTHS = (16, 8, 4, 1)
"""Lanes of a vector: of AVX-512, AVX2, SSE2, and of a thread of a graphics card."""
Build = Callable[[Scalars, list[Operation]], Sequence[Operation]]


def by_lanes(
    function: Callable[..., Any], shared: Any = (), lanes: int = 37, own: Any = None, width: int = 4, **options: Any
) -> dict[str, np.ndarray]:
    """Outputs of a function for lanes 0 up to `lanes`, [..., lane]; other arguments as of `cpu.compile`."""
    example = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[:-1], leaf.dtype), own)
    made = cpu.compile(function, shared, example, width=width, **options)
    return {name: np.array(values) for name, values in made(shared, 0, lanes, own).items()}


def by_xla(function: Callable[..., Any], shared: Any = (), lanes: int = 37, own: Any = None) -> dict[str, np.ndarray]:
    """The same by `jit(vmap(function))`; truth values as int32, as lanes give them."""
    arguments = [np.arange(lanes, dtype=np.uint32)] + ([] if own is None else [own])
    axes = [None, 0] + ([] if own is None else [-1])
    made = jax.jit(jax.vmap(function, in_axes=axes, out_axes=-1))(shared, *arguments)
    arrays = {name: np.asarray(values) for name, values in made.items()}
    return {name: x.astype(np.int32) if x.dtype == bool else x for name, x in arrays.items()}


def assert_by_lanes_as_by_xla(
    function: Callable[..., Any],
    shared: Any = (),
    lanes: int = 37,
    own: Any = None,
    widths: Sequence[int] = WIDTHS,
    same: Callable[[Any, Any], None] = assert_same,
) -> None:
    """Asserts that a function has the same outputs by lanes of each width, and those that XLA gives.

    Args:
      same: asserts that an output by lanes is that by XLA; bit for bit if not given.
    """
    first, *others = (by_lanes(function, shared, lanes, own, width) for width in widths)
    expected = by_xla(function, shared, lanes, own)
    assert first.keys() == expected.keys()
    for name, values in expected.items():
        same(first[name], values)
        for other in others:
            assert_same(other[name], first[name])


def of_operations(width: int, build: Build, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Results of operations for the numbers of some arrays, all of one length: one lane for each number.

    Args:
      build: (operations so far, one input for each array) -> the operations that are wanted.
    """
    scalars, inputs, at = Scalars(0), [], 0
    for array in arrays:
        inputs.append(Operation("input", (), array.dtype, Address("own", at), Level(0, True)))
        at += words_of(array.dtype)
    outputs = {str(k): single(one) for k, one in enumerate(build(scalars, inputs))}
    lane = Operation("lane", (), np.dtype(np.uint32), None, Level(0, True))
    pool = np.concatenate([np.zeros(0, np.uint32), *scalars.pool])
    made = cpu.compile_nest(
        Traced(scalars.scopes[0], outputs, lane, frozenset(), len(pool), at, pool).nest(), width=width
    )
    results: Mapping[str, np.ndarray] = made((), 0, len(arrays[0]), own=tuple(arrays))
    types = [one.item().dtype for one in outputs.values()]
    return [results[name].astype(kind) for name, kind in zip(outputs, types, strict=True)]
