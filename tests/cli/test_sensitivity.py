"""`rustbelt sensitivity` and `rustbelt flip`: what they print and write, and what they refuse."""

import json

import pytest
import xarray as xr

from engine.answers.answer import Answer
from engine.errors import UserError
from engine.run_folder import answer_store
from engine.runs.run import open_run
from tests.report.wording import report
from tests.small_files import BRIDGE, call, damages, own, write


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The study of a bridge, and its run."""
    folder = tmp_path_factory.mktemp("sensitivity")
    study = write(folder, BRIDGE.replace('baseline = "weak"', 'baseline = "weak"\nheadline = ["damage"]'))
    ended = call("run", study, *own("Bridge"), "--out", folder / "run", "--quiet")
    assert ended.exit_code == 0, ended.output
    return study, folder / "run"


def test_sensitivity_prints_a_finding_and_writes_the_answer_beside_the_cube(run):
    study, folder = run
    ended = call("sensitivity", study, *own("Bridge"), "--out", folder, "--quiet")
    assert ended.exit_code == 0, ended.output
    tree = xr.open_datatree(folder / "sensitivity.zarr", engine="zarr")
    text = " ".join(ended.stdout.split())
    assert text.startswith(tree.attrs["summary"]) and "sensitivity.zarr" in text and "mean of damage" in text
    assert tree["shares"]["input"].values[0] == "load"
    shares = tree["shares"]["share"].sel(stat="estimate").sum("input").values.ravel()
    assert all(abs(one - 1) < 1e-6 or one == 0 for one in shares)
    assert damages(folder, *own("Bridge")) == []


def test_json_has_every_number(run):
    study, folder = run
    ended = call("sensitivity", study, *own("Bridge"), "--out", folder, "--json", "--quiet", "--outcome", "damage")
    tables = json.loads(ended.stdout)["tables"]
    assert set(tables) == {"shares", "known"}
    (row, *_), *_ = (table["rows"] for table in tables.values())
    assert {*row} >= {"share", "alone", "total"} and {*tables["known"]["rows"][0]} >= {"factors", "shocks"}
    assert {row["variable"] for name in ("shares", "known") for row in tables[name]["rows"]} == {"damage"}


def test_flip_prints_what_turns_a_ranking_and_the_report_has_both(run):
    study, folder = run
    ended = call("flip", study, *own("Bridge"), "--outcome", "damage", "--out", folder, "--quiet", "--full")
    assert ended.exit_code == 0, ended.output
    answer = Answer.of_tree(answer_store.read(folder, "flip"))
    assert not any(answer["priors"]["turns"]) and "joint" not in answer
    assert " ".join(ended.stdout.split()).startswith(" ".join(answer.findings))
    opened = open_run(folder)
    page = report(folder, opened.study, opened.cube).decode()
    assert "Which inputs cause the spread" in page and '<h2 id="flip"' in page


def stated(answer):
    """The difference of the two policies as stated."""
    (one,) = answer["difference"]["difference"]
    return one


def full(*_):
    """The disk has no room."""
    raise UserError("run", ["the disk is full."])


def test_a_run_gives_an_answer_that_cannot_be_kept_and_warns(run, monkeypatch):
    monkeypatch.setattr(answer_store, "write", full)
    with pytest.warns(UserWarning, match=r"flip\.zarr: .*is full"):
        assert stated(open_run(run[1]).flip("damage", ("strong", "weak"))).estimate < 0


def test_what_cannot_be_asked_is_refused(run):
    study, _ = run
    for words, told in (
        (("sensitivity", study, *own("Bridge"), "--outcome", "damgae"), "Did you mean 'damage'"),
        (
            ("sensitivity", study, *own("Bridge"), "--within", "pair"),
            "was removed. Type instead: rustbelt sensitivity STUDY",
        ),
        (("flip", study, *own("Bridge"), "--outcome", "damgae"), "Did you mean 'damage'"),
        (
            ("flip", study, *own("Bridge"), "--outcome", "damage", "--policies", "weak"),
            "expected two policies, as --policies A,B, got 'weak'.",
        ),
        (("attribute", study, *own("Bridge"), "--from", "weak", "--to", "stong"), "--to: unknown policy 'stong'"),
    ):
        ended = call(*words, "--quiet")
        assert ended.exit_code == 2, ended.output
        assert told in " ".join(ended.stderr.split())


THREE = BRIDGE.replace("[events]", "[policies.stronger]\nstrength = 20\n[events]")


def test_any_two_policies_make_a_pair(tmp_path):
    """Also where neither is the baseline, which then has no part in the answer."""
    study = write(tmp_path, THREE)
    records = {}
    for words in (
        ("flip", "--policies", "stronger,strong"),
        ("sensitivity", "--policies", "stronger,strong"),
        ("attribute", "--from", "stronger", "--to", "strong"),
    ):
        ended = call(words[0], study, *own("Bridge"), *words[1:], "--outcome", "damage", "--json", "--quiet")
        assert ended.exit_code == 0, ended.output
        records[words[0]] = json.loads(ended.stdout)
    (stated,) = records["flip"]["tables"]["difference"]["rows"]
    assert (stated["policy"], stated["against"]) == ("strong", "stronger")
    assert stated["difference"]["estimate"] > 0
    assert {row["against"] for row in records["sensitivity"]["tables"]["shares"]["rows"]} == {"", "stronger"}
    assert "weak" not in json.dumps(records)


def test_a_pair_of_a_run_needs_no_baseline_either(tmp_path):
    study, folder = write(tmp_path, THREE), tmp_path / "run"
    assert call("run", study, *own("Bridge"), "--out", folder, "--quiet").exit_code == 0
    opened = open_run(folder)
    assert stated(opened.flip("damage", ("stronger", "strong"))).estimate > 0
    compared = opened.compare(outcome="damage", policies=("stronger", "strong"))
    assert compared.subject.baseline == "stronger"
    assert opened.attribute("stronger", "strong", ["damage"])
    ended = call("compare", folder, *own("Bridge"), "--policies", "stronger,strong", "--outcome", "damage")
    assert ended.exit_code == 0 and ended.stdout.startswith("Under strong, the mean of damage ")
