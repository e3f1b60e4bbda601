"""`rustbelt compare`: what it prints, writes and refuses."""

import json

import pytest

from engine.runs.run import open_run
from engine.study.loading import load_model_file
from tests.small_files import BRIDGE, MODELS, call, own, ran, write


@pytest.fixture
def pond(runs):
    """A run of two ponds under two policies, over five years."""
    return runs / "pond"


def compare(folder, *words):
    return call("compare", folder, *own("Pond"), *words)


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
        (("--against", "nothing"), "--against: unknown policy 'nothing'. Known: keep, use."),
        (("--policies", "use"), "got one: use."),
        (("--outcome", "stock", "--at", "region=nord"), "unknown region 'nord'"),
        (("--outcome", "stock", "--year", "1999"), "expected 2016 to 2020, got 1999"),
        (("--year", "2018"), "yearly variable"),
        (("--level", "12"), "between 50 and 100"),
    ],
)
def test_what_is_refused(pond, words, text):
    ended = compare(pond, *words)
    assert ended.exit_code == 2 and text in " ".join(ended.stderr.split()), ended.output


def test_outcomes_that_are_not_kept_have_what_their_tallies_say(tmp_path):
    text = BRIDGE + '[keep]\noutcomes = "none"\ndraws = 0\n'
    call("run", write(tmp_path, text), *own("Bridge"), "--out", tmp_path / "run", "--quiet")
    ended = ran("compare", tmp_path / "run", *own("Bridge"), "--full")
    assert "damage, mean" in ended.stdout and "Stochastic dominance" not in ended.stdout
