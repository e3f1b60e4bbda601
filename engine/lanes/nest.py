"""Lowers a function of one lane to a nest of loops: what is computed, which products are fused, what is not needed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from engine.lanes.operations import WORD, Address, Item, Level, Loop, Operation, Region, Store, Values, View, words_of
from engine.lanes.scalars import Scalars

Outputs = Mapping[str, tuple[np.dtype, np.ndarray]]
"""Name -> type of an output's numbers, and their offsets in a lane's scratch memory, in 32-bit words.

The offsets are [item, ...] where a lane has items.
"""


@dataclass(frozen=True)
class Traced:
    """A function of one lane as a nest of loops with all its outputs, from which the nest of some of them is made.

    Args:
      body: what is computed, in order.
      outputs: name -> its values.
      lane: the operation that gives the lane's number.
      fused: products that become part of the sums that read them.
      shared, own: words of the shared inputs, and of the inputs of a lane.
      pool: constants that lie behind the shared inputs, as 32-bit words.
    """

    body: Sequence[Item]
    outputs: Mapping[str, Any]
    lane: Operation
    fused: frozenset[Operation]
    shared: int
    own: int
    pool: np.ndarray

    def nest(self, outputs: Sequence[str] | None = None) -> Nest:
        """The nest of the outputs with these names, all if not given; what they do not depend on is left out."""
        body = [*self.body]
        kept = {name: _in_scratch(self.outputs[name], body) for name in (outputs or self.outputs)}
        homes = {name: view.memory for name, view in kept.items() if isinstance(view.memory, Region)}
        ends = {*homes.values()}
        alive, bases, size = _alive(body, ends), dict[Region, int](), 0
        for one in walk(alive):
            memory: Any = one.address.memory if isinstance(one, Store) else None
            if memory and memory not in bases:
                bases[memory], size = size, size + (memory.words + 1) // 2 * 2
        # nothing is stored for an output without numbers
        made = {
            name: (WORD if view.dtype == bool else view.dtype, bases.get(homes[name], 0) + view.offsets)
            for name, view in kept.items()
        }
        return Nest(**{**vars(self), "body": alive, "outputs": made}, bases=bases, results=ends, scratch=size)


@dataclass(frozen=True)
class Nest(Traced):
    """The nest of some outputs, with its scratch memory laid out.

    Args:
      outputs: of every lane; all of them are in scratch memory at the end, truth values as int32.
      bases: region of scratch memory -> its offset, in 32-bit words of a lane.
      results: the regions that hold outputs.
      scratch: words of scratch memory of a lane.
    """

    outputs: Outputs
    bases: dict[Region, int]
    results: Collection[Region]
    scratch: int

    @property
    def is_double(self) -> bool:
        """Whether an output is in double precision."""
        return any(dtype == np.float64 for dtype, _ in self.outputs.values())

    @property
    def size(self) -> int:
        """Operations that are written, those in a loop once."""
        return sum(isinstance(one, Operation) for one in walk(self.body))

    @property
    def operations(self) -> int:
        """Operations of a lane, those in a loop counted for each turn; those that all lanes share are left out."""

        def counted(items: Sequence[Item]) -> int:
            own = sum(isinstance(one, Operation) and one.level.wide for one in items)
            return own + sum(one.length * counted(one.body) for one in items if isinstance(one, Loop))

        return counted(self.body)


def trace(function: Callable[..., Any], shared: Any, own: Any = None) -> Traced:
    """Traces and lowers a function of one lane; arguments as of `cpu.compile`.

    Which products are fused follows from the whole function, so no bit depends on the outputs that are asked for.

    Raises:
      NoScalarForm: the function holds an operation that cannot be written in scalars.
      TypeError: its result is no dictionary of arrays, or an input has a type of 64 bits that JAX has not enabled.
    """
    leaves, of_lane = [np.asarray(leaf) for leaf in jax.tree.leaves(shared)], [] if own is None else [own]
    closed, form = jax.make_jaxpr(function, return_shape=True)(shared, jax.ShapeDtypeStruct((), np.uint32), *of_lane)
    if not isinstance(form, dict):
        raise TypeError("function: expected a dictionary of arrays as its result.")
    lane = Operation("lane", (), np.dtype(np.uint32), None, Level(0, True))
    of_all, n_shared = _inputs("shared", leaves, closed.in_avals)
    of_own, n_own = _inputs("own", jax.tree.leaves(own), closed.in_avals[len(leaves) + 1 :])
    scalars = Scalars(n_shared)
    given: list[Values] = [*of_all, np.array(lane, object), *of_own]
    results = dict(zip(sorted(form), scalars.traced(closed, given), strict=True))
    body = scalars.scopes[0]
    held = {name: _written(scalars, one, np.dtype(form[name].dtype)) for name, one in results.items()}
    fused = _fused(
        body, (one for values in held.values() if not isinstance(values, View) for one in values.ravel().tolist())
    )
    pool = np.concatenate([np.zeros(0, np.uint32), *scalars.pool])
    return Traced(body, held, lane, fused, n_shared + len(pool), n_own, pool)


def _written(scalars: Scalars, values: Values, dtype: np.dtype) -> Values:
    """An output as operations, or as a view of scratch memory if it lies there already or has no numbers."""
    if not math.prod(values.shape):
        return View(Region(0, ()), np.zeros(values.shape, int), dtype)
    return scalars.read(values) if isinstance(values, View) and not isinstance(values.memory, Region) else values


def _inputs(memory: str, leaves: Iterable[Any], traced: Sequence[Any]) -> tuple[list[View], int]:
    """The inputs, which lie one behind the other in memory, and their 32-bit words.

    Args:
      traced: the types with which JAX has traced them.
    """
    made, at = [], 0
    for leaf, known in zip(leaves, traced, strict=False):
        if leaf.dtype != known.dtype:
            raise TypeError(f"{memory}: expected {known.dtype}, got {leaf.dtype}: convert it, or set jax_enable_x64.")
        words = words_of(leaf.dtype)
        offsets = at + words * np.arange(leaf.size).reshape(leaf.shape)
        made.append(View(memory, offsets, np.dtype(leaf.dtype)))
        at += words * leaf.size
    return made, at


def _in_scratch(values: Values, body: list[Item]) -> View:
    """An output as it lies in scratch memory, written there at the end where it is not."""
    if isinstance(values, View):
        return values
    dtype = values.flat[0].dtype
    words = words_of(dtype)
    region = Region(words * values.size, ())
    body += [Store(one, Address(region, k * words)) for k, one in enumerate(values.ravel().tolist())]
    return View(region, words * np.arange(values.size).reshape(values.shape), dtype)


def walk(items: Iterable[Item]) -> Iterator[Item]:
    """All items, those of the bodies of loops after the loop."""
    for one in items:
        yield one
        if isinstance(one, Loop):
            yield from walk(one.body)


def read_by(one: Item) -> Iterable[Operation]:
    """The operations whose results an item reads by itself."""
    if isinstance(one, Loop):
        return [part for row in one.carried for part in row]
    return [one.value] if isinstance(one, Store) else one.operands


def _fused(body: Iterable[Item], ends: Iterable[Operation]) -> frozenset[Operation]:
    """Products that sums alone read: each is computed together with a sum, rounded once."""
    read, products = {*ends}, set[Operation]()
    for one in walk(body):
        name = one.name if isinstance(one, Operation) and one.dtype.kind == "f" else ""
        if not (name in ("add", "sub") and len({*read_by(one)}) > 1):
            read.update(read_by(one))
        if isinstance(one, Operation) and name == "mul":
            products.add(one)
    return frozenset(products - read)


def _alive(body: list[Item], ends: Iterable[Region]) -> list[Item]:
    """Dead code elimination: what the regions `ends` depend on."""
    reads: dict[object, list[Any]] = defaultdict(list)
    for item in walk(body):
        if isinstance(item, Loop):
            reads.update({part: [*row] for row in item.carried for part in (row.now, row.last)})
        elif isinstance(item, Store):
            reads[item.address.memory].append(item.value)
    needed, waiting = set[object](), list[Any](ends)
    while waiting:
        one = waiting.pop()
        if one not in needed:
            needed.add(one)
            waiting += reads[one]
            if isinstance(one, Operation):
                waiting += [one.address.memory] if one.name == "input" else one.operands

    def kept(items: Sequence[Item]) -> Iterator[Item]:
        for one in items:
            if isinstance(one, Loop):
                rows = [row for row in one.carried if row.now in needed]
                inside = [*kept(one.body)]
                if rows or inside:
                    yield Loop(one.number, one.length, rows, inside)
            elif (one.address.memory if isinstance(one, Store) else one) in needed:
                yield one

    return [*kept(body)]
