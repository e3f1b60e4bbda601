"""Estimates as tables show them, with their marks, and amounts in sentences."""

import numpy as np
import pytest

from engine.answers.as_text import BINNED, HEAVY, NO_INTERVAL, amount, cell
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import Record


def record(measure, policy, variable, *flags, low=0.0):
    high = low if np.isnan(low) else 2.0
    return Record(measure, None, policy, variable, {}, None, 1.0, 0.1, low, high, flags)


HEAVY_TAIL = Flag(Reason.HEAVY_TAIL, 0.47, 0.5)


def test_a_warning_leaves_the_interval_and_has_a_mark_of_its_own():
    binned = Flag(Reason.BINNED, 0.1)
    of = {
        "": (), BINNED: (binned,), HEAVY: (HEAVY_TAIL,),
    }  # fmt: skip
    for mark, flags in of.items():
        shown = cell(record("mean", "old", "cost", *flags))
        assert shown.mark == mark and shown.interval == "[0.00, 2.00]"
    assert cell(record("mean", "old", "cost", binned, HEAVY_TAIL)).mark == HEAVY
    missing = cell(record("mean", "old", "cost", Flag(Reason.NO_MEAN, 1.2, 1), low=np.nan))
    assert (missing.mark, missing.estimate, missing.interval) == (NO_INTERVAL, "1.00", "")


def of(estimate, low=np.nan, high=np.nan):
    return Estimate(estimate, np.nan, low, high)


@pytest.mark.parametrize(
    ("unit", "one", "text"),
    [
        ("1/yr", of(0.238, 0.228, 0.248), "24 % a year"),
        ("1/yr", of(3.2, 3.0, 3.4), "3.2 a year"),
        ("k persons", of(86.63, 86.1, 87.2), "86.6 thousand persons"),
        ("k yr", of(2247.0, 2150.0, 2360.0), "2,250 thousand years"),
        ("% of 2015 GDP", of(1.884, 1.856, 1.912), "1.88 % of 2015 GDP"),
        ("1", of(0.1234567), "0.123"),
        ("EUR", of(0.0), "0 EUR"),
        ("1 = nothing is lost", of(0.5), "0.500"),
    ],
)
def test_an_amount_has_no_more_digits_than_its_interval_bears_out(unit, one, text):
    assert amount(unit, one) == text
