"""Worst futures in common: all of them, none, and as many as chance gives."""

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from engine.risk.policies.paired import common_tails
from tests.helpers import assert_plausible

N = 200_000
A, B = np.random.default_rng(7).standard_normal((2, N))


@pytest.mark.parametrize("unit", [1, 2, 100])
def test_the_same_the_opposite_and_the_unrelated(unit):
    shares = common_tails([A, np.exp(A), -A, B], unit, 0.99)
    assert shares[0, 1].estimate == 1.0 and shares[0, 1].high == 1.0 > shares[0, 1].low
    assert shares[0, 2].estimate == 0.0 and shares[0, 2].low == 0.0 < shares[0, 2].high
    assert shares[0, 3].low < 0.01 < shares[0, 3].high


def test_two_normals_have_as_much_in_common_as_their_law_says():
    both = multivariate_normal(cov=[[1, 0.7], [0.7, 1]]).cdf([-ndtri(0.99)] * 2) / 0.01
    chi = common_tails([A, 0.7 * A + np.sqrt(0.51) * B], 1, 0.99)[0, 1]
    assert_plausible(chi.estimate, both, chi.standard_error, 0.1)


def test_ties_and_few_paths():
    tied = np.where(A > 2.0, 5.0, 0.0)  # 2.3 % of paths are the worst alike
    assert np.isnan(common_tails([A, tied], 1, 0.99)[0, 1].estimate)
    kept = common_tails([A, np.where(ndtri(0.99) < A, 1.0, 0.0)], 1, 0.99)[0, 1]
    assert kept.estimate > 0.9
    few = common_tails([A[:100], B[:100]], 1, 0.99)[0, 1]
    assert "exceedances" in few.flag and np.isnan(few.low)
    one = common_tails([A[:1], B[:1]], 1, 0.99)[0, 1]
    assert np.isnan(one.low)
    nothing = np.full(10, np.nan)
    assert np.isnan(common_tails([nothing, nothing], 1, 0.99)[0, 1].estimate)
