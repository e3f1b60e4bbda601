"""Runs of other formats: those of version 0.1.0 are read and do not go on, and those of later formats are refused.

`data/run_of_0_1_0.tar.gz` is a run that version 0.1.0 wrote, with a stored answer:

    rustbelt run warming --paths 4096 --policies as_emitted,falling --set keep.yearly=64 --set keep.draws=64 \
      --set 'keep.outcomes=["warming_last_decade","co2_last"]' --out run
    rustbelt compare run
"""

import json
import tarfile
from pathlib import Path

import pytest
import xarray as xr

from engine.run_folder import finding, ledger, ownership
from engine.run_folder.finding import find_run
from engine.run_folder.ledger import FORMAT
from engine.runs.asking import stored, stored_answer
from engine.storage.files import sealed, unsealed
from engine.study import resolve
from tests.helpers import assert_same
from tests.recorded import contents
from tests.refusals import at, refuses
from tests.run_folder.small_run import a_run
from tests.small_files import call, ran, records
from tests.small_study import commit_block, entered, make_study

ARCHIVE = Path(__file__).parents[1] / "data" / "run_of_0_1_0.tar.gz"
SHARD = "cube.zarr/paths/co2_last/c/0/0"
TARGET = "mean of co2_last under falling within 0.001 %"
READING = {
    "risk": ("risk", "RUN", "--json"),
    "plot": ("plot", "exceedance", "RUN", "-o", "RUN/figure.svg"),
    "report": ("report", "RUN"),
    "status": ("status", "RUN"),
    "verify": ("verify", "RUN"),
}
WRITING = {
    "extend": ("run", "RUN", "--paths", "8192", "--quiet"),
    "resume": ("run", "RUN/study.toml", "--out", "RUN", "--quiet"),
    "until": ("run", "RUN/study.toml", "--out", "RUN", "--until", TARGET, "--quiet"),
    "shard": ("run", "RUN/study.toml", "--out", "RUN", "--shard", "1/2", "--quiet"),
    "repair": ("repair", "RUN", "--force"),
    "recompute": ("verify", "RUN", "--full"),
}


# the fingerprint of a model may be another one than in version 0.1.0, and a warning says so
pytestmark = pytest.mark.filterwarnings("always:.*format [12]")


@pytest.fixture
def run(tmp_path):
    """The folder of the run of version 0.1.0."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "run"


def asked(words, run):
    return call(*(word.replace("RUN", str(run)) for word in words))


def refused(ended):
    """The only problem that a command ended with, a single line."""
    head, problem = ended.stderr.splitlines()[-2:]
    assert head.endswith(": 1 problem"), ended.output
    return problem


@pytest.mark.parametrize("words", READING.values(), ids=READING)
def test_a_run_of_an_earlier_format_is_read(run, words):
    assert finding.format_of(run) == 1
    ended = asked(words, run)
    assert ended.exit_code == 0, ended.output


def test_its_cube_is_read_by_xarray_with_the_numbers_that_risk_gives(run):
    cube = xr.open_datatree(run / "cube.zarr", engine="zarr")
    assert cube.attrs["source"].startswith("rustbelt 0.1.0,")
    rows = records(asked(READING["risk"], run).stdout)
    found = {(r["measure"], r["policy"]): r for r in rows if r["variable"] == "co2_last"}
    for policy in ("as_emitted", "falling"):
        stored = cube["risk"]["co2_last"].sel(policy=policy, measure="ES99", stat="estimate")
        assert_same(found["ES99", policy]["estimate"], float(stored))
        mean = cube["paths"]["co2_last"].sel(policy=policy).astype(float).mean()
        assert float(mean) == pytest.approx(found["mean", policy]["estimate"], rel=1e-6)


@pytest.mark.parametrize("words", WRITING.values(), ids=WRITING)
def test_it_is_not_extended_resumed_repaired_or_recomputed(run, words):
    if words[0] == "repair":
        (run / SHARD).unlink()
    before = contents(run)
    ended = asked(words, run)
    assert ended.exit_code == 2, ended.output
    anew = f"rustbelt run {run}/study.toml --out FOLDER"
    assert refused(ended) == at("", "format 1", f"expected {FORMAT}: they can be read, but not extended", anew)
    assert contents(run) == before


def test_a_run_of_format_2_is_read_and_not_continued(run):
    held = ownership.study_file(run)
    held.write_bytes(sealed({**unsealed(held), "format": 2}))
    assert asked(READING["status"], run).exit_code == 0
    assert refused(asked(WRITING["recompute"], run)) == at("", "format 2", f"expected {FORMAT}", "--out FOLDER")


def test_its_study_runs_in_a_new_folder_with_the_same_stored_values(run, tmp_path):
    ran("run", run / "study.toml", "--out", tmp_path / "new", "--quiet")
    assert finding.format_of(tmp_path / "new") == FORMAT
    assert (tmp_path / "new" / SHARD).read_bytes() == (run / SHARD).read_bytes()


def test_where_its_own_record_is_damaged_its_provenance_states_the_format(run):
    ownership.study_file(run).write_bytes(b"{}")
    assert finding.format_of(run) == 1
    assert refused(asked(("repair", "RUN"), run)) == at("", "format 1")
    assert not ownership.said_of(run)


def test_its_stored_answers_are_asked_anew(run):
    folder = find_run(run)
    assert ledger.answers(run) == ("compare",) and stored(folder) == []
    with refuses("", "has not been asked", f"rustbelt compare {run}"):
        stored_answer(folder, "compare")
    ended = asked(("compare", "RUN", "--json", "--quiet"), run)
    assert ended.exit_code == 0, ended.output
    (answer,) = stored(folder)
    assert answer.plain() == json.loads(ended.stdout)


def test_it_is_read_where_the_model_is_digested_otherwise_and_a_warning_says_so(run, monkeypatch):
    before = records(asked(READING["risk"], run).stdout)
    monkeypatch.setattr(resolve, "digest_of_package", lambda part: "f" * 64)
    ended = asked(READING["risk"], run)
    assert ended.stderr == at(f"warning: {run}", "format 1", "model warming", "recomputed paths")
    assert records(ended.stdout) == before
    for words in (READING["status"], READING["verify"], ("compare", "RUN", "--quiet")):
        ended = asked(words, run)
        assert ended.exit_code == 0, ended.output
    assert refused(asked(WRITING["extend"], run)) == at("", "format 1")


@pytest.mark.parametrize("words", [READING["risk"], READING["verify"], WRITING["extend"], WRITING["repair"]])
def test_a_run_of_a_later_format_is_refused(run, words):
    held = ownership.study_file(run)
    held.write_bytes(sealed({**unsealed(held), "format": FORMAT + 1}))
    before = contents(run)
    ended = asked(words, run)
    assert ended.exit_code == 2, ended.output
    assert refused(ended) == at("", f"format {FORMAT + 1}", f"expected at most {FORMAT}", "--out FOLDER")
    assert contents(run) == before


def test_every_document_of_a_run_states_its_format(tmp_path):
    study = make_study(1000)
    with entered(tmp_path, study):
        commit_block(tmp_path, study, study.block(0))
    for place in (ownership.study_file(tmp_path), ledger.record_file(tmp_path, 0)):
        assert unsealed(place)["format"] == FORMAT
    assert a_run(study)["format"] == FORMAT
