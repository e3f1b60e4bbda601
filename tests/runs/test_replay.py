"""Single paths in full: the outcomes of the cube, bit for bit; several at once; the worst paths of a run."""

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import engine
from engine.draws.distributions.closed import FAMILIES, Marginal
from engine.run_folder.cube import attributes
from engine.run_folder.finding import find_study
from engine.run_folder.folder import RunFolder
from engine.run_folder.reading import read_path
from engine.runs.replay import TOGETHER, percentiles, replay, worst
from engine.runs.run import run
from engine.study.loading import load_model_file, load_study
from tests.helpers import assert_close, assert_same
from tests.refusals import refuses
from tests.shock_study import ALL, only, walk
from tests.small_files import BRIDGE, MODELS, POND, call, own, ran, write
from tests.small_study import read_paths


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


@pytest.fixture(scope="module")
def longer(tmp_path_factory):
    """Folder and study of a run of the bridge, a little longer than a block."""
    folder = tmp_path_factory.mktemp("bridge")
    study = small(folder, BRIDGE, "Bridge", paths=131_072 + 1000)
    return run(study, folder / "run").folder, study


def expected(longer, variable, policy, count):
    """The numbers of the worst paths, by sorting all."""
    folder, study = longer
    values = read_paths(folder, study, (variable,), study.paths)[variable][study.policy_names.index(policy)]
    badness = values if study.model.outcomes[variable].loss else -values
    return np.lexsort((np.arange(study.paths), -badness))[:count]


@pytest.mark.parametrize(
    ("variable", "policy", "together"), [("damage", "weak", TOGETHER), ("margin", "strong", 1), ("margin", "weak", 1)]
)
def test_the_worst_paths_are_those_of_a_sorted_list(longer, variable, policy, together, monkeypatch):
    monkeypatch.setattr("engine.runs.replay.TOGETHER", together)
    folder, study = longer
    held = read_paths(folder, study, (variable,), study.paths)[variable]
    for count in (1, 10, 2000):
        found = worst(RunFolder(folder, study), variable, policy, count)
        numbers = expected(longer, variable, policy, count)
        assert_same(found["path"].values, numbers)
        assert found[variable].dims == ("path", "policy")
        assert list(found["policy"].values) == ["weak", "strong"]
        assert_same(found[variable].values, held[:, numbers].T)
    assert found[variable].attrs["worse"] == ("high" if variable == "damage" else "low")


def test_equal_paths_come_by_their_number(longer):
    """A strong bridge is seldom damaged: from the first undamaged one on, paths are equal."""
    folder, study = longer
    damaged = int(np.count_nonzero(read_paths(folder, study, ("damage",), study.paths)["damage"][1]))
    assert 0 < damaged < 131_072 // 2
    for count in (damaged + 50, study.paths):
        found = worst(RunFolder(folder, study), "damage", "strong", count)
        assert_same(found["path"].values, expected(longer, "damage", "strong", count))
        assert np.all(np.diff(found["path"].values[damaged:]) > 0)


def test_an_outcome_of_which_no_path_is_kept(tmp_path):
    study = small(tmp_path, BRIDGE + '[keep]\noutcomes = ["margin"]\n', "Bridge")
    run(study, tmp_path / "run")
    assert worst(RunFolder(tmp_path / "run", study), "margin", "weak", 2).sizes["path"] == 2
    with refuses("", "(margin),", "'damage'", "keep.outcomes"):
        worst(RunFolder(tmp_path / "run", study), "damage", "weak", 2)


def test_a_run_that_has_not_come_to_its_end(longer, tmp_path):
    folder, study = longer
    longer = small(tmp_path, BRIDGE, "Bridge", paths=200_000)
    for place, asked in ((unfinished(folder, tmp_path), study), (folder, longer)):  # it had, with these paths or fewer
        assert worst(RunFolder(place, asked), "damage", "weak", 1).sizes["path"] == 1
    with refuses("", f"a finished run of {study.paths:,} paths"):
        worst(RunFolder(tmp_path, study), "damage", "weak", 1)


# ---------------------------------------------------------------------------------------------- what is unusual


@pytest.mark.parametrize(("family", "parameters"), [("fixed", (1.5,)), ("logit-normal", (0.03, 0.6))])
def test_a_percentile_is_the_probability_whose_quantile_the_draw_is(tmp_path, family, parameters):
    given = dict(zip(FAMILIES[family].parameters, parameters, strict=True))
    prior = f"family = '{family}'\n" + "".join(f"{key} = {value}\n" for key, value in given.items())
    text = re.sub(r"(?s)family = \"uniform\".*high = 2\n", prior, BRIDGE)
    study = small(tmp_path, text, "Bridge")
    draws = replay(study, [0, 1, 2, 3999], precision="float64")["draws"].to_dataset()
    shares = percentiles(study, draws)
    assert ("price" in shares) == (family != "fixed")
    if family != "fixed":
        assert_close(Marginal(family, parameters).quantile(shares["price"]), draws["price"].values)
        assert shares["price"].shape == (4,)


# ---------------------------------------------------------------------------------------------- the command


def test_the_baseline_is_what_they_are_worst_under_unless_told(longer):
    said = [
        call("replay", longer[0], "--worst", 2, "--variable", "damage", *words, *own("Bridge"), "--json").stdout
        for words in ((), ("--policy", "weak"))
    ]
    assert said[0] == said[1]
    rows = json.loads(said[0])["tables"]["worst"]["rows"]
    numbers = expected(longer, "damage", "weak", 2)
    assert list(dict.fromkeys(int(row["path"]) for row in rows)) == numbers.tolist()
    assert {row["policy"] for row in rows} == {"weak", "strong"}
    held = read_paths(*longer, ("damage",), longer[1].paths)["damage"]
    values = [row["value"] for row in rows]
    assert_same(np.float32(values), held[:, numbers].T.ravel())
