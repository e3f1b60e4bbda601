"""A run found again by what it is called."""

import json
import shutil

import pytest

from engine.run_folder.finding import described
from tests.small_files import BRIDGE, MODELS, call, write


@pytest.mark.parametrize("about", [{}, {"paths": "many"}, {"paths": None, "summary": 5}, {"paths": float("nan")}])
def test_a_run_with_a_damaged_cube_is_listed_with_what_can_be_read(tmp_path, about):
    (tmp_path / "cube.zarr").mkdir()
    (tmp_path / "cube.zarr/zarr.json").write_text(json.dumps({"attributes": {"status": "complete", **about}}))
    assert described(tmp_path).startswith("not finished; run the same command again")


def test_a_run_folder_finds_the_model_that_it_was_made_with_and_a_study_file_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(MODELS, tmp_path / "model.py")
    study = write(tmp_path, BRIDGE)
    refused = call("risk", study)
    assert refused.exit_code == 2 and "unknown model 'Bridge'" in refused.stderr and "--model" in refused.stderr
    assert call("run", study, "--model", "model.py:Bridge", "--quiet", "--device", "cpu").exit_code == 0
    folder = next((tmp_path / "outputs").glob("bridge-*"))
    asked = call("risk", study, "--model", "model.py:Bridge")
    assert asked.exit_code == 0 and asked.stdout == call("risk", folder.relative_to(tmp_path)).stdout
    assert "bit for bit" in call("replay", folder, "--path", 3, "--device", "cpu").stdout
    assert "unknown model 'Bridge'" in call("risk", study).stderr
    (tmp_path / "model.py").write_text(MODELS.read_text() + "\n# changed\n")
    assert call("risk", folder).exit_code == 2
