"""Who is ahead when, by hand."""

import numpy as np

from engine.risk.policies.overtaking import in_the_mean, overtaking
from tests.helpers import assert_close

GAP = np.array([[1.0, -1.0, 1.0, 0.0], [-1.0, 1.0, 1.0, 0.0], [-1.0, 1.0, -2.0, 0.0]])
"""By year and path: ahead for good from the second year, in the first alone, in the last, never."""


def test_paths_by_hand():
    when = overtaking(np.tile(GAP, 100), 2016, 1)
    assert [one.estimate for one in when.ahead] == [0.25, 0.5, 0.75]
    assert_close(when.years.estimate, (1 + 0 + 2 + 3) / 4)
    assert (when.never.estimate, when.lasting.estimate) == (0.25, 0.5)
    assert when.median == 2017 and when.low == 2017 and when.high == 2018


def test_what_never_happens_is_censored():
    never = overtaking(np.ones((3, 400)), 2016, 2)
    assert (never.median, never.low, never.high) == (None, None, None)
    assert never.years.estimate == 3.0 and never.never.estimate == 1.0
    at_once = overtaking(-np.ones((3, 400)), 2016, 2)
    assert (at_once.median, at_once.low, at_once.high) == (2016, 2016, 2016) and at_once.years.estimate == 0.0


def test_means_by_hand():
    rows = np.array([[1.0, 0.1, 0.8, 1.2], [-0.1, 0.1, -0.3, 0.1], [-0.5, 0.1, -0.7, -0.3]])
    assert in_the_mean(rows, 2016, True) == (2017, 2018)
    assert in_the_mean(-rows[:, [0, 1, 3, 2]], 2016, False) == (2017, 2018)
    assert in_the_mean(rows[:1], 2016, True) == (None, None)
    assert in_the_mean(np.full((2, 4), np.nan), 2016, True) == (None, None)
