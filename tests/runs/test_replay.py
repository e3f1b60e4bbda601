"""Single paths in full: the outcomes of the cube, bit for bit; several at once, in double precision, and far out."""

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import xarray as xr

import engine
from engine.run_folder.cube import attributes
from engine.run_folder.finding import find_study
from engine.run_folder.folder import RunFolder
from engine.run_folder.reading import read_path
from engine.runs.replay import replay
from engine.runs.run import run
from engine.study.loading import load_model_file, load_study
from tests.helpers import assert_same
from tests.refusals import refuses
from tests.shock_study import ALL, only, walk
from tests.small_files import BRIDGE, MODELS, POND, call, ran, write


def small(folder, text, name, **changes):
    return load_study(write(folder, text), model=load_model_file(f"{MODELS}:{name}"), **changes)


def test_outcomes_and_draws_are_those_of_the_cube(tmp_path):
    path = 131_100
    study = small(tmp_path, POND, "Pond", paths=path + 1)
    run(study, tmp_path / "out")
    for number in (0, 65, path):
        story = replay(study, number)
        held = read_path(RunFolder(tmp_path / "out", study), study.keep.outcomes, number)
        for outcome, values in held.items():
            assert_same(story["outcomes"][outcome].values, values)
        if number < study.keep.draws:
            draws = engine.open_cube(tmp_path / "out")["draws"]
            for item in study.inputs:
                assert_same(story["draws"][item.name].values, draws[item.name][number].values)


def test_years_are_those_that_the_outcomes_were_folded_from(tmp_path):
    story = replay(small(tmp_path, POND, "Pond"), 17)
    stock, shortage = story["yearly"]["stock"], story["yearly"]["shortage"]
    assert stock.dims == ("policy", "year", "region")
    assert stock.attrs["units"] == "hm3"
    north, south = (stock.sel(region=region).values for region in ("north", "south"))
    assert_same(story["outcomes"]["lowest_stock"].values, (north + south).min(axis=1))
    assert_same(story["outcomes"]["shortage"].values, np.add.accumulate(shortage.values, axis=1)[:, -1])


def test_shocks_are_those_that_the_model_was_given():
    story = replay(walk(only(wind=ALL["shocks"]["wind"])), [5, 70_000])
    for name, values in story["shocks"].data_vars.items():
        assert_same(values.values, story["yearly"][name].sel(policy="default").values)
        assert values.dims == ("path", "year", *walk().model.shocks[name].dims)


def same(one: xr.DataTree, other: xr.DataTree) -> None:
    """Asserts that two replays have the same groups, variables, dimensions and bits."""
    assert set(one.children) == set(other.children)
    for group in one.children:
        assert list(one[group].data_vars) == list(other[group].data_vars)
        for name, values in one[group].data_vars.items():
            assert values.dims == other[group][name].dims and values.attrs == other[group][name].attrs
            assert_same(values.values, other[group][name].values)


def test_several_paths_are_the_single_ones_bit_for_bit(tmp_path):
    study, numbers = small(tmp_path, POND, "Pond", paths=4096), [4095, 5, 777]
    many = replay(study, np.array(numbers))
    for group in many.children:
        assert_same(many[group]["path"].values, np.array(numbers))
        assert many[group]["path"].attrs == {
            "long_name": "number of the future, from 0",
            "units": "1",
            "standard_name": "realization",
        }
        assert all(values.dims[0] == "path" for values in many[group].data_vars.values())
    for k, number in enumerate(numbers):
        one = replay(study, number)
        same(many.isel(path=k, drop=True), one)
        assert one.attrs == {**many.attrs, "path": number}


def test_a_run_is_replayed_with_its_own_seed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(small(tmp_path, POND, "Pond"))
    model = load_model_file(f"{MODELS}:Pond")
    study, folder = find_study("study.toml", model)
    assert folder is not None and study.seed == 7
    assert find_study(folder.path, model)[1].path == folder.path
    assert find_study("study.toml", model, seed=8)[1] is None
    with refuses("seed", "is 7", "got 8"):
        find_study(folder.path, model, seed=8)


def test_a_model_that_has_changed_since_the_run_is_told(tmp_path):
    study, file = write(tmp_path, BRIDGE), tmp_path / "model.py"
    file.write_text(MODELS.read_text())
    ran("run", study, "--model", f"{file}:Bridge", "--out", tmp_path / "out")
    file.write_text(MODELS.read_text().replace("over * factors.price", "1 + over * factors.price"))
    ended = ran("replay", tmp_path / "out", "--path", 3, "--model", f"{file}:Bridge")
    assert "damage (the model" in " ".join(ended.stdout.split())


NOT_A_NUMBER = """

class Broken(Pond):
    def step(self, state, year, factors, shocks, levers):
        state, values = super().step(state, year, factors, shocks, levers)
        return state, values | {"stock": values["stock"] + jnp.where(year == 2018, jnp.sqrt(4 - factors.inflow), 0)}
"""


def test_the_command_that_a_refused_run_ends_with_shows_the_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, POND)
    (tmp_path / "model.py").write_text(MODELS.read_text() + NOT_A_NUMBER)
    refused = call("run", "study.toml", "--model", "model.py:Broken", "--seed", 11, "--policies", "use")
    assert refused.exit_code == 2, refused.output
    assert "outcome 'lowest_stock'" in refused.stderr
    assert not list((tmp_path / "outputs").iterdir())
    *_, command = re.findall(r"(rustbelt replay .*)", refused.stderr)
    shown = ran(*shlex.split(command)[1:])
    assert "nan" in shown.stdout and "from 2018 on" in shown.stdout
    words = [*shlex.split(command)[1:], "--variable", "stock"]
    ran(*words, "--save", "one.parquet")
    rows = json.loads(call(*words, "--json").stdout)["tables"]["yearly_stock"]["rows"]
    assert {row["year"] for row in rows if row["value"] is None and row["not_finite"] == "nan"} >= {2018}
    assert any(isinstance(row["value"], float) for row in rows)


def unfinished(folder: Path, place: Path) -> Path:
    """A copy of a run that says that it has not come to its end."""
    copy = shutil.copytree(folder, place / "unfinished")
    root = copy / "cube.zarr" / "zarr.json"
    root.write_text(root.read_text().replace('"complete"', '"incomplete"'))
    assert attributes(copy)["status"] == "incomplete"
    return copy
