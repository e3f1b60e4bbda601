"""The command line: what it prints, where, and how it ends."""

import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from engine.cli import COMMANDS, GROUPS, REMOVED, main
from engine.execution import job
from engine.formatting import decimals, rounded
from tests.helpers import assert_same
from tests.refusals import at
from tests.small_files import BRIDGE, POND, call, own, records, write

KEYS = {
    "table", "measure", "level", "policy", "variable", "unit",
    "estimate", "standard_error", "low", "high", "flag", "flags",
}  # fmt: skip


def test_help_lists_the_commands_by_group_on_one_screen(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = call("--help").output.splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 80
    assert [line.rstrip(":") for line in lines if re.fullmatch(r"[A-Z][a-z ]+:", line)] == ["Options", *GROUPS]
    listed = [line.split() for line in lines if re.match(r"  [a-z]", line)]
    assert [words[0] for words in listed] == [name for names in GROUPS.values() for name in names]
    assert all(words[1][0].isupper() and words[-1].endswith(".") for words in listed)
    assert not any(words[-1].endswith("...") for words in listed)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name):
    for flag in ("-h", "--help"):
        ended = call(name, flag)
        assert ended.exit_code == 0 and "Usage: rustbelt" in ended.output


def test_what_was_removed_is_gone_and_says_what_to_type_instead():
    for removed, instead in REMOVED.items():
        ended = call(*removed.split(), *["1"] * (" " in removed), "study.toml")
        assert ended.exit_code == 2, removed
        assert ended.stderr.splitlines()[-1] == at("Error", removed.split()[-1], "removed", instead)
        command, _, option = removed.partition(" ")
        assert (command in COMMANDS) == bool(option), removed
        if option:
            held = main.get_command(None, command)
            assert not any(option in one.opts for one in held.params), removed
        assert instead.split()[:1] == ["rustbelt"] and instead.split()[1] in COMMANDS, instead


def test_the_table_has_policies_side_by_side_with_intervals_each_time_that_it_is_printed(tmp_path):
    words = ("run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", tmp_path / "out", "--quiet", "--paths", "2e5")
    ended = call(*words)
    assert ended.exit_code == 0 and ended.stdout == call(*words).stdout, ended.output
    lines = ended.stdout.splitlines()
    text = " ".join(ended.stdout.split())
    assert lines[0].startswith("The mean of damage is ") and "bridge: 200,000 paths, seed" in text
    (heads,) = (line for line in lines if line.startswith("[%]"))
    assert heads.split() == ["[%]", "weak", "strong", "strong", "-", "weak", "[points]"]
    (damage,) = (line for line in lines if line.startswith("damage [yuan]"))
    (event,) = (line for line in lines if line.startswith("collapse"))
    assert damage.count("[") == 4 and event.count("[") == 3 and damage.rstrip().endswith("better")
    assert max(map(len, (line for line in lines if ": " not in line))) <= 120
    assert "open_datatree" in ended.stdout and "Next: rustbelt risk" in ended.stdout
    assert ended.stderr == ""


def test_a_finished_run_is_asked_for_any_level(runs):
    ended = call("risk", runs / "bridge", *own("Bridge"), "--level", "97.5", "--json")
    found = records(ended.stdout)
    assert {r["level"] for r in found} == {0.975}
    assert {r["measure"] for r in found} == {
        "VaR97.5", "ES97.5", "difference_VaR97.5", "difference_ES97.5",
    }  # fmt: skip
    for how in ([], ["--full"]):
        assert "ES97.5" in call("risk", runs / "bridge", *own("Bridge"), "--level", "97.5", *how).stdout
    given = call("risk", runs / "bridge", *own("Bridge"), "--given", "damage >= 0", "--level", "98", "--json")
    assert {r["level"] for r in records(given.stdout)} == {0.98, None}
    assert {r["measure"] for r in records(given.stdout) if r["level"] is None} == {"share"}
    refused = call("risk", runs / "pond", *own("Pond"), "--variable", "stock", "--level", "97.5")
    assert refused.exit_code == 2 and "Add 97.5 to risk.levels" in " ".join(refused.output.split())
    refused = call("risk", runs / "pond", *own("Pond"), "--variable", "stock", "--given", "shortage > 0")
    assert refused.exit_code == 2 and "got the yearly 'stock'" in refused.output


def test_levels_of_the_study_are_in_every_table(tmp_path):
    study = write(tmp_path, POND + "\n[risk]\nlevels = [97.5]\n")
    ended = call("run", study, *own("Pond"), "--out", tmp_path / "out", "--json")
    names = ["mean", "median", "sd", *(f"{m}{a}" for m in ("VaR", "ES") for a in ("95", "97.5", "99", "99.9"))]
    assert list(dict.fromkeys(r["measure"] for r in records(ended.stdout)))[: len(names)] == names
    cube = xr.open_datatree(tmp_path / "out" / "cube.zarr", engine="zarr")
    for group in ("risk", "risk/yearly", "comparison"):
        assert cube[group]["measure"].values.tolist() == names
    assert cube["risk"]["level"].sel(measure="ES97.5") == 0.975
    at = {"variable": "stock", "level": "97.5"}
    yearly = call("risk", tmp_path / "out", *own("Pond"), *(f"--{k}={v}" for k, v in at.items()), "--json")
    assert {r["measure"] for r in records(yearly.stdout)} == {"VaR97.5", "ES97.5"}
    for name, paths in cube["paths"].data_vars.items():  # and medians and deviations are those of the paths
        of = cube["risk"][name].sel(stat="estimate")
        np.testing.assert_allclose(of.sel(measure="median"), paths.median("path"), rtol=1e-6)
        np.testing.assert_allclose(of.sel(measure="sd"), paths.astype(float).std("path", ddof=1), rtol=1e-6)
    for name, moments in cube["moments"].data_vars.items():
        sd = cube["risk/yearly"][name].sel(measure="sd", stat="estimate")
        np.testing.assert_allclose(sd, moments.sel(moment="standard_deviation"), rtol=1e-6, atol=1e-12)
    for group in ("comparison", "comparison/worse", "comparison/yearly"):  # the baseline differs from itself by nothing
        for values in cube[group].data_vars.values():
            assert (values.sel(policy=values["policy"].attrs["baseline"]) == 0).all(), group
    assert {*cube["comparison"].data_vars} == {*cube["risk"].data_vars}


