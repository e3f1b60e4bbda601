"""A study held against its assumptions: closed forms, flips where they are known, the futures of its own run, one
program.
"""

from statistics import NormalDist

import numpy as np
import pytest

from engine import UserError
from engine.analyses import assumptions as module
from engine.analyses.assumptions import assumptions
from engine.analyses.assumptions_answer import tables as tables_of
from engine.program import devices
from engine.risk.estimation.tables import tables_of_paths
from engine.risk.policies.rankings import STATED, Verdict, sentences
from tests.analyses.assumed import BILL, bill, lake
from tests.helpers import assert_plausible, assert_same

MEANS = {STATED: 0.5, "exit off": 0.0, "exit doubled": 1.5, "cuts off": 0.75, "all off": 0.5}
"""Mean cost under reform; under old it is 1."""


@pytest.fixture(scope="module")
def answer():
    return assumptions(bill())


def records(answer, variable, measure):
    """Structure -> the records of a measure, by policy."""
    by_structure = {}
    for record in answer.records:
        if (record.variable, record.measure) == (variable, measure):
            by_structure.setdefault(record.place["structure"], {})[record.policy] = record
    return by_structure


def test_every_structure_has_its_closed_form(answer):
    assert [one.name for one in answer.structures] == [*MEANS]
    for structure, of in records(answer, "cost", "mean").items():
        for policy, truth in (("old", 1.0), ("reform", MEANS[structure])):
            assert_plausible(of[policy].estimate, truth, of[policy].standard_error + 1e-6, resolves=0.02)
    for structure, of in records(answer, "cost", "difference_mean").items():
        assert list(of) == ["reform"] and of["reform"].place["against"] == "old"
        truth = MEANS[structure] - 1.0
        assert_plausible(of["reform"].estimate, truth, of["reform"].standard_error + 1e-6, resolves=0.02)
    chance = 1 - NormalDist().cdf(0.5)
    for of in records(answer, "ruin", "probability").values():
        assert_plausible(of["old"].estimate, chance, of["old"].standard_error, resolves=0.05)


def test_the_ranking_flips_where_it_must_and_nowhere_else(answer):
    by_name = {(one.variable, one.measure): one for one in answer.rankings}
    assert by_name["cost", "mean"].verdict is by_name["ruin", "probability"].verdict is Verdict.FLIPS
    assert by_name["cost", "mean"].signs == {name: 1 if mean > 1 else -1 for name, mean in MEANS.items()}
    assert by_name["jobs", "mean"].verdict is by_name["jobs", "ES99"].verdict is Verdict.HOLDS
    assert by_name["jobs", "mean"].worse(STATED) == "reform"  # of jobs, few are worse
    assert by_name["even", "mean"].verdict is Verdict.UNDECIDED
    text = " ".join(
        sentences(answer.study, answer.rankings, {one.name: one.phrase(answer.study) for one in answer.structures})
    )
    assert "chance of ruin" in text and "with exit doubled" in text


def test_as_stated_is_what_the_run_says(answer):
    study = answer.study
    program = devices.program(study)
    (block,) = study.blocks()
    outcomes = program.submit(block).of(block)
    tables = tables_of_paths(study, {name: outcomes[:, k] for k, name in enumerate(study.model.outcomes)})
    run = {(r.measure, r.policy, r.variable): r for r in (*tables.risk, *tables.comparison)}
    stated = [r for r in answer.records if r.place["structure"] == STATED]
    assert stated
    for record in stated:
        other = run[record.measure, record.policy, record.variable]
        assert_same([record.estimate, record.low, record.high], [other.estimate, other.low, other.high])


def test_what_is_held_against_it_is_seen_on_the_same_futures(answer):
    """A factor that only one policy knows changes nothing of the other, to the last bit."""
    of = records(answer, "cost", "ES99")
    assert len({of[name]["old"].estimate for name in MEANS}) == 1


def test_all_structures_take_one_program(monkeypatch):
    made = []
    real = devices.program
    monkeypatch.setattr(module.devices, "program", lambda *args: made.append(real(*args)) or made[-1])
    stages = []
    assumptions(bill(), observe=lambda *stage: stages.append(stage))
    assert [program.traces for program in made] == [1]
    assert stages[0] == ("compiling", 0, 5 * 65_536) and stages[-1] == ("simulating", 5 * 65_536, 5 * 65_536)


def test_several_policies_are_ranked_pair_by_pair():
    tables = {"need": {"off": {"need": 0}, "doubled": {}}}
    answer = assumptions(lake(assumptions=tables), variables=["sum", "low"])
    pairs = [(one.policy, one.against) for one in answer.rankings if one.variable == "sum"]
    assert dict.fromkeys(pairs) == dict.fromkeys([("save", "keep"), ("late", "keep"), ("late", "save")])
    assert {one.variable for one in answer.rankings} == {"sum", "low"}
    held = {table.name: table for table in tables_of(answer)}
    where = {"structure": "need off", "outcome": "sum", "measure": "mean"}
    (gap,) = held["outcome_differences"].where(**where, policy="late", against="save")
    values = {row["policy"]: row["value"].estimate for row in held["outcomes"].where(**where)}
    np.testing.assert_allclose(gap["difference"].estimate, values["late"] - values["save"], rtol=1e-5)


def test_paths_that_are_not_finite_are_refused_with_the_assumption():
    tables = {"noise": {"off": {"noise": 0}, "doubled": {"noise": "1e38x"}}}
    with pytest.raises(UserError, match=r"assumptions.noise.doubled: .*'cost' under 'old'"):
        assumptions(bill(assumptions=tables))


def test_a_study_without_assumptions_is_told_how_to_name_some():
    with pytest.raises(UserError, match=r"assumptions: .*at least one"):
        assumptions(bill(assumptions={}))
    with pytest.raises(UserError, match=r"event 'costs'.* 'cost'"):
        assumptions(bill(), variables=["costs"])


def test_replicates_are_the_units():
    run = BILL["run"] | {"sampler": "sobol", "paths": 4096 * 40}
    answer = assumptions(bill(run=run))
    truth = MEANS["exit doubled"] - 1.0
    gap = records(answer, "cost", "difference_mean")["exit doubled"]["reform"]
    assert_plausible(gap.estimate, truth, gap.standard_error + 1e-7, resolves=0.01)
    assert abs(gap.estimate - truth) < 1e-3  # stratified: far closer than paths by themselves
