"""`compare RUN OTHER`: headline numbers of two runs by their labels."""

import json

import jsonschema
import pytest

import engine
from engine.answers.plain import SCHEMA
from engine.errors import UserError
from engine.run_folder import ledger
from engine.runs.run import open_run
from tests.small_files import BRIDGE, MODELS, call, write


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The bridge; the same; with fewer paths; with another prior."""
    model = engine.load_model_file(f"{MODELS}:Bridge")

    def computed(name, paths, text=BRIDGE):
        place = tmp_path_factory.mktemp(name)
        return engine.run(str(write(place, text)), place / "run", model, paths=paths, device="cpu")

    other = BRIDGE.replace("p95 = 15", "p95 = 16")
    assert other != BRIDGE
    return computed("a", 4000), computed("b", 4000), computed("c", 2000), computed("d", 4000, other)


def compared(first, other, **options):
    """The answer of a run about another one."""
    return first.compare(other=str(other.folder), **options)


def test_a_run_against_itself_differs_in_nothing(runs):
    answer = compared(runs[0], runs[1])
    assert answer.finding.startswith("The two runs differ in 0 of ")
    for row in (*answer["outcomes_of_runs"].rows(), *answer["events_of_runs"].rows()):
        assert row["difference"].estimate == 0 and not row["differs"]
        assert repr(row["first"]) == repr(row["second"])


def test_its_numbers_are_those_of_both_runs_and_it_is_stored_nowhere(runs):
    a, _, _, d = runs
    before = ledger.answers(a.folder)
    answer = compared(a, d)
    assert ledger.answers(a.folder) == before and answer.asked["other"] == str(d.folder)
    rows = [*answer["outcomes_of_runs"].rows(), *answer["events_of_runs"].rows()]
    of = [{(r.variable, r.policy, r.measure): r.alone for r in run.answers.all_tables.risk} for run in (a, d)]
    headline = {*a.study.headline, *a.study.events_by_name}
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
    assert answer.finding.startswith(f"The two runs differ in {count} of {len(rows)} headline numbers")


def test_variables_may_be_named_and_what_is_not_in_both_is_refused(runs):
    answer = compared(runs[0], runs[2], outcome="margin")
    assert {row["variable"] for row in answer["outcomes_of_runs"].rows()} == {
        "margin"
    } and "4,000 paths" in answer.basis
    with pytest.raises(UserError, match="none in common"):
        compared(runs[0], runs[2], outcome="none")


def test_the_name_of_a_variable_in_place_of_another_run_is_refused_with_the_remedy(runs):
    with pytest.raises(UserError, match=r'got the name of a variable\. .*outcome="margin"'):
        runs[0].compare("margin")
    with pytest.raises(UserError, match="expected a run folder"):
        runs[0].compare("marginal")


def test_the_command_takes_a_second_run_and_the_old_one_says_so(runs):
    a, _, _, d = runs
    printed = call("compare", a.folder, d.folder, "--model", f"{MODELS}:Bridge", "--json", "--quiet")
    assert printed.exit_code == 0, printed.output
    plain = json.loads(printed.stdout)
    jsonschema.validate(plain, SCHEMA)
    assert plain["tables"] == json.loads(json.dumps(compared(a, d).plain()))["tables"]
    old = call("diff", a.folder, d.folder)
    assert old.exit_code == 2 and "rustbelt compare RUN OTHER" in old.output
    assert open_run(a.folder, a.study.model).compare().question == "compare"
