"""Shards of a job array: the bytes of one process, in whatever order or at the same time they compute."""

import threading

import pytest

import engine
from engine.errors import UserError
from engine.execution import job
from engine.run_folder import ownership
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK
from tests.recorded import contents, study_in
from tests.small_files import BRIDGE, call, own, write

PATHS = 3 * BLOCK + 600


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The contents of a run in one process, its study, and the run."""
    place = tmp_path_factory.mktemp("alone")
    study = study_in(place, PATHS)
    done = engine.run(study, place / "run", device="cpu")
    return contents(place / "run"), study, done


def test_shards_one_after_the_other_leave_the_same_bytes(alone, tmp_path):
    expected, study, done = alone
    found = [job.compute_shard(study, k, 3, job.RunOptions(tmp_path / "run", "cpu")) for k in (2, 3, 1)]
    assert [shard.computed for shard in found] == [(1,), (2,), (0, 3)]
    assert [shard.missing for shard in found] == [3, 2, 0]
    assert [shard.finished is not None for shard in found] == [False, False, True]
    assert contents(tmp_path / "run") == expected
    tables = found[-1].finished.answers.all_tables
    assert [repr(r) for r in tables.risk] == [repr(r) for r in done.answers.all_tables.risk]


@pytest.mark.slow
def test_shards_at_the_same_time_leave_the_same_bytes(alone, tmp_path):
    expected, study, _ = alone
    found = {}

    def one(number):
        found[number] = job.compute_shard(study, number, 3, job.RunOptions(tmp_path / "run", "cpu"))

    threads = [threading.Thread(target=one, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(shard.finished is not None for shard in found.values()) == 1
    assert contents(tmp_path / "run") == expected


def test_a_shard_is_kept_out_by_a_run_and_keeps_one_out(tmp_path, monkeypatch):
    study = study_in(tmp_path, BLOCK)
    folder, options = RunFolder(tmp_path / "run", study), job.RunOptions(tmp_path / "run", "cpu")
    monkeypatch.setattr(job, "PREPARING", 0.0)
    with ownership.claim(folder), pytest.raises(ownership.Busy):
        job.compute_shard(study, 1, 2, options)
    with ownership.claim(folder), pytest.raises(ownership.Busy):
        engine.run(study, folder.path, device="cpu")
    assert ownership.lock_file(folder.path).exists()  # whoever comes second takes nothing away
    job.compute_shard(study, 2, 2, options)
    with ownership.claim(folder, shared=True), pytest.raises(ownership.Busy):
        engine.run(study, folder.path, device="cpu")


@pytest.mark.parametrize("number", [0, 4])
def test_shards_that_there_are_not(tmp_path, number):
    with pytest.raises(UserError, match=f"expected 1/3 to 3/3, got {number}/3"):
        job.compute_shard(study_in(tmp_path, 100), number, 3, job.RunOptions(tmp_path / "run"))


def test_the_command_says_what_is_missing_and_the_last_shard_prints_the_tables(tmp_path):
    words = ["run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", tmp_path / "out", "--paths", BLOCK + 1, "--quiet"]
    first = call(*words, "--shard", "2/2")
    assert first.exit_code == 0 and first.stdout == ""
    assert "Shard 2 of 2: 1 block" in first.stderr and "1 is still missing" in first.stderr
    last = call(*words, "--shard", "1/2")
    assert last.exit_code == 0 and "damage" in last.stdout
    assert call(*words, "--shard", "1/2", "--workers", 2).exit_code == 2
    for text in ("half", "1_0/16", "-1/3", "1/", "/2"):
        assert "such as 3/16" in call(*words, "--shard", text).stderr
