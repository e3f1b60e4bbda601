"""How risky is a policy in each year and place: tidy records of a yearly variable, from the summaries of a cube."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

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
    of_sample = cube["risk/yearly"].to_dataset()
    risk, out = of_sample[variable], of_sample.attrs.get("excluded_paths", 0)
    lost = Flag(Reason.NOT_FINITE, float(out), float(of_sample.attrs["sample_paths"])) if out else None
    gap = cube["comparison/yearly"].to_dataset()[variable].expand_dims(measure=["difference_mean"])
    others = [name for name in study.policy_names if name != study.baseline]
    return [*_records(risk, study.policy_names, lost), *_records(gap, others, lost)]


def _records(
    table: xr.DataArray, policies: tuple[str, ...] | list[str], lost: Flag | None
) -> Iterator[Record]:
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
                    estimate = Estimate.of_row(rows[m, c, y], Reason.FEW_IN_SAMPLE).flagged(lost)
                    yield record(str(measure), str(policy), str(table.name), estimate, place, int(year))
