"""The provenance of a run folder: the runs that it had, read back, damaged, and added to by several at once."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.run_folder import provenance
from engine.run_folder.folder import RunFolder
from engine.storage.files import sealed
from tests.refusals import refuses
from tests.run_folder.small_run import a_run, make_folder
from tests.small_study import make_study

BROKEN = {
    "no JSON": b"{",
    "no text": b"\xff\xfe",
    "nothing": b"",
    "another kind": b'{"study": "small", "runs": [{}]}',
    "a list": b"[]",
    "too deep": b"[" * 100_000,
    "another sealed file": sealed({"fingerprint": "0123456789ab", "study": ""}),
}


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path)


def test_the_document_holds_the_study_as_plain_data(folder):
    study = make_study(4000)
    provenance.append(RunFolder(folder, study), a_run(study))
    document = json.loads((folder / "provenance.json").read_bytes(), parse_constant=pytest.fail)["document"]
    about = {key: getattr(study, key) for key in ("model_name", "model_digest")}
    assert document == {"study": {"name": "small", "question": "Old or reform?", **about}, "runs": [a_run(study)]}


def test_runs_come_back_as_they_were_recorded(folder):
    study = make_study(4000)
    assert provenance.runs(folder) == provenance.runs(folder / "nowhere") == []
    written = [
        a_run(study, range(7), devices=8, workers=2),
        a_run(study, (), error="stopped by the user; \N{SNOWMAN}"),
        a_run(study, (9, 7), command=["rustbelt", "run", 'it\'s "quoted"', "", "a\nb", "\udcff"]),
        a_run(study, (), command=[]),
    ]
    for run in written:
        provenance.append(RunFolder(folder, study), run)
    assert provenance.runs(folder) == written


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_or_foreign_document_starts_anew(folder, content):
    study = make_study(4000)
    (folder / "provenance.json").write_bytes(content)
    assert provenance.runs(folder) == []
    provenance.append(RunFolder(folder, study), a_run(study))
    assert provenance.runs(folder) == [a_run(study)]


def test_runs_that_end_together_are_all_told(folder):
    study = make_study(4000)
    written = [a_run(study, (block,)) for block in range(8)]
    with ThreadPoolExecutor(len(written)) as shards:
        list(shards.map(lambda run: provenance.append(RunFolder(folder, study), run), written))
    assert sorted(run["blocks"] for run in provenance.runs(folder)) == [run["blocks"] for run in written]


def test_a_folder_that_cannot_be_written_is_the_users_to_mend(folder, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(provenance, "write_atomically", full)
    study = make_study(4000)
    with refuses("", "is full"):
        provenance.append(RunFolder(folder, study), a_run(study))
