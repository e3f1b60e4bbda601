"""`rustbelt challenge --only assumptions`: what it prints and writes, and that the run beside it stays what it was."""

import json
import re
from dataclasses import replace

import pytest
import xarray as xr

from engine.answers.answer import Answer
from engine.run_folder import answer_store
from engine.runs.run import open_run
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


def asked(study, *words):
    return call("challenge", study, "--only", "assumptions", *words)


def bytes_of(folder):
    """Every file of the run's cube, by its place."""
    return {path: path.read_bytes() for path in (folder / "cube.zarr").rglob("*") if path.is_file()}


def test_it_prints_what_holds_and_flips_and_writes_it_beside_the_cube(run):
    study, folder = run
    before = bytes_of(folder)
    ended = asked(study, *own("Bridge"), "--out", folder, "--quiet", "--full")
    assert ended.exit_code == 0, ended.output
    first = " ".join(ended.stdout.split("\n\n")[0].split())
    assert first.startswith("2 of ") and "strong off" in first
    short = asked(study, *own("Bridge"), "--out", folder, "--quiet")
    assert "Differences of policies" not in short.stdout and "--full" in short.stdout
    tree = xr.open_datatree(folder / "challenge.zarr", engine="zarr")
    table = tree["structures"].to_dataset()
    gap = {
        str(structure): table["difference"].isel(row=k)
        for k, structure in enumerate(table["structure"].values)
        if table["variable"].values[k] == "collapse"
    }
    assert gap["as stated"].sel(stat="high") < 0 < gap["strong off"].sel(stat="low")
    assert tree.attrs["summary"] in first
    assert bytes_of(folder) == before
    assert damages(folder, *own("Bridge")) == []


def test_full_shows_every_structure(run):
    study, _ = run
    ended = asked(study, *own("Bridge"), "--full", "--quiet", "--paths", 2000)
    assert "dear doubled" in ended.stdout.partition("Differences of policies")[2]
    assert "2,000 paths" in ended.stdout and "beside the cube:" not in ended.stdout


def test_eighty_columns_are_enough(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    ended = asked(run[0], *own("Bridge"), "--full", "--quiet")
    *lines, command = ended.stdout.splitlines()
    assert max(map(len, lines)) <= 80 and "rustbelt run" in command  # which is never broken


def test_json_has_every_number_with_its_structure(run):
    ended = asked(run[0], *own("Bridge"), "--json", "--quiet")
    tables = {name: table["rows"] for name, table in json.loads(ended.stdout)["tables"].items()}
    assert [*tables] == ["assumptions", "structures"]
    assert {row["variable"] for row in tables["assumptions"]} == {"collapse", "damage"}
    structures = {row["structure"] for row in tables["structures"]}
    assert structures == {"as stated", "dear off", "dear doubled", "strong off", "all off"}
    (flip,) = (r for r in tables["structures"] if (r["structure"], r["variable"]) == ("strong off", "collapse"))
    assert (flip["assumption"], flip["kind"]) == ("strong", "off")
    assert (flip["policy"], flip["against"], flip["worse"]) == ("strong", "weak", "strong (flips)")
    assert {row["verdict"] for row in tables["assumptions"] if row["variable"] == "collapse"} == {"flips"}


def test_they_are_the_first_tables_of_a_challenge_the_last_with_given_claims_and_the_command_was_removed(run):
    for claim in (), ("--claim", "strong better than weak in damage"):
        words = ("challenge", run[0], *own("Bridge"), *claim, "--paths", "1000", "--json", "--quiet")
        tables = [*json.loads(call(*words).stdout)["tables"]]
        assert (tables[-2:] if claim else tables[:2]) == ["assumptions", "structures"]
        assert tables[0 if claim else 2] == "profile"
    wrong = call("challenge", run[0], *own("Bridge"), "--only", "priors")
    assert wrong.exit_code == 2 and "'priors'" in wrong.stderr
    ended = call("assumptions", run[0])
    assert ended.exit_code == 2 and "rustbelt challenge STUDY --only assumptions" in ended.stderr


def test_what_it_wrote_is_verified_and_damage_taken_away(run):
    study, folder = run
    asked(study, *own("Bridge"), "--out", folder, "--quiet")
    assert answer_store.read(folder, "challenge") is not None
    (folder / "challenge.zarr" / "structures" / "difference" / "zarr.json").write_text("{}")
    with pytest.warns(UserWarning, match="'challenge' is left out: .*zarr.json is damaged .* Mend it: rustbelt rep"):
        assert answer_store.read(folder, "challenge") is None
    (damage,) = damages(folder, *own("Bridge"))
    assert (damage["part"], damage["file"]) == ("challenge", "challenge.zarr/structures/difference/zarr.json")
    mended = call("repair", folder, *own("Bridge"), "--quiet")
    assert mended.exit_code == 0 and "damaged: answers to challenge. Ask them again" in mended.stdout
    assert damages(folder, *own("Bridge")) == [] and not (folder / "challenge.zarr").exists()


@pytest.mark.filterwarnings("default")
def test_a_folder_of_another_study_keeps_no_answer_and_it_is_shown(run, tmp_path):
    _, folder = run
    other = write(tmp_path, ASSUMED.replace("seed = 7", "seed = 8"))
    ended = asked(other, *own("Bridge"), "--out", folder, "--quiet", "--full")
    assert ended.exit_code == 0 and "strong off" in ended.stdout
    assert re.search(r"^warning: the answer .*with fingerprint", ended.stderr)


def test_assumptions_may_be_added_to_a_run_that_is_there(run, tmp_path):
    _, folder = run
    more = write(tmp_path, ASSUMED + '[assumptions.load]\noff = { load = "0.5x" }\n')
    ended = asked(more, *own("Bridge"), "--out", folder, "--quiet", "--full")
    assert ended.exit_code == 0 and "load" in ended.stdout
    again = call("run", more, *own("Bridge"), "--out", folder, "--quiet")
    assert again.exit_code == 0, again.output
    assert "load = " in (folder / "study.toml").read_text()


def test_they_do_not_replace_a_whole_answer(run):
    study, folder = run
    part = ("--out", folder, "--quiet")
    assert asked(study, *own("Bridge"), *part).exit_code == 0
    there = Answer.of_tree(answer_store.read(folder, "challenge"))
    assert there.asked["only"] == "assumptions"
    whole = replace(there, asked={**there.asked, "only": None})
    answer_store.write(open_run(folder).run_folder, "challenge", whole.groups)
    ended = asked(study, *own("Bridge"), *part)
    assert ended.exit_code == 0 and "beside the cube:" not in ended.stdout
    assert Answer.of_tree(answer_store.read(folder, "challenge")).plain() == whole.plain()
