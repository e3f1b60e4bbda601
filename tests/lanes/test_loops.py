"""Scans, conditionals and values by turn, with the bits that XLA gives at each width, and in the right loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from engine.lanes.nest import trace
from engine.lanes.operations import NoScalarForm
from tests.lanes.checked import faults
from tests.lanes.compiled import WIDTHS, assert_by_lanes_as_by_xla
from tests.pairs import in_turn

SHARED = {"row": np.float32([3, 1, -2, 5]), "table": np.arange(12, dtype=np.int32).reshape(3, 4), "one": np.float32(7)}
LANES = 21
OWN = {
    "x": np.arange(LANES, dtype=np.float32) - 9,
    "rows": (np.arange(4 * LANES) % 13).reshape(4, LANES).astype(np.float32),
    "yes": np.arange(3 * LANES).reshape(3, LANES) % 3 == 1,
}


class Loops:
    """Functions (shared inputs, lane's number, inputs of the lane) -> results, of integers that no rounding changes."""

    def what_a_turn_reads_is_shared_of_the_lane_computed_and_constant(s, lane, own):
        along = s["row"], own["rows"], own["rows"] * own["x"], jnp.arange(4.0), jnp.arange(8, dtype=jnp.int32)[::2]
        return lax.scan(lambda c, x: (c + x[0] * x[1] - x[2], (x[3] + c, x[4])), own["x"], along)

    def results_by_turn_are_read_by_another_loop_either_way(s, lane, own):
        _, first = lax.scan(lambda c, x: (c + x, c * x), own["x"], own["rows"])
        _, again = lax.scan(lambda c, x: (c + x, c - x), 0.0, first, reverse=True)
        return lax.scan(lambda c, x: (c + x[0] * x[1], None), 1.0, (first, again))[0], first[::-1], again[1:3]

    def results_of_inner_loops_are_read_where_they_are_and_outside(s, lane, own):
        def outer(c, x):
            _, inner = lax.scan(lambda c, y: (c + y, c), c, own["rows"])
            total, _ = lax.scan(lambda c, y: (c + y, None), x, inner, reverse=True)
            return total - c, (inner, inner[2], inner * x)

        last, (inner, one, more) = lax.scan(outer, own["x"], s["row"])
        return last, inner, one.sum(), lax.scan(lambda c, rows: (c + rows.sum(), c), 0.0, more)

    def an_axis_that_is_not_the_first_is_scanned_and_rows_in_any_order(s, lane, own):
        columns = lax.scan(lambda c, x: (c + x, c[1] + x), jnp.zeros(3, jnp.int32), s["table"].T)
        mixed = lax.scan(lambda c, x: (c * 2 + x, None), own["x"], own["rows"][np.array([2, 0, 0, 3, 1])])[0]
        return columns, mixed

    def truth_values_and_integers(s, lane, own):
        def turn(c, x):
            yes, count, word = c
            return (yes ^ x, count + x, word * 3 + lane), (yes | x, count, word)

        start = own["yes"][0], jnp.int32(2), lane
        return lax.scan(turn, start, own["yes"]), own["yes"], lax.scan(turn, start, s["table"][0] > 1)[1]

    def the_same_for_all_lanes(s, lane, own):
        def year(c, x):
            level = c + 2 * x
            return level, (level, lax.fori_loop(0, 3, lambda k, v: v + k * x, level))

        last, (levels, sums) = lax.scan(year, s["one"], s["row"])
        return last, levels, sums, levels * own["x"]

    def an_array_is_carried_and_changed_at_a_place(s, lane, own):
        def turn(c, k):
            return c.at[k % 4].add(1.0).at[jnp.int32(c[1]) % 4].set(own["x"]), c[k % 4]

        return lax.scan(turn, own["rows"], jnp.arange(6))

    def conditionals_in_loops_and_loops_in_conditionals(s, lane, own):
        def turn(c, x):
            doubled = lax.cond(c > x, lambda: c * 2, lambda: lax.fori_loop(0, 3, lambda k, v: v + x, c))
            return lax.rem(doubled, 97.0), lax.switch(jnp.int32(x) % 3, [lambda: c, lambda: x, lambda: c - x])

        return lax.scan(turn, own["x"], s["row"])

    def long_constants_by_turn_and_by_place(s, lane, own):
        table = np.random.default_rng(1).integers(0, 99, 5000).astype(np.float32)
        total, _ = lax.scan(lambda c, x: (lax.rem(c + x, 1e4), None), own["x"], table[:4999])
        return total, jnp.asarray(table[1:4801].reshape(2, 2400))[:, 7:9]


CASES = {name: function for name, function in vars(Loops).items() if not name.startswith("_")}


def named(function):
    """The same with a dictionary of results, as a function of a lane gives them."""
    return lambda *given: {f"y{k}": y for k, y in enumerate(jax.tree.leaves(function(*given)))}


def examples(own=OWN):
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[:-1], leaf.dtype), own)


@pytest.mark.parametrize(("name", "widths"), in_turn(CASES, [(WIDTHS[::3],), (WIDTHS[1:3],)]))
def test_loops_give_what_xla_gives(name, widths):
    function = named(CASES[name])
    assert not faults(trace(function, SHARED, examples()).nest())
    assert_by_lanes_as_by_xla(function, SHARED, LANES, OWN, widths)


def test_loops_of_64_bits_give_what_xla_gives():
    own = {"x": np.arange(LANES, dtype=np.float64) / 3, "n": 3 * 2**40 + np.arange(LANES), "y": OWN["x"]}
    rows = np.random.default_rng(0).normal(size=(4, 2))

    def function(shared, lane, own):
        def turn(c, x):
            inner, by_turn = lax.scan(lambda d, y: (d + y, d), c[1], jnp.arange(3))
            return (jnp.maximum(c[0], x[0]), inner + c[1] // 3, c[2] + 1), (c[0] - 1, by_turn, c[2] > 0)

        return lax.scan(turn, (own["x"], own["n"], own["y"]), shared), jnp.uint64(own["n"]) >> 3, shared.T[1]

    with jax.enable_x64(True):
        assert not faults(trace(named(function), rows, examples(own)).nest())
        assert_by_lanes_as_by_xla(named(function), rows, LANES, own)


def test_a_loop_of_no_turn_is_refused():
    with pytest.raises(NoScalarForm, match="a loop of no turn"):
        trace(lambda s, lane: {"y": lax.scan(lambda c, x: (c + 1, x), s, np.zeros((0, 2)))[0]}, np.float32(1))
