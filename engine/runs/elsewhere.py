"""Futures as other packages have them: pandas data frames, ema_workbench's experiments and outcomes, ArviZ's groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from engine.errors import UserError, install
from engine.study.study import Study


def rows(study: Study, cube: xr.DataTree, paths: int | None = None) -> pd.DataFrame:
    """Futures as a data frame, one row per policy and path: the factors drawn, and the outcomes stored path by path.

    The index is (policy, path), paths numbered from 0.

    Args:
      paths: how many, from the first on; those whose draws are kept if not given.
    """
    return _rows(study, cube, _first(study, paths))


def parts_of_rows(study: Study, cube: xr.DataTree, chunk: int, paths: int | None = None) -> Iterator[pd.DataFrame]:
    """The rows of `rows` in parts of `chunk` paths, each under every policy; a part is read when its turn comes.

    Args:
      chunk: paths in a part; the last may have fewer.

    Raises:
      UserError: `chunk` is below 1.
    """
    if chunk < 1:
        raise UserError("chunks", [f"expected one path or more in a part, got {chunk}."])
    every = _first(study, paths)
    return (_rows(study, cube, every[first : first + chunk]) for first in every[::chunk])


def _first(study: Study, paths: int | None) -> range:
    """The numbers of the first futures: as many as asked for, else those whose draws are kept."""
    return range(min(study.keep.draws or study.paths if paths is None else paths, study.paths))


def _rows(study: Study, cube: xr.DataTree, paths: range) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([study.policy_names, np.asarray(paths)], names=["policy", "path"])
    draws, outcomes = _futures(cube, paths)
    columns = {str(name): np.tile(values.values, len(study.policies)) for name, values in draws.items()}
    columns |= {str(name): values.transpose("policy", "path").values.ravel() for name, values in outcomes.items()}
    return pd.DataFrame(columns, index)


def _futures(cube: xr.DataTree, paths: range) -> list[xr.Dataset]:
    """Draws and outcomes of futures with consecutive numbers, not read yet; empty where none are kept."""
    kept = [
        cube.children[name].to_dataset(inherit=False) if name in cube.children else xr.Dataset()
        for name in ("draws", "paths")
    ]
    return [held.isel({"path": slice(paths.start, paths.stop)}, missing_dims="ignore") for held in kept]


def experiments(
    study: Study, cube: xr.DataTree, paths: int | None = None
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Experiments and outcomes as ema_workbench's `perform_experiments` returns them: one row per policy and future.

    The experiments have a column for each factor, categorical by its labels if it has any, then the categorical columns
    `scenario` (number of the future), `policy` and `model`. Outcomes are one array each, in the same order of rows: by
    policy, then by future. The workbench itself is not needed.

    Args:
      paths: how many futures, from the first on; those whose draws are kept if not given.
    """
    held = rows(study, cube, paths)
    factors = [one for one in study.inputs if one.name in held]
    columns = held[[one.name for one in factors]].astype(np.float64)
    for one in factors:
        if one.labels:
            distances = np.abs(columns[[one.name]].to_numpy() - np.array([*one.labels.values()]))
            columns[one.name] = pd.Categorical.from_codes(distances.argmin(axis=1), [*one.labels])
    columns["scenario"] = pd.Categorical(held.index.get_level_values("path"))
    columns["policy"] = pd.Categorical(held.index.get_level_values("policy"), study.policy_names)
    columns["model"] = pd.Categorical([study.model_name] * len(columns))
    outcomes = {name: held[name].to_numpy() for name in study.keep.outcomes}
    return columns.reset_index(drop=True), outcomes


def inference_data(study: Study, cube: xr.DataTree, paths: int | None = None) -> Any:
    """ArviZ data of one chain: group `prior` with the draws, `prior_predictive` with the outcomes by policy.

    Both are read lazily: an `arviz.InferenceData`, or an `xarray.DataTree` from ArviZ 1.0 on, which lacks that class.

    Args:
      paths: how many futures, from the first on; those whose draws are kept if not given.

    Raises:
      UserError: ArviZ is not installed.
    """
    try:
        import arviz
    except ModuleNotFoundError as error:
        if error.name != "arviz":
            raise
        raise UserError("to_arviz", [f"needs arviz: {install('arviz')}"]) from error
    numbers = _first(study, paths)
    about = {"study": study.name, "fingerprint": study.fingerprint, "seed": study.seed}
    coords = {"chain": [0], "draw": np.asarray(numbers)}
    groups = {
        name: (
            group.drop_vars("path", errors="ignore")
            .rename(path="draw")
            .expand_dims("chain")
            .assign_coords(coords)
            .assign_attrs(about)
        )
        for name, group in zip(("prior", "prior_predictive"), _futures(cube, numbers), strict=True)
        if group.data_vars
    }
    made: Any = getattr(arviz, "InferenceData", xr.DataTree)  # from 1.0 on missing, or another name of `DataTree`
    return xr.DataTree.from_dict(groups) if issubclass(made, xr.DataTree) else made(**groups)
