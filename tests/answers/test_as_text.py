"""Estimates as tables show them, with their marks."""

import numpy as np

from engine.answers.as_text import BINNED, HEAVY, NO_INTERVAL, cell
from engine.risk.estimation.flags import Flag, Reason
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
