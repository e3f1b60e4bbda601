"""How far intervals reach that hold together: as one alone where there is one, further the more there are that
differ."""

import numpy as np
import pytest
from scipy.special import ndtri, stdtrit

from engine.risk.estimation.intervals import Units, Z, as_units
from engine.risk.estimation.simultaneous import Together, batched, binned, codes
from tests.helpers import assert_close

N = 1 << 15
RANDOM = np.random.default_rng(1)


def reach(values, unit=1):
    batches = batched(as_units(values.shape[-1], unit))
    return Together(batches.totals(values), batches).reach


def test_one_alone_reaches_as_far_as_ever():
    row = RANDOM.standard_normal((1, N))
    assert reach(row) == pytest.approx(Z, rel=0.03)
    assert reach(np.repeat(row, 50, axis=0)) == pytest.approx(Z, rel=0.03)
    assert reach(np.concatenate([row, -row])) == pytest.approx(Z, rel=0.03)


@pytest.mark.parametrize("count", [2, 10, 100])
def test_independent_numbers_reach_as_far_as_sidak_says(count):
    truth = ndtri(0.5 + 0.5 * 0.95 ** (1 / count))
    assert reach(RANDOM.standard_normal((count, N))) == pytest.approx(truth, rel=0.03)


def test_few_units_reach_as_far_as_student():
    assert reach(RANDOM.standard_normal((1, 8))) == pytest.approx(stdtrit(7, 0.975), rel=0.05)
    assert np.isnan(reach(RANDOM.standard_normal((3, 1))))


def test_what_never_varies_takes_nothing():
    row = RANDOM.standard_normal((1, N))
    assert reach(np.concatenate([row, np.zeros((30, N))])) == pytest.approx(Z, rel=0.03)
    assert reach(np.ones((4, N))) == Z


@pytest.mark.parametrize(
    "units", [Units(N, 1), Units(N, 2), Units(N, 256), Units(9, 1, np.array([0, 0, 1, 1, 1, 2, 3, 3, 3]))]
)
def test_batches_are_whole_units_and_add_up(units):
    batches = batched(units)
    owner, of = batches.owners(np.arange(units.paths)), units.owners(np.arange(units.paths))
    assert batches.count <= 4096 and (np.diff(owner) >= 0).all()
    assert all(len(set(owner[of == unit])) == 1 for unit in range(min(units.count, 50)))
    values = RANDOM.standard_normal(units.paths)
    assert_close(batches.totals(values).sum(), values.sum())
    code = RANDOM.integers(0, 5, units.paths)
    counts = binned(code, 5, batches)
    assert_close(counts.sum(axis=0), batches.sizes * np.ones(batches.count))
    assert_close(binned(code, 5, batches, values).sum(axis=1), np.bincount(code, values, 5))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_code_is_how_many_levels_lie_below(kind):
    values = np.round(RANDOM.standard_normal(3 * N), 2).astype(kind)
    for levels in (np.unique(values)[::30], np.unique(values), values[:1]):
        assert np.array_equal(codes(levels, values), np.searchsorted(levels, values))


@pytest.mark.parametrize("count", [1, 8, 60, N])
def test_what_is_beyond_the_reach_is_so_whether_or_not_it_is_looked_for(count):
    batches = batched(Units(count, 1))
    values = np.cumsum(RANDOM.standard_normal((20, count)), axis=0)
    reach = Together(batches.totals(values), batches).reach
    for errors in (-1.0, 0.0, 1.9, *(reach * np.array([0.9, 1 - 1e-9, 1.0, 1 + 1e-9, 1.5, 3.0])), 1e6, np.nan):
        together = Together(batches.totals(values), batches)
        assert together.beyond(float(errors)) is bool(errors > reach)
