"""The cube as a reader sees it: layout, six lines of plain xarray, extension, sameness, and what is refused."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr

import engine
from engine.errors import UserError
from engine.execution.resources import bytes_needed
from engine.risk.estimation.tables import GROUPS
from engine.run_folder import cube, ledger, reading
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK
from tests.helpers import assert_same
from tests.small_study import block_values, commit_block, entered, is_whole, make_study, make_summaries, read_paths

README, PATHS = Path(__file__).parents[2] / "README.md", BLOCK + 1000

SIX_LINES = """
cube = xr.open_datatree("outputs/rustbelt-1a2b3c4d/cube.zarr", engine="zarr", chunks={})
cube["risk"]["capital_shortfall_peak"].sel(measure="ES99").to_pandas()
cube["distribution"]["growth"].sel(region="Liaoning", quantile=[.05, .5, .95]).plot.line(x="year", col="policy")
loss = cube["paths"]["capital_shortfall_peak"]
(loss.sel(policy="reform") > loss.sel(policy="old")).mean().compute()
xr.corr(cube["draws"]["steel_recovery_years"], loss.sel(policy="old"), "path").compute()
"""


def run(folder, study, order=None):
    """A whole run without a kernel; gives the cube."""
    with entered(folder, study):
        missing = ledger.pending(RunFolder(folder, study))
        for block in [missing[k] for k in order or range(len(missing))]:
            commit_block(folder, study, block)
        stored = read_paths(folder, study, study.keep.outcomes, study.paths)
        cube.finish(RunFolder(folder, study), make_summaries(study, stored))
    return reading.open_cube(folder)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cube") / "outputs" / "rustbelt-1a2b3c4d"
    study = make_study(PATHS)
    return folder, study, run(folder, study)


def digest(folder):
    files = sorted(path for path in (folder / "cube.zarr").rglob("*") if path.is_file())
    return {path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.slow
def test_six_lines_of_xarray_run_without_this_package(finished):
    folder, study, _ = finished
    outcomes, draws = zip(*(block_values(study, block) for block in study.blocks()), strict=True)
    loss = np.concatenate(outcomes, axis=-1)[:, 0]
    script = textwrap.dedent("""
        import importlib.util, sys, warnings
        class Hidden:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "engine":
                    raise ModuleNotFoundError(name)
        sys.meta_path.insert(0, Hidden())
        import matplotlib
        matplotlib.use("Agg")
        import dask.array, pandas, xarray as xr
        warnings.simplefilter("error")
        shown = []
        for line in LINES.strip().splitlines():
            if line.partition(" ")[0] in ("cube", "loss"):
                exec(line)
            else:
                shown.append(eval(line))
        assert not any(name.partition(".")[0] == "engine" for name in sys.modules)
        print(shown[0].loc["reform", "estimate"], shown[2].item(), shown[3].item())
        """)
    found = subprocess.run(
        [sys.executable, "-c", f"LINES = {SIX_LINES!r}\n{script}"],
        cwd=folder.parent.parent,
        env={**os.environ, "MPLCONFIGDIR": str(folder.parent)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    estimate, share, correlation = map(float, found.stdout.split())
    assert estimate == 1 * 12 + 2 * 4  # numbered: reform, ES99, estimate
    assert share == np.mean(loss[1] > loss[0])
    np.testing.assert_allclose(
        correlation, np.corrcoef(draws[0]["steel_recovery_years"][:1000], loss[0, :1000])[0, 1], rtol=1e-5
    )


def test_the_six_lines_are_those_of_the_readme():
    """They are run by test_docs.py too, on a run of the shipped study."""
    shown = [line.partition("   #")[0] for line in README.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in SIX_LINES.strip().splitlines() if "open_datatree" not in line]
    assert [line for line in lines if line not in shown] == []


def test_groups_and_dimensions(finished):
    _, _, tree = finished
    found = {path: dict(node.dataset.data_vars) for path, node in ((n.path, n) for n in tree.subtree)}
    yearly = "risk/yearly comparison/yearly distribution moments diagnostics/bounds"
    others = "risk risk/reasons events comparison comparison/worse comparison/regret distribution/outcomes diagnostics"
    assert set(found) == {"/", *(f"/{place}" for place in f"paths draws {yearly} {others}".split())}
    dims = {
        "/risk": {"capital_shortfall_peak": ("policy", "measure", "stat")},
        "/events": {"probability": ("policy", "event", "stat"), "difference": ("policy", "event", "stat")},
        "/risk/yearly": {"stock": ("policy", "measure", "stat", "year", "region", "sector")},
        "/comparison/yearly": {"growth": ("policy", "stat", "year", "region")},
        "/distribution": {"price": ("policy", "quantile", "year")},
        "/moments": {"growth": ("policy", "moment", "year", "region")},
        "/paths": {"worst_two_year_growth": ("policy", "path")},
        "/draws": {"fund": ("path",)},
    }
    for group, variables in dims.items():
        for name, expected in variables.items():
            assert found[group][name].dims == expected
    level = tree["risk"]["level"].sel(measure=["VaR95", "ES99"])
    assert_same(level.values, np.array([0.95, 0.99]))
    assert (
        tree["distribution"]["stock"].sel(policy="reform", quantile=0.5, year=2017, region="Jilin", sector="coal").ndim
        == 0
    )


def test_attributes_have_no_moment_or_place(finished):
    folder, study, tree = finished
    rows = tree["events"].to_dataset().to_dataframe()
    assert len(rows) == len(study.policies) * len(study.events) * 4
    assert str(tree["events"]["rule"].sel(event="banks_wrecked").values) == "capital_shortfall_peak > 1"
    assert tree["comparison/worse"]["worst_two_year_growth"].attrs["units"] == "1"
    assert "every path" in tree["paths"].attrs["comment"]
    assert tree["distribution"]["growth"].attrs["sample_paths"] == 512
    fund = tree["draws"]["fund"]
    assert fund.attrs["units"] == "day" and fund.dtype == np.float32  # which xarray would decode as durations
    assert tree.attrs["status"] == "complete" and tree.attrs["id"] == f"small-{study.fingerprint}"
    text = "".join(path.read_text() for path in (folder / "cube.zarr").rglob("zarr.json"))
    assert os.uname().nodename not in text and str(folder) not in text


def test_shards_are_blocks_and_labels_are_strings(finished):
    folder, _, _ = finished
    root = zarr.open_group(folder / "cube.zarr", mode="r")
    array = root["paths/worst_two_year_growth"]
    assert (array.shape, array.shards, array.chunks) == ((2, PATHS), (2, BLOCK), (1, BLOCK))
    assert np.isnan(array.fill_value) and array.metadata.dimension_names == ("policy", "path")
    assert root["risk/policy"].metadata.to_dict()["data_type"] == "string"
    assert "path" not in root["paths"]
    shards = [path.name for path in (folder / "cube.zarr/draws/fund/c").iterdir()]
    assert shards == ["0"]


def test_paths_and_draws_come_back_bit_for_bit(finished):
    folder, study, tree = finished
    outcomes, draws = zip(*(block_values(study, block) for block in study.blocks()), strict=True)
    whole = np.concatenate(outcomes, axis=-1)
    stored = read_paths(folder, study, study.keep.outcomes, PATHS)
    assert_same(stored["worst_two_year_growth"], whole[:, 1])
    assert_same(read_paths(folder, study, ["worst_two_year_growth"], 10)["worst_two_year_growth"], whole[:, 1, :10])
    kept = tree["draws"]["fund"].values
    assert_same(kept[:1000], draws[0]["fund"][:1000])
    assert kept.shape == (PATHS,) and np.isnan(kept[1000:]).all()


def test_the_order_of_blocks_and_an_extension_leave_the_same_bytes(finished, tmp_path):
    folder, study, _ = finished
    run(tmp_path / "order", study, order=[1, 0])
    assert digest(tmp_path / "order") == digest(folder)
    run(tmp_path / "more", make_study(1000))
    run(tmp_path / "more", study)
    assert digest(tmp_path / "more") == digest(folder)


def test_a_run_counts_as_finished_only_after_its_summaries(tmp_path):
    study = make_study(100)
    with entered(tmp_path, study):
        assert not is_whole(tmp_path, study)
        commit_block(tmp_path, study, study.blocks()[0])
    assert not is_whole(tmp_path, study)
    with pytest.raises(UserError, match=tmp_path.name):
        reading.open_cube(tmp_path)
    run(tmp_path, study)
    assert is_whole(tmp_path, study)
    assert not is_whole(tmp_path, make_study(200))
    with pytest.raises(UserError, match="nowhere"):
        reading.open_cube(tmp_path / "nowhere")


def test_a_crash_while_summaries_are_written_leaves_whole_groups_and_can_be_run_again(tmp_path, monkeypatch):
    study = make_study(100)
    run(tmp_path, study)
    rename, calls = os.rename, []

    def failing(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        rename(*args)

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", failing)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, study)
    assert not is_whole(tmp_path, study)
    assert len(run(tmp_path, study).children) == 8
    assert not (tmp_path / "summaries.tmp").exists()


@pytest.mark.parametrize("is_file", [True, False])
def test_a_file_in_place_of_a_folder_of_an_array_is_told_as_damage(tmp_path, is_file):
    study, name = make_study(100), "worst_two_year_growth"
    run(tmp_path, study)
    array = tmp_path / "cube.zarr/paths" / name
    place = array if is_file else array / "c/0"
    shutil.rmtree(place)
    place.write_bytes(b"")
    with pytest.raises(UserError, match=rf"paths/{name}/.*: is damaged .*rustbelt repair"):
        read_paths(tmp_path, study, [name], 100)


def test_the_documentation_tells_of_every_group_as_it_is_declared():
    text = (README.parent / "docs" / "cube.md").read_text(encoding="utf-8")
    of_groups = text.partition("\n## Groups\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `/([\w/]+)` \| (.+) \| ([^|]+) \|$", of_groups, re.MULTILINE)
    told = {place: (what, dims) for place, what, dims in rows if place not in ("paths", "draws")}
    assert list(told) == [group.place for group in GROUPS]
    for group in GROUPS:
        what, dims = told[group.place]
        further = ("year", "...") if group.of == "yearly" else ()
        expected = [", ".join((*of.dims, *further)) or "none" for of in group.numbers]
        assert dims == "; ".join(dict.fromkeys(expected)), group.place
        kind = {"outcomes": "outcomes", "yearly": "yearly variables"}.get(group.of, "`")
        named = [f"`{of.name.format('<outcome>')}`" for of in group.numbers if of.name != "{}"]
        assert what.startswith(kind) and all(name in what for name in named), group.place
        assert group.optional == ("the group is absent" in what), group.place
    with_reasons = [f"`/{g.place}/reasons`" for g in GROUPS if any(of.table for of in g.numbers)]
    assert ", ".join(with_reasons) in of_groups


def test_the_estimate_bounds_what_is_written(finished):
    folder, study, _ = finished
    taken = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert 0.3 * taken < bytes_needed(study)
    shards = [p for p in (folder / "cube.zarr/paths").rglob("c/0/*") if p.is_file()]
    assert sum(p.stat().st_size for p in shards) <= 4 * 2 * 2 * 2 * BLOCK


def test_paths_are_numbered_at_no_cost_and_what_was_read_is_written_again(finished, tmp_path):
    folder, _, _ = finished
    tree = engine.open_cube(folder)
    for group in ("paths", "draws"):
        assert isinstance(tree[group].indexes["path"], pd.RangeIndex)
    one = tree["paths"].to_dataset().sel(path=7)
    assert one.equals(tree["paths"].to_dataset().isel(path=7))
    tree.to_zarr(tmp_path / "again.zarr", consolidated=False)
    again = xr.open_datatree(tmp_path / "again.zarr", engine="zarr", consolidated=False)
    assert all(again[node.path].to_dataset().identical(node.to_dataset()) for node in tree.subtree)
