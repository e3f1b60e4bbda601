"""A replay as an answer: every value once and in its place, as JSON and as a file; and what is unusual."""

import json
from dataclasses import replace

import jsonschema
import pandas as pd
import pytest

from engine.answers.plain import SCHEMA
from engine.cli.show.replay_tables import UNUSUAL, agreement, replayed
from engine.formatting import unit_name
from engine.run_folder.folder import RunFolder
from engine.runs.replay import percentiles, replay
from engine.runs.run import open_run
from tests.small_files import BRIDGE, MODELS, call, own, ran, write


@pytest.fixture
def pond(runs):
    """The words that replay path 17 of the pond."""
    return ["replay", runs / "pond", *own("Pond"), "--path", 17]


@pytest.fixture(scope="module")
def story(runs):
    """Path 17 of it."""
    return replay(open_run(runs / "pond").study, [17])


@pytest.fixture(scope="module")
def bridge(runs):
    """The folder of the bridge, with its study."""
    return open_run(runs / "bridge").run_folder


def assert_holds(rows, values):
    """Asserts that rows of a table are the values of a variable of one path, each once and in its place."""
    assert len(rows) == values.size
    for row in rows:
        at = {dim: row.get(dim, row.get(f"place_{dim}")) for dim in values.dims}
        assert row["value"] == float(values.sel({dim: int(at[dim]) if dim == "year" else at[dim] for dim in at}))


def test_json_is_the_answer_and_nothing_else(pond, story):
    ended = ran(*pond, "--json")
    answer = json.loads(ended.stdout)
    jsonschema.validate(answer, SCHEMA)
    tables, first = answer["tables"], story.isel(path=0)
    assert answer["question"] == "replay" and answer["findings"][0].startswith("On path 17, ")
    for name, values in first["outcomes"].data_vars.items():
        assert_holds([row for row in tables["outcomes"]["rows"] if row["variable"] == name], values)
    for group, prefix in (("yearly", "yearly_"), ("shocks", "shock_")):
        for name, values in first[group].data_vars.items():
            assert_holds(tables[f"{prefix}{name}"]["rows"], values)
            (unit,) = (column["unit"] for column in tables[f"{prefix}{name}"]["columns"] if column["name"] == "value")
            assert unit == unit_name(values.attrs)
    draws = {row["factor"]: row["draw"] for row in tables["draws"]["rows"]}
    assert draws == {name: float(value) for name, value in first["draws"].data_vars.items()}


def test_what_is_saved_is_the_replay(pond, story, tmp_path):
    ended = ran(*pond, "--save", tmp_path / "one.csv")
    assert f"Saved in {tmp_path / 'one.csv'}." in ended.stdout
    saved = pd.read_csv(tmp_path / "one.csv")
    rows = saved[saved["table"] == "outcomes"]
    for name, values in story["outcomes"].isel(path=0).data_vars.items():
        assert_holds(rows[rows["variable"] == name].to_dict("records"), values)
    yearly, shocks = (story[name].data_vars for name in ("yearly", "shocks"))
    assert {*(f"yearly_{name}" for name in yearly), *(f"shock_{name}" for name in shocks), "draws"} <= {*saved["table"]}


def test_no_text_that_is_saved_is_a_formula(tmp_path):
    source = MODELS.read_text().replace('Outcome("t"', 'Outcome("=1+1 \\x1b[2J"')
    (tmp_path / "model.py").write_text(source)
    words = ["replay", write(tmp_path, BRIDGE), "--model", f"{tmp_path / 'model.py'}:Bridge", "--path", 5]
    ended = call(*words, "--save", tmp_path / "one.csv")
    assert ended.exit_code == 0 and "\x1b" not in ended.output, ended.output
    rows = pd.read_csv(tmp_path / "one.csv")
    assert {*rows.loc[rows["variable"] == "margin", "unit"]} == {r"'=1+1 \x1b[2J"}
    assert rows["value"].dtype == float


def test_a_path_is_compared_with_the_cube_bit_for_bit(bridge):
    story = replay(bridge.study, [5, 6])
    same = agreement(bridge, story)
    assert "bit for bit on all 2 paths" in same and "Not" not in same
    story["outcomes"]["margin"].values[0] += 1
    other = agreement(bridge, story)
    assert (
        other.startswith("These outcomes differ from those in the cube") and "margin" in other and "damage" not in other
    )
    unkept = replace(bridge.study, keep=replace(bridge.study.keep, outcomes=()))
    assert "no outcome" in agreement(RunFolder(bridge.path, unkept), story)


@pytest.mark.parametrize("paths", [[3], [3, 8, 21]])
def test_unusual_draws_are_the_farthest_from_the_middle_of_their_priors(bridge, paths):
    story, inputs = replay(bridge.study, paths), {item.name: item for item in bridge.study.inputs}
    shares = percentiles(bridge.study, story["draws"].to_dataset())
    means = {str(name): float(share.mean()) for name, share in shares.items()}
    table = replayed(bridge.study, story, None, "weak")["draws"]
    assert [*table["factor"]] == sorted(means, key=lambda name: -abs(means[name] - 0.5))
    assert table.brief == tuple(place < UNUSUAL for place in range(len(table)))
    for row in table.rows():
        item = inputs[row["factor"]]
        assert row["percentile"] == means[item.name] and row["unit"] == item.unit
        assert row["draw"] == float(story["draws"][item.name].values.astype(float).mean())
        assert (row["p05"], row["p95"]) == tuple(float(item.marginal.quantile(p)) for p in (0.05, 0.95))
