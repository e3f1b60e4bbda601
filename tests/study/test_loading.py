"""Study files: what is read, that a resolved study says the same again, and what is refused."""

import re
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from engine.draws.distributions.scipy_catalogue import continuous_names, discrete_names, parameter_names
from engine.errors import UserError, closest
from engine.modelling.records import Factor, Lever
from engine.study.loading import (
    again,
    load_model_file,
    load_study,
    read_again,
    read_study,
    resolved_text,
    shipped_studies,
)
from engine.study.schema import FactorTable, LawTable, ShockTable
from engine.study.tables.policies import phased
from tests.helpers import assert_close, assert_same
from tests.refusals import at, refuses
from tests.reservoirs import STATIC, STUDY, Reservoir, Sum, read, said


def test_a_study_is_resolved():
    study = read(STUDY)
    assert (study.name, study.seed, study.paths, study.sampler, study.unit) == ("reservoir", 7, 1000, "random", 1)
    assert study.years == (2020, 2021, 2022, 2023)
    assert [item.name for item in study.inputs] == ["inflow", "capacity", "will"]
    assert [(said.label, said.value) for said in study.inputs[0].targets] == [("p05", 1.0), ("p95", 4.0)]
    assert_close([said.fitted for said in study.inputs[0].targets], [1.0, 4.0])
    assert_close(study.inputs[0].marginal.parameters[0], 2.0)
    assert study.groups["water"].members == ("inflow", "capacity")
    assert study.policy_names == ("keep", "save", "full", "late")
    assert study.events[2].all == ["dry", "short"]
    assert study.keep.outcomes == ("lowest_stock", "shortage")
    assert (study.keep.draws, study.keep.yearly) == (131_072, 16_384)


def test_a_study_stated_in_python_is_that_of_a_file_with_the_same_tables(tmp_path):
    tables = tomllib.loads(STUDY)
    file = tmp_path / "reservoir.toml"
    file.write_text(STUDY)
    in_file = load_study(file, model=Reservoir())
    tables["policies"]["full"]["release"] = {2021: np.float64(0.15), 2023: np.float64(0.05)}
    assert tomllib.loads(STUDY)["policies"]["full"]["release"] == {"2021": 0.15, "2023": 0.05}
    stated = load_study(tables, model=Reservoir())
    assert (stated.source, stated.fingerprint) == ("reservoir", in_file.fingerprint)
    assert read_again(stated, ["keep"], ["factors.inflow.p95=5"]).policy_names == ("keep",)
    del tables["policies"]["full"]  # what the caller changes afterwards does not change the study
    assert read_again(stated, ["full"]).fingerprint == read_again(in_file, ["full"]).fingerprint
    assert read_again(again(stated, ["keep"]), ["full"]).policy_names == read_again(in_file, ["full"]).policy_names


def test_a_study_stated_in_python_extends_others_and_names_its_problems():
    law = {"family": "empirical", "values": np.arange(1, 40)}
    above = {"name": "above", "extends": "warming", "run": {"paths": 2048}}
    assert load_study(above).paths == 2048
    tables = {**tomllib.loads(STUDY), "factors": {**tomllib.loads(STUDY)["factors"], "inflow": law}}
    assert load_study(tables, model=Reservoir()).inputs[0].marginal.support == (1.0, 39.0)
    with refuses("run.paths", "expected", "-1"):
        load_study({**above, "run": {"paths": -1}})
    with refuses("factors.damage_share", "expected a table", "NoneType"):
        load_study({**above, "factors": {"damage_share": None}})
    endless = {"name": "endless"}
    endless["policies"] = endless
    with refuses("", "nested too deeply"):
        load_study(endless)


def test_levels_are_added_to_those_of_every_study():
    plain = read(STUDY)
    assert plain.levels == (0.95, 0.99, 0.999) and "risk" not in plain.document
    same = read(STUDY + "\n[risk]\nlevels = [99, 95]\n")
    assert same.document == plain.document and same.fingerprint == plain.fingerprint
    more = read(STUDY + "\n[risk]\nlevels = [97.5, 99.99, 99]\n")
    assert more.levels == (0.95, 0.975, 0.99, 0.999, 0.9999)
    assert more.document["risk"] == {"levels": [97.5, 99.99]} and more.fingerprint != plain.fingerprint
    assert read(resolved_text(more)).levels == more.levels


