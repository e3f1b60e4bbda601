"""A study held against its assumptions: closed forms, flips where they are known, the futures of its own run, one
program.
"""

from statistics import NormalDist

import numpy as np
import pytest

from engine import UserError
from engine.answers.rankings import STATED
from engine.program import devices
from engine.questions.assumptions import MEASURES, assumptions, structures
from engine.questions.notes import Notes
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import tables_of_paths
from tests.helpers import assert_plausible, assert_same
from tests.questions.assumed import bill, lake

MEANS = {STATED: 0.5, "exit off": 0.0, "exit doubled": 1.5, "cuts off": 0.75, "all off": 0.5}
"""Mean cost under reform; under old it is 1."""


@pytest.fixture(scope="module")
def answer():
    """The sentences and tables of the bill."""
    sentences, tables, _ = assumptions(bill())
    return sentences, *tables


def differences(table, variable, measure):
    """Structure -> the row of reform against old."""
    return {row["structure"]: row for row in table.where(variable=variable, measure=measure)}


def test_every_structure_has_its_closed_form(answer):
    _, _, table = answer
    assert [one.name for one in structures(bill())] == [*MEANS]
    for structure, row in differences(table, "cost", "mean").items():
        for side, truth in (("against_value", 1.0), ("policy_value", MEANS[structure])):
            assert_plausible(row[side].estimate, truth, row[side].standard_error + 1e-6, resolves=0.02)
        gap = row["difference"]
        assert (row["policy"], row["against"], row["unit"]) == ("reform", "old", "bn")
        assert_plausible(gap.estimate, MEANS[structure] - 1.0, gap.standard_error + 1e-6, resolves=0.02)
    chance = 1 - NormalDist().cdf(0.5)
    for row in differences(table, "ruin", "probability").values():
        assert_plausible(row["against_value"].estimate, chance, row["against_value"].standard_error, resolves=0.05)


def test_the_ranking_flips_where_it_must_and_nowhere_else(answer):
    sentences, rankings, table = answer
    verdicts = {(row["variable"], row["measure"]): row["verdict"] for row in rankings.rows()}
    assert verdicts["cost", "mean"] == verdicts["ruin", "probability"] == "flips"
    assert verdicts["jobs", "mean"] == verdicts["jobs", "ES99"] == "holds"
    assert verdicts["even", "mean"] == "undecided"
    worse = {structure: row["worse"] for structure, row in differences(table, "cost", "mean").items()}
    assert worse == {name: "reform (flips)" if mean > 1 else "old" for name, mean in MEANS.items()}
    assert {row["worse"] for row in table.where(variable="jobs", measure="mean")} == {"reform"}  # few jobs are worse
    text = " ".join(sentences)
    assert "chance of ruin" in text and "with “exit” doubled" in text


def test_as_stated_is_what_the_run_says(answer):
    study = bill()
    program = devices.program(study)
    (block,) = study.blocks()
    outcomes = program.submit(block).of(block)
    tables = tables_of_paths(study, {name: outcomes[:, k] for k, name in enumerate(study.model.outcomes)})
    run = {(r.measure, r.policy, r.variable): r for r in (*tables.risk, *tables.comparison)}
    rows = [*answer[2].where(structure=STATED)]
    assert len(rows) == 1 + 3 * len(MEASURES)
    for row in rows:
        for side, measure, policy in (
            ("policy_value", row["measure"], row["policy"]),
            ("against_value", row["measure"], row["against"]),
            ("difference", f"difference_{row['measure']}", row["policy"]),
        ):
            one, other = row[side], run[measure, policy, row["variable"]]
            assert_same([one.estimate, one.low, one.high], [other.estimate, other.low, other.high])


def test_what_is_held_against_it_is_seen_on_the_same_futures(answer):
    """A factor that only one policy knows changes nothing of the other, to the last bit."""
    of = differences(answer[2], "cost", "ES99")
    assert len({of[name]["against_value"].estimate for name in MEANS}) == 1


def test_all_structures_take_one_program(monkeypatch):
    monkeypatch.setattr(Notes, "read", lambda self: None)
    made = []
    real = devices.program
    monkeypatch.setattr(devices, "program", lambda *args: made.append(real(*args)) or made[-1])
    stages = []
    assumptions(bill(), observe=lambda *stage: stages.append(stage))
    assert [program.traces for program in made] == [1]
    assert stages[0] == ("compiling", 0, 5 * 65_536) and stages[-1] == ("simulating", 5 * 65_536, 5 * 65_536)


def test_a_further_call_simulates_nothing_and_says_the_same(monkeypatch):
    first = assumptions(bill())
    monkeypatch.setattr(devices, "program", None)
    again = assumptions(bill())
    assert (again[0], again[2]) == (first[0], first[2])
    assert repr(again[1]) == repr(first[1])


def test_notes_are_read_to_the_bit():
    flags = Flag(Reason.BINNED, 0.5), Flag(Reason.FEW_TAIL_PATHS, 3.0, 50.0)
    rows = [{"gap": Estimate(1 / 3, 0.1, -np.inf, flags=flags), "none": Estimate(np.nan), "policy": "old"}]
    notes = Notes("rows of a test", bill())
    notes.write(rows)
    assert repr(notes.read()) == repr(rows)
    assert Notes("other rows", bill()).read() is None
    assert Notes("rows of a test", bill(run={"paths": 8192, "seed": 1})).read() is None


def test_several_policies_are_ranked_pair_by_pair():
    stated = {"need": {"off": {"need": 0}, "doubled": {}}}
    _, (rankings, table), _ = assumptions(lake(assumptions=stated, headline=["sum"]))
    pairs = [(row["policy"], row["against"]) for row in rankings.rows() if row["variable"] == "sum"]
    assert dict.fromkeys(pairs) == dict.fromkeys([("save", "keep"), ("late", "keep"), ("late", "save")])
    assert {*rankings["variable"]} == {"sum", "low"}
    where = {"structure": "need off", "variable": "sum", "measure": "mean"}
    (row,) = table.where(**where, policy="late", against="save")
    gap = row["policy_value"].estimate - row["against_value"].estimate
    np.testing.assert_allclose(row["difference"].estimate, gap, rtol=1e-5)


def test_paths_that_are_not_finite_are_refused_with_the_assumption():
    tables = {"noise": {"off": {"noise": 0}, "doubled": {"noise": "1e38x"}}}
    with pytest.raises(UserError, match=r"assumptions.noise.doubled: values are not finite on"):
        assumptions(bill(assumptions=tables))
