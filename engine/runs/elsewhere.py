"""Futures as other packages have them: pandas data frames, and experiments and outcomes of ema_workbench."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from engine.errors import UserError
from engine.study.study import Study


def rows(study: Study, cube: xr.DataTree, paths: int | range | None = None) -> pd.DataFrame:
    """Futures as a data frame, one row per policy and path: the factors drawn, and the outcomes stored path by path.

    The index is (policy, path), paths numbered from 0.

    Args:
      paths: how many, from the first on, or consecutive numbers; those whose draws are kept if not given.

    Raises:
      UserError: the numbers are negative or not consecutive.
    """
    if not isinstance(paths, range):
        paths = range(study.keep.draws or study.paths if paths is None else paths)
    if paths.step != 1 or min(paths.start, paths.stop) < 0:
        raise UserError("paths", [f"expected a number, or consecutive numbers such as range(1000), got {paths}."])
    numbers = range(study.paths)[paths.start : paths.stop]
    index = pd.MultiIndex.from_product([study.policy_names, np.asarray(numbers)], names=["policy", "path"])
    kept = [cube.children[name].to_dataset(inherit=False) for name in ("draws", "paths") if name in cube.children]
    columns = {}
    for group in kept:
        for name, values in group.isel({"path": slice(numbers.start, numbers.stop)}, missing_dims="ignore").items():
            by_policy = values if "policy" in values.dims else values.expand_dims(policy=len(study.policies))
            columns[str(name)] = by_policy.transpose("policy", "path").values.ravel()
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
