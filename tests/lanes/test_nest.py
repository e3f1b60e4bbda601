"""Nests of loops: right for functions at random, without dead code, and of the same bits whatever outputs are asked."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from engine.lanes.hints import fused, rarely
from engine.lanes.nest import trace
from engine.lanes.operations import UNIFORM, Address, Carried, Level, Loop, Operation, Store
from tests.helpers import assert_same
from tests.lanes.checked import faults
from tests.lanes.compiled import assert_by_lanes_as_by_xla, by_lanes
from tests.lanes.random_programs import Programs

SHARED = np.float32([3, 1, -2, 5]), np.int32([[1, 2, 3], [-4, 5, 6]]), np.uint32(7)
LANES = 37
NUMBERS = np.random.default_rng(0)
OWN = NUMBERS.integers(-9, 9, LANES).astype(np.float32), NUMBERS.integers(0, 2, (3, LANES)).astype(bool)
SOME, MORE = 8, 60


def examples(own):
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[:-1], leaf.dtype), own)


@pytest.mark.parametrize(
    "seed", [*range(SOME), *(pytest.param(k, marks=pytest.mark.slow) for k in range(SOME, SOME + MORE))]
)
def test_random_functions_give_what_xla_gives(seed):
    function = Programs(seed)
    traced = trace(function, SHARED, examples(OWN))
    for names in (None, ("y3",), ("y5", "y9")):
        assert not faults(traced.nest(names))
    assert_by_lanes_as_by_xla(function, SHARED, LANES, OWN, widths=(16, 1))
    alone = by_lanes(function, SHARED, LANES, OWN, outputs=("y5", "y9"))
    everything = by_lanes(function, SHARED, LANES, OWN)
    for name, values in alone.items():
        assert_same(values, everything[name])


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


def test_the_representation_of_a_long_graph_is_short():
    def doubled(shared, lane):
        value = lane.astype(jnp.float32)
        for _ in range(60):
            value = value * value + 1
        return {"value": value}

    nest = trace(doubled, {}).nest(("value",))
    assert len(repr(nest)) < 1000 * 60  # that of a tree would have 2^60 parts


def test_an_operation_is_there_once_for_all_that_read_it():
    def function(shared, lane, x):
        return {"y": jnp.sin(x) + lax.scan(lambda c, r: (c + jnp.sin(x) * r, None), x, shared)[0], "z": jnp.sin(x)}

    nest = trace(function, ROW, jax.ShapeDtypeStruct((), np.float32)).nest()
    alone = trace(lambda shared, lane, x: {"z": jnp.sin(x)}, ROW, jax.ShapeDtypeStruct((), np.float32)).nest()
    assert nest.operations == alone.operations + 1 + 2 * len(ROW)


# ------------------------------------------------------------------------------- what the checker sees

F32, I32 = np.dtype(np.float32), np.dtype(np.int32)
HERE = Level(0, True)
X, K = (Operation("input", (), dtype, Address("own", 0), HERE) for dtype in (F32, I32))


def made(name, dtype, *operands, level=HERE):
    return Operation(name, operands, dtype, None, level)


ROOT = made("sqrt", F32, X)


@pytest.mark.parametrize(
    ("operations", "found"),
    [
        ([made("add", F32, X, X)], None),
        ([ROOT, ROOT], "computed twice"),
        ([made("rounded", F32, X)], "no row"),
        ([made("add", F32, X)], "not of fiu fiu"),
        ([made("add", F32, X, K)], "several types"),
        ([made("add", I32, X, X)], "gives int32"),
        ([made("shift_left", F32, X, X)], "not of iu iu"),
        ([made("neg", F32, ROOT)], "not computed yet"),
        ([made("neg", F32, X, level=UNIFORM)], "is at Level(depth=0, wide=False)"),
        ([made("neg", F32, X, level=Level(1, True))], "in 0 loops"),
        ([ROOT, made("neg", F32, X)], "never read"),
        ([made("neg", F32, replace(X, detail=Address("own", 2)))], "outside the own inputs"),
    ],
)
def test_the_checker_sees_wrong_operations(operations, found):
    nest = traced_loop().nest(["root"])
    (store,) = [one for one in nest.body if isinstance(one, Store)]
    told = faults(replace(nest, body=[*operations, store._replace(value=operations[0])]))
    assert bool(told) == bool(found)
    assert found is None or any(found in text for text in told), told


def changed(change):
    nest = traced_loop().nest()
    return replace(nest, body=change(nest.body))


def of_loops(change):
    return lambda body: [change(one) if isinstance(one, Loop) else one for one in body]


def without_end(loop):
    rows = [Carried(row.now, row.start, made("neg", F32, row.now), row.last) for row in loop.carried]
    return replace(loop, carried=rows)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda body: body, None),
        (
            lambda body: sorted(body, key=lambda one: -one.number if isinstance(one, Loop) else 0),
            "before it is written",
        ),
        (lambda body: [one for one in body if not isinstance(one, Loop)], "not computed yet"),
        (lambda body: body[::-1], "not computed yet"),
        (
            of_loops(lambda loop: replace(loop, body=[one for one in loop.body if not isinstance(one, Store)])),
            "written",
        ),
        (of_loops(without_end), "an end reads neg"),
        (of_loops(lambda loop: replace(loop, length=loop.length - 1)), "is not written"),
        (of_loops(lambda loop: replace(loop, length=loop.length + 1)), "outside"),
        (of_loops(lambda loop: replace(loop, number=7)), "not around it"),
        (lambda body: [one for one in body if not isinstance(one, Store)], "is not written"),
    ],
)
def test_the_checker_sees_wrong_loops_and_memory(change, found):
    told = faults(changed(change))
    assert bool(told) == bool(found)
    assert found is None or any(found in text for text in told), told
