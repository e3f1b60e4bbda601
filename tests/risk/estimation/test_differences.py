"""Differences of quantiles where values are tied, and shares by counting."""

import numpy as np
import pytest

from engine.risk.estimation.flags import Reason
from engine.risk.estimation.measures import difference
from tests.risk.estimation.test_histograms import binned_by_value, difference_of


def test_medians_that_every_pair_straddles_differ_with_a_width():
    """Units that happen to be all alike have no spread, though what they hold is drawn: 15 pairs, and one law for
    both.
    """
    rng = np.random.default_rng(4)
    x, y = (rng.permuted(rng.exponential(size=(15, 2)) * [-1, 1], axis=1).ravel() for _ in range(2))
    held = difference(x, y, 2, True)["median"]
    assert held.low < min(0, held.estimate) and max(0, held.estimate) < held.high
    assert difference(x + 1, x, 2, True)["median"].low == 1


@pytest.mark.parametrize(
    "of", [difference, lambda x, y, *_: difference_of(binned_by_value(x, 16), binned_by_value(y, 16), True)]
)
def test_a_difference_of_quantiles_of_tied_values_has_a_flag_and_no_interval(of):
    x, y = np.random.default_rng(5).poisson([[3.0], [1.978]], (2, 8192)).astype(np.float32)
    held = of(x, y, 2, True)
    assert {flag.reason for flag in held["VaR95"].flags} == {Reason.TIED} and np.isnan(held["VaR95"].low)
    assert held["mean"].low < 1 < held["mean"].high
    whole = of(x, x - 1, 2, True)["VaR95"]
    assert np.isnan(whole.low) or whole.low == whole.high == 1
