"""Yearly numbers of the cube, from the yearly values of the first paths: means, differences, tails, quantiles."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.modelling.cell_axis import split_cells
from engine.risk.estimation.bounds import bounded, by_cell, limits_of, shares_on
from engine.risk.estimation.events import ByName, Happens
from engine.risk.estimation.influences import of_influence, oriented, rows as measured
from engine.risk.estimation.intervals import Cells, Levels, Units, as_units
from engine.risk.estimation.row_statistics import Made
from engine.risk.estimation.tails import Measured, table
from engine.study.study import Study

YearlyValues = Float[np.ndarray, "policy year cell path"]
CellPaths = Float[np.ndarray, "policy cell path"]
QUANTILES = (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
CHUNK = 1 << 22
"""Number of values that a thread sorts at a time, enough to outweigh the overhead of a NumPy call."""


def of_parts(study: Study, paths: int, parts: Iterable[YearlyValues], kept: Happens | None = None) -> dict[str, Any]:
    """Yearly fields of `Summaries`: moments, differences of means, VaR and ES, quantiles, shares on bounds.

    Errors and intervals are over independent units of paths, as in `measures`. All numbers of a cell with a non-finite
    value are NaN; its differences also where the baseline's cell has one.

    Args:
      paths: number of paths.
      parts: values of the first paths, some years each, of which one part is in memory at a time.
      kept: which paths are used, bool [path], where some are left out (`events.py`); all if not given.
    """
    units, some = as_units(paths, study.unit), slice(None) if kept is None else kept
    units = units if kept is None else units.take(kept)
    tables = list(map(lambda part: _of_years(study, part, units, some), parts))  # map frees each part
    found: dict[str, Any] = {
        name: split_cells(study.model, np.concatenate([table[name] for table in tables], axis=-2)) for name in tables[0]
    }
    found["on_bounds"] = {name: found["on_bounds"][name] for name in bounded(study.model)}
    out = {} if kept is None else {"yearly_excluded": int(np.sum(~kept))}
    return {**found, "quantiles": QUANTILES, "yearly_sample": paths, **out}


def _of_years(study: Study, yearly: YearlyValues, units: Units, kept: Happens | slice) -> dict[str, np.ndarray]:
    """Tables of some years, [..., year, cell] each."""
    n_policies, n_years, n_cells, n_paths = yearly.shape
    baseline = study.row(study.baseline)
    losses = [1 if variable.loss else -1 for variable in study.model.yearly.values()]
    sign, limits = by_cell(study.model, losses).astype(np.float32), limits_of(study.model)
    fair = -(-n_years * n_cells // (2 * (os.cpu_count() or 1)))  # so that every core has some
    step = max(min(CHUNK // (n_policies * max(n_paths, 1)), fair), 1)

    def of_place(place: tuple[int, int]) -> dict[str, np.ndarray]:
        year, first = place
        cells = slice(first, first + step)
        values = yearly[:, year, cells][..., kept]
        own = _of_cells(values, sign[cells], units, baseline, study.levels)
        return {**own, "on_bounds": shares_on(values, limits[:, cells])}

    # NumPy releases the GIL while it sorts and sums
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = list(threads.map(of_place, product(range(n_years), range(0, n_cells, step))))
    tables = {name: np.concatenate([part[name] for part in found], axis=-1) for name in found[0]}
    return {name: table.reshape(*table.shape[:-1], n_years, n_cells) for name, table in tables.items()}


def _of_cells(values: CellPaths, sign: Cells, units: Units, baseline: int, levels: Levels) -> ByName:
    """Tables of some cells of one year, the cell axis last, from values [policy, cell, path].

    Args:
      sign: of each cell: 1 where high values are bad, else -1.
    """
    n_policies, n_cells, n_paths = values.shape
    losses = values if (sign > 0).all() else values * sign[:, None]
    unsound = ~np.isfinite(losses).all(axis=-1)
    if unsound.any():
        losses = np.where(unsound[..., None], 0, losses)
    rows, high_is_bad = Measured(losses.reshape(-1, n_paths), units, levels), sign > 0
    gaps = [of_influence(Made.of("difference", row) - Made.of("difference", losses[baseline]), units) for row in losses]
    of_gap = np.stack([gap.column for gap in gaps], axis=1)
    of_risk = np.stack(table(rows.measures, rows.constant)).reshape(4, n_policies, n_cells, -1)
    unsigned = [not row.signed for row, _ in measured(levels)]
    moments = np.stack([rows.mean.value, rows.deviation.value, rows.mean.column[1]]).reshape(3, n_policies, n_cells)
    moments[0] *= sign
    tables = {
        "moments": moments.swapaxes(0, 1),
        "difference_yearly": np.stack(oriented(of_gap, high_is_bad), axis=1),
        "risk_yearly": np.stack(oriented(of_risk, high_is_bad[:, None] | unsigned)).transpose(1, 3, 0, 2),
        "distribution": _quantiles(np.asarray(rows.ascending).reshape(values.shape), sign),
    }
    for name, part in tables.items():
        gone = unsound | unsound[baseline] if name == "difference_yearly" else unsound
        np.moveaxis(part, -1, 1)[gone] = np.nan
    return tables


def _quantiles(ascending: CellPaths, sign: Cells) -> Float[np.ndarray, "policy quantile cell"]:
    """Interpolated quantiles of values [policy, cell, path], from the sorted values times `sign`."""
    last = ascending.shape[-1] - 1
    at = np.array(QUANTILES) * last
    below = np.floor(at).astype(int)
    above = np.minimum(below + 1, last)
    weight = (at - below).astype(ascending.dtype)
    low, high = (
        np.where(sign[:, None] > 0, ascending[..., rank], -ascending[..., last - rank]) for rank in (below, above)
    )
    return np.moveaxis(low + weight * (high - low), 2, 1)
