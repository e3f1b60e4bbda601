"""Runs on object stores: copied there and back, read there; against a folder that stands for a store (a real server:
test_s3.py).
"""

import json
import shutil

import pytest

import engine
from engine.errors import UserError
from engine.run_folder import cube
from engine.run_folder.folder import RunFolder
from engine.storage import object_store
from engine.study.study import BLOCK
from tests.recorded import contents
from tests.refusals import refuses
from tests.small_files import call
from tests.small_study import commit_block, entered, make_study, make_summaries, read_paths

pytest.importorskip("obstore")
PATHS = BLOCK + 1000


def finish(folder, study):
    """A whole run without a kernel."""
    with entered(folder, study):
        for block in study.blocks():
            commit_block(folder, study, block)
        stored = read_paths(folder, study, study.keep.outcomes, study.paths)
        cube.finish(RunFolder(folder, study), make_summaries(study, stored))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    finish(folder, make_study(PATHS))
    return folder


@pytest.fixture
def url(tmp_path):
    (tmp_path / "bucket").mkdir()
    return f"file://{tmp_path}/bucket"


def test_a_copy_is_the_run_and_comes_back_whole(run, url, tmp_path):
    sent = object_store.upload(run, url)
    assert sent == len([path for path in run.rglob("*") if path.is_file()]) - 1  # all but the lock
    assert object_store.upload(run, url) == 0
    assert object_store.download(url, tmp_path / "back") == sent
    assert contents(tmp_path / "back") == contents(run)


def test_a_cube_is_read_where_it_is(run, url):
    object_store.upload(run, url)
    there, here = engine.open_cube(url), engine.open_cube(run)
    assert there["risk"].to_dataset().identical(here["risk"].to_dataset())
    assert there["paths"].to_dataset().load().identical(here["paths"].to_dataset().load())


@pytest.mark.parametrize(
    "file", ["distribution/growth/c.0.0.0.0", "draws/fund/c/0", "paths/worst_two_year_growth/c/0/1"]
)
@pytest.mark.parametrize("there", [False, True])
def test_a_file_that_is_gone_is_told_and_not_read_as_missing_values(run, url, tmp_path, file, there):
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run/cube.zarr" / file).unlink()
    object_store.upload(tmp_path / "run", url)
    place = url if there else tmp_path / "run"
    remedy = "Copy the run there again" if there else "Mend it: rustbelt repair"
    with pytest.raises(UserError, match=rf"cube.zarr/{file}: is damaged \(missing\). {remedy}"):
        for node in engine.open_cube(place).subtree:
            node.to_dataset().load()


def test_a_run_that_grew_is_sent_again_where_it_differs_and_the_root_comes_last(run, url, tmp_path, monkeypatch):
    finish(tmp_path / "run", make_study(1000))
    object_store.upload(tmp_path / "run", url)
    finish(tmp_path / "run", make_study(PATHS))
    put, order = object_store.store_at, []

    class Watched:
        def __init__(self, store):
            self.store = store

        def __getattr__(self, name):
            return getattr(self.store, name)

        def put(self, name, content):
            order.append(name)
            return self.store.put(name, content)

        def delete(self, name):
            order.append(f"delete {name}")
            return self.store.delete(name)

    monkeypatch.setattr(object_store, "store_at", lambda where, **how: Watched(put(where, **how)))
    object_store.upload(tmp_path / "run", url)
    assert order[:2] == [object_store.MANIFEST, "delete cube.zarr/zarr.json"]
    assert order[-2:] == ["cube.zarr/zarr.json", object_store.MANIFEST]
    monkeypatch.undo()
    object_store.download(url, tmp_path / "back")
    assert contents(tmp_path / "back") == contents(tmp_path / "run") == contents(run)


@pytest.mark.parametrize("inside", ["", "ledger"])
def test_a_run_is_not_copied_into_itself(run, tmp_path, inside):
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "behind a link").symlink_to(tmp_path / "run")
    with pytest.raises(UserError, match=r"expected a place outside of .*/run, got one inside"):
        object_store.upload(tmp_path / "run", f"file://{tmp_path}/behind a link/{inside}")
    assert contents(tmp_path / "run") == contents(run)


@pytest.mark.parametrize("begun", [1000, None])
def test_a_run_that_ends_while_it_is_copied_is_not_sent_as_a_whole(url, tmp_path, monkeypatch, begun):
    place, study, open_store = tmp_path / "run", make_study(PATHS), object_store.store_at
    if begun is None:
        with entered(place, study):
            commit_block(place, study, study.blocks()[0])
    else:
        finish(place, make_study(begun))

    def store_at(url, **how):
        monkeypatch.setattr(object_store, "_refuse_other_run", lambda *_: finish(place, study))
        return open_store(url, **how)

    monkeypatch.setattr(object_store, "store_at", store_at)
    with pytest.raises(UserError, match="was written or removed while the run was copied"):
        object_store.upload(place, url)
    with pytest.raises(UserError):
        engine.open_cube(url)


