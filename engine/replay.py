"""One path in full: its draws, its years and its outcomes under every policy, labelled."""

from __future__ import annotations

import numpy as np
import xarray as xr

from engine import devices
from engine.errors import Problem, UserError
from engine.reducers import split_cells
from engine.study import Study
from engine.summaries import described, described_value, policies, words


def replay(study: Study, path: int, device: str | None = None) -> xr.DataTree:
    """What happens on one path, computed anew: groups `yearly`, `outcomes` (by policy) and `draws`.

    On the device kind and with the versions of the run, the outcomes are those of its cube, bit for bit. It is the
    program of the run that computes them, on few paths, so the time is that of compiling.

    Args:
      path: number of the future, from 0.
      device: "cpu" or "gpu"; the GPUs if there are any.

    Raises:
      UserError: the study has no such path.
    """
    if not 0 <= path < study.paths:
        raise UserError(study.source, [Problem("--path", f"expected 0 to {study.paths - 1}, got {path}.")])
    devices.use_compilation_cache()
    found = devices.program(study, device).path(path)
    by_policy = {"policy": policies(study)}
    groups = {
        "/": xr.Dataset(
            attrs={"title": study.name, "path": path, "seed": study.seed, "summary": study.question}
        )
    }
    if found.yearly is not None:
        coords = {"year": xr.Variable("year", np.array(study.years), described("calendar year", "year"))}
        for dim, labels in study.model.dims.items():
            coords[dim] = xr.Variable(dim, np.array(labels, dtype=object), described(words(dim), "1"))
        variables = {
            name: xr.Variable(
                ("policy", "year", *study.model.yearly[name].dims),  # type: ignore[attr-defined]
                values,
                described_value(name, study.model.yearly[name]),  # type: ignore[attr-defined]
            )
            for name, values in split_cells(study.model, found.yearly[..., 0]).items()
        }
        groups["yearly"] = xr.Dataset(variables, by_policy | coords)
    groups["outcomes"] = xr.Dataset(
        {
            name: xr.Variable("policy", found.outcomes[:, k, 0], described_value(name, outcome))
            for k, (name, outcome) in enumerate(study.model.outcomes.items())
        },
        by_policy,
    )
    groups["draws"] = xr.Dataset(
        {
            item.name: xr.Variable(
                (), found.draws[k, 0], described(item.about or words(item.name), item.unit)
            )
            for k, item in enumerate(study.inputs)
        }
    )
    return xr.DataTree.from_dict(groups)
