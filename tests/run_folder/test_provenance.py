"""The provenance of a run folder: the runs that it had, read back, damaged, restored, and added to by several at
once."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.run_folder import provenance
from engine.run_folder.folder import RunFolder
from engine.storage.files import sealed
from tests.refusals import refuses
from tests.run_folder.small_run import a_run, make_folder
from tests.small_study import make_study

FILES = ("provenance.json", "ledger/provenance.json")
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


def read(folder):
    return {name: (folder / name).read_bytes() for name in FILES if (folder / name).exists()}


def killed(folder, study, run, writes, monkeypatch):
    """Adds a run, and is gone before write number `writes`."""
    write = provenance.write_atomically

    def until(path, content):
        nonlocal writes
        if not writes:
            raise KeyboardInterrupt
        writes -= 1
        write(path, content)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(provenance, "write_atomically", until)
        provenance.append(RunFolder(folder, study), run)


def test_the_document_holds_the_study_and_its_runs_as_plain_data(folder):
    study = make_study(4000)
    for blocks in ((0, 1), (2,)):
        provenance.append(RunFolder(folder, study), a_run(study, blocks))
    document = json.loads((folder / "provenance.json").read_bytes(), parse_constant=pytest.fail)["document"]
    assert document["study"] == {
        "name": "small",
        "question": "Old or reform?",
        "model_name": study.model_name,
        "model_digest": study.model_digest,
    }
    assert document["runs"] == [a_run(study, (0, 1)), a_run(study, (2,))]


def test_versions_mixed_by_force_are_told(folder):
    study = make_study(4000)
    made = [{"jax": "0.10.1", "device_kind": "cpu"}, {"jax": "0.10.2", "device_kind": "cpu"}]
    provenance.append(RunFolder(folder, study), a_run(study, forced=made))
    assert provenance.runs(folder)[0]["forced"] == "jax 0.10.1, 0.10.2"


def test_runs_come_back_as_they_were_recorded(folder):
    study = make_study(4000)
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


@pytest.mark.parametrize("key", ["command", "versions", "blocks", "status", "ended"])
@pytest.mark.parametrize("value", [None, float("nan"), 1, "", [], {}])
def test_a_document_with_a_broken_run_is_seen_and_restored(folder, key, value):
    study = make_study(4000)
    provenance.append(RunFolder(folder, study), a_run(study))
    whole = read(folder)
    envelope = json.loads((folder / "provenance.json").read_bytes())
    envelope["document"]["runs"][0][key] = value
    (folder / "provenance.json").write_text(json.dumps(envelope, indent=1) + "\n")
    assert {name: "as it was" in what for name, what in provenance.damage(folder).items()} == {"provenance.json": True}
    assert provenance.runs(folder) == [a_run(study)]
    provenance.mend(folder)
    assert read(folder) == whole
    (folder / "provenance.json").write_text(json.dumps(envelope, indent=1) + "\n")
    provenance.append(RunFolder(folder, study), a_run(study, (1,)))
    assert provenance.runs(folder) == [a_run(study), a_run(study, (1,))]
    assert provenance.damage(folder) == {}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_where_no_copy_is_whole_all_is_taken_away(folder, content):
    study = make_study(4000)
    provenance.append(RunFolder(folder, study), a_run(study))
    for name in FILES:
        (folder / name).write_bytes(content)
    assert provenance.runs(folder) == []
    assert provenance.damage(folder).keys() == set(FILES)
    provenance.mend(folder)
    assert read(folder) == {} and provenance.damage(folder) == {}


@pytest.mark.parametrize("writes", range(2))
@pytest.mark.parametrize("earlier", range(3))
def test_a_kill_between_two_files_leaves_each_as_before_or_new(folder, monkeypatch, earlier, writes):
    study = make_study(4000)
    for k in range(earlier):
        provenance.append(RunFolder(folder, study), a_run(study, (k,)))
    before = read(folder)
    killed(folder, study, a_run(study, (7,)), writes, monkeypatch)
    between = read(folder)
    damage = provenance.damage(folder)
    # a first run leaves no file as before, and what it did not come to is missing
    assert damage == ({} if earlier or not writes else {"provenance.json": "missing"})
    provenance.mend(folder)
    assert provenance.damage(folder) == {}
    runs = [a_run(study, (k,)) for k in range(earlier)] + [a_run(study, (7,))] * bool(writes)
    assert provenance.runs(folder) == runs
    (folder / "provenance.json").unlink(missing_ok=True)
    for name, content in between.items():
        (folder / name).write_bytes(content)
    provenance.append(RunFolder(folder, study), a_run(study, (8,)))
    assert provenance.runs(folder) == [*runs, a_run(study, (8,))]
    assert provenance.damage(folder) == {}
    after = read(folder)
    assert all(between[name] != after[name] for name in between) and before.keys() <= after.keys()


def test_the_document_of_another_folder_is_seen_and_put_right(folder, tmp_path_factory):
    study = make_study(4000)
    other = make_folder(tmp_path_factory.mktemp("other"))
    provenance.append(RunFolder(folder, study), a_run(study))
    for blocks in ((3,), (4,)):
        provenance.append(RunFolder(other, study), a_run(study, blocks))
    whole, foreign = read(folder), read(other)
    (folder / "provenance.json").write_bytes(foreign["provenance.json"])
    assert provenance.damage(folder) == {"provenance.json": "not as it was written"}
    provenance.mend(folder)
    assert read(folder) == whole


def test_runs_that_end_together_are_all_told(folder):
    study = make_study(4000)
    written = [a_run(study, (block,)) for block in range(8)]
    with ThreadPoolExecutor(len(written)) as shards:
        list(shards.map(lambda run: provenance.append(RunFolder(folder, study), run), written))
    assert sorted(run["blocks"] for run in provenance.runs(folder)) == [run["blocks"] for run in written]


def test_there_are_no_runs_without_a_document(tmp_path):
    assert provenance.runs(tmp_path) == []
    assert provenance.runs(tmp_path / "nowhere") == []


def test_versions_name_the_packages_python_and_the_device_kind():
    found = provenance.versions("gpu")
    assert list(found) == [
        "rustbelt", "jax", "jaxlib", "llvmlite", "numpy", "scipy", "xarray", "zarr", "python", "device_kind",
    ]  # fmt: skip
    assert found["device_kind"] == "gpu"


def test_a_folder_that_cannot_be_written_is_the_users_to_mend(folder, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(provenance, "write_atomically", full)
    study = make_study(4000)
    with refuses("", "is full"):
        provenance.append(RunFolder(folder, study), a_run(study))
