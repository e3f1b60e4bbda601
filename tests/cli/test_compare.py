"""`rustbelt compare`: what it prints, writes and refuses."""

import json
import re
import sys
import threading

import jsonschema
import numpy as np
import pytest
import xarray as xr

from engine.answers.answer import Answer
from engine.answers.plain import SCHEMA
from engine.run_folder import answer_store
from engine.runs.run import open_run
from engine.study.loading import load_model_file
from tests.small_files import BRIDGE, MODELS, POND, call, own, write

NAMED = ("use", "dry", "half")
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


def test_it_says_the_finding_first_and_writes_everything_beside_the_cube(pond):
    ended = compare(pond, "--policies", "keep,use", "--full")
    assert ended.exit_code == 0, ended.output
    *lines, last = ended.stdout.splitlines()
    assert lines[0].startswith("Under use, the mean of ") and "compare.zarr" in last
    for part in ("Stochastic dominance over keep", "shortage, VaR95", "Worst 1 % of futures in common"):
        assert part in ended.stdout, part
    tree = answer_store.read(pond, "compare")
    answer = Answer.of_tree(tree)
    text = " ".join(ended.stdout.split())
    assert text.startswith(" ".join(answer.findings)) and answer.basis in text
    gaps = {row["outcome"]: row["difference"] for row in answer["differences"].where(policy="use", measure="mean")}
    assert gaps["lowest_stock"].high < 0 and gaps["shortage"].high < 0  # one low is worse, the other high is
    assert set(tree.children) >= {"differences", "worse", "regret", "events", "dominance", "ranks", "gaps", "common"}
    assert list(tree["differences"]["policy"].values) == ["use"]
    assert list(tree["regret"]["policy"].values) == ["keep", "use"]
    assert tree.attrs["answer"]["study"]["baseline"] == "keep" and tree.attrs["paths"] == 4096


def test_many_policies_are_ranked(pond):
    ended = compare(pond, "--full")
    answer = Answer.of_tree(answer_store.read(pond, "compare"))
    assert answer.subject.policies == ("keep", "use", "dry", "half") and "ES99" in answer["ranks"]["measure"]
    assert " ".join(ended.stdout.split()).startswith(answer.finding)
    assert "Ranks, 1 the best" in ended.stdout
    assert re.search(r"mean, lowest_stock +1 \[1, 1\] ", ended.stdout)
    tree = xr.open_datatree(pond / "compare.zarr", engine="zarr")
    assert 0 <= float(tree["worse"]["worse"].sel(outcome="shortage", policy="use", stat="estimate")) <= 1
    assert {"dominates", "is dominated"} <= set(tree["dominance"]["verdict"].values.ravel())


def test_an_answer_passes_through_at_most_twenty_files_of_the_upper_half(pond):
    """Those of questions, answers and runs whose functions are called from `run.compare` to its stored answer."""
    done, entered = open_run(pond, load_model_file(f"{MODELS}:Pond")), set()

    def trace(frame, event, _):
        if event == "call" and (
            found := re.search(r"/engine/((?:questions|answers|runs)/.*)", frame.f_code.co_filename)
        ):
            entered.add(found[1])

    done.compare()
    threading.setprofile(trace)
    sys.setprofile(trace)
    try:
        done.compare()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    assert {"questions/compare.py", "questions/comparison.py", "answers/rows.py"} <= entered
    assert len(entered) <= 20, sorted(entered)


def test_named_policies_are_compared_with_every_other_named_one(pond):
    """In the brief form; where all that ran are compared, pairs are in the full form alone."""
    named, every = (open_run(pond, load_model_file(f"{MODELS}:Pond")).compare(policies=some) for some in (NAMED, ()))
    shown = [row for row, brief in zip(named["gaps"].rows(), named["gaps"].brief, strict=True) if brief]
    pairs = {(row["policy"], row["against"]) for row in shown if row["gap"] is not None}
    assert pairs == {(one, other) for one in NAMED for other in NAMED if one != other}
    assert not any(every["gaps"].brief)
    some = " ".join(compare(pond, "--policies", "use,half,dry", "--full").stdout.split())
    assert "All pairs" in some and "under keep" not in some


def test_any_policy_may_be_what_the_others_are_held_against(pond):
    """The differences are those from the baseline, turned round."""
    stated, turned = (
        json.loads(compare(pond, *words, "--json").stdout)
        for words in (("--policies", "keep,use"), ("--policies", "keep", "--against", "use"))
    )
    assert turned["study"]["baseline"] == "use" and set(turned["study"]["policies"]) == {"keep", "use"}
    one, other = (
        {(row["outcome"], row["measure"]): row["difference"] for row in plain["tables"]["differences"]["rows"]}
        for plain in (stated, turned)
    )
    assert one.keys() == other.keys()
    for key, gap in one.items():
        if gap is not None:
            assert gap["estimate"] == pytest.approx(-other[key]["estimate"])


