"""What the cube says of a year and a place is what single paths say, one by one."""

import itertools
from pathlib import Path

import numpy as np
import xarray as xr

import engine
from engine.modelling.cell_axis import split_cells
from engine.study.study import Study
from tests.helpers import assert_close
from tests.user_models import farms, program


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
