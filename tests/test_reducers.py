"""Yearly sums against their definitions, merging, the cell axis, and the display histogram."""

import numpy as np
import pytest
from helpers import assert_close, assert_plausible, assert_same
from small_study import Provinces, block_sums, make_study, yearly_values

from engine.reducers import cell_count, cell_layout, histogram, merged, split_cells


@pytest.fixture(scope="module")
def sums():
    study = make_study(5120)
    values = yearly_values(study, 5120)
    return values, block_sums(study, values, values[..., :256].mean(-1))


def test_cells_are_laid_out_in_the_order_of_the_model():
    layout = cell_layout(Provinces())
    assert [(name, c.first, c.count) for name, c in layout.items()] == [
        ("growth", 0, 2),
        ("stock", 2, 6),
        ("price", 8, 1),
    ]
    assert layout["stock"].dims == ("region", "sector") and layout["stock"].shape == (2, 3)


def test_split_gives_each_variable_its_own_dimensions_wherever_the_cell_axis_is():
    array = np.arange(2 * 9 * 4).reshape(2, 9, 4)
    parts = split_cells(Provinces(), array, axis=1)
    assert {name: part.shape for name, part in parts.items()} == {
        "growth": (2, 2, 4),
        "stock": (2, 2, 3, 4),
        "price": (2, 4),
    }
    assert_same(parts["stock"][:, 1, 2], array[:, 7])
    assert_same(split_cells(Provinces(), np.moveaxis(array, 1, -1))["price"], array[:, 8])
    with pytest.raises(ValueError, match="expected 9 cells, got 4"):
        split_cells(Provinces(), array)


def test_moments_are_those_of_the_paths(sums):
    values, found = sums
    assert_close(found.mean(), values.mean(-1))
    assert_close(found.deviation(), values.std(-1, ddof=1))
    assert_close(found.difference(), (values - values[0]).mean(-1))


def test_equal_tiles_give_the_error_of_a_mean_of_tile_means(sums):
    values, found = sums
    means = values.reshape(*values.shape[:-1], 20, 256).mean(-1)
    assert_close(found.standard_error(), means.std(-1, ddof=1) / np.sqrt(20))
    paired = means - means[0]
    assert_close(found.difference_error(), paired.std(-1, ddof=1) / np.sqrt(20))
    assert_same(found.difference_error()[0], np.zeros_like(found.first[0]))


def test_the_error_is_the_spread_of_means_over_repetitions():
    study = make_study(1000)  # the last of four tiles is short
    shift = np.full((2, 3, cell_count(study.model)), 3.0)
    runs = [block_sums(study, yearly_values(study, 1000, seed), shift) for seed in range(150)]
    stated = np.mean([run.standard_error() ** 2 for run in runs])
    means = np.array([run.mean() for run in runs])
    true = np.mean([1.0 / 1000, 1.09 / 1000])
    error = true * np.sqrt(2 / (150 * means[0].size / 2))
    assert_plausible(stated, true, error, resolves=0.5 * true)
    assert_plausible(means.var(axis=0, ddof=1).mean(), true, error, resolves=0.5 * true)


def test_merging_blocks_gives_the_sums_of_all_paths(sums):
    values, whole = sums
    study, shift = make_study(5120), whole.shift
    parts = [block_sums(study, part, shift) for part in np.split(values, [1024, 3072], axis=-1)]
    found = merged(parts)
    for name, value in vars(whole).items():
        assert_close(np.asarray(getattr(found, name), float), np.asarray(value, float))
    assert found.freedom == 19
    assert merged([]) is None


def test_sums_about_different_shifts_do_not_merge(sums):
    values, whole = sums
    with pytest.raises(ValueError, match="do not merge"):
        whole.merge(block_sums(make_study(5120), values, whole.shift + 1.0))
    with pytest.raises(ValueError, match="do not merge"):
        whole.merge(block_sums(make_study(5120), values, whole.shift, baseline=1))


def test_one_tile_has_no_error():
    study = make_study(200)
    found = block_sums(study, yearly_values(study, 200), np.zeros((2, 3, 9)))
    assert np.isnan(found.standard_error()).all() and np.isnan(found.difference_error()).all()


def test_histogram_counts_every_finite_value_once():
    rng = np.random.default_rng(3)
    values = rng.standard_t(2, (2, 20_000)).astype(np.float32)
    values[0, :7] = [np.nan, np.inf, -np.inf, 1e9, -1e9, 0.0, 0.0]
    counts, edges = histogram(values)
    assert counts.shape == (2, 64) and edges.shape == (65,)
    assert_same(counts.sum(1), np.array([19_997, 20_000]))
    assert np.all(np.diff(edges) > 0)
    for row, finite in zip(counts, (values[0, 3:], values[1]), strict=True):
        assert_same(row, np.histogram(finite.astype(np.float64), edges)[0])


@pytest.mark.parametrize("values", [np.zeros((2, 50)), np.full((2, 50), np.nan)])
def test_histogram_of_a_constant_or_of_nothing(values):
    counts, edges = histogram(values.astype(np.float32))
    assert counts.sum() == np.isfinite(values).sum()
    assert edges.shape == (65,)
