"""Lowers `scan` to a loop: what it carries is in registers, what it reads and gives by turn in scratch memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from engine.lanes.operations import (
    Address,
    Array,
    Carried,
    Item,
    Level,
    Loop,
    NoScalarForm,
    Operation,
    Region,
    Store,
    Stride,
    Values,
    View,
    mapped,
    moved,
    words_of,
)

Scalars = Any
"""`scalars.Scalars`, to which operations are added; not imported, as `scalars.py` imports this file."""


def scan(scalars: Scalars, operands: Sequence[Values], params: Any) -> list[Values]:
    """The results of a scan: what it carries after the last turn, then an array over the turns for each output.

    Raises:
      NoScalarForm: it has no turn, so that there is nothing to read the shapes of its results from.
    """
    consts, carries = _counts(params)
    length, body = params["length"], params["jaxpr"]
    fixed, along = operands[:consts], operands[consts + carries :]
    begun = [scalars.read(x) for x in operands[consts : consts + carries]]
    if not length:
        raise NoScalarForm("a loop of no turn")
    if length == 1:
        once = [moved(x, lambda array: array[0, ...]) for x in along]
        results = [scalars.read(one) for one in scalars.traced(body, [*fixed, *begun, *chain(*once)])]
        return [*results[:carries], *(y[None] for y in results[carries:])]

    def in_order(values: Values) -> Values:
        """An array over the turns in their order, or back."""
        return moved(values, np.flipud if params["reverse"] else np.asarray)[0]

    stores: list[Item] = []
    number = scalars.begin_loop()
    of_turn = [_read_by_turn(scalars, in_order(x), number, scalars.scopes[-2]) for x in along]
    now = [_of_loop("carried", x, len(scalars.loops)) for x in begun]
    results = scalars.traced(body, [*fixed, *now, *of_turn])
    after = [scalars.read(x) for x in results[:carries]]
    kept = [_kept(scalars, y, number, length, stores) for y in results[carries:]]
    items = [*scalars.end_loop(), *stores]
    last = [_of_loop("last", x, len(scalars.loops)) for x in begun]
    parts = zip(now, begun, after, last, strict=True)
    rows = [Carried(*row) for of in parts for row in zip(*(part.ravel() for part in of), strict=True)]
    scalars.scopes[-1].append(Loop(number, length, rows, items))
    return [*last, *map(in_order, kept)]


def _counts(params: Any) -> tuple[int, int]:
    """Counts of a scan's operands: (constants, values carried from turn to turn), whose names JAX 0.12 changed."""
    if "num_consts" in params:
        return params["num_consts"], params["num_carry"]
    stays, carried, *_ = params["ft_in"].unpack()
    return len(stays), len(carried)


def _of_loop(name: str, like: Array, depth: int) -> Array:
    return mapped(lambda one: Operation(name, (), one.dtype, None, Level(depth, True)), like)


def _read_by_turn(scalars: Scalars, x: Values, number: int, outside: list[Item]) -> Values:
    """What a turn reads of an array that is scanned over: in memory with one stride, written there if it is not."""
    if isinstance(x, View) and x.offsets.size:
        steps = np.diff(x.offsets, axis=0)
        step = int(steps.flat[0])
        if (steps == step).all():
            return replace(x, offsets=x.offsets[0], strides=(*x.strides, Stride(number, step)))
    values = scalars.read(x)
    if not values.size:
        return np.empty(values.shape[1:], object)
    dtype, each = values.flat[0].dtype, math.prod(values.shape[1:])
    words = words_of(dtype)
    offsets = words * np.arange(each).reshape(values.shape[1:])
    strides = (Stride(number, each * words),)
    if all(one.is_constant for one in values.flat):
        at = scalars.pooled(np.array([one.value for one in values.flat]))
        return View("shared", at + offsets, dtype, strides)
    region = Region(words * values.size, tuple(scalars.loops[:-1]))
    outside += [Store(one, Address(region, k * words)) for k, one in enumerate(values.flat)]
    return View(region, offsets, dtype, strides)


def _kept(scalars: Scalars, y: Values, number: int, length: int, stores: list[Item]) -> View:
    """Keeps a turn's values of an output for what comes after the loop: the view of all turns.

    What an inner loop wrote stays where it is, and its memory gets a copy for each turn. All else is written value by
    value, and of each value turn by turn.
    """
    turns = np.arange(length)
    if isinstance(y, View) and isinstance(y.memory, Region) and number in y.memory.loops and not y.strides:
        region = y.memory
        if not (region.copies and region.copies[-1].loop == number):
            region.copies.append(Stride(number, region.words))
            region.words *= length
        along = region.copies[-1].words * turns.reshape(-1, *(1 for _ in y.shape))
        return View(region, y.offsets + along, y.dtype, (), len(region.copies))
    values = scalars.read(y)
    dtype = values.flat[0].dtype if values.size else np.dtype(np.float32)
    words = words_of(dtype)
    region = Region(words * length * values.size, tuple(scalars.loops[:-1]))
    for k, one in enumerate(values.flat):
        stores.append(Store(one, Address(region, k * length * words, (Stride(number, words),))))
    offsets = words * (length * np.arange(values.size) + turns[:, None])
    return View(region, offsets.reshape(length, *values.shape), dtype)
