"""Rank correlations: from the correlation and back, and against draws."""

import numpy as np
import pytest

from engine.draws.copulas import rank_correlations
from tests.helpers import assert_close


@pytest.mark.parametrize("df", [None, 1.0, 2.5, 10.0, 300.0])
def test_rank_correlations_and_back(df):
    r = np.array([[-1.0, -0.999, -0.6], [-0.1, 0.0, 0.3], [0.7, 0.95, 1.0]])
    assert_close(rank_correlations.pearson_of_kendall(rank_correlations.kendall_of_pearson(r)), r)
    assert_close(rank_correlations.pearson_of_spearman(rank_correlations.spearman_of_pearson(r, df), df), r, np.float32)
