"""The shipped rule: banks are recapitalised once reported capital is below the legal minimum."""

import numpy as np

from engine import Evaluator, load_study
from tests.rustbelt_paths import MODEL

OUTCOMES = ["lowest_capital_ratio", "public_cost", "capital_shortfall_peak", "displaced_person_years"]
RULE = "when.below_minimum.recapitalisation"


def test_the_model_marks_what_banks_report_as_observed():
    observed = {name for name, one in MODEL.yearly.items() if one.observed}
    assert observed == {"capital_ratio", "weakest_capital_ratio"}


def test_the_study_differs_from_the_shipped_one_in_policies_alone():
    own, shipped = load_study("rustbelt_trigger"), load_study("rustbelt")
    assert all(shipped.document["factors"][name] == prior for name, prior in own.document["factors"].items())
    assert own.policy_names == ("old", "recapitalise_by_rule", "recapitalise_always")
    (trigger,) = own.document["triggers"].values()
    assert trigger["below"] == own.model.constants["required_capital"].value


def test_the_rule_changes_only_paths_that_fall_below_the_minimum():
    evaluator = Evaluator("rustbelt_trigger", "recapitalise_by_rule", OUTCOMES, paths=4096)
    rule, never, always = evaluator.each([{}, {RULE: 0.0}, {RULE: 1.0, "recapitalisation": 1.0}])
    rule, never, always = ({name: evaluator.values(name, one) for name in OUTCOMES} for one in (rule, never, always))
    below = never["lowest_capital_ratio"] < np.float32(0.105)
    assert 0.1 < below.mean() < 0.4
    moved = np.any([rule[name] != never[name] for name in OUTCOMES], axis=0)
    assert moved.any() and not (moved & ~below).any()
    assert (rule["public_cost"][moved] > never["public_cost"][moved]).mean() > 0.9
    mean = [one["capital_shortfall_peak"].mean() for one in (always, rule, never)]
    assert mean == sorted(mean) and len(set(mean)) == 3