def test_risk_answers_for_a_yearly_variable_by_year_and_place(runs):
    ended = call("risk", runs / "pond", *own("Pond"), "--variable", "stock", "--json")
    found = records(ended.stdout)
    assert {record["table"] for record in found} == {"risk_yearly", "comparison_yearly"}
    assert {record["region"] for record in found} == {"north", "south"}
    assert all(set(record) == KEYS | {"region", "year"} for record in found)
    outcomes = call("risk", runs / "pond", *own("Pond"), "--variable", "shortage", "--json")
    # the same name is an outcome and a yearly variable, each in its own unit
    units = {record["table"]: record["unit"] for record in records(outcomes.stdout) if "worse" not in record["measure"]}
    assert units == {
        "risk": "hm3",
        "comparison": "hm3",
        "regret": "hm3",
        "risk_yearly": "hm3/yr",
        "comparison_yearly": "hm3/yr",
    }
    assert {record["year"] for record in found} == set(range(2016, 2021))
    cube = xr.open_datatree(runs / "pond" / "cube.zarr", engine="zarr")
    at = {"policy": "use", "measure": "VaR95", "year": 2018, "region": "south", "stat": "estimate"}
    (held,) = (
        r["estimate"]
        for r in found
        if (r["policy"], r["measure"], r["year"], r["region"]) == ("use", "VaR95", 2018, "south")
    )
    assert_same(held, float(cube["risk/yearly"]["stock"].sel(at)))
    assert "stock in north, mean [hm3]" in call("risk", runs / "pond", *own("Pond"), "--variable", "stock").stdout


def test_list_shows_what_ships_and_what_was_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "none yet" in call("list").stdout
    call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--quiet")
    printed = call("list").stdout
    assert "Old policies" in printed
    assert re.search(r"bridge-\w+ +20\d\d-\d\d-\d\d \d\d:\d\d; 4,000 paths; weak, strong; How", printed)
    (folder,) = (tmp_path / "outputs").iterdir()
    for place in (folder, "bridge", tmp_path / "study.toml"):
        assert call("risk", place, *own("Bridge")).exit_code == 0


def test_an_interrupt_ends_with_130_and_says_that_blocks_are_kept(tmp_path, monkeypatch):
    def stopped(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "compute", stopped)
    study = write(tmp_path, BRIDGE)
    ended = call("run", study, *own("Bridge"))
    assert ended.exit_code == 130
    words = shlex.join(["run", str(study), *own("Bridge")])
    assert ended.stderr.startswith("\nStopped") and "blocks are kept" in ended.stderr
    assert ended.stderr.endswith(f": rustbelt {words}\n")


def test_what_is_our_fault_ends_with_1_and_shows_its_traceback_only_when_asked(tmp_path, monkeypatch):
    def broken(*args):
        raise ZeroDivisionError("by design")

    monkeypatch.setattr(job, "compute", broken)
    words = ["run", write(tmp_path, BRIDGE), *own("Bridge")]
    ended = call(*words)
    assert ended.exit_code == 1
    assert "an error of rustbelt" in ended.stderr and "--debug" in ended.stderr and "Traceback" not in ended.stderr
    assert "Traceback" in call(*words, "--debug").stderr


def test_the_command_runs_as_a_program_and_in_a_plain_terminal():
    code = "import sys; from engine.cli import main; sys.exit(main())"
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run([sys.executable, "-c", code, "list"], capture_output=True, text=True, env=env)
    assert ended.returncode == 0
    assert "rustbelt" in ended.stdout and ended.stderr == ""


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1234.5678, 12.3, "1,235"),
        (1234.5678, 45.6, "1,230"),
        (0.123456, 0.00134, "0.1235"),
        (0.123456, 0.0071, "0.123"),
        (-0.0001, 0.12, "0.00"),
        (12.0, float("nan"), "12.00"),
        (0.0, 0.0, "0"),
        (0.0, 1e-12, "0"),
        (1.5e-12, 1e-13, "1.50e-12"),
    ],
)
def test_numbers_are_rounded_where_their_error_begins(value, error, text):
    assert rounded(value, decimals(error)) == text


def test_only_charts_and_reports_load_the_chart_library():
    """Importing Altair takes most of a second."""
    code = "import sys, engine.cli.run, engine.runs.run, engine.runs.upkeep; sys.exit('altair' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
