"""A finished run whose extension was refused is what it was before."""

import shutil

import pytest

from engine.run_folder.restoring import restored_if_refused
from tests.recorded import contents

FRAME = ("ledger/study.json", "study.toml", "cube.zarr/paths/zarr.json", "ledger/cube.json")


@pytest.fixture
def folder(tmp_path):
    for name in FRAME:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_a_folder_that_is_gone_is_made_again(folder):
    before = contents(folder)
    with pytest.raises(ValueError, match="refused"), restored_if_refused(folder):
        shutil.rmtree(folder / "cube.zarr")
        raise ValueError("refused")
    assert contents(folder) == before


def test_a_record_that_cannot_be_looked_at_is_no_finished_run(folder):
    (folder / "ledger/00000").mkdir()
    (folder / "ledger/00000/00000001.json").symlink_to("gone")
    with restored_if_refused(folder):
        (folder / "study.toml").write_text("extended")
    assert (folder / "study.toml").read_text() == "extended"
