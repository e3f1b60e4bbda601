"""The cell axis."""

import numpy as np
import pytest

from engine.modelling.cell_axis import split_cells
from tests.helpers import assert_same
from tests.small_study import Provinces


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
    with pytest.raises(ValueError, match="reshape"):
        split_cells(Provinces(), array)
