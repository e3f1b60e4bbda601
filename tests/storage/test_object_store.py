"""Cubes on object stores, read there: a folder stands for a store."""

import shutil

import pytest

import engine
from engine.errors import UserError
from engine.run_folder import cube
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK
from tests.refusals import refuses
from tests.small_study import commit_block, entered, make_study, make_summaries, read_paths

pytest.importorskip("obstore")
DRAWS, SHARD = "cube.zarr/draws/fund/c/0", "cube.zarr/paths/worst_two_year_growth/c/0/1"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A whole run without a kernel."""
    folder, study = tmp_path_factory.mktemp("run") / "run", make_study(BLOCK + 1000)
    with entered(folder, study):
        for block in study.blocks():
            commit_block(folder, study, block)
        stored = read_paths(folder, study, study.keep.outcomes, study.paths)
        cube.finish(RunFolder(folder, study), make_summaries(study, stored))
    return folder


@pytest.fixture
def copied(run, tmp_path):
    """A copy of it in a folder with a space in its name, and the URL of that."""
    place = shutil.copytree(run, tmp_path / "the bucket")
    return place, f"file://{tmp_path}/the%20bucket"


def test_a_cube_is_read_where_it_is(run, copied):
    there, here = engine.open_cube(copied[1]), engine.open_cube(run)
    assert [node.path for node in there.subtree] == [node.path for node in here.subtree]
    for node in here.subtree:
        assert there[node.path].to_dataset().load().identical(node.to_dataset().load())


@pytest.mark.parametrize("file", ["cube.zarr/distribution/growth/c.0.0.0.0", DRAWS, SHARD])
@pytest.mark.parametrize("fault", ["missing", "other content than was written"])
def test_a_damaged_file_is_named_and_not_read_as_missing_values(copied, file, fault):
    place, url = copied
    content = bytearray((place / file).read_bytes())
    content[len(content) // 2] ^= 1
    (place / file).write_bytes(content)
    if fault == "missing":
        (place / file).unlink()
    with pytest.raises(UserError, match=rf"{file}: is damaged \({fault}\). Copy the run there again"):
        engine.open_cube(url).load()


def test_a_run_that_is_not_finished_and_places_that_are_none_are_refused(copied, tmp_path):
    place, url = copied
    root = place / "cube.zarr/zarr.json"
    root.write_bytes(root.read_bytes().replace(b'"complete"', b'"incomplete"'))
    with refuses("", "has not come to its end"):
        engine.open_cube(url)
    for none in (f"{url}/none", f"file://{tmp_path}", "nowhere://x"):
        with refuses("", "no object store can be reached there", "s3://bucket/run", "file:///PATH must exist"):
            engine.open_cube(none)
