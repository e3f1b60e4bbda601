"""Nests of loops: right for functions at random, without dead code, and of the same bits whatever outputs are asked."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from benchmarks.random_programs import check
from engine.lanes.hints import fused, rarely
from engine.lanes.nest import trace
from tests.helpers import assert_same
from tests.lanes.checked import faults
from tests.lanes.compiled import assert_by_lanes_as_by_xla, by_lanes

LANES = 37


@pytest.mark.parametrize("seed", range(2))
def test_random_functions_give_what_xla_gives(seed):
    """A part of `benchmarks/random_programs.py`."""
    check(seed)


def loop_and_more(shared, lane, own):
    """A function with a loop, memory that it writes and reads, and several outputs."""
    x, y = own
    last, rows = lax.scan(lambda c, r: (c * x + r, c - r), y, shared)
    return {"last": last, "rows": rows, "again": lax.scan(lambda c, r: (c + r, None), x, rows)[0], "root": jnp.sqrt(x)}


ROW = np.float32([1, 2, 3])
PAIR = np.random.default_rng(1).uniform(0.5, 2, (2, LANES)).astype(np.float32)


def traced_loop():
    return trace(loop_and_more, ROW, jax.ShapeDtypeStruct((2,), np.float32))


def test_outputs_have_the_same_bits_whatever_else_is_asked_for_and_cost_nothing_where_they_are_not():
    everything = by_lanes(loop_and_more, ROW, LANES, PAIR)
    counts = {}
    for names in (["last"], ["rows"], ["again"], ["root"], ["root", "last"]):
        for name, values in by_lanes(loop_and_more, ROW, LANES, PAIR, outputs=names).items():
            assert_same(values, everything[name])
        nest = traced_loop().nest(names)
        assert not faults(nest) and [*nest.outputs] == names
        counts[" ".join(names)] = nest.operations
    assert counts["root"] == 1 and counts["root last"] == 1 + counts["last"]
    assert counts["last"] < counts["again"] < traced_loop().nest().operations


def test_products_that_sums_alone_read_are_rounded_with_them_and_no_others():
    def function(shared, lane, own):
        x, y, z = own
        alone = {"fused": x * y + z, "minus": z - x * z, "none": (x - y) * z - (x - y) * z, "hint": fused(z, z, x)}
        return {**alone, "both": y * z + x, "product": y * z}

    own = np.random.default_rng(2).normal(size=(3, LANES)).astype(np.float32)
    x, y, z = own.astype(np.float64)
    expected = {
        "fused": x * y + z,
        "minus": z - x * z,
        "none": np.zeros(LANES),
        "both": (own[1] * own[2]).astype(np.float64) + x,
        "product": y * z,
        "hint": z * z + x,
    }
    for names in (None, ["both"], ["fused", "minus", "hint"]):
        for name, values in by_lanes(function, (), LANES, own, outputs=names).items():
            assert_same(values, expected[name].astype(np.float32))  # exact in float64 but for the last rounding


def test_a_case_that_is_rarely_needed_is_computed_in_a_branch_of_its_own():
    def function(shared, lane, own):
        x, y = jnp.floor(8 * own)
        inner = rarely(y > 9, x * 2, jnp.abs(x - y) * 3)
        both = rarely(x < 12, inner + 1, inner * jnp.abs(x - y) + rarely(y < 6, x, y * y))
        of_all = rarely(shared[0] > 0, shared[1], shared[1] * 5) + rarely(shared[0] > 2, shared[1], shared[2] * 7)
        by_turn = lax.scan(lambda c, r: (rarely(c < 40, c + r, c - x * 4 - r), rarely(r < 2, r, c * r)), y, shared)
        return {"both": both, "inner": inner, "of_all": of_all + x, "last": by_turn[0], "turns": by_turn[1]}

    assert not faults(trace(function, ROW, jax.ShapeDtypeStruct((2,), np.float32)).nest())
    assert_by_lanes_as_by_xla(function, ROW, LANES, PAIR)
