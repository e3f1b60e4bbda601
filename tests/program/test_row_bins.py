"""Counts by bin: in machine code as by NumPy."""

import numpy as np
import pytest

from engine.execution import summing
from engine.lanes.object_code import CompilerEnded
from engine.program import row_bins
from engine.risk.estimation import histograms
from tests.helpers import assert_same

LARGEST = np.finfo(np.float32).max
SIZE = 1 << 17


def any_bits(random: np.random.Generator) -> np.ndarray:
    bits = random.integers(0, 1 << 32, SIZE, np.uint32).view(np.float32)
    return np.where(np.isfinite(bits), bits, np.float32(-0.0))


VALUES = {
    "normal": lambda random: random.normal(size=SIZE).astype(np.float32),
    "ties": lambda random: random.integers(-2, 3, SIZE).astype(np.float32) / 7,
    "one": lambda random: np.full(SIZE, -0.1, np.float32),
    "zeros": lambda random: np.where(random.random(SIZE) < 0.5, 0, -0.0).astype(np.float32),
    "subnormal": lambda random: random.integers(-9, 9, SIZE).astype(np.float32) * np.float32(1e-45),
    "huge": lambda random: random.choice(np.array([LARGEST, -LARGEST, 1], np.float32), SIZE),
    "any bits": any_bits,
}


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("starts", [[0], [0, 10, 10, 5000], list(range(0, SIZE, SIZE // 16))])
def test_machine_code_counts_as_numpy_does(kind, starts):
    """Twice: what a count leaves behind must not be seen by the next one."""
    values = VALUES[kind](np.random.default_rng(4))
    for part in (values, values[3 : len(values) // 2]):
        found, expected = (count(part, np.array(starts)) for count in (row_bins.counted, histograms.by_numpy))
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
            assert one.dtype == other.dtype


def test_numpy_counts_where_the_compiler_ends(monkeypatch):
    def ended(*_):
        raise CompilerEnded("gone")

    monkeypatch.setattr(
        histograms, "counting", summing.unless_ended(histograms, "counting", ended, histograms.by_numpy)
    )
    values, starts = np.arange(100, dtype=np.float32), np.array([0, 50])
    for one, other in zip(histograms.counted(values, starts), histograms.by_numpy(values, starts), strict=True):
        assert_same(one, other)
    assert histograms.counting is histograms.by_numpy
