"""Stochastic dominance of laws that are known: said where it holds, denied where it does not, and nothing where nothing
is known.
"""

import numpy as np
import pytest

from engine.risk.policies.paired import Verdict, dominance

N = 40_000
A, B, C = np.random.default_rng(5).standard_normal((3, N)).astype(np.float32)


@pytest.mark.parametrize("unit", [1, 2, 100])
@pytest.mark.parametrize("loss", [True, False])
def test_a_shift_dominates_at_both_orders(unit, loss):
    better = A - 0.2 if loss else A + 0.2
    for one in dominance(better, A, unit, loss):
        assert one.verdict is Verdict.BETTER and one.better < 1e-6 and np.isnan(one.at_worst)
        assert one.low < -2 and one.high > 2
    assert [one.verdict for one in dominance(A, better, unit, loss)] == [Verdict.WORSE] * 2


@pytest.mark.parametrize("loss", [True, False])
def test_what_varies_more_is_shunned_at_second_order_alone(loss):
    """A lower mean of the wider one keeps it from being the same at the first level, which the second order begins
    with.
    """
    sign = 1 if loss else -1
    first, second = dominance(A - sign * 0.1, 1.5 * B, 1, loss)
    assert (first.verdict, second.verdict) == (Verdict.NEITHER, Verdict.BETTER)
    assert sign * first.at_worst < 0 < sign * first.at_best
    assert dominance(A, 1.5 * B - sign * 0.2, 1, loss)[1].verdict is Verdict.NEITHER


def test_policies_that_are_the_same():
    assert [one.verdict for one in dominance(A, A.copy(), 2, True)] == [Verdict.SAME] * 2
    assert {one.verdict for one in dominance(A, B, 2, True)} <= {Verdict.OPEN, Verdict.NOT_BETTER, Verdict.NOT_WORSE}


@pytest.mark.parametrize(("paths", "verdict"), [(3, Verdict.OPEN), (40, Verdict.NOT_WORSE)])
def test_a_few_paths_are_not_enough_to_say_it(paths, verdict):
    """Alike but for some paths, all of them better: where the changed ones begin and end too few differ to say that it
    dominates.
    """
    better = A.copy()
    better[np.flatnonzero((A > 0) & (A < 0.5))[:paths]] -= 2.0
    assert dominance(better, A, 1, True)[0].verdict is verdict


def test_too_little_and_too_heavy_is_unknown():
    assert [one.verdict for one in dominance(A[:100], B[:100], 1, True)] == [Verdict.UNKNOWN] * 2
    assert [one.verdict for one in dominance(A[:512], B[:512], 256, True)] == [Verdict.UNKNOWN] * 2
    nothing = np.full(10, np.nan)
    assert dominance(nothing, nothing, 1, True)[0].flag is not None
    heavy = (1 - np.random.default_rng(6).random((2, N))) ** (-1 / 0.9)
    first, second = dominance(heavy[0], 1.3 * heavy[0], 1, True)
    assert first.verdict is Verdict.BETTER and second.verdict is Verdict.BETTER  # at first order, and so at second
    assert second.flag is not None
    assert dominance(heavy[0], heavy[1], 1, True)[1].verdict is Verdict.UNKNOWN
