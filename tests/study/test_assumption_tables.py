"""Assumptions of a study: how they are read, what is refused, what they leave as it is."""

import copy

import pytest

from engine.study.loading import load_study, resolved_text, study_of_text
from engine.study.tables.changes import changed
from tests.questions.assumed import BILL, Bill, bill, lake
from tests.refusals import refuses


def of(study):
    """Name -> what is off, what is doubled."""
    return {one.name: (one.off, one.doubled) for one in study.assumptions}


def test_a_factor_is_a_number_or_a_multiple_and_doubled_by_itself():
    tables = {"a": {"off": {"exit_rate": 0.01, "noise": " 0.5 x "}}, "b": {"off": {"noise": "0.5x"}, "doubled": {}}}
    both = of(bill(assumptions=tables))
    assert both["a"][0].factors == {"exit_rate": (0.0, 0.01), "noise": (0.5, 0.0)}
    assert both["a"][1].factors == {"exit_rate": (2.0, 0.0), "noise": (2.0, 0.0)}
    assert both["b"][1] is None


def test_a_lever_is_changed_under_every_policy_or_under_one():
    every = of(lake(assumptions={"a": {"off": {"release": 0.15}}}))["a"]
    assert every[0].levers == {name: {"release": 0.15} for name in ("keep", "save", "late")}
    one = of(lake(assumptions={"b": {"off": {"policies": {"save": {"release": 0.05}}}}}))["b"]
    assert one[0].levers == {"save": {"release": 0.05}} and one[1] is None


def test_what_is_said_of_one_counts_whatever_is_said_of_all():
    off = {"policies": {"save": {"release": 0.05}}, "release": 0.3, "need": 0}
    change = lake(assumptions={"a": {"off": off, "doubled": {}}}).assumptions[0].off
    assert change.factors == {"need": (0.0, 0.0)}
    assert {name: levers["release"] for name, levers in change.levers.items()} == {
        "keep": 0.3, "save": 0.05, "late": 0.3,
    }  # fmt: skip


def test_a_matrix_may_be_changed_to_one_number():
    matrix = {"wet": {"members": ["inflow", "loss"], "pearson": [[1.0, -0.6], [-0.6, 1.0]]}}
    study = lake(groups=matrix, assumptions={"a": {"off": {"groups": {"wet": {"correlation": 0.6}}}}})
    assert changed(study, study.assumptions[0].off).groups["wet"].copula.correlation == ((1.0, 0.6), (0.6, 1.0))


def test_a_resolved_study_says_nothing_of_what_does_not_run():
    tables = {
        "late": {"off": {"policies": {"late": {"release": 0.3}}}},
        "will": {"off": {"will": 1, "need": 0}, "doubled": {}},
    }
    study = lake(compare=["keep"], assumptions=tables)
    assert {one.name: one.table["off"] for one in study.assumptions} == {"will": {"need": 0}}
    assert study_of_text(resolved_text(study), "again", study.model).assumptions == study.assumptions


@pytest.mark.parametrize("off", [{"fund": 0}, {"policies": {"reform": {"cut": 1.0}}}, {"exit_rate": "1x"}], ids=str)
def test_what_is_so_already_is_left_out(off):
    """A study on top of another may say itself what one of its assumptions would be without."""
    assert not bill(assumptions={"it": {"off": off}}).assumptions
    fixed = copy.deepcopy(BILL["factors"]) | {"exit_rate": {"family": "fixed", "value": 0}}
    names = [
        one.name
        for one in bill(
            factors=fixed, assumptions={"exit": {"off": {"exit_rate": 0}}, "it": {"off": {"fund": 9}}}
        ).assumptions
    ]
    assert names == ["it"]


def test_two_assumptions_do_not_contradict_each_other():
    alike = {"a": {"off": {"exit_rate": 0}}, "b": {"off": {"exit_rate": 0, "noise": 0}}}
    assert len(bill(assumptions=alike).assumptions) == 2


def test_a_share_is_not_doubled_by_itself():
    shares = copy.deepcopy(BILL["factors"]) | {"exit_rate": {"family": "uniform", "low": 0.5, "high": 0.9}}
    stated = bill(factors=shares, assumptions={"it": {"off": {"exit_rate": 0}, "doubled": {"exit_rate": "2x"}}})
    assert stated.assumptions[0].doubled.factors == {"exit_rate": (2.0, 0.0)}


def test_a_group_keeps_its_copula():
    t = {"wet": {"copula": "t", "correlation": 0.3, "df": 4.0}}
    study = lake(groups=t, assumptions={"it": {"off": {"groups": {"wet": {"df": 30}}}}})
    assert changed(study, study.assumptions[0].off).groups["wet"].copula.df == 30


def test_an_assumption_of_a_study_below_is_left_out_where_it_does_not_fit(tmp_path):
    below = """
        name = "below"
        [factors.exit_rate]
        family = "uniform"
        low = 0.02
        high = 0.08
        [factors.noise]
        family = "normal"
        mean = 0
        sd = 1
        [policies.old]
        [policies.reform]
        cut = 0.5
        [assumptions.cuts]
        off = { cut = 0.1 }
        doubled = { exit_rate = "20x" }
        [assumptions.noise]
        off = { noise = 0 }
    """
    (tmp_path / "below.toml").write_text(below)
    on_top = 'name = "top"\nextends = "below.toml"\n[policies.reform]\ncut = "exit_rate"\n'
    (tmp_path / "top.toml").write_text(on_top)
    study = load_study(tmp_path / "top.toml", model=Bill())
    assert [one.name for one in study.assumptions] == ["noise"]
    own = "[assumptions.cuts]\noff = { cut = 0.1 }\ndoubled = { exit_rate = '20x' }\n"
    (tmp_path / "top.toml").write_text(on_top + own)
    with refuses("assumptions.cuts.doubled.exit_rate", "0 to 1", 1.6):
        load_study(tmp_path / "top.toml", model=Bill())
