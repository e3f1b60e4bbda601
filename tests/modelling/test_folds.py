"""Folds over the years against NumPy."""

import numpy as np
import pytest

from engine.modelling.folds import at_year, highest_spell, last, lowest, peak, total, worst_spell

YEARS = range(2016, 2026)
SERIES = np.random.default_rng(3).normal(size=len(YEARS))


def folded(fold, series, years=YEARS):
    """The fold over a series, year by year."""
    state = fold.init()
    for year, value in zip(years, series, strict=True):
        state = fold.update(state, year, {"x": value, "y": value**2})
    return float(fold.finish(state))


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
