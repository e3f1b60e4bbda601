"""Labelled scalars: broadcasting by name, operators, folds, rules for one cell."""

import pytest

from engine.modelling.cells import Cells, clip, each, maximum, merged_labels, normal_cdf, table, where

REGION = {"region": ("north", "south")}
SECTOR = {"sector": ("steel", "coal", "cement")}
BOTH = table({**REGION, **SECTOR}, [[1, 2, 3], [4, 5, 6]])


def test_tables_broadcast_by_the_name_of_their_dimensions():
    by_region, by_sector = table(REGION, [10, 20]), table(SECTOR, [1, 2, 3])
    assert (BOTH * by_region)["south", "coal"] == 100
    assert (by_sector * BOTH)["coal", "south"] == 10  # dimensions in order of first appearance
    assert (1 - by_region).values == (-9, -19)
    assert (BOTH / 2)["north", "steel"] == 0.5


def test_folding_and_selecting():
    assert BOTH.over("region").values == (5, 7, 9)
    assert BOTH.over() == 21
    assert BOTH.mean("sector").values == pytest.approx((2, 5))
    assert BOTH.sel(region="south").values == (4, 5, 6)
    assert BOTH.sel(region="south", sector="coal") == 5
    assert BOTH.sel(sector=["cement"]).values == (3, 6)
    assert BOTH.fold(max, "sector").values == (3, 6)


def test_a_rule_for_one_cell_maps_over_labels_and_stays_a_function_of_numbers():
    @each
    def share(part, whole):
        """Part of the whole, and the rest."""
        return part / whole, 1 - part / whole

    assert share(1.0, 4.0) == (0.25, 0.75)
    part, rest = share(BOTH, BOTH.over("sector"))
    assert part["north", "coal"] == pytest.approx(2 / 6)
    assert rest["south", "steel"] == pytest.approx(1 - 4 / 15)


def test_functions_and_comparisons():
    assert maximum(BOTH, 3).over() == 3 * 3 + 4 + 5 + 6
    assert where(BOTH > 3, 1.0, 0.0).over() == 3
    assert where((BOTH > 1) & (BOTH < 4), 1.0, 0.0).over() == 2
    assert clip(BOTH, 2, 5).over() == 2 + 2 + 3 + 4 + 5 + 5
    assert float(normal_cdf(1.959964)) == pytest.approx(0.975, abs=1e-6)


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="labels"):
        BOTH + table({"region": ("north", "west")}, [1, 2])
    with pytest.raises(KeyError, match=r"no cell .*'west'"):
        table(REGION, [1, 2])["west"]
    with pytest.raises(KeyError, match="no dimension 'year'"):
        BOTH.over("year")
    with pytest.raises(ValueError, match="expected 2 values, got 3"):
        Cells(REGION, [1, 2, 3])
    assert merged_labels([1.0, BOTH]) == {**REGION, **SECTOR}
