"""What the worst futures have in common, as labelled groups beside the cube of the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from engine.analyses.explanation import FACTOR, SHOCK, Driver, Explanation
from engine.analyses.explanation_records import finding
from engine.analyses.prior_scores import BINS
from engine.risk.intervals import Estimate
from engine.risk.place_parts import by_variable
from engine.risk.summaries import STATS
from engine.run_folder.cube_groups import described, described_value, labels

SLOPES = ("location", "scale", "location_per_unit", "scale_per_unit")
_SHIFT = "mean of the worst futures less the prior's, in its standard deviations"
_MEAN = "mean of the worst futures, in the input's unit"
_DENSITY = "share of the worst futures in each tenth of the prior, over a tenth"


def labelled(given: Explanation) -> dict[str, xr.Dataset]:
    """The groups by place: `factors`, `shocks`, `slopes`, `places/DIM`, `reverse` and `worst`, those that there are."""
    what, study = given.watched, given.study
    total = [given.measured[name] for name in given.measured]
    attributes: dict[str, Any] = {
        "title": study.name,
        "summary": finding(given),
        "id": f"{study.name}-{study.fingerprint}",
        "paths": study.paths,
        "worst_paths": given.tail_count,
        "excluded_paths": given.futures.excluded,
        "variable": what.variable,
        "policy": what.policy,
        "is_event": int(what.event is not None),
        "unit": given.unit,
        "comment": f"the worst futures of paths 0 to {study.paths - 1} of the run",
        "without_places": given.without_places,
    }
    if what.level is not None:
        attributes["level"] = what.level
    groups = {"/": xr.Dataset(attrs=attributes)}
    measured = xr.Variable(("measure", "stat"), _rows(total), described(f"of {what.variable}", given.unit))
    groups["measured"] = xr.Dataset(
        {"value": measured}, {"measure": labels("measure", [*given.measured], "measure"), "stat": _stat()}
    )
    factors = [one for one in given.drivers if one.kind == FACTOR]
    if factors:
        groups["factors"] = _of_factors(factors)
    shocks = [one for one in given.drivers if one.kind == SHOCK]
    if shocks:
        groups["shocks"] = _of_shocks(shocks)
    if given.slopes:
        groups["slopes"] = _of_slopes(given)
    for dim in dict.fromkeys(one.dim for one in given.places):
        own = [one for one in given.places if one.dim == dim]
        part = xr.Variable(
            (dim, "stat"), _rows([one.part for one in own]), described("part of it", given.unit)
        )
        where = labels(dim, [one.label for one in own], dim)
        groups[f"places/{dim}"] = xr.Dataset({"part": part}, {dim: where, "stat": _stat()})
    if given.levers:
        effect = xr.Variable(
            ("lever", "stat"), _rows([one.effect for one in given.levers]),
            described(f"{given.measure} with the lever a tenth more less that as it is", given.unit),
        )  # fmt: skip
        groups["levers"] = xr.Dataset(
            {"effect": effect},
            {"lever": labels("lever", [one.lever for one in given.levers], "lever"), "stat": _stat()},
        )
    if given.mechanisms is not None:
        of = given.mechanisms
        share = xr.Variable(
            ("assumption", "stat"), _rows(of.shares), described("its Shapley share", given.unit)
        )
        groups["mechanisms"] = xr.Dataset(
            {
                "share": share,
                "whole": xr.Variable(
                    "stat", _rows([of.whole])[0], described("as stated less all off", given.unit)
                ),
            },
            {"assumption": labels("assumption", of.names, "assumption"), "stat": _stat()},
            {"paths": of.paths, "coalitions": of.coalitions},
        )
    groups["reverse"] = _reverse(given)
    groups["worst"] = xr.Dataset(
        {
            name: ("path", values, described_value(study, "outcomes", name))
            for name, values in given.worst_values.items()
        },
        {
            "path": xr.Variable(
                "path", np.array(given.worst, np.int64), described("number of the future", "1")
            )
        },
    )
    return groups


def _of_factors(rows: Sequence[Driver]) -> xr.Dataset:
    variables = {
        "shift": xr.Variable(("factor", "stat"), _rows([one.shift for one in rows]), described(_SHIFT, "1")),
        "mean": xr.Variable(("factor", "stat"), _rows([one.mean for one in rows]), described(_MEAN, "1")),
        "density": xr.Variable(
            ("factor", "tenth", "stat"), np.stack([_rows(one.density) for one in rows]), described(_DENSITY, "1")
        ),
        "prior_mean": xr.Variable("factor", np.array([one.prior[0] for one in rows]), described("mean of the prior", "1")),
        "prior_sd": xr.Variable("factor", np.array([one.prior[1] for one in rows]), described("standard deviation of the prior", "1")),
    }  # fmt: skip
    coords = {
        "factor": labels("factor", [one.name for one in rows], "factor"),
        "unit": labels("factor", [one.unit for one in rows], "unit of the factor"),
        "tenth": _tenths(),
        "stat": _stat(),
    }
    return xr.Dataset(variables, coords)


def _of_shocks(rows: Sequence[Driver]) -> xr.Dataset:
    streams = list(dict.fromkeys(one.name for one in rows))
    years = sorted({one.year for one in rows if one.year is not None})
    by_place = {(one.name, one.year): one for one in rows}

    def table(of: Callable[[Driver], np.ndarray]) -> np.ndarray:
        none = np.full_like(of(rows[0]), np.nan)
        cells = [
            [of(by_place[stream, year]) if (stream, year) in by_place else none for year in years]
            for stream in streams
        ]
        return np.array(cells)

    dims = ("shock", "year")
    variables = {
        "shift": xr.Variable((*dims, "stat"), table(lambda one: _rows([one.shift])[0]), described(_SHIFT, "1")),
        "mean": xr.Variable((*dims, "stat"), table(lambda one: _rows([one.mean])[0]), described(_MEAN, "1")),
        "density": xr.Variable((*dims, "tenth", "stat"), table(lambda one: _rows(one.density)), described(_DENSITY, "1")),
        "prior_mean": xr.Variable(dims, table(lambda one: np.array(one.prior[0])), described("mean of the prior", "1")),
        "prior_sd": xr.Variable(dims, table(lambda one: np.array(one.prior[1])), described("standard deviation of the prior", "1")),
    }  # fmt: skip
    coords = {
        "shock": labels("shock", streams, "shock"),
        "year": xr.Variable("year", np.array(years), described("calendar year", "year")),
        "tenth": _tenths(),
        "stat": _stat(),
    }
    return xr.Dataset(variables, coords)


def _of_slopes(given: Explanation) -> xr.Dataset:
    rows = np.stack([_rows([getattr(one, name) for one in given.slopes]) for name in SLOPES], axis=1)
    about = f"change of {given.measure} with a prior's location and scale, for a standard deviation of it or a unit of the factor"
    coords = {
        "factor": labels("factor", [one.factor for one in given.slopes], "factor"),
        "parameter": labels("parameter", SLOPES, "what of the prior is changed"),
        "stat": _stat(),
    }
    slope = xr.Variable(("factor", "parameter", "stat"), rows, described(about, given.unit))
    return xr.Dataset({"slope": slope}, coords)


def _reverse(given: Explanation) -> xr.Dataset:
    reverse, study = given.reverse, given.study
    found = {"distance": float(reverse.distance), "starts": reverse.starts[0], "slid": reverse.starts[1]}
    if reverse.trace is None:
        return xr.Dataset(attrs=found)
    trace = reverse.trace
    variables = {
        "draw": xr.Variable("factor", trace.draws[:, 0], described("draw of the factor, in its unit", "1")),
        "score": xr.Variable("factor", np.array([*reverse.scores.values()]), described("normal score of the draw", "1")),
        "share": xr.Variable("input", np.array([*reverse.share.values()]), described("share of the squared distance", "1")),
    }  # fmt: skip
    coords: dict[str, Any] = {
        "factor": labels("factor", [*reverse.scores], "factor"),
        "input": labels("input", [*reverse.share], "group, factor or shock that is drawn apart"),
    }
    years = xr.Variable("year", np.array(study.years), described("calendar year", "year"))
    if trace.shocks is not None:
        streams = [stream for of in study.shock_streams.values() for stream in of]
        variables["shock"] = xr.Variable(
            ("year", "stream"), trace.shocks[..., 0], described("shock of the year", "1")
        )
        coords |= {"stream": labels("stream", streams, "shock"), "year": years}
    if trace.yearly is not None:
        yearly = study.model.yearly
        for name, values in by_variable(study, trace.yearly[given.watched.at, :, :, 0]).items():
            dims = tuple(f"of_{dim}" for dim in yearly[name].dims)
            about = described_value(study, "yearly", name)
            variables[f"yearly_{name}"] = xr.Variable(("year", *dims), values, about)
            coords |= {"year": years} | {
                f"of_{dim}": labels(f"of_{dim}", study.model.dims[dim], dim) for dim in yearly[name].dims
            }
    for k, name in enumerate(study.model.outcomes):
        value = trace.outcomes[given.watched.at, k, 0]
        variables[f"outcome_{name}"] = xr.Variable((), value, described_value(study, "outcomes", name))
    return xr.Dataset(variables, coords, found)


def _rows(estimates: Sequence[Estimate]) -> np.ndarray:
    rows = [[one.estimate, one.standard_error, one.low, one.high] for one in estimates]
    return np.array(rows, np.float64).reshape(-1, len(STATS))


def _stat() -> Any:
    return labels("stat", STATS, "the estimate, its standard error, its 95 % interval")


def _tenths() -> xr.Variable:
    return xr.Variable(
        "tenth", np.arange(1, BINS + 1), described("tenth of the prior, from the lowest on", "1")
    )
