"""A replay as a table: every value once and in its place, and printed as records."""

import json

import pandas as pd
import pytest
import xarray as xr

from engine.cli.show.answers import print_answer
from engine.cli.show.replay_tables import replayed
from engine.formatting import unit_name
from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.runs.replay import as_table, replay
from engine.study.loading import load_model_file, load_study
from tests.cli.printed import printed
from tests.helpers import assert_same
from tests.small_files import BRIDGE, MODELS, POND, call, own, write
from tests.user_models import farms, static

KINDS = {"yearly": "yearly", "outcomes": "outcome", "draws": "draw", "shocks": "shock", "levers": "lever"}
"""Groups of a replay, and the `kind` of their values in its table."""


def assert_holds(table: pd.DataFrame, story: xr.DataTree) -> None:
    """Asserts that the rows are the values of the story, each once, with its place."""
    count = 0
    for group, kind in KINDS.items():
        for name, values in story[group].data_vars.items() if group in story.children else ():
            rows = table[(table["kind"] == kind) & (table["variable"] == name)]
            assert len(rows) == values.size and set(rows["unit"]) == {unit_name(values.attrs)}
            places = {dim: xr.DataArray(rows[dim].to_numpy(values[dim].dtype), dims="row") for dim in values.dims}
            assert_same(rows["value"].to_numpy(values.dtype), values.sel(places).values)
            others = {"path", "policy", "year", *story["yearly"].dims} if "yearly" in story.children else ()
            assert rows[[dim for dim in others if dim not in values.dims]].isna().all(axis=None)
            count += len(rows)
    assert count == len(table)


@pytest.mark.parametrize("precision", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
def test_a_table_holds_every_value_in_its_place(precision):
    story = replay(farms(), [5, 777], precision=precision)
    table = as_table(story)
    assert list(table) == ["path", "policy", "variable", "kind", "year", "region", "crop", "value", "unit"]
    assert table["value"].dtype == precision
    assert_holds(table, story)
    of_one = table[table["path"] == 777].reset_index(drop=True)
    pd.testing.assert_frame_equal(as_table(story.isel(path=[1])), of_one)


def test_a_table_of_a_static_model_has_no_places(tmp_path):
    study = load_study(write(tmp_path, BRIDGE), model=load_model_file(f"{MODELS}:Bridge"))
    story = replay(study, [5, 6])
    table = as_table(story)
    assert list(table) == ["path", "policy", "variable", "kind", "year", "value", "unit"]
    assert_holds(table, story)
    of_one = table[table["path"] == 6].reset_index(drop=True)
    pd.testing.assert_frame_equal(as_table(replay(study, [6])), of_one)


def test_a_dimension_may_have_the_name_of_a_column(tmp_path):
    (tmp_path / "model.py").write_text(MODELS.read_text().replace('"region"', '"unit"'))
    model = load_model_file(f"{tmp_path / 'model.py'}:Pond")
    table = as_table(replay(load_study(write(tmp_path, POND), model=model), [5]))
    assert set(table["unit_label"].dropna()) == {"north", "south"}
    assert set(table["unit"]) == {"hm3", "hm3/yr", "1"}


@pytest.fixture(scope="module")
def pond(tmp_path_factory):
    """The words that replay a finished run of the pond, but for the path."""
    folder = tmp_path_factory.mktemp("pond")
    ran = call("run", write(folder, POND), *own("Pond"), "--out", folder / "run", "--quiet")
    assert ran.exit_code == 0, ran.output
    return ["replay", folder / "run", *own("Pond")]


@pytest.fixture(scope="module")
def story(pond):
    """Path 17 of it."""
    return replay(load_study(pond[1] / "study.toml", model=load_model_file(pond[-1])), [17])


def test_json_is_the_table_and_nothing_else(pond, story):
    ended = call(*pond, "--path", 17, "--json")
    assert ended.exit_code == 0, ended.output
    records = json.loads(ended.stdout)
    columns = ["path", "policy", "variable", "kind", "year", "region", "value", "unit"]
    assert all(list(record) == columns for record in records)
    assert_holds(pd.DataFrame(records), story)


def test_one_policy_and_one_variable_are_all_that_is_told(pond):
    records = json.loads(call(*pond, "--path", 17, "--policy", "use", "--variable", "stock", "--json").stdout)
    assert {record["policy"] for record in records} == {"use", None}
    assert "region" in records[0]
    assert {r["variable"] for r in records if r["kind"] == "yearly"} == {"stock"}
    assert {r["variable"] for r in records if r["kind"] == "draw"} == {"inflow", "depth"}


def test_a_value_that_is_no_number_is_null(tmp_path):
    source = MODELS.read_text().replace('"shortage": missing}', '"shortage": missing / (missing - missing)}')
    (tmp_path / "model.py").write_text(source)
    ended = call("replay", write(tmp_path, POND), "--model", f"{tmp_path / 'model.py'}:Pond", "--path", 5, "--json")
    assert ended.exit_code == 0, ended.output
    assert {r["value"] for r in json.loads(ended.stdout) if r["variable"] == "shortage"} == {None}


def test_a_factor_of_a_label_keeps_its_brackets():
    class Towns(StaticModel):
        dims = {"town": ("a", "b")}
        factors = {"own": Factor("1", dims=("town",))}
        outcomes = {"x": Outcome("1")}

        def evaluate(self, factors, levers):
            return {"x": factors.own.over()}

    study = static(Towns(), {"own": {"family": "normal", "mean": 0, "sd": 1}}, 16)
    story = replay(study, [3])
    names = replayed(study, story, None, study.baseline)["draws"]["factor"]
    assert {*names} == {"own[a]", "own[b]"}


def test_levers_that_differ_by_place_are_folded_between_words():
    class Schools(StaticModel):
        dims = {"town": tuple(f"town {k}" for k in range(8))}
        factors = {"need": Factor("1")}
        levers = {"teachers": Lever("1", dims=("town",)), "pay": Lever("1")}
        outcomes = {"x": Outcome("1")}

        def evaluate(self, factors, levers):
            return {"x": levers.pay * levers.teachers.over()}

    few = {town: k + 1 for k, town in enumerate(Schools.dims["town"])}
    many = {town: 10 * count for town, count in few.items()}
    policies = {"few": {"teachers": few, "pay": "need"}, "many": {"teachers": many, "pay": "need"}}
    prior = {"family": "normal", "mean": 0, "sd": 1}
    study = static(Schools(), {"need": prior}, 16, policies, baseline="few")
    story = replay(study, [3])
    levers = replayed(study, story, None, "few")["levers"]
    texts = {row["policy"]: row["value"] for row in levers.where(lever="teachers")}
    assert texts["few"].startswith("town 0: 1, ") and texts["many"].startswith("town 0: 10, ")
    lines = printed(70, print_answer, replayed(study, story, None, "few"), True)
    assert max(map(len, lines)) <= 70
