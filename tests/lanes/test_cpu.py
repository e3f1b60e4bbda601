"""Compiled functions of one lane: inputs, outputs, parts and numbers of lanes."""

import functools
import gc
import json
from concurrent.futures import Executor, Future

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from engine.lanes import cpu, memory
from engine.lanes.layout import Layout
from tests.helpers import assert_same
from tests.lanes.compiled import WIDTHS, by_lanes, by_xla

SHARED = {"rates": np.float32([0.5, 0.25]), "step": np.uint32(3)}


def mixed(shared, lane, own):
    """Values of every type and shape, of the lane's number, shared inputs and inputs of the lane."""
    bits = (lane * shared["step"]) ^ (lane >> 3)
    table = jnp.stack([own["x"] * rate for rate in shared["rates"]])
    counts = own["n"][:, None] + jnp.arange(3)
    return {"bits": bits, "counts": counts, "even": lane % 2 == 0, "table": table, "yes": ~own["yes"]}


def inputs(lanes):
    return {
        "n": np.arange(2 * lanes, dtype=np.int32).reshape(2, lanes),
        "x": np.linspace(-1, 1, lanes, dtype=np.float32),
        "yes": np.arange(lanes) % 3 == 0,
    }


@functools.cache
def compiled(width=None):
    own = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[:-1], leaf.dtype), inputs(1))
    return cpu.compile(mixed, SHARED, own, width=width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lanes", [1, 15, 16, 37])
def test_any_number_of_lanes_gives_what_xla_gives(lanes, width):
    found = compiled(width)(SHARED, 0, lanes, inputs(lanes))
    for name, values in by_xla(mixed, SHARED, lanes, inputs(lanes)).items():
        assert_same(found[name], values)


def test_lanes_have_32_bit_numbers_and_any_part_of_them_gives_the_same():
    lanes = 100_000  # more than a thread takes at once
    made = cpu.compile(lambda shared, lane: {"y": lane ^ shared, "z": lane.astype(jnp.float32)}, np.uint32(0))
    for first in (0, 2**31 - 50_000, 2**32 - lanes):
        numbers = (first + np.arange(lanes)).astype(np.uint32)
        found = made(np.uint32(5), first, lanes)
        assert_same(found["y"], numbers ^ np.uint32(5))
        assert_same(found["z"], numbers.astype(np.float32))
        part = made(np.uint32(5), first + 777, 1234)
        assert_same(part["y"], found["y"][777:][:1234])


def test_more_than_two_to_the_31_lanes_are_counted_in_64_bits():
    """Addresses and batches; the memory of so many lanes is not at hand, so only the last batches are computed."""
    made = cpu.compile(lambda shared, lane: {"y": lane + shared}, np.uint32(0), width=16)
    batches = (2**31 + 160) // 16
    room = np.zeros(160, np.uint32)
    first = batches - 10
    # the address of lane 0, were all results in memory
    rows = np.array([[room.ctypes.data - 4 * 16 * first, 0]], np.int64)
    words, scratch = np.array([1], np.uint32), np.zeros(16 * made.layout.scratch + 16, np.uint32)
    aligned = scratch.ctypes.data + -scratch.ctypes.data % 64
    made.run(first, batches, batches * 16, 0, words.ctypes.data, 0, aligned, rows.ctypes.data, 1, 0, 0)
    assert_same(room, (16 * first + 1 + np.arange(160)).astype(np.uint32))


def grouped(shared, lane):
    """Three items of a lane, each a table."""
    first = lane.astype(jnp.float32) + shared
    return {
        "item": jnp.stack([first, first * 2, first * 3]),
        "table": jnp.arange(3.0)[:, None, None] + first * jnp.arange(8.0).reshape(4, 2),
        "turns": lax.scan(lambda c, x: (c + x, c * jnp.arange(3.0)), first, jnp.arange(5.0))[1].T,
    }


@pytest.mark.parametrize("width", WIDTHS)
def test_items_of_a_lane_are_joined_with_the_lanes(width):
    shared, lanes = np.float32(0.5), 21
    found = by_lanes(grouped, shared, lanes, None, width, items=3)
    for name, values in by_xla(grouped, shared, lanes).items():
        assert_same(found[name], np.moveaxis(values, 0, -1).reshape(*values.shape[1:-1], 3 * lanes))


class Later(Executor):
    """An executor that keeps its work."""

    def __init__(self):
        self.kept = []

    def submit(self, function, /, *arguments):
        self.kept.append(lambda: function(*arguments))
        return Future()


def test_outputs_live_until_they_are_written_though_nobody_waits_for_them():
    later, lanes = Later(), memory.SMALLEST
    compiled().start(SHARED, 0, lanes, inputs(lanes), threads=later)
    gc.collect()
    memory._FREE.clear()
    for work in later.kept:
        work()
    assert not memory._FREE  # nothing came back while work was left to do
    later.kept.clear()
    del work
    gc.collect()
    assert memory._FREE


def test_inputs_of_another_size_are_refused():
    made = compiled()
    with pytest.raises(ValueError, match="shared: expected 3 words of 32 bits, got 4"):
        made({**SHARED, "rates": np.zeros(3, np.float32)}, 0, 4, inputs(4))
    with pytest.raises(ValueError, match="own: expected 4 words of 32 bits for each lane, got 3"):
        made(SHARED, 0, 4, {**inputs(4), "n": np.zeros((1, 4), np.int32)})


@pytest.mark.parametrize(
    ("function", "inputs", "refusal"),
    [
        (lambda shared, lane: {"y": shared * 2}, [2.0], "shared: expected float32, got float64"),
        (lambda shared, lane, own: {"y": own}, [(), np.zeros(())], "own: expected float32, got float64"),
        (lambda shared, lane: lane, [()], "dictionary of arrays"),
    ],
)
def test_types_of_64_bits_and_results_that_are_no_dictionary_are_refused(function, inputs, refusal):
    with pytest.raises(TypeError, match=refusal):
        cpu.compile(function, *inputs)


def test_a_kept_layout_and_code_compute_the_same():
    made, own = compiled(), inputs(9)
    held = json.loads(json.dumps(made.layout.as_plain()))
    again = cpu.kept(Layout.of_plain(held), made.key)
    for name, values in made(SHARED, 0, 9, own).items():
        assert_same(again(SHARED, 0, 9, own)[name], values)
    assert cpu.kept(made.layout, "0" * 32) is None
