"""Yearly values that lie beyond the bounds that their model states: refused, with the first of each variable and how to see it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from engine.errors import Problems
from engine.execution.nonfinite import replay_command
from engine.modelling.cell_axis import cell_layout
from engine.modelling.records import cell_names
from engine.risk.bounds import beyond, bounded, limits_of
from engine.study.study import Study


def refuse_beyond(
    study: Study, yearly: Float[np.ndarray, "policy year cell path"], paths: np.ndarray | None = None
) -> None:
    """Refuses a model that gives yearly values beyond the bounds that it states of them.

    Args:
      paths: the number of each path; None where these are no paths of the study.

    Raises:
      UserError: with all variables of which there are such values.
    """
    model, problems, limits = study.model, Problems(), limits_of(study.model)
    if not bounded(model):
        return
    bad = np.stack([beyond(yearly[:, year], limits) for year in range(yearly.shape[1])], axis=1)
    for name, columns in cell_layout(model).items():
        own = bad[:, :, columns.first : columns.first + columns.count]
        if not own.any():
            continue
        policy, year, cell, path = (int(part[0]) for part in np.nonzero(own))
        value = float(yearly[policy, year, columns.first + cell, path])
        label = cell_names(columns.dims, model.dims)[cell]
        entry, under = model.yearly[name], study.policy_names[policy]
        place = f" in {study.years[year]}" + (f" for {label}" if label else "")
        unit = f" [{entry.unit}]" if entry.unit != "1" else ""
        text = f"expected {entry.bounds}{unit}, as it states, got {value:.6g}{place} under '{under}'. Clip it there, or state other bounds."
        if paths is not None:
            number = int(paths[path])
            text += f" See the years of path {number}: {replay_command(study, number, under)}"
        problems.add(f"model.yearly.{name}", text)
    problems.refuse(f"model {study.model_name}")
