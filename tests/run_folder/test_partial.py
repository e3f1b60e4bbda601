"""A run that has not come to its end, read all the same: what is there, with intervals over what is there."""

import numpy as np
import pytest

import engine
from engine.execution import results
from engine.execution.work import Work
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK
from tests.helpers import assert_same
from tests.recorded import played_back, study_in
from tests.refusals import refuses
from tests.small_files import MODELS, call, ran
from tests.small_study import entered

DONE = (0, 2)


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    """Blocks 0 and 2 of four, and the yearly sample; and the model."""
    place = tmp_path_factory.mktemp("half")
    study = study_in(place, 4 * BLOCK)
    folder = RunFolder(place / "run", study)
    with entered(folder.path, study):
        list(Work(folder, played_back(place).program).blocks([*map(study.block, DONE)], yearly=True))
    return place / "run", study


def test_it_is_refused_unless_asked_for(half):
    folder, study = half
    with refuses("", "partial=True"):
        engine.open_cube(folder)
    with refuses("", "blocks 1, 3", "--partial"):
        results.of_run(RunFolder(folder, study))


def test_tables_and_paths_are_those_of_the_blocks_that_are_there(half):
    folder, study = half
    tree = engine.open_run(folder, study.model, partial=True).cube
    assert (tree.attrs["status"], tree.attrs["paths"], tree.attrs["paths_asked"]) == ("partial", 2 * BLOCK, 4 * BLOCK)
    assert tree.attrs["blocks"] == list(DONE)
    outcomes = played_back(folder.parent).program._arrays["outcomes"]
    names = list(study.model.outcomes)
    there = np.concatenate([outcomes[..., b * BLOCK : (b + 1) * BLOCK] for b in DONE], axis=-1)
    stock = tree["paths"]["lowest_stock"]
    assert_same(stock.values, there[:, names.index("lowest_stock")])
    assert_same(stock["path"].values, np.concatenate([np.arange(b * BLOCK, (b + 1) * BLOCK) for b in DONE]))
    assert int(tree["diagnostics"]["n_paths"]) == 2 * BLOCK
    own = tree["risk"]["lowest_stock"].sel(policy="use", measure="mean")
    values = there[1, names.index("lowest_stock")].astype(np.float64)
    np.testing.assert_allclose(own.sel(stat="estimate"), values.mean(), rtol=1e-6)
    # an honest interval: as wide as so many paths make it, not as so many as were asked for
    units = values.reshape(-1, study.unit).mean(axis=1)
    expected = units.std(ddof=1) / np.sqrt(len(units))
    np.testing.assert_allclose(own.sel(stat="standard_error"), expected, rtol=1e-3)
    assert "2 blocks, of 524,288" in tree["risk"].attrs["comment"]
    assert tree["risk/yearly"].data_vars and tree["distribution"].data_vars


def test_the_command_prints_what_is_there(half):
    folder, _ = half
    words = ["risk", folder, "--model", f"{MODELS}:Pond"]
    refused = call(*words)
    assert refused.exit_code == 2 and "blocks 1, 3" in refused.stderr and "--partial" in refused.stderr
    shown = ran(*words, "--partial")
    assert "262,144 paths" in shown.stdout and "dry" in shown.stdout
    ran(*words, "--partial", "--given", "lowest_stock > 1")


def test_nothing_at_all_is_refused(tmp_path):
    study = study_in(tmp_path, 100)
    with entered(tmp_path / "run", study):
        pass
    with refuses("", "no block"):
        engine.open_run(tmp_path / "run", study.model, partial=True).risk()


def test_where_all_that_was_done_is_damaged_it_is_said_how_to_mend_it(tmp_path):
    study = study_in(tmp_path, 100)
    engine.run(study, tmp_path / "run")
    next((tmp_path / "run/cube.zarr/paths").glob("*/c/0/0")).write_bytes(b"")
    with refuses("", "block 0", "rustbelt repair"):
        engine.run(study_in(tmp_path, 10), tmp_path / "run")
