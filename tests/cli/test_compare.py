"""`rustbelt compare`: what it prints, writes and refuses."""

import json
import re

import pytest
import xarray as xr

from engine.run_folder import answer_store
from tests.small_files import BRIDGE, POND, call, own, write

POLICIES = "[policies.keep]\n[policies.use]\nrelease = { 2016 = 0.3, 2018 = 0.4 }\n"


@pytest.fixture(scope="module")
def pond(tmp_path_factory):
    """A run of two ponds under four policies, over five years."""
    folder = tmp_path_factory.mktemp("compare")
    text = POND.replace("paths = 600", "paths = 4096").replace(
        POLICIES, POLICIES + "[policies.dry]\nrelease = 0.6\n[policies.half]\nrelease = 0.25\n"
    )
    study = write(folder, text)
    ended = call("run", study, *own("Pond"), "--out", folder / "run", "--quiet")
    assert ended.exit_code == 0, ended.output
    return folder / "run"


def compare(folder, *words):
    return call("compare", folder, *own("Pond"), *words)


def test_it_says_the_finding_first_and_writes_everything_beside_the_cube(pond, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    ended = compare(pond, "--policies", "keep,use")
    assert ended.exit_code == 0, ended.output
    *lines, last = ended.stdout.splitlines()
    assert lines[0].startswith("use against keep, ") and "compare.zarr" in last
    assert max(map(len, lines)) <= 80
    for part in (
        "dominance",
        "regret, worst 5 %",
        "variance ratio",
        "Wherever the threshold is put",
        "First year ahead of keep",
        "Worst 1 % of futures in common",
    ):
        assert part in ended.stdout, part
    tree = answer_store.read(pond, "compare")
    assert set(tree.children) >= {
        "outcomes",
        "events",
        "dominance",
        "thresholds",
        "ranks",
        "ahead",
        "in_the_mean",
        "common",
    }
    assert tree.attrs["baseline"] == "keep" and list(tree["outcomes"]["policy"].values) == ["keep", "use"]
    assert "everything is as it was written" in call("verify", pond, *own("Pond")).stdout


def test_many_policies_are_ranked(pond):
    ended = compare(pond)
    first = " ".join(ended.stdout.split("\n\n")[0].split())
    assert first.startswith("Of 4 policies ") and "ES99 of " in first
    assert "Pareto front" in ended.stdout and "Ranks by mean" in ended.stdout


def test_json_has_every_number(pond):
    records = json.loads(compare(pond, "--json").stdout)
    of = {record["of"] for record in records}
    assert of == {
        "finding",
        "estimate",
        "dominance",
        "threshold curve",
        "rank",
        "front",
        "ahead",
        "ahead in the mean",
        "common tail",
    }
    assert records[0]["of"] == "finding" and records[0]["paths"] == 4096
    worse = [r for r in records if r.get("measure") == "worse"]
    assert {(r["policy"], r["variable"]) for r in worse} == {
        (p, v) for p in ("use", "dry", "half") for v in ("lowest_stock", "shortage")
    }
    curve = next(r for r in records if r["of"] == "threshold curve")
    assert len(curve["levels"]) == len(curve["estimate"]) == len(curve["lowest"]) and 1.5 in curve["levels"]


def test_a_yearly_variable_in_one_place_and_year(pond):
    ended = compare(pond, "--outcome", "stock", "--at", "region=north", "--year", "2018", "--json")
    records = [r for r in json.loads(ended.stdout) if r["of"] == "estimate"]
    assert records and {(r["variable"], r["region"], r["year"]) for r in records} == {
        ("stock", "north", 2018)
    }
    assert {"difference_mean", "worse", "regret"} <= {r["measure"] for r in records}
    shown = compare(pond, "--outcome", "stock")
    assert "stock [hm3] less keep" in shown.stdout and "years and places" in shown.stdout


def test_another_level_is_that_of_everything(pond):
    records = json.loads(compare(pond, "--level", "90", "--json").stdout)
    measures = {r["measure"] for r in records if r["of"] in ("estimate", "rank")}
    assert {"difference_ES90", "ES90"} <= measures and "ES99" not in measures


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--outcome", "lowest_stok"), "Did you mean 'lowest_stock'"),
        (("--policies", "keep,usee"), "Did you mean 'use'? Known: keep, use, dry, half."),
        (("--policies", "keep,nothing"), "unknown policy 'nothing'. Known: keep, use, dry, half."),
        (("--policies", "use"), "expected two policies or more to compare, got one"),
        (("--outcome", "stock", "--at", "region=nord"), "unknown region 'nord'"),
        (("--outcome", "stock", "--year", "1999"), "expected 2016 to 2020, got 1999"),
        (("--year", "2018"), "expected a yearly variable"),
        (("--level", "12"), "per cent between 50 and 100"),
    ],
)
def test_what_is_refused(pond, words, text):
    ended = compare(pond, *words)
    assert ended.exit_code == 2 and text in " ".join(ended.stderr.split()), ended.output


