"""Conditions: their text, the two sides they make, and intervals that respect units."""

import numpy as np
import pytest

from engine.errors import UserError
from engine.risk.estimation.conditional import condition_table, parse_condition
from engine.risk.estimation.events import Term
from engine.risk.estimation.measures import summary
from engine.study.components import Event
from tests.helpers import assert_close, assert_same
from tests.risk.estimation.test_tables import POLICIES, found, numbers, study_of

NAMES = ("capital_shortfall_peak", "lowest_growth")
EVENTS = (Event(name="wrecked", outcome="capital_shortfall_peak", above=1.0),)


def table(outcomes, text, sampler="antithetic"):
    """Records of one array [outcome, path] under both policies of the small study."""
    study = study_of(outcomes.shape[-1], sampler=sampler, events=EVENTS, policies=POLICIES[:2])
    values = {name: np.stack([one, one]) for name, one in zip(NAMES, outcomes, strict=True)}
    return condition_table(study, values, parse_condition(text, NAMES))


def test_text_is_read():
    condition = parse_condition("lowest_growth >= -0.02 and capital_shortfall_peak<1e3", NAMES)
    assert condition.terms == (Term("lowest_growth", ">=", -0.02), Term("capital_shortfall_peak", "<", 1000.0))
    values = {"lowest_growth": np.array([-0.02, 0, 1]), "capital_shortfall_peak": np.array([0, 1000, 999])}
    assert_same(condition.holds(values), np.array([True, False, True]))


def test_all_problems_are_told_at_once():
    with pytest.raises(UserError) as caught:
        parse_condition("lowest_grwth > 1 and lowest_growth == 2 and lowest_growth < nan", NAMES)
    lines = str(caught.value).splitlines()
    assert lines[0] == "condition: 3 problems"
    assert "outcome 'lowest_grwth'" in lines[1] and "mean 'lowest_growth'" in lines[1]
    assert "got 'lowest_growth == 2'" in lines[2] and "got 'lowest_growth < nan'" in lines[3]


@pytest.mark.parametrize("text", ["", "lowest_growth", "lowest_growth >", "> 3", "lowest_growth > 1 and", "1 < 2 < 3"])
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(UserError):
        parse_condition(text, NAMES)


def test_hand_case():
    """Eight paths, five of them given; two of the five and one of the three are wrecked."""
    shortfall = np.array([2, 0, 2, 0, 0, 2, 0, 0], np.float32)
    growth = np.array([1, 1, 1, 1, 1, 0, 0, 0], np.float32)
    records = table(np.stack([shortfall, growth]), "lowest_growth > 0.5", "random")
    share = found(records, measure="share", policy="old")
    assert (share.variable, share.estimate) == ("lowest_growth > 0.5", 5 / 8)
    of = {
        side: found(records, measure=f"{side}_probability", policy="old", variable="wrecked")
        for side in ("given", "otherwise", "contrast")
    }
    assert_close([record.estimate for record in of.values()], [2 / 5, 1 / 3, 2 / 5 - 1 / 3])
    # ratio estimators: p (1 - p) / n of each side, and the factor J / (J - 1) of eight units
    assert_close(of["contrast"].standard_error, np.sqrt(8 / 7 * (2 / 5 * 3 / 5 / 5 + 1 / 3 * 2 / 3 / 3)))
    assert of["contrast"].low < of["contrast"].estimate < of["contrast"].high
    mean = found(records, measure="contrast_mean", policy="reform", variable="capital_shortfall_peak")
    assert_close([mean.estimate, mean.standard_error], [2 * of["contrast"].estimate, 2 * of["contrast"].standard_error])


def test_sides_are_summaries_of_their_paths():
    rng = np.random.default_rng(3)
    outcomes = rng.standard_normal((2, 20_000)).astype(np.float32)
    records = table(outcomes, "lowest_growth > 0.5", "random")
    for side, mask in (("given", outcomes[1] > 0.5), ("otherwise", outcomes[1] <= 0.5)):
        for measure, estimate in summary(outcomes[0][mask], 1, True).items():
            record = found(records, measure=f"{side}_{measure}", policy="old", variable=NAMES[0])
            assert_same(numbers(record), numbers(estimate))
    level = found(records, measure="otherwise_VaR99.9", policy="old", variable=NAMES[1]).level
    assert level == 0.999


def test_a_contrast_is_no_surer_than_a_side_of_a_few_paths():
    growth = np.append(np.ones(3), np.zeros(997)).astype(np.float32)
    shortfall = np.random.default_rng(3).standard_normal(1_000).astype(np.float32)
    records = table(np.stack([shortfall, growth]), "lowest_growth > 0.5", "random")
    one, contrast = (
        found(records, measure=f"{side}_mean", policy="old", variable="capital_shortfall_peak")
        for side in ("given", "contrast")
    )
    # three values have Student's law with two degrees of freedom, 4.30
    assert 4.3 * one.standard_error < contrast.high - contrast.estimate < 1.01 * (one.high - one.estimate)


def test_a_side_without_paths_is_flagged():
    outcomes = np.zeros((2, 100), np.float32)
    records = table(outcomes, "lowest_growth > 1")
    assert found(records, measure="share", policy="old").estimate == 0
    for measure in ("given_probability", "contrast_probability"):
        record = found(records, measure=measure, policy="old", variable="wrecked")
        assert np.isnan(record.estimate) and record.flag == "no paths"
    assert found(records, measure="contrast_mean", policy="old", variable="lowest_growth").flag == "no paths"
    assert found(records, measure="otherwise_mean", policy="old", variable="lowest_growth").flag == ""
