"""What the cube says of a year and a place is what single paths say, one by one."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from jax.sharding import Mesh

import engine
from engine.modelling.cell_axis import split_cells
from engine.program.programs import program_on
from engine.runs.replay import replay
from engine.study.loading import load_study
from engine.study.study import Study
from tests.helpers import assert_close, assert_same
from tests.user_models import farms, program

TEN = [
    ("old", "displaced_pool", 2020, {"region": "Liaoning"}),
    ("reform", "displaced_pool", 2030, {"region": "Heilongjiang"}),
    ("reform", "cut_layoffs", 2017, {"region": "Liaoning", "sector": "steel"}),
    ("old", "zombie_share", 2030, {"region": "Jilin", "sector": "cement"}),
    ("reform", "soe_default_share", 2019, {"region": "Heilongjiang", "sector": "coal"}),
    ("old", "true_capital_ratio", 2025, {"region": "Jilin"}),
    ("reform", "growth", 2016, {"region": "Liaoning"}),
    ("old", "price_gap", 2018, {"sector": "coal"}),
    ("reform", "northeast_gdp_index", 2030, {}),
    ("old", "public_cost", 2022, {"region": "Rest of China"}),
]


def all_paths(study: Study) -> xr.Dataset:
    """Every yearly value of every path, labelled, from single tiles."""
    made = program(study)
    step = study.tile * made.mesh.devices.size
    parts = [made.trace(first).yearly for first in range(0, study.paths, step)]
    values = np.concatenate(parts, axis=-1)[..., : study.paths].astype(np.float64)
    coords = {"policy": list(study.policy_names), "year": list(study.years)}
    coords |= {dim: list(labels) for dim, labels in study.model.dims.items()}
    variables = {
        name: (("policy", "year", *study.model.yearly[name].dims, "path"), part)
        for name, part in split_cells(study.model, values, axis=2).items()
    }
    return xr.Dataset(variables, coords)


def check(cube: xr.DataTree, paths: xr.Dataset, policy: str, name: str, year: int, labels: dict) -> None:
    """Asserts that moments, quantiles and risk of one cell are those of the paths."""
    where = {"policy": policy, "year": year, **labels}
    values = paths[name].sel(where).values
    assert values.ndim == 1
    moments = cube["moments"][name].sel(where)
    # moments come from sums in single precision, so they are close at the size of the values
    size = np.abs(values).max() or 1.0
    assert_close(1 + moments.sel(moment="mean").values / size, 1 + values.mean() / size, np.float32)
    assert_close(1 + moments.sel(moment="standard_deviation") / size, 1 + values.std(ddof=1) / size, np.float32)
    spread = cube["distribution"][name].sel(where)
    assert_close(spread.values, np.quantile(values, spread["quantile"].values), np.float32)
    estimates = cube["risk/yearly"][name].sel(where).sel(stat="estimate")
    assert_close(1 + estimates.sel(measure="mean") / size, 1 + values.mean() / size, np.float32)


def check_replay(study: Study, paths: xr.Dataset, number: int) -> None:
    """Asserts that a path looked at alone has the yearly values that it has among all."""
    shown = replay(study, number, device="cpu")["yearly"]
    for name in study.model.yearly:
        many = paths[name]
        size = float(np.abs(many).max()) or 1.0  # another program than that of single tiles, so rounding differs
        one = shown[name].transpose(*many.isel(path=0).dims)
        assert_close(1 + one.values / size, 1 + many.isel(path=number).values / size, np.float32)


def test_every_cell_of_a_small_study(tmp_path: Path):
    study = farms(paths=1000)
    engine.run(study, tmp_path / "run", device="cpu")
    paths = all_paths(study)
    with engine.open_cube(tmp_path / "run") as cube:
        assert "paths 0 to 999" in cube["distribution"].attrs["comment"]
        for name, variable in study.model.yearly.items():
            places = itertools.product(*(study.model.dims[dim] for dim in variable.dims))
            for policy, year, place in itertools.product(study.policy_names, (2016, 2021), list(places)):
                check(cube, paths, policy, name, year, dict(zip(variable.dims, place, strict=True)))


@pytest.mark.slow
def test_ten_cells_of_the_rustbelt(tmp_path: Path):
    study = load_study("rustbelt", paths=3000)
    engine.run(study, tmp_path / "run", device="cpu")
    paths = all_paths(study)
    with engine.open_cube(tmp_path / "run") as cube:
        assert set(cube["moments"].data_vars) == set(cube["distribution"].data_vars) == set(study.model.yearly)
        for name, variable in study.model.yearly.items():
            for group in ("moments", "distribution"):
                assert set(cube[group][name].dims) - {"policy", "moment", "quantile", "year"} == set(variable.dims)
        for cell in TEN:
            check(cube, paths, *cell)
    check_replay(study, paths, 2999)


def test_the_first_years_are_the_same_bits_on_one_device_and_on_all():
    study = farms()
    all_devices = program(study)
    one = program_on(study, Mesh(all_devices.mesh.devices[:1], all_devices.mesh.axis_names))
    for count in (1, 700, 1024):
        found = one.first_years(count)
        assert found.shape[-1] == count
        assert_same(found, all_devices.first_years(count))
    assert_same(found[..., :256], one.trace(0).yearly[..., :256])
