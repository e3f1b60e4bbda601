"""How a run tells how it goes: the headline as it tightens, in lines and in JSON; and what a shell completes."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from click.shell_completion import BashComplete

from engine.cli import main
from engine.risk.estimation.measures import summary
from engine.run_folder.finding import find_run
from engine.run_folder.folder import RunFolder
from engine.run_folder.reading import Paths
from engine.runs.headline import so_far
from engine.study.loading import load_model_file
from engine.study.study import BLOCK
from tests.helpers import assert_same
from tests.small_files import BRIDGE, MODELS, call, own, ran, write


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A run of three blocks: its folder, and what it logged as JSON lines."""
    place = tmp_path_factory.mktemp("logged")
    study = write(place, BRIDGE)
    words = ["--out", place / "out", "--paths", str(2 * BLOCK + 1000), "--log", "json"]
    ended = ran("run", study, *own("Bridge"), *words)
    return place / "out", [json.loads(line) for line in ended.stderr.splitlines()]


def test_each_stage_is_one_json_object_a_line(logged):
    _, lines = logged
    assert [line["stage"] for line in lines if "note" not in line] == [
        "compiling", "simulating", "simulating", "simulating", "estimating", "writing",
    ]  # fmt: skip
    assert [line["done"] for line in lines if line["stage"] == "simulating"] == [BLOCK, 2 * BLOCK, 2 * BLOCK + 1000]
    assert {line["total"] for line in lines} == {2 * BLOCK + 1000}


def test_the_headline_tightens_to_what_the_table_says(logged):
    folder, lines = logged
    news = [line["headline"] for line in lines if "headline" in line]
    widths = [headline["policies"]["weak"]["high"] - headline["policies"]["weak"]["low"] for headline in news]
    assert len(widths) >= 2 and widths[-1] < widths[0]
    study = find_run(folder, load_model_file(f"{MODELS}:Bridge")).study
    values = Paths(RunFolder(folder, study))["damage"]
    for k, policy in enumerate(study.policy_names):
        exact = summary(values[k], study.unit, True)["ES99"]
        assert news[-1]["variable"] == "damage" and news[-1]["measure"] == "ES99"
        assert_same(news[-1]["policies"][policy]["estimate"], exact.estimate)
        assert_same(news[-1]["policies"][policy]["low"], exact.low)
        assert so_far(RunFolder(folder, study)).estimates[policy] == exact
    assert so_far(RunFolder(folder, replace(study, keep=replace(study.keep, outcomes=())))) is None


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_printed(shell):
    ended = call("completion", shell)
    assert ended.exit_code == 0 and "_RUSTBELT_COMPLETE" in ended.stdout


def completed(*words: str) -> list[str]:
    known = BashComplete(main, {}, "rustbelt", "_RUSTBELT_COMPLETE")
    return [item.value for item in known.get_completions([*words[:-1]], words[-1])]


def test_commands_variables_policies_and_kinds_of_figures_are_completed(logged):
    place = str(logged[0])
    assert completed("ver") == ["verify"] and "rustbelt" in completed("run", "ru")
    assert completed("plot", "to") == ["tornado"] and "exceedance" in completed("plot", "")
    assert completed("plot", "tails", place, "--variable", "da") == ["damage"]
    assert completed("risk", place, "--variable", "") == ["damage", "margin", "collapse"]
    assert completed("replay", place, "--policy", "st") == ["strong"]
    assert completed("report", place, "--variable", "c") == []
    assert completed("plot", "scatter", place, "--factor", "p") == ["price"]
    assert completed("risk", "nothing", "--variable", "") == []
    assert completed("risk", place, "--model", "", "--variable", "") == []


def test_runs_are_completed_by_the_program(tmp_path):
    (tmp_path / "outputs" / "pond-1").mkdir(parents=True)
    (tmp_path / "outputs" / "pond-1" / "study.toml").write_text("")
    code = "from engine.cli import main; main(prog_name='rustbelt')"
    asked = {"COMP_WORDS": "rustbelt status pond", "COMP_CWORD": "2", "_RUSTBELT_COMPLETE": "bash_complete"}
    words = [sys.executable, "-c", code]
    ended = subprocess.run(words, env=os.environ | asked, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "outputs/pond-1" in [line.partition(",")[2] for line in ended.stdout.splitlines()]
