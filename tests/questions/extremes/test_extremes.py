"""Rare futures and years: against NumPy, against the law of a sum of normals, and what is refused."""

import numpy as np
import pytest

from engine.errors import UserError
from engine.questions import years
from engine.risk.drivers.series import of_yearly
from engine.risk.estimation.measures import summary
from engine.runs.run import run
from tests.answers.asked import summed
from tests.helpers import assert_close

PATHS = 4096
YEARS = 2


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A run of a sum of normals over two places and two years."""
    return run(summed(paths=PATHS), out=tmp_path_factory.mktemp("extremes") / "run")


@pytest.fixture(scope="module")
def costs(done):
    """The cost of each place and year, [policy, year, place, path]."""
    places = of_yearly(done.study, "cost", {})
    return np.stack(years.values(done.study, places, PATHS), axis=2)


@pytest.fixture(scope="module")
def answer(done):
    return done.extremes(variable=("own", "cost"), periods=("10", 25, "1_000_000"))


def level(answer, table, tail, once_in, policy="old"):
    (row,) = answer[table].where(tail=tail, once_in=once_in, policy=policy)
    return row


def test_a_level_of_an_outcome_is_that_of_the_risk_table(done, answer):
    row = level(answer, "levels", "futures of own", "10")
    known = done._ask("risk", variable="own", level=90).of
    by_measure = {one.measure: one.alone for one in known if one.policy == "old"}
    for name, measure in (("level", "VaR90"), ("beyond", "ES90")):
        assert_close(row[name].estimate, by_measure[measure].estimate)
        assert_close([row[name].low, row[name].high], [by_measure[measure].low, by_measure[measure].high])
    assert not row["extrapolated"]


@pytest.mark.parametrize(
    ("table", "tail", "fold"),
    [
        ("largest", "years of cost, worst place (OEP)", lambda one: one.max(axis=1)),
        ("largest", "futures of cost, worst place (OEP)", lambda one: one.max(axis=(0, 1))),
        ("sum", "years of cost, all places (AEP)", lambda one: one.sum(axis=1)),
        ("sum", "futures of cost, all places (AEP)", lambda one: one.sum(axis=(0, 1))),
    ],
)
def test_years_and_futures_are_counted_as_they_say(answer, costs, table, tail, fold):
    """The least of the worst tenth of all years of all futures, or of all futures."""
    values = np.sort(fold(costs[0]).ravel())
    assert len(values) == PATHS * (YEARS if tail.startswith("years") else 1)
    row = level(answer, table, tail, "10")
    assert_close(row["level"].estimate, values[-int(np.ceil(len(values) / 10))], np.float32)
    assert row["unit"] == ("M" if table == "sum" and tail.startswith("futures") else "M/yr")


def test_years_of_a_future_are_no_independent_ones(answer, costs):
    """The interval over futures is wider than that of as many independent years."""
    row = level(answer, "sum", "years of cost, all places (AEP)", "25")
    independent = summary(costs[0].sum(axis=1).ravel(), 1, True, (0.96,))["VaR96"]
    assert_close(row["level"].estimate, independent.estimate, np.float32)
    assert row["level"].standard_error > 1.05 * independent.standard_error


def test_every_number_beyond_the_futures_is_marked(answer):
    for name in ("levels", "largest", "sum"):
        for row in answer[name].rows():
            count = PATHS * (YEARS if row["counted"] == "years" else 1)
            if row["period"] > count:
                assert row["extrapolated"] and row["level"] == row["law"]
    assert any(row["extrapolated"] for row in answer["curve"].rows())
    marked = [text for text in answer.findings if "1,000,000" in text]
    assert marked and all(text.startswith("By extrapolation") for text in marked)
    plain = answer.plain()["tables"]["levels"]["rows"]
    assert {row["extrapolated"] for row in plain} == {True, False}
    assert answer.tree["levels"]["extrapolated"].dims == ("once_in",)


def test_one_policy_and_few_paths_may_be_asked_for(done):
    found = done.extremes(variable="cost", policies="aided", futures=1001)
    assert found["levels"].labels("policy") == ("aided",)
    assert "first 1,000 recomputed" in found.basis


def test_whatever_is_wrong_is_refused_at_once(done):
    with pytest.raises(UserError) as told:
        done.extremes(variable=("ruin", "gain", "cots"), policies="odl", periods=("ten", 1, "inf"), futures=0)
    text = str(told.value)
    for part in (
        "'ruin' is an event",
        "'gain' is not stored path by path",
        "cots",
        "odl",
        "'ten'",
        "'1'",
        "'inf'",
        "got 0",
    ):
        assert part in text, text
