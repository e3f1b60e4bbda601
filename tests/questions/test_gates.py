"""A study held against the facts that its gates name: medians and bands of closed forms, on the screen and as an
answer.
"""

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from engine.answers.answer import Answer
from engine.answers.plain import SCHEMA
from engine.answers.question import Asked
from engine.modelling.cell_axis import split_cells
from engine.program import cpu_program
from engine.run_folder import answer_store
from engine.run_folder.finding import run_folder
from engine.runs.asking import answered
from engine.study.loading import read_study
from tests.helpers import assert_plausible, assert_same
from tests.small_files import call, ran, write
from tests.user_models import Echo, echo, program

MODELS = Path(__file__).parents[1] / "data" / "clipped_models.py"
TIDE = """\
name = "tide"
compare = ["calm"]
run = { paths = 4096, seed = 3 }
time = { first = 2020, last = 2022 }
[factors]
swell = { family = "uniform", low = 0.2, high = 1.2 }
lift = { family = "uniform", low = 0.2, high = 0.4 }
[policies]
calm = {}
dammed = { dam = "lift" }
[gates.wind]
source = "row 7"
policy = "dammed"
variable = "wind"
years = [2020, 2022]
across = "sum"
median_within = [-0.2, 0.2]
[gates.east]
source = "row 15"
policy = "dammed"
variable = "height"
at = { shore = "east" }
year = 2021
median_above = 0.5
[gates.top]
policy = "calm"
variable = "top"
inside_90 = 0.9
[gates.later]
policy = "calm"
variable = "wind"
at = { shore = "west" }
year = 2030
median_below = 1
"""
OWN = ["--model", f"{MODELS}:Tide"]


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """The study's file, and the rows of its gates by name."""
    path = write(tmp_path_factory.mktemp("gates"), TIDE, "tide.toml")
    result = ran("gates", path, *OWN, "--json")
    plain = json.loads(result.stdout)
    assert {*plain["study"]["policies"]} == {"calm", "dammed"}
    jsonschema.validate(plain, SCHEMA)
    assert plain["question"] == "gates" and plain["study"]["paths"] == 4096
    return path, {row["gate"]: row for row in plain["tables"]["gates"]["rows"]}


def kept(run):
    """Of how many paths a run has its gates, and whether each holds."""
    answer = Answer.of_tree(answer_store.read(run, "gates"))
    return answer.subject.paths, {row["gate"]: row["held"] for row in answer["gates"].rows()}


def test_median_and_band_are_those_of_the_paths(records):
    _, by_name = records
    wind = by_name["wind"]
    # the sum of four standard normal shocks; the standard error of a quantile is sqrt(p (1 - p) / n) / density
    n, sd = 2048, 2.0
    for key, score, p in (("p05", -1.6449, 0.05), ("median", 0.0, 0.5), ("p95", 1.6449, 0.95)):
        density = np.exp(-(score**2) / 2) / np.sqrt(2 * np.pi) / sd
        assert_plausible(wind[key], sd * score, np.sqrt(p * (1 - p) / n) / density, 0.8)
    assert wind["held"] == "yes" and wind["asked"] == "median_within" and wind["paths"] == 4096
    assert (wind["limit"], wind["upper"]) == (-0.2, 0.2) and all(word in wind["of"] for word in ("sum", "2020", "2022"))
    east = by_name["east"]
    assert_plausible(east["median"], 0.3, 0.02, 0.15)  # the wind is as often from either side
    assert east["held"] == "no" and east["of"] == "height, east, 2021"
    assert east["unit"] == "m" and east["source"] == "row 15"
    assert by_name["top"]["held"] == "yes" and by_name["top"]["of"] == "top"
    assert by_name["top"]["p95"] == np.float32(0.9) + np.float32(0.9)
    assert by_name["later"]["held"] == "" and by_name["later"]["median"] is None


