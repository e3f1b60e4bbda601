"""What single questions print, keep and refuse beyond the contract of all of them (tests/answers/test_questions.py)."""

import json
from dataclasses import replace

import pytest

import engine
from engine.answers.answer import Answer
from engine.run_folder import answer_store
from engine.runs.run import open_run
from tests.small_files import BRIDGE, MODELS, call, damages, own, ran, write

STUDY = (
    BRIDGE.replace('baseline = "weak"', 'baseline = "weak"\nheadline = ["damage"]')
    + """
[policies.stronger]
strength = 20
[lever_groups]
steel = { levers = ["strength"] }
[assumptions.dear]
about = "steel has its price"
off = { price = 0 }
[assumptions.strong]
about = "the strong one is strong"
off = { policies.strong.strength = 8 }
"""
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The study of a bridge with a third policy, levers in a group and assumptions, and its run with two policies."""
    folder = tmp_path_factory.mktemp("asked")
    study = write(folder, STUDY.replace("headline", 'compare = ["weak", "strong"]\nheadline'))
    ran("run", study, *own("Bridge"), "--out", folder / "run", "--quiet")
    return study, folder / "run"


def assumptions(study, *words):
    ended = ran("challenge", study, "--only", "assumptions", *own("Bridge"), "--quiet", *words)
    return ended


# ----------------------------------------------------------------------------------------------- policies of a question


def test_any_two_policies_make_a_pair(run):
    """Also policies that do not run, and where neither is the baseline, which then has no part in the answer."""
    records = {}
    for words in (
        ("flip", "--policies", "stronger,strong"),
        ("sensitivity", "--policies", "stronger,strong"),
        ("attribute", "--from", "stronger", "--to", "strong"),
    ):
        ended = ran(words[0], run[0], *own("Bridge"), *words[1:], "--outcome", "damage", "--json", "--quiet")
        records[words[0]] = json.loads(ended.stdout)
    (stated,) = records["flip"]["tables"]["difference"]["rows"]
    assert (stated["policy"], stated["against"]) == ("strong", "stronger")
    assert stated["difference"]["estimate"] > 0
    assert {row["against"] for row in records["sensitivity"]["tables"]["shares"]["rows"]} == {"", "stronger"}
    assert records["attribute"]["study"]["policies"] == ["stronger", "strong"]
    assert "weak" not in json.dumps(records)


def test_a_run_gives_what_its_study_gives_and_shares_add_up_to_what_compare_says(run):
    opened = engine.open_run(run[1], engine.load_model_file(f"{MODELS}:Bridge"))
    shares = opened.attribute("weak", "strong", ["damage"], device="cpu")
    assert shares.plain() == engine.attribute(opened.study, "weak", "strong", ["damage"], device="cpu").plain()
    gap = opened.compare(outcome="damage").frame("differences").query("measure == 'ES99'")["difference"].item()
    (tail,) = shares["outcomes"].where(measure="ES99")
    assert tail["difference"].estimate == pytest.approx(gap, rel=1e-5)


# ------------------------------------------------------------------------------------------------- assumptions alone


def test_what_was_written_is_verified_and_damage_taken_away(run):
    study, folder = run
    assumptions(study, "--out", folder)
    assert answer_store.read(folder, "challenge") is not None
    (folder / "challenge.zarr" / "structures" / "difference" / "zarr.json").write_text("{}")
    with pytest.warns(UserWarning, match="'challenge' is left out: .*zarr.json is damaged .* Repair it: rustbelt rep"):
        assert answer_store.read(folder, "challenge") is None
    (damage,) = damages(folder, *own("Bridge"))
    assert (damage["part"], damage["file"]) == ("challenge", "challenge.zarr/structures/difference/zarr.json")
    mended = call("repair", folder, *own("Bridge"), "--quiet")
    assert (
        mended.exit_code == 0 and "Damaged answers were removed: challenge. Ask these questions again" in mended.stdout
    )
    assert damages(folder, *own("Bridge")) == [] and not (folder / "challenge.zarr").exists()


def test_assumptions_may_be_added_to_a_run_that_is_there(run, tmp_path):
    more = write(tmp_path, run[0].read_text() + '[assumptions.load]\noff = { load = "0.5x" }\n')
    assert "load" in assumptions(more, "--out", run[1], "--full").stdout
    ran("run", more, *own("Bridge"), "--out", run[1], "--quiet")
    assert "load = " in (run[1] / "study.toml").read_text()


def test_they_do_not_replace_a_whole_answer(run):
    study, folder = run
    assumptions(study, "--out", folder)
    there = Answer.of_tree(answer_store.read(folder, "challenge"))
    assert there.asked["only"] == "assumptions"
    whole = replace(there, asked={**there.asked, "only": None})
    answer_store.write(open_run(folder).run_folder, "challenge", whole.groups)
    assert "beside the cube:" not in assumptions(study, "--out", folder).stdout
    assert Answer.of_tree(answer_store.read(folder, "challenge")).plain() == whole.plain()
