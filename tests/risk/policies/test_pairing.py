"""What common futures gain: nothing where policies have nothing in common, and no number where they never differ."""

import numpy as np

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.policies.pairing import variance_ratio

A, B = np.random.default_rng(9).standard_normal((2, 1 << 16))


def test_known_ratios():
    for one, two, truth in ((A, B, 1.0), (A, A + 0.1 * B, 2.01 / 0.01), (A, -A, 0.5)):
        ratio = variance_ratio(one, two, 2)
        assert ratio.low <= truth <= ratio.high or abs(ratio.estimate / truth - 1) < 1e-6
        assert variance_ratio(7 * one + 3, 7 * two, 2).estimate / ratio.estimate - 1 < 1e-9


def test_no_ratio_where_the_two_never_differ():
    for other in (A, A + 3.0):
        assert np.isnan(variance_ratio(A, other, 1).estimate)
    assert np.isnan(variance_ratio(A[:1], B[:1], 1).estimate)
    lost = variance_ratio(np.where(np.arange(A.size) == 5, np.nan, A), B, 1)
    assert Flag(Reason.NOT_FINITE, 1, A.size) in lost.flags
    assert np.isnan(variance_ratio(A[:256], B[:256], 256).low)
