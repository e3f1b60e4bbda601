"""Runs of other formats are refused, and every document of a run states its format."""

import shutil

import pytest

from engine.run_folder import ledger, ownership, provenance
from engine.run_folder.ledger import FORMAT
from engine.storage.files import sealed, unsealed
from tests.recorded import contents
from tests.refusals import at
from tests.run_folder.small_run import a_run
from tests.small_files import POND, call, own, write
from tests.small_study import commit_block, entered, make_study

COMMANDS = [
    ("risk", "RUN"),
    ("status", "RUN"),
    ("verify", "RUN"),
    ("repair", "RUN"),
    ("run", "RUN/study.toml", "--out", "RUN", "--quiet"),
    ("run", "RUN/study.toml", "--out", "RUN", "--shard", "1/2", "--quiet"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished run and its files."""
    place = tmp_path_factory.mktemp("formats")
    words = write(place, POND), *own("Pond"), "--out", place / "run", "--paths", 1000, "--quiet"
    ended = call("run", *words)
    assert ended.exit_code == 0, ended.output
    return place / "run"


@pytest.fixture
def run(made, tmp_path):
    """A copy of the finished run."""
    return shutil.copytree(made, tmp_path / "run")


def state(run, number):
    """Lets a run state another format, or none as in version 0.1.0."""
    held = ownership.study_file(run)
    stated = {key: value for key, value in unsealed(held).items() if key != "format"}
    held.write_bytes(sealed(stated | ({"format": number} if number > 1 else {})))


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("number", [1, FORMAT - 1, FORMAT + 1])
def test_a_run_of_another_format_is_refused_and_its_files_stay(run, words, number):
    state(run, number)
    before = contents(run)
    ended = call(*(word.replace("RUN", str(run)) for word in words), *own("Pond"))
    assert ended.exit_code == 2, ended.output
    head, problem = ended.stderr.splitlines()[-2:]
    assert head.endswith(": 1 problem"), ended.output
    anew = f"rustbelt run {run}/study.toml --out FOLDER"
    assert problem == at("", f"format {number}", f"expected {FORMAT}", anew)
    assert contents(run) == before


def test_where_its_own_record_is_damaged_its_provenance_states_the_format(run):
    document = unsealed(run / provenance.NAME)
    document["runs"][0]["format"] = FORMAT + 1
    (run / provenance.NAME).write_bytes(sealed(document))
    ownership.study_file(run).write_bytes(b"{}")
    ended = call("repair", run, *own("Pond"))
    assert ended.exit_code == 2 and f"format {FORMAT + 1}" in ended.stderr


def test_every_document_of_a_run_states_its_format(tmp_path):
    study = make_study(1000)
    with entered(tmp_path, study):
        commit_block(tmp_path, study, study.block(0))
    for place in (ownership.study_file(tmp_path), ledger.record_file(tmp_path, 0)):
        assert unsealed(place)["format"] == FORMAT
    assert a_run(study)["format"] == FORMAT
