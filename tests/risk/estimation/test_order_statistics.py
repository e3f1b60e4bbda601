"""Values by their ranks: of long rows as of sorted ones."""

import numpy as np
import pytest

from engine.program import row_bins
from engine.risk.estimation import row_statistics
from engine.risk.estimation.display import histogram
from engine.risk.estimation.intervals import Units
from engine.risk.estimation.measures import Variables
from engine.risk.estimation.row_statistics import LEAST, ascending_rows, of_rank
from engine.risk.estimation.tails import Measured, table
from tests.helpers import assert_same

SIZE = LEAST + 6
LARGEST = np.finfo(np.float32).max
SPANS = ((0, 600), (SIZE // 2 - 500, SIZE // 2 + 500), (SIZE - SIZE // 19, SIZE))


def endless(random: np.random.Generator) -> np.ndarray:
    values = random.normal(size=SIZE)
    values[random.integers(0, SIZE, 60)] = np.inf
    values[random.integers(0, SIZE, 60)] = -np.inf
    values[random.integers(0, SIZE, 60)] = np.nan
    return values


VALUES = {
    "normal": lambda random: random.normal(size=SIZE),
    "far from zero": lambda random: 1e6 + random.random(SIZE),
    "of all sizes": lambda random: random.normal(size=SIZE) * np.exp(9 * random.normal(size=SIZE)),
    "heavy": lambda random: random.standard_cauchy(SIZE),
    "ties": lambda random: random.integers(-2, 9, SIZE) / 7,
    "an atom at an end": lambda random: np.maximum(random.normal(size=SIZE), 0),
    "huge": lambda random: random.choice(np.array([LARGEST, -LARGEST, 1, 2]), SIZE),
    "hardly anything": lambda random: np.where(random.random(SIZE) < 1e-5, random.random(SIZE), 3),
    "one": lambda random: np.full(SIZE, -0.1),
    "subnormal": lambda random: random.integers(-9, 9, SIZE) * 1e-45,
    "not all finite": endless,
}


@pytest.fixture(params=[row_statistics.binned_by_numpy, row_bins.binned], ids=["by NumPy", "in machine code"])
def binning(request, monkeypatch):
    monkeypatch.setattr(row_statistics, "binning", request.param)


def rows_of(kind):
    values = VALUES[kind](np.random.default_rng(7)).astype(np.float32)
    return values, np.sort(values), ascending_rows(values[None], SPANS)[0]


@pytest.mark.parametrize("kind", VALUES)
def test_a_long_row_is_as_if_it_were_sorted(kind, binning):
    values, ascending, row = rows_of(kind)
    before = values.copy()
    assert len(row) == SIZE and row.dtype == np.float32
    for ranks in (slice(3), slice(-3, None), slice(5, 5), slice(SIZE // 3, SIZE // 2), slice(*SPANS[2])):
        assert_same(row[ranks], ascending[ranks])
    for rank in (0, 7, SIZE // 5, -1):
        assert_same(of_rank([row], rank % SIZE), np.array([ascending[rank]], np.float64))
    wanted = np.concatenate([ascending[:: SIZE // 99], [0, -LARGEST, LARGEST]]).astype(np.float32)
    wanted = wanted[~np.isnan(wanted)]
    with np.errstate(over="ignore"):
        above = np.nextafter(wanted, np.float32(np.inf))
    for v in (wanted, above, wanted[5]):
        for side in ("left", "right"):
            assert_same(row.searchsorted(v, side), ascending.searchsorted(v, side))
    assert_same(values, before)


@pytest.mark.parametrize(
    ("kind", "unit"), [("normal", 1), ("heavy", 2), ("ties", 1), ("an atom at an end", 2), ("one", 1)]
)
def test_measures_and_charts_are_those_of_sorted_rows(kind, unit, monkeypatch):
    monkeypatch.setattr(row_statistics, "binning", row_bins.binned)
    values = VALUES[kind](np.random.default_rng(7)).astype(np.float32)
    both = np.stack([values, np.roll(values, 1) + values % 3])

    def made():
        of = Variables(both, unit, loss=False)
        one, two = (Measured(row[None], Units(SIZE, unit)) for row in both)
        numbers = [*(part for p in range(2) for part in (of.summary(p), of.difference(p, 0))), of.regrets()]
        return repr(numbers), table(*one.gaps(two)), histogram(of.ascending())

    found = made()
    monkeypatch.setattr(row_statistics, "LEAST", 2 * SIZE)
    expected = made()
    assert found[0] == expected[0]
    for one, other in zip((*found[1], *found[2]), (*expected[1], *expected[2]), strict=True):
        assert_same(one, other)
    for one, other in zip(found[2], histogram(np.sort(both)), strict=True):
        assert_same(one, other)