@pytest.mark.slow
def test_every_policy_is_held_against_every_other(pond):
    """By differences that are those from each policy in turn."""
    plain = json.loads(compare(pond, "--json").stdout)
    jsonschema.validate(plain, SCHEMA)
    assert len(plain["study"]["policies"]) == 4
    rows = {name: table["rows"] for name, table in plain["tables"].items()}
    pairs = {
        (row["measure"], row["variable"], row["policy"], row["against"]): row["gap"]
        for row in rows["gaps"]
        if row["gap"]
    }
    names = "keep", "use", "dry", "half"
    for against in names:
        held = json.loads(compare(pond, "--against", against, "--json").stdout)["tables"]["differences"]["rows"]
        gaps = {(r["outcome"], r["policy"]): r["difference"] for r in held if r["measure"] == "mean"}
        for (outcome, policy), gap in gaps.items():
            sign, one = -1 if outcome == "lowest_stock" else 1, pairs["mean", outcome, policy, against]
            assert one["estimate"] == pytest.approx(sign * gap["estimate"])
            assert one["low"] < one["estimate"] < one["high"]
    answer = open_run(pond, load_model_file(f"{MODELS}:Pond")).compare()
    assert json.loads(json.dumps(answer.plain())) == plain


def test_json_has_every_number(pond):
    plain = json.loads(compare(pond, "--json").stdout)
    rows = {name: table["rows"] for name, table in plain["tables"].items()}
    assert plain["findings"][0].startswith("Of 4 policies, ") and plain["study"]["paths"] == 4096
    worse = [row for row in rows["worse"] if row["worse"] is not None]
    assert {(row["policy"], row["outcome"]) for row in worse} == {
        (p, v) for p in ("use", "dry", "half") for v in ("lowest_stock", "shortage")
    }
    answers = open_run(pond, load_model_file(f"{MODELS}:Pond")).answers
    homes = {"difference_": ("differences", "events"), "worse": ("worse",), "regret": ("regret",)}
    for measure, tables in homes.items():
        column = measure.rstrip("_")
        held = {ends(row[column]) for table in tables for row in rows[table] if row[column] is not None}
        records = [r for r in answers.all_tables.comparison if r.measure.startswith(measure)]
        assert records and {ends(vars(r)) for r in records if np.isfinite(r.estimate)} <= held
    assert len([row for row in rows["ranks"] if row["rank"]]) == (2 * 2 + 1) * 4
    assert len(rows["gaps"]) == 3 * 3 * 4 * 4


def ends(numbers):
    """Estimate and interval, -1e9 where there is none."""
    held = (numbers[name] for name in ("estimate", "low", "high"))
    return tuple(-1e9 if one is None or np.isnan(one) else one for one in held)


def test_a_yearly_variable_in_one_place_and_year(pond):
    ended = compare(pond, "--outcome", "stock", "--at", "region=north", "--year", "2018", "--json")
    rows = json.loads(ended.stdout)["tables"]["by_year"]["rows"]
    assert {(row["variable"], row["place"], row["year"]) for row in rows} == {("stock", "north", 2018)}
    assert {"difference_mean", "worse", "regret"} <= {row["measure"] for row in rows}
    shown = compare(pond, "--outcome", "stock", "--full")
    assert "difference from keep" in shown.stdout and "years and places." in " ".join(shown.stdout.split())
    asked = open_run(pond, load_model_file(f"{MODELS}:Pond")).compare(
        outcome="stock", at={"region": "north"}, year=2018
    )
    assert asked.plain()["tables"]["by_year"]["rows"] == rows and asked.asked["at"] == {"region": "north"}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--outcome", "lowest_stok"), "mean 'lowest_stock'"),
        (("--policies", "keep,usee"), "--policies: unknown policy 'usee'. Did you mean 'use'?"),
        (("--policies", "keep,nothing"), "--policies: unknown policy 'nothing'. Known: keep, use, dry, half."),
        (("--against", "nothing"), "--against: unknown policy 'nothing'. Known: keep, use, dry, half."),
        (("--policies", "use"), "got one: use."),
        (("--outcome", "stock", "--at", "region=nord"), "unknown region 'nord'"),
        (("--outcome", "stock", "--year", "1999"), "expected 2016 to 2020, got 1999"),
        (("--year", "2018"), "yearly variable"),
        (("--level", "12"), "between 50 and 100"),
        (("--against", "every"), "unknown policy 'every'"),
    ],
)
def test_what_is_refused(pond, words, text):
    ended = compare(pond, *words)
    assert ended.exit_code == 2 and text in " ".join(ended.stderr.split()), ended.output


@pytest.mark.slow
def test_a_model_without_years_few_paths_and_one_path(tmp_path):
    for paths in (4000, 8, 1):
        text = BRIDGE.replace("paths = 4000", f'paths = {paths}, sampler = "random"')
        folder = tmp_path / str(paths)
        ended = call("run", write(tmp_path, text), *own("Bridge"), "--out", folder, "--quiet")
        assert ended.exit_code == 0, ended.output
        ended = call("compare", folder, *own("Bridge"))
        assert ended.exit_code == 0, ended.output
        assert ended.stdout.startswith(("Under strong, ", "Compared with weak, strong ")), ended.stdout
        first = " ".join(ended.stdout.split("\n\n")[0].split())
        undecided = "cannot be judged: one future gives no interval, so nothing is decided."
        assert (undecided in first) == (paths == 1) and "without an interval" not in first
        assert paths != 1 or "better" not in first
        json.loads(call("compare", folder, *own("Bridge"), "--json").stdout)


def test_outcomes_that_are_not_kept_have_what_their_tallies_say(tmp_path):
    text = BRIDGE + '[keep]\noutcomes = "none"\ndraws = 0\n'
    call("run", write(tmp_path, text), *own("Bridge"), "--out", tmp_path / "run", "--quiet")
    ended = call("compare", tmp_path / "run", *own("Bridge"), "--full")
    assert ended.exit_code == 0, ended.output
    assert "damage, mean" in ended.stdout and "Stochastic dominance" not in ended.stdout
