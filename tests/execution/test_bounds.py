"""A run counts how often yearly values stand on the bounds that its model states, tells of it, and refuses what lies
beyond.
"""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import engine
from engine.errors import UserError
from engine.execution.work import Work
from engine.run_folder.folder import RunFolder
from engine.runs.replay import replay
from engine.study.loading import load_model_file, load_study
from tests.helpers import assert_same
from tests.small_files import call, write
from tests.user_models import program

MODELS = Path(__file__).parents[1] / "data" / "clipped_models.py"
TIDE = """\
name = "tide"
run = { paths = 1024, seed = 3 }
time = { first = 2020, last = 2022 }
[factors]
swell = { family = "uniform", low = 0.2, high = 1.2 }
[policies]
calm = {}
dammed = { dam = 0.3 }
[keep]
yearly = 512
"""


def own(name):
    return ["--model", f"{MODELS}:{name}"]


@pytest.fixture(scope="module")
def tide(tmp_path_factory):
    """A finished run, and what it printed."""
    folder = tmp_path_factory.mktemp("tide")
    result = call("run", write(folder, TIDE, "tide.toml"), *own("Tide"), "--out", folder / "out", "--quiet")
    assert result.exit_code == 0, result.output
    return folder, result


def test_the_cube_holds_the_share_of_each_bound_by_policy_year_and_place(tide):
    folder, _ = tide
    cube = engine.open_cube(folder / "out")
    on = cube["diagnostics/bounds"]["height"]
    assert on.dims == ("policy", "bound", "year", "shore")
    assert on["bound"].values.tolist() == ["low", "high"]
    assert on.attrs["bound_min"] == -1.0 and on.attrs["bound_max"] == 0.9 and on.attrs["bound_units"] == "m"
    assert on.attrs["units"] == "1" and on.attrs["sample_paths"] == 512
    spread = cube["distribution"]["height"].attrs
    assert (spread["valid_min"], spread["valid_max"]) == (-1.0, 0.9)
    assert "valid_min" not in cube["distribution"]["wind"].attrs and "wind" not in cube["diagnostics/bounds"]
    study = load_study(folder / "tide.toml", model=load_model_file(f"{MODELS}:Tide"))
    height = program(study).first_years(512)[:, :, :2]
    for bound, limit in (("low", -1.0), ("high", 0.9)):
        assert_same(on.sel(bound=bound).values, np.mean(height == np.float32(limit), axis=-1))
    assert replay(study, 0)["yearly"]["height"].attrs["valid_min"] == -1.0


def test_a_second_run_writes_the_same_and_tells_the_same(tide):
    folder, result = tide
    place = folder / "out" / "cube.zarr" / "diagnostics"
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    (folder / "out" / "ledger" / "cube.json").unlink()
    again = call("run", folder / "tide.toml", *own("Tide"), "--out", folder / "out", "--quiet")
    assert again.exit_code == 0
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before
    line = "Bounds: values of height under dammed equal the upper bound, 0.9 m, in "
    for output in (result.output, again.output):
        words = " ".join(output.split())
        assert line in words and "3 more above 2 % (/diagnostics/bounds)." in words
    piped = call("run", folder / "tide.toml", *own("Tide"), "--out", folder / "out", "--quiet", "--json")
    assert json.loads(piped.stdout) and line in piped.stderr


def test_what_lies_beyond_a_bound_is_refused_before_and_in_the_run(tmp_path):
    path = write(tmp_path, TIDE, "tide.toml")
    result = call("check", path, *own("Leak"))
    assert result.exit_code == 2 and "model.yearly.height: expected -1 to 0.9 [m]" in result.output
    result = call("run", path, *own("Leak"), "--out", tmp_path / "out", "--quiet")
    assert result.exit_code == 2 and "the years of path" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("bad", "places"),
    [({0: 2.0, 2: 3.0}, ["model.yearly.height", "model.yearly.wind"]), ({0: 2.0, 2: np.nan}, ["run.nonfinite", ""])],
    ids=["beyond", "not finite"],
)
def test_what_is_wrong_in_any_part_of_the_years_is_told(tmp_path, monkeypatch, bad, places):
    model = load_model_file(f"{MODELS}:Tide")
    wind = replace(model.yearly["wind"], low=-1.0, high=1.0)
    monkeypatch.setattr(type(model), "yearly", {**model.yearly, "wind": wind})
    study = load_study(write(tmp_path, TIDE, "tide.toml"), model=model)
    years = np.zeros((2, 3, 4, 512), np.float32)
    years[0, 0, 0, 5], years[0, 2, 2, 7] = bad.values()
    parts = SimpleNamespace(years_in_parts=lambda _: np.split(years, 3, axis=1), first_years=lambda _: years)
    with pytest.raises(UserError) as refused:
        Work(RunFolder(tmp_path / "out", study), parts).yearly_files()
    assert [getattr(one, "place", "") for one in refused.value.problems] == places
    assert "in 2022" in str(refused.value)
