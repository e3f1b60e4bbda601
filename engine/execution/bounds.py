"""Refuses yearly values outside the bounds that the model states, with the first such value of each variable."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from engine.errors import Problems
from engine.execution.nonfinite import replay_command
from engine.modelling.cell_axis import cell_layout
from engine.modelling.records import cell_names
from engine.risk.estimation.bounds import beyond, bounded, limits_of
from engine.study.study import Study


def refuse_beyond(
    study: Study, yearly: Float[np.ndarray, "policy year cell path"], out: Bool[np.ndarray, "path"] | None = None
) -> None:
    """Raises a `UserError` where a model gives yearly values outside the bounds that it states for them.

    Args:
      yearly: values of the study's first paths in all years; of any paths where `out` is None (the message then
        suggests no replay).
      out: which of the paths are excluded from all numbers, and not checked.

    Raises:
      UserError: with the first value out of bounds of every variable that has one.
    """
    model, problems = study.model, Problems()
    layout, limits = cell_layout(model), limits_of(model)
    for name in bounded(model):
        columns = layout[name]
        cells = slice(columns.first, columns.first + columns.count)
        values = yearly[:, :, cells]
        bad = beyond(values.reshape(-1, *values.shape[2:]), limits[:, cells]).reshape(values.shape)
        if out is not None:
            bad &= ~out
        if not bad.any():
            continue
        policy, year, cell, path = first = np.unravel_index(np.argmax(bad), bad.shape)
        label = cell_names(columns.dims, model.dims)[cell]
        entry, under = model.yearly[name], study.policy_names[policy]
        place = f" in {study.years[year]}" + (f" for {label}" if label else "")
        unit = f" [{entry.unit}]" if entry.unit != "1" else ""
        text = (
            f"expected {entry.bounds}{unit}, as it states, got {values[first]:.6g}{place} under '{under}'. Clip it"
            " there, or state other bounds."
        )
        if out is not None:
            text += f" See the years of path {path}: {replay_command(study, int(path), under)}"
        problems.add(f"model.yearly.{name}", text)
    problems.refuse(f"model {study.model_name}")