def test_what_was_changed_on_the_way_is_refused(run, url, tmp_path):
    object_store.upload(run, url)
    path = tmp_path / "bucket/cube.zarr/paths/worst_two_year_growth/c/0/1"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"worst_two_year_growth/c/0/1: other content"):
        object_store.download(url, tmp_path / "back")
    assert not (tmp_path / "back/cube.zarr/zarr.json").exists()  # no cube that looks whole
    assert object_store.upload(run, url) == 0  # its size tells nothing; the reader's checksum does
    with pytest.raises(UserError, match=r"worst_two_year_growth/c/0/1: .*other content"):
        engine.open_cube(url)["paths"].load()


def test_another_run_or_more_of_this_one_is_not_written_over(run, url, tmp_path):
    object_store.upload(run, url)
    finish(tmp_path / "less", make_study(1000))
    with refuses("", "2 blocks", "another URL"):
        object_store.upload(tmp_path / "less", url)
    other = make_study(PATHS, model_digest="f" * 64)
    finish(tmp_path / "other", other)
    with refuses("", "holds", other.fingerprint):
        object_store.upload(tmp_path / "other", url)
    assert object_store.upload(run, url) == 0


def test_copies_that_were_stopped_go_on(run, url, tmp_path, monkeypatch):
    monkeypatch.setattr(object_store, "OFTEN", 10)

    def stop(done, total):
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        object_store.upload(run, url, stop)
    whole = len([path for path in run.rglob("*") if path.is_file()]) - 1
    assert 0 < object_store.upload(run, url) < 0.7 * whole
    with pytest.raises(KeyboardInterrupt):
        object_store.download(url, tmp_path / "back", stop)
    assert not (tmp_path / "back/cube.zarr/zarr.json").exists()
    killed = "cube.zarr/paths/zarr.json.0a1b2c3d.tmp"
    (tmp_path / "back" / killed).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "back" / killed).write_text("{")
    object_store.download(url, tmp_path / "back")
    assert contents(tmp_path / "back") == contents(run)
    with refuses("", "is empty"):
        object_store.download(url, tmp_path / "back")


@pytest.mark.parametrize("before", [0, 1000])
def test_what_a_stopped_copy_left_is_refused(before, url, tmp_path, monkeypatch):
    monkeypatch.setattr(object_store, "OFTEN", 10)
    if before:
        finish(tmp_path / "run", make_study(before))
        object_store.upload(tmp_path / "run", url)
    finish(tmp_path / "run", make_study(PATHS))

    def stop(done, total):
        if done > total // 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        object_store.upload(tmp_path / "run", url, stop)
    back = call("copy", url, tmp_path / "back")
    assert (
        back.exit_code == 2
        and "a whole copy of a run, found none, or one that was stopped. Copy the run anew" in back.output
    )
    assert not (tmp_path / "back").exists()
    object_store.upload(tmp_path / "run", url)
    object_store.download(url, tmp_path / "back")
    assert contents(tmp_path / "back") == contents(tmp_path / "run")


def test_a_manifest_cannot_write_elsewhere(run, url, tmp_path):
    object_store.upload(run, url)
    manifest = tmp_path / "bucket" / object_store.MANIFEST
    manifest.write_text(json.dumps({"../../escaped": "0" * 64}))
    with refuses("", "outside"):
        object_store.download(url, tmp_path / "back")
    assert not (tmp_path / "escaped").exists()


def test_places_that_are_none(run, url, tmp_path):
    with refuses("", "a whole copy of a run, found none"):
        object_store.download(url, tmp_path / "back")
    with refuses("", "is empty"):
        object_store.download(url, run)
    with refuses("", "no object store"):
        object_store.store_at("nowhere://x")
    assert call("copy", run, tmp_path / "x").exit_code == 2
    assert call("copy", tmp_path, url).exit_code == 2


def test_a_folder_that_is_not_there_is_made_for_a_copy_and_for_nothing_else(run, tmp_path):
    url = f"file://{tmp_path}/new/the%20bucket"
    for refused in (lambda: object_store.download(url, tmp_path / "back"), lambda: engine.open_cube(url)):
        with pytest.raises(UserError):
            refused()
    with refuses("", "outside of"):
        object_store.upload(run, f"file://{run}/new")
    assert not (tmp_path / "new").exists() and not (run / "new").exists()
    sent = object_store.upload(run, url)
    assert object_store.download(url, tmp_path / "back") == sent
    assert (tmp_path / "new/the bucket/cube.zarr/zarr.json").exists()


def test_the_command_copies_both_ways(run, url, tmp_path):
    sent = call("copy", run, url)
    assert sent.exit_code == 0 and "files sent" in sent.stdout, sent.output
    back = call("copy", url, tmp_path / "back", "--quiet")
    assert back.exit_code == 0 and "files, each" in back.stdout


def test_a_link_is_not_sent(run, url, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    (tmp_path / "secret").write_text("dear")
    (copy / "study.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(UserError, match=r"study\.txt: 1 problem\n.*a link"):
        object_store.upload(copy, url)