def test_levers_hold_by_year_and_label():
    keep, save, full, late = read(STUDY).policies
    assert_same(keep.levers["release"], np.full(4, 0.2))
    assert_same(keep.levers["quota"], np.ones((4, 2)))
    assert_same(full.levers["release"], np.array([0.2, 0.15, 0.15, 0.05]))
    assert_same(full.levers["quota"], np.array([[1.0, 2.0], [1, 2], [3, 2], [3, 2]]))
    assert_same(late.levers["quota"], full.levers["quota"])
    assert_same(late.levers["price"][0], np.array([[4.0, 2.0], [2.0, 2.0]]))
    assert (save.implementation, save.before.name) == ("will", "keep")
    assert (full.implementation, full.before) == (1.0, None)
    assert (late.start, late.before.name) == (2022, "keep")


def test_a_policy_may_phase_in_from_one_that_phases_in_itself():
    study = read(STUDY + '[policies.later]\nlike = "full"\nbefore = "late"\nstart = 2023\n', policies=["later"])
    assert study.policy_names == ("keep", "later")
    before = study.policies[1].before
    assert_same(before.levers["release"], np.array([0.2, 0.2, 0.15, 0.05]))
    assert list(study.document["policies"]) == ["keep", "later", "late"]
    half = replace(study.policies[1], implementation=0.5)
    assert_close(phased(half, study.years).levers["release"][-1], 0.05)


@pytest.mark.parametrize("policies", [None, ["late"], ["full", "keep"], ["save", "late"]])
def test_the_resolved_study_reads_as_itself(policies):
    study = read(STUDY, policies=policies)
    again = read(resolved_text(study))
    assert again.document == study.document
    assert again.fingerprint == study.fingerprint
    assert again.policy_names == study.policy_names
    for one, other in zip(study.policies, again.policies, strict=True):
        for lever in one.levers:
            assert_same(one.levers[lever], other.levers[lever])
    assert [item.marginal for item in again.inputs] == [item.marginal for item in study.inputs]
    static = read(STATIC, Sum)
    assert (static.years, static.policy_names, static.tile) == ((), ("default",), 4096)
    assert read(resolved_text(static), Sum).fingerprint == static.fingerprint


def test_the_fingerprint_sees_numbers_and_neither_order_nor_paths():
    study = read(STUDY)
    table = tomllib.loads(STUDY)
    turned = {key: table[key] for key in reversed(table)}
    turned["factors"] = dict(reversed(table["factors"].items()))
    assert read_study(turned, "s", model=Reservoir()).fingerprint == study.fingerprint
    assert read(STUDY.replace("0.15", "0.150"), run={"paths": 5}).fingerprint == study.fingerprint
    for old, new in [
        ("p05 = 1.0", "p05 = 1.1"),
        ("seed = 7", "seed = 8"),
        ("below = 2", "below = 3"),
        ("0.05 }", "0.06 }"),
    ]:
        assert read(STUDY.replace(old, new)).fingerprint != study.fingerprint, new
    assert replace(study, model_digest="other").fingerprint != study.fingerprint
    assert read(STUDY, run={"tile": 64}).fingerprint != study.fingerprint


def test_policies_that_do_not_run_leave_no_trace():
    text = re.sub(r"\[policies.late\].*?\[events", "[events", STUDY, flags=re.DOTALL)
    assert read(STUDY, policies=["full"]).fingerprint == read(text, policies=["full"]).fingerprint
    assert [item.name for item in read(STUDY, policies=["full"]).inputs] == ["inflow", "capacity"]


