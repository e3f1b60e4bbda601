"""Folds over the years against NumPy."""

import numpy as np
import pytest

from engine.modelling import folds
from engine.modelling.cells import table
from engine.modelling.records import at_year, lowest, peak, total, worst_spell

YEARS = range(2016, 2026)
SERIES = np.random.default_rng(3).normal(size=len(YEARS))
REGION = {"region": ("a", "b", "c")}


def folded(fold, series):
    """The fold over a series, year by year."""
    state = folds.start(fold)
    for year, value in zip(YEARS, series, strict=True):
        state = folds.update(fold, state, year, value)
    return float(folds.finish(fold, state))


@pytest.mark.parametrize(
    ("fold", "expected"),
    [
        (peak("x"), SERIES.max()),
        (lowest("x"), SERIES.min()),
        (total("x"), SERIES.sum()),
        (at_year("x", 2019), SERIES[3]),
        (worst_spell("x", 1), SERIES.min()),
        (worst_spell("x", 2), np.maximum(SERIES[1:], SERIES[:-1]).min()),
        (worst_spell("x", 3), np.maximum(np.maximum(SERIES[2:], SERIES[1:-1]), SERIES[:-2]).min()),
        (total("x") * 100, SERIES.sum() * 100),
    ],
)
def test_every_kind(fold, expected):
    assert folded(fold, SERIES) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("across", "expected"), [("sum", 5), ("mean", 2.5), ("peak", 4), ("lowest", 1)])
def test_cells_of_a_year_become_one_number(across, expected):
    fold = peak("x", {"region": ("a", "c")}, across)
    assert float(folds.of_the_year(fold, {"x": table(REGION, [1, 9, 4])})) == expected


def test_nan_is_never_hidden():
    series = SERIES.copy()
    series[4] = np.nan
    for fold in (peak("x"), lowest("x"), total("x"), worst_spell("x", 2)):
        assert np.isnan(folded(fold, series))
