"""A rule computed for all paths and policies at once gives what it gives path by path, and its cells stand in rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.modelling.cells import Cells, each, exp, maximum, table, where
from engine.program.batch import _rows
from engine.program.equations import written_out
from engine.program.packs import Axis
from tests.batches import PATHS, POLICIES, batch_of, by_both, by_path, mapped, run
from tests.helpers import assert_close

BOTH = Axis.POLICY | Axis.PATH | Axis.YEAR
REGION = {"region": ("north", "south")}
CROP = {"crop": ("rye", "oats", "flax")}


def cells(labels, seed, of=by_both):
    """A table of numbers that differ by path, and by policy if `of` says so."""
    count = int(np.prod([len(names) for names in labels.values()]))
    return Cells(labels, [of(seed + k) for k in range(count)])


AREA, YIELD, WEATHER = cells(REGION | CROP, 10), cells(CROP, 30), cells(REGION, 50, by_path)
GIVEN = ((AREA, BOTH), (YIELD, BOTH), (WEATHER, Axis.PATH | Axis.YEAR))


@each
def harvested(area, yields, weather):
    """One cell's harvest, and what is lost."""
    kept = jnp.clip(area * yields, 0.1, 3.0) * jnp.exp(-weather)
    return kept, area - kept


def by_label(area, yields, weather):
    harvest, lost = harvested(area, yields, weather)
    return harvest, lost, harvest.over("crop"), lost.mean(), harvest.over()


def turned_round(area, yields, weather):
    by_crop = yields * weather  # crop by region
    return by_crop + area, area * by_crop, (by_crop / area).over("region")


def put_together(area, yields, weather):
    crops = table(CROP, [0.5, 0.3, 0.2]) * yields
    first = crops.sel(crop="rye") * 2.0
    mixed = Cells(CROP, [first, jnp.sqrt(crops.sel(crop="oats")), 0.0])
    return exp(mixed) * area, maximum(mixed - 0.4, 0.0).over()


def parts(area, yields, weather):
    two = area.sel(crop=("oats", "flax"))
    south = area.sel(region="south")
    return two.over("crop") * weather, where(south > 1.0, south, -south), two.sel(crop="flax") / south.mean()


def in_vectors(area, yields, weather):
    stacked = jnp.stack(list(yields.values))
    order = jnp.sort(stacked)
    largest = jax.lax.cond(order[0] > 1.0, lambda: order[-1], lambda: -order[-1])
    total = jax.lax.fori_loop(0, 3, lambda k, sum: sum + stacked[k] * (k + 1), 0.0)
    return largest, total, jnp.dot(stacked, order), area * order[1]


def of_nothing(area, yields, weather):
    return 1.0, table(CROP, [1, 2, 3]), jnp.arange(3.0).sum()


RULES = [by_label, turned_round, put_together, parts, in_vectors, of_nothing]


@pytest.mark.parametrize("rule", RULES)
def test_all_at_once_is_the_same_as_path_by_path(rule):
    found, expected = run(rule, *GIVEN), mapped(rule, *GIVEN)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert one.shape == other.shape == (POLICIES, PATHS)
        assert_close(one, other)


def test_a_branch_that_is_chosen_by_the_year_alone_stays_one():
    def rule(x, year):
        def endless_before_2022():
            return jax.lax.while_loop(lambda v: v < 100.0, lambda v: v * jnp.where(year < 2022, 1.0, 2.0), x)

        return jax.lax.cond(year < 2022, lambda: x, endless_before_2022)

    for year, least in ((2020.0, 0.0), (2030.0, 100.0)):
        found = run(rule, (by_both(), BOTH), (np.full((1, 1), year, np.float32), Axis.YEAR))
        assert (np.asarray(found) > least).all()


def test_conditions_are_counted():
    def rule(area, yields, weather):
        many = area > 1.0
        return (
            many.over(),
            many.mean("crop"),
            (yields == yields.sel(crop="rye")).over(),
            (area != area).over(),
        )

    for one, other in zip(
        jax.tree.leaves(run(rule, *GIVEN)), jax.tree.leaves(mapped(rule, *GIVEN)), strict=True
    ):
        assert_close(one, other)
    counted = sum((cell > 1.0).astype(int) for cell in AREA.values)
    assert_close(run(rule, *GIVEN)[0], counted.astype(np.float32))


def sizes(rule, name):
    """Rows of the packs of an operation."""
    batch, _ = batch_of(rule, *GIVEN)
    return [len(pack.equations) for pack in batch.packs if pack.name == name]


def test_one_rule_on_several_cells_is_one_pack():
    assert sizes(by_label, "exp") == [2]  # the weather is that of a region, for all of its crops
    assert sizes(by_label, "sub") == [6]
    assert sizes(turned_round, "div") == [6]


def test_cells_that_a_model_puts_together_are_one_pack_from_there_on():
    assert sizes(put_together, "exp") == [3]
    assert sizes(put_together, "sqrt") == [1]


def test_calls_are_looked_into_and_what_nobody_reads_is_left_out():
    def rule(x):
        _ = jnp.exp(x) * 2
        return jax.jit(lambda v: jnp.clip(v, 0.0, 1.0))(x)

    names = [equation.name for equation in written_out(rule, jax.ShapeDtypeStruct((), np.float32)).equations]
    assert not {"jit", "pjit", "exp"} & set(names) and names


@pytest.mark.parametrize(
    ("rows", "in_place"),
    [
        ([0, 1, 2, 3, 4, 5], True),
        ([1, 2, 3], True),
        ([1, 3, 5], True),
        ([4], True),
        ([2, 2, 2], True),
        ([0, 0, 0, 1, 1, 1], True),
        ([0, 1, 0, 1, 0, 1], True),
        ([0, 2, 4, 1, 3, 5], True),  # by region and crop, out of crop and region
        ([0, 3, 1, 4, 2, 5], True),
        ([0, 1, 3, 4], True),
        ([2, 0, 1], False),
        ([5, 4, 3], False),
        ([0, 1, 3], False),
    ],
)
def test_rows_that_follow_each_other_evenly_are_read_in_place(rows, in_place):
    array = np.arange(6 * POLICIES * PATHS, dtype=np.float32).reshape(6, POLICIES, PATHS)
    found = _rows(jnp.asarray(array), rows)
    assert (found is not None) == in_place
    if found is not None:
        np.testing.assert_array_equal(np.broadcast_to(found, (len(rows), POLICIES, PATHS)), array[rows])
