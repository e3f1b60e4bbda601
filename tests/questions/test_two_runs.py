"""`compare RUN OTHER`: headline numbers of two runs by their labels."""

import json

import jsonschema
import pytest

import engine
from engine.answers.plain import SCHEMA
from engine.errors import UserError
from engine.run_folder import ledger
from engine.runs.run import open_run
from tests.small_files import BRIDGE, MODELS, ran, write


@pytest.fixture(scope="module")
def bridge(finished):
    return open_run(finished / "bridge")


@pytest.fixture(scope="module")
def other(bridge, tmp_path_factory):
    """The bridge with another prior and fewer paths."""
    place = tmp_path_factory.mktemp("other")
    study = write(place, BRIDGE.replace("p95 = 15", "p95 = 16"))
    return engine.run(str(study), place / "run", bridge.study.model, paths=3000, device="cpu")


def compared(first, other, **options):
    """The answer of a run about another one."""
    return first.compare(other=str(other.folder), **options)


def test_a_run_against_itself_differs_in_nothing(bridge):
    answer = compared(bridge, bridge)
    assert answer.finding.startswith("The two runs differ in none of ")
    for row in (*answer["outcomes_of_runs"].rows(), *answer["events_of_runs"].rows()):
        assert row["difference"].estimate == 0 and not row["differs"]
        assert repr(row["first"]) == repr(row["second"])


def test_its_numbers_are_those_of_both_runs_and_it_is_stored_nowhere(bridge, other):
    before = ledger.answers(bridge.folder)
    answer = compared(bridge, other)
    assert ledger.answers(bridge.folder) == before and answer.asked["other"] == str(other.folder)
    rows = [*answer["outcomes_of_runs"].rows(), *answer["events_of_runs"].rows()]
    of = [{(r.variable, r.policy, r.measure): r.alone for r in run.answers.all_tables.risk} for run in (bridge, other)]
    headline = {*bridge.study.headline, *bridge.study.events_by_name}
    assert {(row["variable"], row["policy"], row["measure"]) for row in rows} == {
        key for key in of[0] if key[0] in headline
    }
    for row in rows:
        first, second = (run[row["variable"], row["policy"], row["measure"]] for run in of)
        assert repr((row["first"], row["second"])) == repr((first, second))
        assert row["difference"].estimate == second.estimate - first.estimate
        if row["differs"] is not None:
            assert row["differs"] == (second.low > first.high or second.high < first.low)
            gap = row["difference"]
            assert gap.high - gap.low == pytest.approx(first.high - first.low + second.high - second.low)
    count = sum(bool(row["differs"]) for row in rows)
    said = f"The two runs differ in {count or 'none'} of {len(rows)} headline numbers"
    assert answer.finding.startswith(said)


def test_variables_may_be_named_and_what_is_not_in_both_is_refused(bridge, other):
    answer = compared(bridge, other, outcome="margin")
    assert {row["variable"] for row in answer["outcomes_of_runs"].rows()} == {
        "margin"
    } and "4,000 paths" in answer.basis
    with pytest.raises(UserError, match="none in common"):
        compared(bridge, other, outcome="none")


def test_the_command_takes_a_second_run(bridge, other):
    printed = ran("compare", bridge.folder, other.folder, "--model", f"{MODELS}:Bridge", "--json", "--quiet")
    plain = json.loads(printed.stdout)
    jsonschema.validate(plain, SCHEMA)
    assert plain["tables"] == json.loads(json.dumps(compared(bridge, other).plain()))["tables"]
