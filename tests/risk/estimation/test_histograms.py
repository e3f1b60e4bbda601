"""Histograms on the bits of the values: order, exact sums, and bounds that always hold."""

import numpy as np
import pytest

from engine.risk.estimation.histogram_measures import Binned
from engine.risk.estimation.histograms import WIDEST, Histogram, counted, edges_of
from engine.risk.estimation.influences import named
from engine.risk.estimation.intervals import Estimate, Levels
from engine.study.study import LEVELS
from tests.helpers import assert_close


def binned_by_value(values: np.ndarray, groups: int = 1) -> Histogram:
    """The histogram of values [path] in so many groups of consecutive paths."""
    starts = np.arange(groups) * len(values) // groups
    totals = np.add.reduceat(values, starts, dtype=np.float64)
    bins, counts, steps = counted(values, starts)
    ends = float(values.min()), float(values.max())
    return Histogram(*edges_of(bins), counts, steps, totals, *ends, rounded=values.dtype == np.float64)


def summary_of(histogram: Histogram, loss: bool, levels: Levels = LEVELS) -> dict[str, Estimate]:
    """Measures of a histogram, by name."""
    return named(Binned(histogram if loss else histogram.negated(), levels).own(), levels, loss)


def difference_of(histogram: Histogram, baseline: Histogram, loss: bool) -> dict[str, Estimate]:
    """Measures of a histogram less those of another, by name."""
    one, two = (Binned(of if loss else of.negated()) for of in (histogram, baseline))
    return named(one.less(two), LEVELS, loss)


def samples() -> dict[str, np.ndarray]:
    """Values of many kinds: both signs, atoms, long tails, hardly any spread, subnormals."""
    rng = np.random.default_rng(1)
    normal = rng.standard_normal(5000)
    kinds = {
        "normal": normal,
        "lognormal": np.exp(2 * normal),
        "long tail": rng.standard_t(1, 5000),
        "index near 100": 100 + 0.1 * normal,
        "capped": np.minimum(np.abs(normal), 1.0),
        "mostly none": np.maximum(normal - 1, 0.0),
        "constant": np.full(5000, 0.3),
        "zero": np.zeros(5000),
        "subnormal": 1e-42 * normal,
        "whole numbers": np.round(10 * normal),
        "few": normal[:3],
    }
    return {name: part.astype(np.float32) for name, part in kinds.items()}


KINDS = pytest.mark.parametrize("name", samples())


@KINDS
def test_bins_are_narrow_and_hold_their_values(name):
    values = samples()[name]
    found = binned_by_value(values)
    high = found.edges + WIDEST * found.step
    for edge, end, count in zip(found.edges, high, found.pooled, strict=True):
        inside = (edge <= values) & (values <= end) & ~((values == 0) & (edge < 0))  # the last of these is -0
        assert np.count_nonzero(inside) == count
    normal = np.abs(found.edges) >= np.finfo(np.float32).tiny
    assert np.all((high - found.edges)[normal] < 2.0**-7 * np.minimum(np.abs(found.edges), np.abs(high))[normal] * 1.01)


@pytest.mark.parametrize("negated", [False, True])
@KINDS
def test_bounds_hold_every_quantile_and_every_tail_sum(name, negated):
    values = samples()[name]
    found = binned_by_value(values, 2)
    if negated:
        values, found = -values, found.negated()
    falling = np.sort(values.astype(np.float64))[::-1]
    ranks = np.arange(1, len(values) + 1)
    low, high = found.bounds(ranks)
    assert np.all((low <= falling) & (falling <= high))
    guess = found.largest(ranks)
    assert np.all((low <= guess) & (guess <= high))
    for rank in np.unique(np.geomspace(1, len(values), 12).astype(int)):
        total, least, most = found.sum_of_largest(int(rank))
        room = 1e-12 * np.abs(falling).sum()
        assert least <= total <= most
        assert least - room <= falling[:rank].sum() <= most + room
        number, excess = found.beyond(int(rank), 0.0)
        assert_close(number.sum(), float(rank))
        assert_close(excess.sum(), total)
