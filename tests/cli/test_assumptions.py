"""`rustbelt assumptions`: what it prints and writes, and that the run beside it stays what it was."""

import json
import re

import pytest
import xarray as xr

from engine.run_folder import answer_store
from tests.small_files import BRIDGE, call, damages, own, write

ASSUMED = (
    BRIDGE.replace('baseline = "weak"', 'baseline = "weak"\nheadline = ["damage"]')
    + """
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
    """The study of a bridge that names assumptions, and its run."""
    folder = tmp_path_factory.mktemp("assumptions")
    study = write(folder, ASSUMED)
    ended = call("run", study, *own("Bridge"), "--out", folder / "run", "--quiet")
    assert ended.exit_code == 0, ended.output
    return study, folder / "run"


def bytes_of(folder):
    """Every file of the run's cube, by its place."""
    return {path: path.read_bytes() for path in (folder / "cube.zarr").rglob("*") if path.is_file()}


def test_it_prints_what_holds_and_flips_and_writes_it_beside_the_cube(run):
    study, folder = run
    before = bytes_of(folder)
    ended = call("assumptions", study, *own("Bridge"), "--out", folder, "--quiet", "--full")
    assert ended.exit_code == 0, ended.output
    first = " ".join(ended.stdout.split("\n\n")[0].split())
    rows = [line for line in ended.stdout.splitlines() if "strong off" in line and "(flips)" in line]
    assert len(rows) == 2 and all("strong (flips)" in row for row in rows)  # collapse and mean damage
    short = call("assumptions", study, *own("Bridge"), "--out", folder, "--quiet")
    assert "dear doubled" not in short.stdout and "--full" in short.stdout
    tree = xr.open_datatree(folder / "assumptions.zarr", engine="zarr")
    gap = tree["event_differences"]["difference"].sel(event="collapse", pair="strong - weak")
    assert gap.sel(structure="as stated", stat="high") < 0 < gap.sel(structure="strong off", stat="low")
    assert list(tree["outcomes"]["unit"].values) == ["yuan"] and tree.attrs["summary"] in first
    assert bytes_of(folder) == before
    assert damages(folder, *own("Bridge")) == []


def test_full_shows_every_structure(run):
    study, _ = run
    ended = call("assumptions", study, *own("Bridge"), "--full", "--quiet", "--paths", 2000)
    assert "dear doubled" in ended.stdout.partition("Differences of events")[2].partition("Outcomes")[0]
    assert "2,000 paths" in ended.stdout and "beside the cube:" not in ended.stdout


def test_eighty_columns_are_enough(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    ended = call("assumptions", run[0], *own("Bridge"), "--full", "--quiet")
    *lines, command = ended.stdout.splitlines()
    assert max(map(len, lines)) <= 80 and "rustbelt run" in command  # which is never broken


def test_json_has_every_number_with_its_structure(run):
    words = "--json", "--quiet", "--outcome", "margin,even", "--outcome", "collapse"
    ended = call("assumptions", run[0], *own("Bridge"), *words)
    assert ended.exit_code == 2 and "--outcome: 1 problem" in ended.stderr and "'even'" in ended.stderr
    ended = call("assumptions", run[0], *own("Bridge"), *words[:3], "margin", *words[4:])
    tables = {name: table["rows"] for name, table in json.loads(ended.stdout)["tables"].items()}
    assert {row["variable"] for row in tables["rankings"]} == {"collapse", "margin"}
    structures = {row["structure"] for row in tables["structures"]}
    assert structures == {"as stated", "dear off", "dear doubled", "strong off", "all off"}
    (changed,) = (row for row in tables["structures"] if row["structure"] == "strong off")
    assert (changed["assumption"], changed["kind"]) == ("strong", "off")
    (flip,) = (row for row in tables["event_differences"] if row["structure"] == "strong off")
    assert (flip["policy"], flip["against"], flip["worse"]) == ("strong", "weak", "strong (flips)")
    assert {row["verdict"] for row in tables["rankings"] if row["variable"] == "collapse"} == {"flips"}


def test_what_it_wrote_is_verified_and_damage_taken_away(run):
    study, folder = run
    call("assumptions", study, *own("Bridge"), "--out", folder, "--quiet")
    assert answer_store.read(folder, "assumptions") is not None
    (folder / "assumptions.zarr" / "events" / "probability" / "zarr.json").write_text("{}")
    with pytest.warns(UserWarning, match="'assumptions' is left out: .*zarr.json is damaged .* Mend it: rustbelt rep"):
        assert answer_store.read(folder, "assumptions") is None
    (damage,) = damages(folder, *own("Bridge"))
    assert (damage["part"], damage["file"]) == ("assumptions", "assumptions.zarr/events/probability/zarr.json")
    mended = call("repair", folder, *own("Bridge"), "--quiet")
    assert mended.exit_code == 0 and "damaged: answers to assumptions. Ask them again" in mended.stdout
    assert damages(folder, *own("Bridge")) == [] and not (folder / "assumptions.zarr").exists()


@pytest.mark.filterwarnings("default")
def test_a_folder_of_another_study_keeps_no_answer_and_it_is_shown(run, tmp_path):
    _, folder = run
    other = write(tmp_path, ASSUMED.replace("seed = 7", "seed = 8"))
    ended = call("assumptions", other, *own("Bridge"), "--out", folder, "--quiet", "--full")
    assert ended.exit_code == 0 and "(flips)" in ended.stdout
    assert re.search(r"^warning: the answer .*with fingerprint", ended.stderr)


def test_assumptions_may_be_added_to_a_run_that_is_there(run, tmp_path):
    _, folder = run
    more = write(tmp_path, ASSUMED + '[assumptions.load]\noff = { load = "0.5x" }\n')
    ended = call("assumptions", more, *own("Bridge"), "--out", folder, "--quiet", "--full")
    assert ended.exit_code == 0 and "load off" in ended.stdout
    again = call("run", more, *own("Bridge"), "--out", folder, "--quiet")
    assert again.exit_code == 0, again.output
    assert "load = " in (folder / "study.toml").read_text()


def test_help_has_an_example():
    assert "Example: rustbelt assumptions rustbelt --outcome public_cost" in call("assumptions", "-h").stdout