def test_gates_are_of_the_paths_of_a_run():
    plain = echo({"old": {}})
    gate = {"policy": "old", "variable": "single", "year": 2017, "median_below": 9.0}
    text = {key: value for key, value in plain.document.items() if key != "model"} | {"gates": {"one": gate}}
    gated = read_study(text, "echo.toml", model=Echo())
    (row,) = answered("gates", {}, Asked(gated, run_folder(gated)))["gates"].rows()
    single = split_cells(gated.model, program(gated).first_years(512), axis=2)["single"][0, 1]
    expected = np.quantile(single.astype(np.float64), (0.05, 0.5, 0.95))
    assert_same(np.array([row["p05"], row["median"], row["p95"]]), expected)
    assert row["held"] == "yes" and row["paths"] == 512


def test_a_run_says_which_facts_it_misses_and_keeps_it(tmp_path):
    path, out = write(tmp_path, TIDE, "tide.toml"), tmp_path / "run"
    asked = ("run", path, *OWN, "--quiet", "--out", out)
    first = ran(*asked)
    assert kept(out) == (4096, {"wind": "yes", "east": "no", "top": "yes", "later": ""})
    assert "1 of 4" in first.stdout and "rustbelt gates" in first.stdout
    # the run folder states no gates, but holds the answer
    again = ran("gates", out, *OWN, "--json")
    assert json.loads(again.stdout) == Answer.of_tree(answer_store.read(out, "gates")).plain()
    fewer = call("gates", out, *OWN, "--paths", "64")
    assert fewer.exit_code == 2 and "a run does not store them" in fewer.stderr
    before = (out / "gates.zarr" / "zarr.json").stat().st_mtime_ns
    assert call(*asked).stdout == first.stdout
    assert (out / "gates.zarr" / "zarr.json").stat().st_mtime_ns == before
    # as the run was set, and anew where there are more paths
    other = call(*asked[:-1], tmp_path / "set", "--set", "gates.east.median_above=-9")
    assert kept(tmp_path / "set") == (4096, {"wind": "yes", "east": "yes", "top": "yes", "later": ""})
    assert "0 of 4" in other.stdout, other.stdout
    ran(*asked, "--paths", "8192")
    assert (out / "gates.zarr" / "zarr.json").stat().st_mtime_ns > before


def test_gates_of_a_run_are_computed_by_its_code(tmp_path, monkeypatch):
    """Under policies that do not run as well."""
    policies = []
    compiled = cpu_program.compiled
    monkeypatch.setattr(
        cpu_program, "compiled", lambda study, *asked: policies.append(study.policy_names) or compiled(study, *asked)
    )
    path = write(tmp_path, re.sub("lift = .*\n", "", TIDE).replace('"lift"', "0.3"), "tide.toml")
    ran("run", path, *OWN, "--quiet", "--policies", "calm", "--out", tmp_path / "run")
    assert kept(tmp_path / "run")[1]["east"] and {*policies} == {("calm",)}


def test_a_study_without_gates_is_refused(tmp_path):
    path = write(tmp_path, TIDE.partition("[gates.wind]")[0], "tide.toml")
    result = call("gates", path, *OWN)
    assert result.exit_code == 2 and "has no gates." in result.output


def test_policies_that_do_not_run_draw_factors_of_their_own(records, tmp_path):
    """The numbers are those of a run of all policies, and the stored answer is recognised."""
    path, by_name = records
    fewer = ran("gates", path, *OWN, "--policies", "calm", "--json")
    assert {row["gate"]: row for row in json.loads(fewer.stdout)["tables"]["gates"]["rows"]} == by_name
    asked = ("run", path, *OWN, "--quiet", "--policies", "calm", "--out", tmp_path / "run")
    first, stored = call(*asked), tmp_path / "run" / "gates.zarr" / "zarr.json"
    before = stored.stat().st_mtime_ns
    assert call(*asked).stdout == first.stdout and stored.stat().st_mtime_ns == before
