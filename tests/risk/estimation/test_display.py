"""Histograms for charts, from values and from merged histograms."""

import numpy as np
import pytest

from engine.risk.estimation.display import histogram, histogram_of_bins
from engine.risk.estimation.measures import Variables
from tests.helpers import assert_same
from tests.risk.estimation.test_histograms import binned_by_value, samples


def test_the_chart_is_nearly_that_of_the_values():
    rng = np.random.default_rng(3)
    values = np.exp(rng.standard_normal((2, 100_000))).astype(np.float32)
    counts, edges = histogram_of_bins([binned_by_value(row) for row in values])
    exact, exact_edges = histogram(np.sort(values))
    assert_same(counts.sum(axis=1), np.array([100_000, 100_000]))
    assert counts.shape == exact.shape and np.all(np.diff(edges) > 0)
    assert_same(edges[[0, -1]], exact_edges[[0, -1]])
    # an edge may move by the width of a bin, and with it the paths beyond
    assert np.abs(edges / exact_edges - 1).max() < 2.0**-6
    assert np.abs(np.cumsum(counts, axis=1) - np.cumsum(exact, axis=1)).max() < 2.0**-7 * 100_000


@pytest.mark.parametrize("name", ["constant", "zero", "few"])
def test_the_chart_of_next_to_nothing(name):
    counts, edges = histogram_of_bins([binned_by_value(samples()[name])] * 2)
    assert_same(counts.sum(axis=1), np.full(2, len(samples()[name])))
    assert edges.shape == (65,) and np.all(np.diff(edges) >= 0)


def test_the_chart_keeps_what_lies_at_the_cap_inside():
    counts, _ = histogram_of_bins([binned_by_value(samples()["capped"])])
    assert counts[0, -1] == 0 and counts[0, -2] > 1000


def test_histogram_counts_every_finite_value_once():
    rng = np.random.default_rng(3)
    values = rng.standard_t(2, (2, 20_000)).astype(np.float32)
    values[0, :7] = [np.nan, np.inf, -np.inf, 1e9, -1e9, 0.0, 0.0]
    counts, edges = histogram(Variables(values, 1, True).ascending())
    assert counts.shape == (2, 64) and edges.shape == (65,)
    assert_same(counts.sum(1), np.array([19_997, 20_000]))
    assert np.all(np.diff(edges) > 0)
    for row, finite in zip(counts, (values[0, 3:], values[1]), strict=True):
        assert_same(row, np.histogram(finite.astype(np.float64), edges)[0])
    pooled = np.concatenate([values[0, 3:], values[1]]).astype(np.float64)
    assert_same(edges[[1, -2]], np.quantile(pooled, [0.001, 0.999]))
    assert_same(edges[[0, -1]], np.array([pooled.min(), pooled.max()]))


@pytest.mark.parametrize("values", [np.zeros((2, 50)), np.full((2, 50), np.nan)])
def test_histogram_of_a_constant_or_of_nothing(values):
    counts, edges = histogram(Variables(values.astype(np.float32), 1, True).ascending())
    assert counts.sum() == np.isfinite(values).sum()
    assert edges.shape == (65,)
