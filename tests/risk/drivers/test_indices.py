"""Indices of rare events and tails against their closed forms, a part of benchmarks/coverage_sensitivity.py."""

import numpy as np
import pytest

from benchmarks.coverage_sensitivity import Event, Tail
from engine.risk.drivers.indices import Pair, between
from engine.risk.estimation.flags import Reason
from engine.risk.estimation.intervals import Estimate, as_units


def test_an_event_with_few_paths_of_one_kind_is_flagged():
    """131 paths with the event, of which about one has it in A_k too."""
    a, b, mixed, _ = Event.of(0.004, 0.98).futures(1 << 15, 1, 0)
    for one in Pair(a, b, as_units(1 << 15, 1)).both(mixed):
        (flag,) = one.flags
        assert flag.reason is Reason.FEW_EFFECTIVE_EXCEEDANCES and flag.got < flag.limit == 30 and np.isnan(one.low)


@pytest.mark.parametrize("of", [Tail(0.05), Event.of(0.004, 0.0059)], ids=["tail", "event"])
def test_a_number_whose_futures_are_seldom_together_is_bounded_by_its_total_index(of):
    a, b, mixed, _ = of.futures(1 << 15, 1, 3)
    pair = Pair(a, b, as_units(1 << 15, 1))
    first, total = pair.both(mixed)
    assert np.count_nonzero((a != mixed) & (b != 0)) < 30
    assert (first.low, first.high) == (0.0, total.high) and first.low <= of.truth[0] <= first.high
    assert total.low <= of.truth[1] <= total.high


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
