"""The cell axis, and the display histogram."""

import numpy as np
import pytest

from engine.modelling.cell_axis import cell_layout, histogram, split_cells
from tests.helpers import assert_same
from tests.small_study import Provinces


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
