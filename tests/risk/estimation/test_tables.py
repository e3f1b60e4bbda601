"""Tidy records of risk and comparison, and events, from outcomes kept per path."""

from typing import ClassVar

import numpy as np
import pytest

from engine.modelling.records import Outcome, StaticModel
from engine.risk.estimation.events import event_indicators
from engine.risk.estimation.influences import MEASURES
from engine.risk.estimation.measures import Variables, difference, probability, summary
from engine.risk.estimation.tables import Tables, tables_of_paths
from engine.study.components import Event, Keep, Policy
from engine.study.study import Study
from tests.helpers import assert_close, assert_same
from tests.risk.cells import DIFFERENCES
from tests.small_study import make_study

N = 4096
OUTCOMES = ("capital_shortfall_peak", "lowest_growth")
EVENTS = (
    Event(name="wrecked", outcome="capital_shortfall_peak", above=1.0),
    Event(name="shrinking", outcome="lowest_growth", below=-0.5),
    Event(name="both", all=["wrecked", "shrinking"]),
    Event(name="nested", all=["both", "wrecked"]),
    Event(name="either", any=["wrecked", "shrinking"]),
    Event(name="mixed", any=["both", "shrinking"]),
)
POLICIES = tuple(Policy(name, "", {}, 2016) for name in ("reform", "old", "mixed"))


class Losses(StaticModel):
    outcomes: ClassVar = {"capital_shortfall_peak": Outcome("1", loss=True), "lowest_growth": Outcome("1")}


def study_of(paths: int, kept: tuple[str, ...] = OUTCOMES, **changes) -> Study:
    """Three policies, two outcomes of which the second is worse where it is low, and events on them."""
    given = {"model": Losses(), "policies": POLICIES, "events": EVENTS, "baseline": "old"}
    return make_study(paths, Keep(kept, 0, 0), **{**given, **changes})


STUDY = study_of(N)


@pytest.fixture(scope="module")
def outcomes():
    """[policy, outcome, path] with noise shared by the policies."""
    rng = np.random.default_rng(7)
    return (rng.standard_normal((1, 2, N)) + 0.3 * rng.standard_normal((3, 2, N))).astype(np.float32)


def tables(study: Study, outcomes: np.ndarray) -> Tables:
    """The records of outcomes [policy, outcome, path], in the order in which the study keeps them."""
    return tables_of_paths(study, dict(zip(study.keep.outcomes, outcomes.swapaxes(0, 1), strict=True)))


def found(records, **where):
    """The one record with these fields."""
    (match,) = [r for r in records if all(getattr(r, key) == value for key, value in where.items())]
    return match


def numbers(record):
    return [record.estimate, record.standard_error, record.low, record.high]


def test_risk_records_are_the_measures(outcomes):
    records = tables(STUDY, outcomes).risk
    assert len(records) == 3 * (2 * len(MEASURES) + len(EVENTS))
    for o, (name, loss) in enumerate(zip(OUTCOMES, (True, False), strict=True)):
        for measure, estimate in summary(outcomes[2, o], 2, loss).items():
            record = found(records, measure=measure, policy="mixed", variable=name)
            assert_same(numbers(record), numbers(estimate))
            assert (record.flag, record.place, record.year) == (estimate.flag, {}, None)
    assert found(records, measure="ES99.9", policy="old", variable=OUTCOMES[0]).level == 0.999
    happens = (outcomes[0, 0] > 1) & (outcomes[0, 1] < -0.5)
    for name in ("both", "nested"):
        record = found(records, measure="probability", policy="reform", variable=name)
        assert record.level is None
        assert_same(numbers(record), numbers(probability(happens, 2)))


def test_the_probability_of_any_of_two_events_is_their_sum_less_that_of_both(outcomes):
    records = tables(STUDY, outcomes).risk
    for policy in STUDY.policy_names:
        p = {
            one.name: found(records, measure="probability", policy=policy, variable=one.name).estimate for one in EVENTS
        }
        assert_close(p["either"], p["wrecked"] + p["shrinking"] - p["both"])
        assert p["mixed"] == p["shrinking"] and 0 < p["both"] < p["shrinking"] < p["either"]


def test_comparison_records_are_paired_differences(outcomes):
    records = tables(STUDY, outcomes).comparison
    assert len(records) == 2 * (2 * len(DIFFERENCES) + len(EVENTS)) + 3 * 2
    for o, (name, loss) in enumerate(zip(OUTCOMES, (True, False), strict=True)):
        for measure, estimate in difference(outcomes[0, o], outcomes[1, o], 2, loss).items():
            label = measure if measure == "worse" else f"difference_{measure}"
            record = found(records, measure=label, policy="reform", variable=name)
            assert_same(numbers(record), numbers(estimate))
        for p, estimate in enumerate(Variables(outcomes[:, o], 2, loss).regrets()):
            record = found(records, measure="regret", policy=STUDY.policy_names[p], variable=name)
            assert_same(numbers(record), numbers(estimate))
    assert found(records, measure="difference_VaR99", policy="mixed", variable=OUTCOMES[1]).level == 0.99
    gap = found(records, measure="difference_probability", policy="mixed", variable="wrecked")
    assert gap.estimate == np.mean(outcomes[2, 0] > 1) - np.mean(outcomes[1, 0] > 1)
    assert gap.low <= gap.estimate <= gap.high
    assert not [r for r in records if r.policy == "old" and r.measure != "regret"]


def test_events_are_strict_and_know_what_they_read():
    values = {"capital_shortfall_peak": np.array([[1.0, 1.5], [2.0, np.nan]], np.float32)}
    (name, happens), *rest = event_indicators(STUDY, values).items()
    assert name == "wrecked" and not rest
    assert_same(happens, np.array([[False, True], [True, False]]))


def test_what_is_not_kept_is_left_out(outcomes):
    kept = study_of(N, ("lowest_growth",))
    records = tables(kept, outcomes[:, 1:]).risk
    assert {record.variable for record in records} == {"lowest_growth", "shrinking"}
    assert_same(
        numbers(found(records, measure="VaR95", policy="old", variable="lowest_growth")),
        numbers(found(tables(STUDY, outcomes).risk, measure="VaR95", policy="old", variable="lowest_growth")),
    )


def test_paths_that_are_not_finite_flag_what_reads_them(outcomes):
    broken = outcomes.copy()
    broken[1, 0, 100] = np.nan
    of_broken = tables(STUDY, broken)
    records = of_broken.risk + of_broken.comparison
    marked = {(r.policy, r.variable) for r in records if "1 of 4096 paths not finite" in r.flag}
    assert {policy for policy, variable in marked if variable == "wrecked"} == set(STUDY.policy_names)
    assert ("old", "both") in marked
    assert not {variable for _, variable in marked} & {"lowest_growth", "shrinking"}
    whole = np.delete(outcomes[1, 0], [100, 101])
    record = found(records, measure="probability", policy="old", variable="wrecked")
    clean = probability(whole > 1, STUDY.unit)
    assert_close([record.estimate, record.low, record.high], [clean.estimate, clean.low, clean.high])
