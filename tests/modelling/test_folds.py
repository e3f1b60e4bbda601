"""Folds over the years against NumPy."""

import numpy as np
import pytest

from engine.modelling.cells import table
from engine.modelling.folds import at_year, highest_spell, last, lowest, peak, total, worst_spell

YEARS = range(2016, 2026)
SERIES = np.random.default_rng(3).normal(size=len(YEARS))
REGION = {"region": ("a", "b", "c")}


def folded(fold, series, years=YEARS):
    """The fold over a series, year by year."""
    state = fold.init()
    for year, value in zip(years, series, strict=True):
        state = fold.update(state, year, {"x": value, "y": value**2})
    return float(fold.finish(state))


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
        (peak("x") - lowest("x"), SERIES.max() - SERIES.min()),
        (total("x") + 2 * total("y"), SERIES.sum() + 2 * (SERIES**2).sum()),
        (
            -(worst_spell("y", 2) - 3 * at_year("x", 2020)) * 0.5,
            (3 * SERIES[4] - np.maximum(SERIES[1:] ** 2, SERIES[:-1] ** 2).min()) / 2,
        ),
    ],
)
def test_every_kind_and_sums_of_them(fold, expected):
    assert folded(fold, SERIES) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("across", "expected"), [("sum", 5), ("mean", 2.5), ("peak", 4), ("lowest", 1)])
def test_cells_of_a_year_become_one_number(across, expected):
    (term,) = peak("x", {"region": ("a", "c")}, across).terms
    assert float(term.of_the_year({"x": table(REGION, [1, 9, 4])})) == expected


def test_nan_is_never_hidden():
    series = SERIES.copy()
    series[4] = np.nan
    for fold in (peak("x"), lowest("x"), total("x"), worst_spell("x", 2), peak("x") - at_year("x", 2016)):
        assert np.isnan(folded(fold, series))


def test_only_folds_add_up():
    for wrong in (lambda: peak("x") + 1, lambda: 1 - peak("x"), lambda: peak("x") * peak("x")):
        with pytest.raises(TypeError):
            wrong()


KINDS = {
    "peak": peak("x"),
    "lowest": lowest("x"),
    "total": total("x"),
    "last": last("x"),
    "at_year": at_year("x", 2018),
    "worst_spell": worst_spell("x", 2),
    "highest_spell": highest_spell("x", 3),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("until", [2018, 2020, 2024])
def test_years_up_to_one_give_what_a_study_gives_that_ends_in_it(kind, until):
    fold, n = KINDS[kind], until - YEARS[0] + 1
    series = SERIES.copy()
    series[n:] = np.nan  # what is not looked at cannot be seen
    assert folded(fold.until(until), series) == folded(fold, SERIES[:n], YEARS[:n])
    assert folded(fold.until(2040), SERIES) == folded(fold.until(2025), SERIES) == folded(fold, SERIES)
