"""A replay as an answer: every value once and in its place, as JSON and as a file."""

import json

import jsonschema
import pandas as pd
import pytest

from engine.answers.plain import SCHEMA
from engine.cli.show.answers import print_answer
from engine.cli.show.replay_tables import replayed
from engine.formatting import unit_name
from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.runs.replay import replay
from engine.study.loading import load_model_file, load_study
from tests.cli.printed import printed
from tests.small_files import BRIDGE, MODELS, POND, call, own, write
from tests.user_models import static


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


def assert_holds(rows, values):
    """Asserts that rows of a table are the values of a variable of one path, each once and in its place."""
    assert len(rows) == values.size
    for row in rows:
        at = {dim: row.get(dim, row.get(f"place_{dim}")) for dim in values.dims}
        assert row["value"] == float(values.sel({dim: int(at[dim]) if dim == "year" else at[dim] for dim in at}))


def test_json_is_the_answer_and_nothing_else(pond, story):
    ended = call(*pond, "--path", 17, "--json")
    assert ended.exit_code == 0, ended.output
    answer = json.loads(ended.stdout)
    jsonschema.validate(answer, SCHEMA)
    tables, first = answer["tables"], story.isel(path=0)
    assert answer["question"] == "replay"
    for name, values in first["outcomes"].data_vars.items():
        assert_holds([row for row in tables["outcomes"]["rows"] if row["variable"] == name], values)
    for group, prefix in (("yearly", "yearly_"), ("shocks", "shock_")):
        for name, values in first[group].data_vars.items():
            assert_holds(tables[f"{prefix}{name}"]["rows"], values)
            (unit,) = (column["unit"] for column in tables[f"{prefix}{name}"]["columns"] if column["name"] == "value")
            assert unit == unit_name(values.attrs)
    draws = {row["factor"]: row["draw"] for row in tables["draws"]["rows"]}
    assert draws == {name: float(value) for name, value in first["draws"].data_vars.items()}


def test_one_policy_and_one_variable_are_all_that_is_told(pond):
    tables = json.loads(call(*pond, "--path", 17, "--policy", "use", "--variable", "stock", "--json").stdout)["tables"]
    assert {row["policy"] for name in ("outcomes", "yearly_stock") for row in tables[name]["rows"]} == {"use"}
    assert "level" not in tables and {row["factor"] for row in tables["draws"]["rows"]} == {"inflow", "depth"}


def test_a_value_that_is_no_number_is_null(tmp_path):
    source = MODELS.read_text().replace('"shortage": missing}', '"shortage": missing / (missing - missing)}')
    (tmp_path / "model.py").write_text(source)
    ended = call("replay", write(tmp_path, POND), "--model", f"{tmp_path / 'model.py'}:Pond", "--path", 5, "--json")
    assert ended.exit_code == 0, ended.output
    rows = json.loads(ended.stdout)["tables"]["outcomes"]["rows"]
    assert {row["value"] for row in rows if row["variable"] == "shortage"} == {None}


def test_what_is_saved_is_the_replay(pond, story, tmp_path):
    ended = call(*pond, "--path", 17, "--save", tmp_path / "one.csv", "--digits", "full")
    assert ended.exit_code == 0, ended.output
    assert f"Saved in {tmp_path / 'one.csv'}." in ended.stdout
    saved = pd.read_csv(tmp_path / "one.csv")
    rows = saved[saved["table"] == "outcomes"]
    for name, values in story["outcomes"].isel(path=0).data_vars.items():
        assert_holds(rows[rows["variable"] == name].to_dict("records"), values)
    kinds = {f"yearly_{name}" for name in story["yearly"].data_vars} | {
        f"shock_{name}" for name in story["shocks"].data_vars
    }
    assert kinds | {"draws"} <= {*saved["table"]}


def test_no_text_that_is_saved_is_a_formula(tmp_path):
    source = MODELS.read_text().replace('Outcome("t"', 'Outcome("=1+1 \\x1b[2J"')
    (tmp_path / "model.py").write_text(source)
    words = ["replay", write(tmp_path, BRIDGE), "--model", f"{tmp_path / 'model.py'}:Bridge", "--path", 5]
    ended = call(*words, "--save", tmp_path / "one.csv")
    assert ended.exit_code == 0 and "\x1b" not in ended.output, ended.output
    rows = pd.read_csv(tmp_path / "one.csv")
    assert {*rows.loc[rows["variable"] == "margin", "unit"]} == {r"'=1+1 \x1b[2J"}
    assert rows["value"].dtype == float


@pytest.mark.parametrize(
    ("file", "message"), [("one.nc", "ends in .csv, .xlsx, .parquet or .md"), ("nowhere/one.csv", "nowhere'")]
)
def test_where_a_replay_cannot_be_saved(pond, tmp_path, file, message):
    ended = call(*pond, "--path", 17, "--save", tmp_path / file)
    assert ended.exit_code == 2 and message in ended.stderr


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
    texts = {row["policy"]: row["in_force"] for row in levers.where(lever="teachers")}
    assert texts["few"].startswith("town 0: 1, ") and texts["many"].startswith("town 0: 10, ")
    lines = printed(70, print_answer, replayed(study, story, None, "few"), True)
    assert max(map(len, lines)) <= 70
