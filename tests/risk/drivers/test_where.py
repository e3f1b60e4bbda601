"""Which futures a text means, and what is refused in it."""

import numpy as np
import pytest

from engine.errors import UserError
from engine.risk.drivers.where import parse_where
from tests.small_study import make_study

STUDY = make_study(6)
VALUES = {
    "capital_shortfall_peak": np.array([[0, 2, 2, 0, np.nan, 3], [1, 1, 3, 0, 2, 3]], np.float32),
    "worst_two_year_growth": np.array([[0.1, 0.2, 0.3, 0.1, 0.1, 0.1], [0.2, 0.1, 0.3, 0.0, 0.1, 0.1]], np.float32),
}  # fmt: skip


def held(text):
    holds, known = parse_where(STUDY, text).holds(STUDY, VALUES)
    return np.flatnonzero(holds).tolist(), np.flatnonzero(~known).tolist()


def test_worse_and_better_follow_the_side_of_the_outcome():
    assert held("reform worse than old in capital_shortfall_peak") == ([0, 2], [4])
    assert held("reform better than old in capital_shortfall_peak") == ([1], [4])
    assert held("reform worse than old in worst_two_year_growth") == ([1, 3], [])  # low is worse


def test_events_and_comparisons_are_under_a_policy_and_all_parts_must_hold():
    assert held("banks_wrecked under old") == ([1, 2, 5], [4])
    assert held("capital_shortfall_peak >= 2 under reform") == ([2, 5], [4])
    assert held("banks_wrecked under old and  worst_two_year_growth<0.15 under reform") == ([1, 5], [4])
    text = "capital_shortfall_peak > 1 and worst_two_year_growth < 0.25 under reform"
    assert held(text) == ([5], [4])  # both parts
    assert parse_where(STUDY, text).outcomes == {*VALUES}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reform worse than older in capital_shortfall_peak", "mean 'old'"),
        ("reform worse than old in capital_shortfal_peak", "mean 'capital_shortfall_peak'"),
        ("old worse than old in capital_shortfall_peak", "expected two policies"),
        ("banks_wreckd under old", "mean 'banks_wrecked'"),
        ("banks_wrecked under reforms", "mean 'reform'"),
        ("banks_wrecked", "'banks_wrecked under reform'"),
        ("capital_shortfall_peak > much under old", "got 'capital_shortfall_peak > much'"),
        ("", "POLICY in OUTCOME"),
        ("it goes wrong", "POLICY in OUTCOME"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused_with_what_is_near(text, said):
    with pytest.raises(UserError) as refused:
        parse_where(STUDY, text)
    assert said in str(refused.value)


def test_all_problems_at_once_and_what_is_not_kept():
    with pytest.raises(UserError) as refused:
        parse_where(STUDY, "drought under old and reform worse than old in loss", unkept=["loss"])
    assert len(refused.value.problems) == 2 and "keep.outcomes" in str(refused.value)


def test_one_policy_needs_no_name():
    alone = make_study(6, policies=STUDY.policies[:1])
    holds, _ = parse_where(alone, "banks_wrecked").holds(alone, {name: v[:1] for name, v in VALUES.items()})
    assert np.flatnonzero(holds).tolist() == [1, 2, 5]
