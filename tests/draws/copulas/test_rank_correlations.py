"""Rank correlations: from the correlation and back, and against draws."""

import numpy as np
import pytest
from scipy import special

from engine.draws.copulas import rank_correlations
from tests.helpers import assert_close, assert_plausible


@pytest.mark.parametrize("df", [None, 1.0, 2.5, 10.0, 300.0])
def test_rank_correlations_and_back(df):
    r = np.array([[-1.0, -0.999, -0.6], [-0.1, 0.0, 0.3], [0.7, 0.95, 1.0]])
    assert_close(rank_correlations.pearson_of_kendall(rank_correlations.kendall_of_pearson(r)), r)
    assert_close(rank_correlations.pearson_of_spearman(rank_correlations.spearman_of_pearson(r, df), df), r, np.float32)


@pytest.mark.parametrize("df", [1.0, 4.0])
def test_the_rank_correlation_of_a_t_copula_is_that_of_draws(df):
    n = 1 << 18
    rng = np.random.default_rng(4)
    z, w = rng.standard_normal((2, n)), np.sqrt(df / rng.chisquare(df, n))
    u, v = (special.stdtr(df, x * w) - 0.5 for x in (z[0], 0.7 * z[0] + np.sqrt(0.51) * z[1]))
    truth = float(rank_correlations.spearman_of_pearson(np.array(0.7), df))
    assert_plausible(12 * np.mean(u * v), truth, 12 * np.std(u * v) / np.sqrt(n), 0.02)