def test_a_study_extends_another(tmp_path):
    (tmp_path / "base.toml").write_text(STUDY)
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'name = "mine"\nextends = "base.toml"\nkeep = { outcomes = ["shortage"], draws = 10 }\n'
        "[factors.inflow]\np05 = 3\np50 = 4\np95 = 9\n"
        '[events.dry]\nabove = 3\n[policies.half]\nlike = "save"\nrelease = 0.15\n[policies.full]\nrelease = 0.3\n'
    )
    study = load_study(mine, model=Reservoir(), paths=10, seed=3, tile=64)
    assert (study.name, study.paths, study.seed, study.tile, study.sampler) == ("mine", 10, 3, 64, "random")
    inflow = study.inputs[0]
    assert (inflow.marginal.family, inflow.group, inflow.source) == ("lognormal", "water", "")
    assert [(said.label, said.value) for said in inflow.targets] == [("p05", 3.0), ("p50", 4.0), ("p95", 9.0)]
    assert study.keep.outcomes == ("shortage",)
    assert (study.events[0].outcome, study.events[0].above, study.events[0].below) == ("lowest_stock", 3.0, None)
    assert study.policy_names == ("keep", "save", "full", "late", "half")
    assert_same(study.policies[2].levers["release"], np.full(4, 0.3))
    assert study.policies[4].implementation == "will"


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ('extends = "b.toml"', 'extends = "a.toml"', ["'b.toml': extends: 'a.toml':", "a circle"]),
        ('extends = "a.toml"', "", ["'a.toml':", "a circle"]),
        ('extends = "c.toml"', "", ["'c.toml':", "no such file"]),
        ('extends = "rustbel"', "", ["'rustbel':", "study 'rustbel'", "'rustbelt'"]),
        ("extends = 3", "", ["study's name", "got 3"]),
        ('extends = "b.toml"', "x = ", ["'b.toml':", "not TOML", "end of document"]),
    ],
)
def test_what_cannot_be_extended(tmp_path, first, second, words):
    (tmp_path / "a.toml").write_text(first)
    (tmp_path / "b.toml").write_text(second)
    with pytest.raises(UserError) as caught:
        load_study(tmp_path / "a.toml")
    assert [*caught.value.problems] == [at("extends", *words)]


FILES = [
    (b"x = \ny = 1", at("", "not TOML", "line 1, column 5")),
    (b"x = 1\nx = 2\n", at("", "not TOML", "line 2, column 6")),
    (b"[a", at("", "not TOML", "end of document")),
    (b'name = "\xff"', at("", "UTF-8", "0xff at 8")),
    (b"x = " + b"[" * 5000, at("", "too deeply")),
    (b"#" * (1 << 22) + b"#", at("", "4194304 bytes", "got 4194305")),
]


@pytest.mark.parametrize(("content", "problem"), FILES)
def test_files_that_cannot_be_read(tmp_path, content, problem):
    path = tmp_path / "s.toml"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        load_study(path)
    assert caught.value.source == str(path)
    assert [*caught.value.problems] == [problem]


def test_no_file(tmp_path):
    with refuses("", "no such file"):
        load_study(tmp_path / "absent.toml")
    with refuses("", "no such file", "ship: rustbelt"):
        load_study("absent")
    with refuses("", "a folder", "(.toml)") as folder:
        load_study(tmp_path)
    assert "mean" not in str(folder.value)
    (tmp_path / "study.toml").write_text(STUDY)
    with pytest.raises(UserError, match=r"mean '.*study.toml'"):
        load_study(tmp_path)
    with pytest.raises(UserError):
        load_study("a\0b.toml")


def test_the_byte_order_mark_of_an_editor_is_no_error(tmp_path):
    path = tmp_path / "s.toml"
    path.write_bytes(b"\xef\xbb\xbf" + STATIC.encode())
    assert load_study(path, model=Sum()).name == "sum"


# ---- what ships


@pytest.mark.parametrize("name", list(shipped_studies()))
def test_studies_that_ship_are_read(name):
    study = load_study(name)
    assert study.is_path_model and study.paths >= 1
    stated = tomllib.loads(shipped_studies()[name].read_text())["policies"]
    everything = load_study(name, policies=list(dict.fromkeys([*study.policy_names, *stated])))
    again = read_study(tomllib.loads(resolved_text(everything)), "again")
    assert again.fingerprint == everything.fingerprint
    left_out = {*everything.policy_names} - {*study.policy_names}
    assert (everything.fingerprint != study.fingerprint) == bool(left_out)


def test_five_lines_on_top_of_what_ships(tmp_path):
    mine = tmp_path / "half.toml"
    mine.write_text(
        'name = "half-fund"\nextends = "rustbelt"\n[factors.steel_recovery_years]\np05 = 3.0\np95 = 9.0\n'
        'source = "our desk, March"\n[policies.half_fund]\nlike = "reform"\nresettlement_fund = 50\n'
    )
    assert load_study(mine).policy_names == ("old", "reform", "half_fund")
    study = load_study(mine, policies=["half_fund"])
    assert study.policy_names == ("old", "half_fund")
    assert_same(study.policies[1].levers["resettlement_fund"], np.full(15, 50.0))
    assert study.inputs[0].source == "our desk, March"


