"""A model file that a study names is executed only after the user has trusted both files."""

import shutil

import pytest

import engine
from engine.cli import COMMANDS, main
from engine.modelling import trust
from engine.run_folder import ownership
from engine.storage.files import sealed
from tests.refusals import refuses
from tests.small_files import BRIDGE, MODELS, call, write

STUDY = BRIDGE.replace('model = "Bridge"', 'model = "hospital.py:Bridge"').replace("paths = 4000", "paths = 512")
MODEL = MODELS.read_text() + '\nfrom pathlib import Path\nPath(__file__).with_name("imported").touch()\n'


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a study and the model file that it names, neither of which is trusted."""
    monkeypatch.setenv("RUSTBELT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "study"
    folder.mkdir()
    write(folder, MODEL, "hospital.py")
    write(folder, STUDY)
    monkeypatch.chdir(tmp_path)
    return folder


def runs_no_code(folder, *words):
    """What a refused command says of a study; its model file is not executed."""
    (folder / "imported").unlink(missing_ok=True)
    ended = call(*(words or ("check", folder / "study.toml")))
    assert ended.exit_code == 2 and not ended.stdout, ended.output
    assert not (folder / "imported").exists() and not (folder / "__pycache__").exists()
    return ended.stderr


def is_not_trusted(folder):
    """Asserts that a command refuses the study, in one line with what to type."""
    head, line = runs_no_code(folder).splitlines()
    assert head == f"{folder}/study.toml: 1 problem"
    assert line.startswith(f"  {folder}/hospital.py:Bridge: is not trusted, ")
    assert line.endswith(f": rustbelt check {folder}/study.toml --trust")


def test_a_model_that_a_study_names_runs_once_both_are_trusted(place, monkeypatch):
    is_not_trusted(place)
    assert call("check", place / "study.toml", "--trust").exit_code == 0
    assert (place / "imported").exists()
    ran = call("run", place / "study.toml", "--out", place / "run", "--quiet", "--device", "cpu")
    assert ran.exit_code == 0, ran.output
    monkeypatch.chdir(place)
    study = engine.load_study("study.toml")
    assert study.model_spec == f"{place}/hospital.py:Bridge"
    own = engine.load_study("study.toml", model=engine.load_model_file("hospital.py:Bridge"))
    assert own.fingerprint == study.fingerprint and own.document == study.document
    assert engine.open_run("run").study.fingerprint == study.fingerprint
    monkeypatch.setenv("RUSTBELT_CACHE", str(place / "another user"))
    assert "hospital.py:Bridge is not trusted" in runs_no_code(place, "status", "run")
    assert call("status", "run", "--trust").exit_code == call("status", "run").exit_code == 0
    assert "is not trusted" in runs_no_code(place, "check", "study.toml")


@pytest.mark.parametrize("file", ["hospital.py", "study.toml"])
def test_a_file_that_has_changed_is_trusted_anew(place, file):
    engine.load_study(place / "study.toml", trust=True)
    text = (place / file).read_text()
    write(place, text + "\n# changed\n", file)
    is_not_trusted(place)
    write(place, text, file)
    assert call("check", place / "study.toml").exit_code == 0


def test_files_that_have_moved_are_trusted_anew(place):
    engine.load_study(place / "study.toml", trust=True)
    other = place.with_name("other")
    shutil.copytree(place, other)
    is_not_trusted(other)
    write(place, STUDY, "other.toml")
    assert "is not trusted" in runs_no_code(place, "check", place / "other.toml")


def test_a_study_that_has_run_and_then_changed_runs_no_code(place, monkeypatch):
    monkeypatch.chdir(place)
    ran = call("run", "study.toml", "--trust", "--quiet", "--device", "cpu")
    assert ran.exit_code == 0, ran.output
    write(place, STUDY.replace("seed = 7", "seed = 8"))
    assert "is not trusted" in runs_no_code(place, "risk", "study.toml")


def test_a_study_without_trust_is_checked_for_all_that_needs_no_code(place):
    write(place, STUDY.replace("p95 = 15", "p95 = 2").replace("seed = 7", "seed = -7"))
    said = runs_no_code(place)
    assert ": 3 problems" in said and "run.seed: " in said and "factors.load" in said and "is not trusted" in said


def test_trust_in_python_is_remembered(place):
    tables = {"name": "wide", "extends": str(place / "study.toml"), "run": {"paths": 256}}
    with refuses("", "is not trusted", "load the study with trust=True."):
        engine.load_study(tables)
    study = engine.load_study(tables, trust=True)
    assert study.model_name == "Bridge" and study.paths == 256
    assert engine.load_study(tables).fingerprint == study.fingerprint
    assert engine.load_study({**tables, "run": {"paths": 128}}).paths == 128
    with refuses("", "is not trusted"):
        engine.load_study(place / "study.toml")


def test_trust_without_a_private_folder_ends_with_the_process(place, monkeypatch):
    monkeypatch.setenv("RUSTBELT_CACHE", "off")
    assert call("check", place / "study.toml", "--trust").exit_code == 0
    assert call("check", place / "study.toml").exit_code == 0
    monkeypatch.setattr(trust, "_TRUSTED", set())
    is_not_trusted(place)


def test_trust_needs_a_model_file(place):
    (place / "hospital.py").unlink()
    assert "hospital.py' is none" in runs_no_code(place, "check", place / "study.toml", "--trust")


@pytest.mark.parametrize("where", ["ledger", "study.toml"])
def test_a_run_folder_from_somebody_else_runs_no_code_that_its_study_names(place, where):
    engine.run(engine.load_study(place / "study.toml", trust=True), out=place / "run", device="cpu")
    held = ownership.said_of(place / "run")
    assert held["model"]["spec"] == f"{place}/hospital.py:Bridge" and 'model = "Bridge"' in held["study"]
    study = held["study"].replace('model = "Bridge"', f'model = "{place}/hospital.py:Bridge"')
    if where == "ledger":
        del held["model"]
        ownership.study_file(place / "run").write_bytes(sealed({**held, "study": study}))
    else:
        shutil.rmtree(place / "run" / "ledger")
        write(place / "run", study)
    assert "is not trusted" in runs_no_code(place, "status", place / "run")


def test_a_file_that_changed_before_its_model_ran_is_not_trusted(place):
    study = engine.load_study(place / "study.toml", trust=True)
    write(place, MODEL + "\n# changed\n", "hospital.py")
    engine.run(study, out=place / "run", device="cpu")
    assert not trust.is_trusted(place / "hospital.py")
    write(place, MODEL, "hospital.py")
    engine.run(study, out=place / "again", device="cpu")
    assert trust.is_trusted(place / "hospital.py")


def test_trust_in_a_damaged_run_is_refused(place):
    engine.run(engine.load_study(place / "study.toml", trust=True), out=place / "run", device="cpu")
    ownership.study_file(place / "run").write_bytes(b"{}")
    said = runs_no_code(place, "status", place / "run", "--trust", "--model", f"{MODELS}:Bridge")
    assert "ledger/study.json: is damaged" in said


def test_the_model_of_the_command_line_replaces_that_of_the_study(place):
    ended = call("check", place / "study.toml", "--model", f"{MODELS}:Bridge")
    assert ended.exit_code == 0 and not (place / "imported").exists()
    with refuses("", "is not trusted"):
        engine.load_study(place / "study.toml")


def test_every_command_that_takes_a_model_takes_trust():
    takes = {name: {one for param in main.get_command(None, name).params for one in param.opts} for name in COMMANDS}
    assert all(("--trust" in options) == ("--model" in options) for options in takes.values())
    assert sum("--trust" in options for options in takes.values()) > 16
