"""Which blocks count as done, who may write, and what a refused folder says."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from engine.errors import UserError
from engine.run_folder import ledger, ownership
from engine.run_folder.folder import RunFolder
from engine.storage.files import digest, sealed
from engine.study.study import BLOCK
from tests.helpers import assert_same
from tests.refusals import refuses
from tests.small_study import VERSIONS, block_values, commit_block, entered, make_study, read_paths

PATHS = 2 * BLOCK + 1000


def run_blocks(folder, study, only=None):
    """Computes what is missing, as a run does; gives the numbers of the blocks it computed."""
    with entered(folder, study):
        missing = [b for b in ledger.pending(RunFolder(folder, study)) if only is None or b.index in only]
        for block in missing:
            commit_block(folder, study, block)
    return [block.index for block in missing]


@pytest.fixture
def run(tmp_path):
    study = make_study(PATHS)
    folder = tmp_path / "run"
    run_blocks(folder, study)
    return folder, study


def all_paths(folder, study):
    return np.stack(list(read_paths(folder, study, study.keep.outcomes, study.paths).values()))


def expected_paths(study):
    return np.concatenate([block_values(study, block)[0] for block in study.blocks()], axis=-1).swapaxes(0, 1)


def test_a_finished_run_has_nothing_pending_and_keeps_what_was_committed(run):
    folder, study = run
    assert ledger.pending(RunFolder(folder, study)) == ()
    assert run_blocks(folder, study) == []
    records = ledger.done_blocks(RunFolder(folder, study), thorough=True)
    assert list(records) == [0, 1, 2]
    assert (records[2].first, records[2].count, records[2].nonfinite) == (2 * BLOCK, 1000, ((0, 0), (0, 0)))
    assert [len(records[k].files) for k in records] == [4, 2, 2]  # draws are kept in block 0 alone


@pytest.mark.parametrize("linked", ["cube.zarr", "ledger", "cube.zarr/paths"])
def test_nothing_is_written_into_a_folder_that_is_a_link(run, tmp_path, linked):
    folder, study = run
    (folder / linked).rename(tmp_path / "elsewhere")
    (folder / linked).symlink_to(tmp_path / "elsewhere")
    with refuses("", rf"{linked} leads elsewhere"), entered(folder, study):
        pass


RECORD, SHARD = "ledger/00000/00000001.json", "cube.zarr/paths/worst_two_year_growth/c/0/1"
DAMAGES = {
    "no record": (RECORD, None),
    "a torn record": (RECORD, lambda content: content[:-40]),
    "a foreign record": (RECORD, lambda content: sealed(json.loads(content)["document"] | {"fingerprint": "another"})),
    "a changed record": (RECORD, lambda content: content.replace(b'"count": 131072', b'"count": 131073')),
    "an empty record": (RECORD, lambda _: sealed({"fingerprint": make_study(1).fingerprint, "first": "x"})),
    "a truncated shard": (SHARD, lambda content: content[:1000]),
    "an empty shard": (SHARD, lambda _: b""),
    "no shard": (SHARD, None),
}


@pytest.mark.parametrize(("name", "change"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_block_is_found_and_alone_computed_again(run, name, change):
    folder, study = run
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    if change is not None:
        (folder / name).write_bytes(change(content))
    assert [block.index for block in ledger.pending(RunFolder(folder, study))] == [1]
    assert run_blocks(folder, study) == [1]
    assert_same(all_paths(folder, study), expected_paths(study))


def test_a_flipped_bit_is_seen_by_the_thorough_look_and_by_reading(run):
    folder, study = run
    content = bytearray((folder / SHARD).read_bytes())
    content[5000] ^= 1
    (folder / SHARD).write_bytes(content)
    assert 1 in ledger.done_blocks(RunFolder(folder, study))
    assert list(ledger.done_blocks(RunFolder(folder, study), thorough=True)) == [0, 2]
    with pytest.raises(UserError, match=r"c/0/1: is damaged .*rustbelt repair"):
        all_paths(folder, study)
    name = "ledger/of_its_own"
    written = ledger.Stored(name, 8, digest(b"12345678"))
    for content, fault in ((b"1234567x", "other content"), (b"123", "3 bytes, expected 8"), (b"", "empty")):
        (folder / name).write_bytes(content)
        with refuses(name, fault, "rustbelt repair"):
            ledger.content_of(folder, written)
    (folder / name).unlink()
    with refuses(name, "missing", "rustbelt repair"):
        ledger.content_of(folder, written)


def test_more_paths_extend_the_run_and_the_short_block_is_written_again(run):
    folder, study = run
    more = make_study(3 * BLOCK + 10)
    assert more.fingerprint == study.fingerprint
    before = all_paths(folder, study)
    assert run_blocks(folder, more) == [2, 3]
    assert_same(all_paths(folder, more), expected_paths(more))
    assert_same(all_paths(folder, more)[..., :PATHS], before)


def test_fewer_paths_than_are_there_and_a_study_that_differs_are_refused(run):
    folder, study = run
    other = make_study(PATHS, model_digest="f" * 64)
    with refuses("", "263,144 paths", 100):
        run_blocks(folder, make_study(100))
    with refuses("", study.fingerprint, other.fingerprint):
        run_blocks(folder, other)


def test_other_versions_are_refused_only_where_something_is_left_to_compute(run):
    folder, study = run
    newer = {**VERSIONS, "jax": "0.12.0"}
    with ownership.claim(RunFolder(folder, study)):
        pass  # nothing is left to compute, so nothing is entered
    (folder / "ledger/00000/00000001.json").unlink()
    with refuses("", "jax 0.10.2", "0.12.0", "--force"), entered(folder, study, newer):
        pass
    with entered(folder, study, newer, force=True):
        commit_block(folder, study, study.blocks()[1])
    assert [made["jax"] for made in ownership.versions_of(folder)] == ["0.10.2", "0.12.0"]


def test_a_yearly_sample_of_other_versions_is_not_taken_over(tmp_path):
    study = make_study(BLOCK)
    with entered(tmp_path, study, {**VERSIONS, "jax": "0.9"}):
        ledger.commit(
            RunFolder(tmp_path, study), ledger.FinishedPart(ledger.YEARLY, 0, 512, ()), {"ledger/yearly.npz": b"of 0.9"}
        )
    with pytest.raises(UserError, match=r"made with jax 0\.9"), entered(tmp_path, study):
        pass


def test_a_torn_last_record_still_says_that_its_block_is_there(run):
    folder, _ = run
    path = folder / "ledger/00000/00000002.json"
    path.write_bytes(path.read_bytes()[:-20])
    with refuses("", "262,145 paths", "262,144"):
        run_blocks(folder, make_study(2 * BLOCK))
    assert (folder / SHARD).with_name("2").exists()


def test_what_a_longer_run_has_written_is_not_undone_by_one_that_began_before(tmp_path):
    short, long = make_study(1000), make_study(BLOCK)
    with entered(tmp_path, long):
        commit_block(tmp_path, long, long.block(0))
        commit_block(tmp_path, short, short.block(0))  # of a worker that was thought dead
    assert ledger.pending(RunFolder(tmp_path, long)) == ()
    assert ledger.done_blocks(RunFolder(tmp_path, long), thorough=True)


def test_versions_are_those_of_the_first_block(tmp_path):
    study = make_study(BLOCK)
    with entered(tmp_path, study, {**VERSIONS, "jax": "0.9"}):
        pass
    assert run_blocks(tmp_path, study) == [0]


@pytest.mark.parametrize("name", ["thesis.tex", "notes.tmp", "sub/draft.tmp"])
def test_a_folder_with_something_else_is_left_alone(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("all of it")
    (tmp_path / "ledger").mkdir()
    with refuses("", "no run", name):
        run_blocks(tmp_path, make_study(10))
    assert (tmp_path / "ledger").is_dir()
    assert [*filter(Path.is_file, tmp_path.rglob("*"))] == [tmp_path / name]
    with refuses("", "a folder", "a file"):
        run_blocks(tmp_path / name, make_study(10))


def test_files_of_others_stay_in_a_run_folder(run):
    folder, study = run
    for name in ("notes.tmp", "sub/draft.tmp", "sub/draft.0a1b2c3d.tmp", "study.toml.0a1b2c3d.tmp"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("all of it")
    run_blocks(folder, study)
    left = sorted(path.name for path in folder.rglob("*.tmp"))
    assert left == ["draft.0a1b2c3d.tmp", "draft.tmp", "notes.tmp"]


def test_a_claim_killed_at_its_start_is_taken_up(tmp_path):
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger/study.json.0a1b2c3d.tmp").write_text("{")
    assert run_blocks(tmp_path, make_study(10)) == [0]
    assert not list((tmp_path / "ledger").glob("*.tmp"))


def test_a_second_writer_is_told_who_holds_the_folder(tmp_path):
    with (
        ownership.claim(RunFolder(tmp_path, make_study(10))),
        pytest.raises(ownership.Busy, match=f"process {os.getpid()} on"),
    ):
        run_blocks(tmp_path, make_study(10))
    assert run_blocks(tmp_path, make_study(10)) == [0]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "is full"),
        (errno.EIO, "the disk failed"),
        (errno.EROFS, "cannot be written"),
        (errno.EACCES, "cannot be written"),
    ],
)
def test_a_failing_disk_is_told_and_the_run_goes_on_later(tmp_path, monkeypatch, number, message):
    study = make_study(PATHS)
    run_blocks(tmp_path, study, only={0})
    replace, calls = os.replace, []

    def failing(*args, **kwargs):
        calls.append(args)
        if len(calls) > 3:
            raise OSError(number, os.strerror(number))
        return replace(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", failing)
        with pytest.raises(UserError, match=message):
            run_blocks(tmp_path, study)
    assert run_blocks(tmp_path, study) == [1, 2]
    assert_same(all_paths(tmp_path, study), expected_paths(study))