def test_a_model_without_years_few_paths_and_one_path(tmp_path):
    for paths in (4000, 8, 1):
        text = BRIDGE.replace("paths = 4000", f'paths = {paths}, sampler = "random"')
        folder = tmp_path / str(paths)
        ended = call("run", write(tmp_path, text), *own("Bridge"), "--out", folder, "--quiet")
        assert ended.exit_code == 0, ended.output
        ended = call("compare", folder, *own("Bridge"))
        assert ended.exit_code == 0, ended.output
        assert ended.stdout.startswith("strong against weak, "), ended.stdout
        assert "First year ahead" not in ended.stdout
        if paths < 10:
            assert "better by" not in ended.stdout.split("\n\n")[0] or paths == 8
        json.loads(call("compare", folder, *own("Bridge"), "--json").stdout)


def test_a_threshold_far_beyond_all_outcomes_hides_no_difference(tmp_path, monkeypatch):
    """The margin is 4 t larger with the stronger bridge, at every level; the event asks for 1,000 t."""
    monkeypatch.setenv("COLUMNS", "100")
    text = BRIDGE.replace('outcome = "damage", above = 5', 'outcome = "margin", above = 1000')
    call("run", write(tmp_path, text), *own("Bridge"), "--out", tmp_path / "run", "--quiet")
    ended = call("compare", tmp_path / "run", *own("Bridge"))
    assert ended.exit_code == 0, ended.output
    (line,) = (
        row for row in ended.stdout.splitlines() if row.strip().startswith("collapse  ") and "none" in row
    )
    low, high = re.search(r"1000 t +none +(\S+) to (\S+)$", line.strip()).groups()
    assert float(low) < -10 and float(high) > 10
    curves = answer_store.read(tmp_path / "run", "compare")["thresholds"]
    assert int((abs(curves["level"]) < 100).sum()) > 50 and float(curves["level"].max()) == 1000


def test_outcomes_that_are_not_kept_have_what_their_tallies_say(tmp_path):
    text = BRIDGE + '[keep]\noutcomes = "none"\ndraws = 0\n'
    call("run", write(tmp_path, text), *own("Bridge"), "--out", tmp_path / "run", "--quiet")
    ended = call("compare", tmp_path / "run", *own("Bridge"))
    assert ended.exit_code == 0, ended.output
    assert "mean less weak" in ended.stdout and "dominance  " not in ended.stdout


def test_the_whole_is_labelled(pond):
    compare(pond)
    tree = xr.open_datatree(pond / "compare.zarr", engine="zarr")
    chance = tree["outcomes"]["worse"].sel(outcome="shortage", policy="use", stat="estimate")
    assert 0 <= float(chance) <= 1
    share = tree["thresholds"]["share"].sel(
        event="dry", band=["lowest", "low", "estimate", "high", "highest"]
    )
    assert (share.dropna("point").diff("band") >= 0).all()
    meanings = tree["dominance"]["verdict"].attrs["flag_meanings"].split()
    assert "dominates" in meanings and "is_dominated" in meanings
    assert tree["ahead"]["ahead"].sizes["year"] == 5
