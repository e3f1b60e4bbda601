"""Indices of rare events and tails against their closed forms, a part of benchmarks/coverage_sensitivity.py."""

import numpy as np

from benchmarks.coverage_sensitivity import Event, Tail
from engine.risk.drivers.indices import Pair, between
from engine.risk.estimation.flags import Reason
from engine.risk.estimation.intervals import Estimate, as_units


def test_the_first_index_of_a_rare_event_is_bounded_by_its_total_index():
    """131 paths with the event, on which about one of A_k and B has it too."""
    of = Event.of(0.004, 0.0059)
    a, b, mixed, _ = of.futures(1 << 15, 1, 3)
    first, total = Pair(a, b, as_units(1 << 15, 1)).both(mixed)
    assert (first.low, first.high) == (0.0, min(total.high, 1.0)) and total.low <= of.truth[1] <= total.high


def test_a_tail_whose_futures_are_seldom_together_is_bounded_by_its_total_index():
    of = Tail(0.05)
    a, b, mixed, _ = of.futures(1 << 15, 1, 3)
    pair = Pair(a, b, as_units(1 << 15, 1))
    first, total = pair.both(mixed)
    assert np.count_nonzero((a != mixed) & (b != 0)) < 30
    assert (first.low, first.high) == (0.0, total.high) and first.low <= of.truth[0] <= first.high


def test_a_tail_of_too_few_paths_is_flagged():
    a, b, mixed, _ = Tail(0.5).futures(1 << 12, 1, 1)
    for one in Pair(a, b, as_units(1 << 12, 1)).both(mixed):
        assert one.flags[0].reason is Reason.FEW_EFFECTIVE_EXCEEDANCES and np.isnan(one.low)


def test_an_effect_that_few_paths_tell_lies_between_first_and_total():
    own, first, total = (Estimate(x, 0.01, x - 0.02, x + 0.02) for x in (0.3, 0.2, 0.4))
    one = between(own, first, total)
    assert (one.low, one.high) == (first.low, total.high)
    unknown = total.flagged(*Pair(*np.zeros((2, 1)), as_units(1, 1)).both(np.zeros(1))[1].flags)
    assert np.isnan(between(own, first, unknown).low)
