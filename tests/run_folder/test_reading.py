"""A cube is read as its ledger records it: damaged and missing files are named, whatever zarr makes of them."""

import shutil

import pytest
import xarray as xr

from engine.errors import UserError
from engine.run_folder import cube
from engine.run_folder.folder import RunFolder
from engine.run_folder.reading import open_cube
from tests.small_study import block_values, commit_block, entered, make_study, make_summaries

RISK, SHARD, DRAWS = "risk/worst_two_year_growth/c.0.0.0", "paths/worst_two_year_growth/c/0/0", "draws/fund/c/0"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder, study = tmp_path_factory.mktemp("recorded") / "run", make_study(4000)
    folder.mkdir()
    with entered(folder, study):
        commit_block(folder, study, study.block(0))
        outcomes = dict(zip(study.model.outcomes, block_values(study, study.block(0))[0].swapaxes(0, 1), strict=True))
        cube.finish(RunFolder(folder, study), make_summaries(study, outcomes))
    return folder


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


def read(folder):
    open_cube(folder).load()


def test_a_whole_cube_is_what_xarray_reads(run):
    mine = open_cube(run, by_dask=False, unfinished=True)
    theirs = xr.open_datatree(run / "cube.zarr", engine="zarr")
    for node in theirs.subtree:
        xr.testing.assert_identical(mine[node.path].to_dataset().drop_vars("path", errors="ignore"), node.to_dataset())


@pytest.mark.parametrize("how", ["flipped", "longer", "missing"])
@pytest.mark.parametrize("file", ["zarr.json", RISK, SHARD, DRAWS])
def test_a_damaged_file_is_named(run, file, how):
    place = run / "cube.zarr" / file
    content = bytearray(place.read_bytes())
    content[len(content) // 2] ^= 1
    place.write_bytes(content if how == "flipped" else content + b"\0")
    if how == "missing":
        place.unlink()
    with pytest.raises(UserError, match=rf"cube.zarr/{file}: is damaged .*rustbelt repair"):
        read(run)


def test_a_block_without_a_record_is_not_read_as_fill_values(run):
    (run / "ledger/00000/00000000.json").unlink()
    with pytest.raises(UserError, match="block 0 has no record"):
        read(run)
