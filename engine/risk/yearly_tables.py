"""How risky is a policy in each year and place: tidy records of a yearly variable, from the summaries of a cube."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import xarray as xr

from engine.risk.flags import Flag, Reason
from engine.risk.intervals import Estimate
from engine.risk.summaries import STATS
from engine.risk.tables import Record, record
from engine.study.study import Study


def yearly_table(study: Study, cube: xr.DataTree, variable: str) -> list[Record]:
    """Mean, VaR and ES of a yearly variable by policy, year and cell; then differences of means from the baseline.

    Args:
      cube: of a finished run, as `open_cube` gives it.
    """
    risk = cube["risk/yearly"].to_dataset()[variable]
    gap = cube["comparison/yearly"].to_dataset()[variable].expand_dims(measure=["difference_mean"])
    others = [name for name in study.policy_names if name != study.baseline]
    return [*_records(risk, study.policy_names), *_records(gap, others)]


def _records(table: xr.DataArray, policies: tuple[str, ...] | list[str]) -> Iterator[Record]:
    dims = [str(dim) for dim in table.dims if dim not in ("policy", "measure", "stat", "year")]
    ordered = table.transpose("policy", "measure", *dims, "year", "stat").sel(stat=list(STATS)).compute()
    measures, years = ordered["measure"].values.tolist(), ordered["year"].values.tolist()
    labels = [ordered[dim].values.tolist() for dim in dims]
    for policy in policies:
        rows = ordered.sel(policy=policy).values.reshape(len(measures), -1, len(years), len(STATS))
        for m, measure in enumerate(measures):
            for c, cell in enumerate(itertools.product(*labels)):
                place = dict(zip(dims, map(str, cell), strict=True))
                for y, year in enumerate(years):
                    estimate = _estimate(rows[m, c, y])
                    yield record(str(measure), str(policy), str(table.name), estimate, place, int(year))


def _estimate(row: np.ndarray) -> Estimate:
    estimate, error, low, high = (float(value) for value in row)
    return Estimate(estimate, error, low, high, () if math.isfinite(low) else (Flag(Reason.FEW_IN_SAMPLE),))