# ---- where its model comes from


def test_a_study_knows_the_file_of_a_model_of_ones_own(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        "from engine import Factor, Outcome, StaticModel\n"
        "class Own(StaticModel):\n"
        '    factors = {"x": Factor("1"), "y": Factor("1")}\n'
        '    outcomes = {"sum": Outcome("1")}\n'
        "    def evaluate(self, factors, levers):\n"
        '        return {"sum": factors.x + factors.y}\n'
    )
    study = read_study(tomllib.loads(STATIC), "s", model=load_model_file(f"{file}:Own"))
    assert study.model_spec == f"{file.resolve()}:Own"
    again = read_study(tomllib.loads(STATIC), "s", model=load_model_file(study.model_spec))
    assert again.fingerprint == study.fingerprint
    assert load_study("rustbelt").model_spec is None


@pytest.mark.parametrize("model", [Sum, "my_model.py:MyModel", 3], ids=["class", "text", "number"])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(UserError, match=r"^model: 1 problem\n  expected a model, such as MyModel\(\)"):
        read_study(tomllib.loads(STATIC), "s", model=model)


def test_an_editors_lock_is_no_study_that_ships(tmp_path, monkeypatch):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / ".#mine.toml").symlink_to("user@host:1234")
    (tmp_path / "configs" / "mine.toml").write_text("")
    monkeypatch.setattr("engine.study.loading._HOME", tmp_path)
    assert list(shipped_studies()) == ["mine"]


def test_no_parameter_of_a_law_is_taken_for_another_key():
    named = (*continuous_names(), *discrete_names())
    keys = {key for name in named for key in parameter_names(name)} | LawTable.model_fields.keys()
    beside = {"family", "source"} | (FactorTable.model_fields.keys() | ShockTable.model_fields.keys())
    beside -= LawTable.model_fields.keys() - {"family", "source"}
    assert not [key for key in keys - LawTable.model_fields.keys() if closest(key, beside)]


@pytest.mark.parametrize(("n", "low"), [(1, -1.0), (2, -1.0), (3, -0.5)])
def test_the_range_of_a_correlation_depends_on_the_members(n, low):
    members = "\n".join(f'[factors.x{k}]\nfamily = "normal"\nmean = 0\nsd = 1\ngroup = "g"' for k in range(n))
    text = f'name = "s"\ngroups.g.correlation = -1.01\n{members}'

    class Many(Sum):
        factors = {f"x{k}": Factor("1") for k in range(n)}

    message = f"groups.g.correlation: expected {low:g} to 1, what {n} factors can have, got -1.01."
    assert said(text, Many) == [message]
    assert read(text.replace("-1.01", str(low)), Many).groups["g"].copula.correlation == low


def test_a_static_study_knows_no_years():
    class WithLever(Sum):
        levers = {"shift": Lever("1")}

    study = read(STATIC + "[policies.a]\n[policies.b]\nshift = 2\nimplementation = 0.5\n", WithLever)
    assert_same(study.policies[1].levers["shift"], np.array([2.0]))
    assert study.policies[1].before is study.policies[0] or study.policies[1].before.name == "a"


def test_one_year_is_a_horizon():
    text = re.sub(
        r"\[policies.full\].*?\[events", "[events", STUDY.replace("last = 2023", "last = 2020"), flags=re.DOTALL
    )
    assert read(text).years == (2020,)


def test_policies_asked_for():
    assert read(STUDY, policies=["full"]).policy_names == ("keep", "full")
    assert read(STUDY, policies=["full", "keep"]).policy_names == ("full", "keep")
    assert at("--policies", "policy 'fulll'", "'full'") in said(STUDY, policies=["fulll"])


def test_the_model_of_a_study():
    text = 'model = "rustbet"\n' + STUDY
    with refuses("model", "model 'rustbet'", "'rustbelt'", "--model FILE:CLASS"):
        read_study(tomllib.loads(text), "s")
    with refuses("model", "missing"):
        read_study(tomllib.loads(STUDY), "s")
    assert read(text).model_name == "Reservoir"


def test_tables_in_python_hold_plain_values():
    with refuses("compare", "expected a list", "dict_keys"):
        load_study({"extends": "rustbelt", "compare": {}.keys()})
