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
    draws, outcomes, count = _first_futures(study, cube, paths)
    return _rows(study, draws, outcomes, range(count))


def parts_of_rows(study: Study, cube: xr.DataTree, chunk: int, paths: int | None = None) -> Iterator[pd.DataFrame]:
    """The rows of `rows` in parts of `chunk` paths, each under every policy; a part is read when its turn comes.

    Args:
      chunk: paths in a part; the last may have fewer.

    Raises:
      UserError: `chunk` is below 1.
    """
    if chunk < 1:
        raise UserError("chunks", [f"expected one path or more in a part, got {chunk}."])
    draws, outcomes, count = _first_futures(study, cube, paths)
    spans = [range(first, min(first + chunk, count)) for first in range(0, count, chunk)]
    return (_rows(study, _part(draws, span), _part(outcomes, span), span) for span in spans)


def _part(held: xr.Dataset, paths: range) -> xr.Dataset:
    return held.isel({"path": slice(paths.start, paths.stop)}, missing_dims="ignore")


def _rows(study: Study, draws: xr.Dataset, outcomes: xr.Dataset, paths: range) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([study.policy_names, np.asarray(paths)], names=["policy", "path"])
    columns = {str(name): np.tile(values.values, len(study.policies)) for name, values in draws.items()}
    columns |= {str(name): values.transpose("policy", "path").values.ravel() for name, values in outcomes.items()}
    return pd.DataFrame(columns, index)


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
    draws, outcomes, count = _first_futures(study, cube, paths)
    columns = _rows(study, draws, xr.Dataset(), range(count)).astype(np.float64)
    for one in study.inputs:
        if one.labels and one.name in columns:
            distances = np.abs(columns[[one.name]].to_numpy() - np.array([*one.labels.values()]))
            columns[one.name] = pd.Categorical.from_codes(distances.argmin(axis=1), [*one.labels])
    policy, scenario = columns.index.get_level_values("policy"), columns.index.get_level_values("path")
    columns["scenario"] = pd.Categorical(scenario)
    columns["policy"] = pd.Categorical(policy, study.policy_names)
    columns["model"] = pd.Categorical([study.model_name] * len(columns))
    by_row = _rows(study, xr.Dataset(), outcomes, range(count))
    return columns.reset_index(drop=True), {str(name): by_row[name].to_numpy() for name in by_row}


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
    draws, outcomes, count = _first_futures(study, cube, paths)
    about = {"study": study.name, "fingerprint": study.fingerprint, "seed": study.seed}
    numbers = {"chain": [0], "draw": np.arange(count)}
    groups = {
        name: (
            group.drop_vars("path", errors="ignore")
            .rename(path="draw")
            .expand_dims("chain")
            .assign_coords(numbers)
            .assign_attrs(about)
        )
        for name, group in (("prior", draws), ("prior_predictive", outcomes))
        if group.data_vars
    }
    made: Any = getattr(arviz, "InferenceData", xr.DataTree)  # from 1.0 on missing, or another name of `DataTree`
    return xr.DataTree.from_dict(groups) if issubclass(made, xr.DataTree) else made(**groups)


def _first_futures(study: Study, cube: xr.DataTree, paths: int | None) -> tuple[xr.Dataset, xr.Dataset, int]:
    """Draws and outcomes of the first futures, not read yet, and how many futures these are."""
    count = min(study.keep.draws or study.paths if paths is None else paths, study.paths)
    draws, outcomes = (
        _part(cube.children[name].to_dataset(inherit=False), range(count)) if name in cube.children else xr.Dataset()
        for name in ("draws", "paths")
    )
    return draws, outcomes, count
