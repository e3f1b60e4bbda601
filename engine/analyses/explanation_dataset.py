"""What the worst futures have in common, as labelled groups beside the cube of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from engine.analyses.explanation import Explanation
from engine.analyses.explanation_records import finding
from engine.analyses.prior_scores import BINS
from engine.analyses.reverse_stress import FailurePoint
from engine.analyses.tail_drivers import FACTOR, SHOCK, Driver
from engine.risk.place_parts import by_variable
from engine.run_folder.cube_groups import described, described_value, labels
from engine.run_folder.stored_estimates import estimates, taken_apart

SLOPES = ("location", "scale", "location_per_unit", "scale_per_unit")
_DISTANCE = "variance of the density by tenths over the prior's, less what chance adds"
_P_VALUE = "p value that the worst futures are as the prior has them, each by itself"
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
    measured = estimates("measure", total, described(f"of {what.variable}", given.unit))
    groups["measured"] = xr.Dataset(
        {"value": measured}, {"measure": labels("measure", [*given.measured], "measure")}
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
        part = estimates(dim, [one.part for one in own], described("part of it", given.unit))
        where = labels(dim, [one.label for one in own], dim)
        groups[f"places/{dim}"] = xr.Dataset({"part": part}, {dim: where})
    if given.levers:
        effect = estimates(
            "lever", [one.effect for one in given.levers],
            described(f"{given.measure} with the lever a tenth more less that as it is", given.unit),
        )  # fmt: skip
        groups["levers"] = xr.Dataset(
            {"effect": effect},
            {"lever": labels("lever", [one.lever for one in given.levers], "lever")},
        )
    if given.mechanisms is not None:
        of = given.mechanisms
        share = estimates("assumption", of.shares, described("its Shapley share", given.unit))
        groups["mechanisms"] = xr.Dataset(
            {
                "share": share,
                "whole": estimates((), of.whole, described("as stated less all off", given.unit)),
            },
            {"assumption": labels("assumption", of.names, "assumption")},
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
    return taken_apart(groups)


def _of_factors(rows: Sequence[Driver]) -> xr.Dataset:
    variables = {
        "distance": estimates("factor", [one.distance for one in rows], described(_DISTANCE, "1")),
        "p_value": xr.Variable("factor", [one.p_value for one in rows], described(_P_VALUE, "1")),
        "shift": estimates("factor", [one.shift for one in rows], described(_SHIFT, "1")),
        "mean": estimates("factor", [one.mean for one in rows], described(_MEAN, "1")),
        "density": estimates(("factor", "tenth"), [one.density for one in rows], described(_DENSITY, "1")),
        "prior_mean": xr.Variable("factor", np.array([one.prior[0] for one in rows]), described("mean of the prior", "1")),
        "prior_sd": xr.Variable("factor", np.array([one.prior[1] for one in rows]), described("standard deviation of the prior", "1")),
    }  # fmt: skip
    coords = {
        "factor": labels("factor", [one.name for one in rows], "factor"),
        "unit": labels("factor", [one.unit for one in rows], "unit of the factor"),
        "tenth": _tenths(),
    }
    return xr.Dataset(variables, coords)


def _of_shocks(rows: Sequence[Driver]) -> xr.Dataset:
    streams = list(dict.fromkeys(one.name for one in rows))
    years = sorted({one.year for one in rows if one.year is not None})
    by_place = {(one.name, one.year): one for one in rows}

    def table(of: Callable[[Driver], Any], none: Any = np.nan) -> list[list[Any]]:
        return [
            [of(by_place[stream, year]) if (stream, year) in by_place else none for year in years]
            for stream in streams
        ]

    dims = ("shock", "year")
    variables = {
        "distance": estimates(dims, table(lambda one: one.distance, None), described(_DISTANCE, "1")),
        "p_value": xr.Variable(dims, table(lambda one: one.p_value), described(_P_VALUE, "1")),
        "shift": estimates(dims, table(lambda one: one.shift, None), described(_SHIFT, "1")),
        "mean": estimates(dims, table(lambda one: one.mean, None), described(_MEAN, "1")),
        "density": estimates((*dims, "tenth"), table(lambda one: one.density, (None,) * BINS), described(_DENSITY, "1")),
        "prior_mean": xr.Variable(dims, table(lambda one: one.prior[0]), described("mean of the prior", "1")),
        "prior_sd": xr.Variable(dims, table(lambda one: one.prior[1]), described("standard deviation of the prior", "1")),
    }  # fmt: skip
    coords = {
        "shock": labels("shock", streams, "shock"),
        "year": xr.Variable("year", np.array(years), described("calendar year", "year")),
        "tenth": _tenths(),
    }
    return xr.Dataset(variables, coords)


def _of_slopes(given: Explanation) -> xr.Dataset:
    rows = [[getattr(one, name) for name in SLOPES] for one in given.slopes]
    about = f"change of {given.measure} with a prior's location and scale, for a standard deviation of it or a unit of the factor"
    coords = {
        "factor": labels("factor", [one.factor for one in given.slopes], "factor"),
        "parameter": labels("parameter", SLOPES, "what of the prior is changed"),
    }
    slope = estimates(("factor", "parameter"), rows, described(about, given.unit))
    return xr.Dataset({"slope": slope}, coords)


def _reverse(given: Explanation) -> xr.Dataset:
    """The likeliest futures along `point`; nothing but attributes where none was seen."""
    points, study = given.reverse.points, given.study
    size = {"starts": len(given.reverse.of_starts), "slid": given.reverse.slid}
    about = {"distance": float(given.reverse.distance), "points": len(points), **size}
    if not points:
        return xr.Dataset(attrs=about)

    def table(
        dims: tuple[str, ...], of: Callable[[FailurePoint], Any], named: Mapping[str, Any]
    ) -> xr.Variable:
        return xr.Variable(("point", *dims), np.array([of(one) for one in points], np.float64), named)

    variables = {
        "distance": table((), lambda one: one.distance, described("from the middle, in standard deviations of a normal score", "1")),
        "nearest": estimates(
            "point", [one.nearest for one in points], described("share of the worst futures that no other point is nearer to", "1")
        ),
        "draw": table(("factor",), lambda one: one.trace.draws[:, 0], described("draw of the factor, in its unit", "1")),
        "score": table(("factor",), lambda one: [*one.scores.values()], described("normal score of the draw", "1")),
        "share": table(("input",), lambda one: [*one.share.values()], described("share of the squared distance", "1")),
    }  # fmt: skip
    first = points[0]
    coords: dict[str, Any] = {
        "point": xr.Variable(
            "point", np.arange(1, len(points) + 1), described("number, the nearest first", "1")
        ),
        "factor": labels("factor", [*first.scores], "factor"),
        "input": labels("input", [*first.share], "group, factor or shock that is drawn apart"),
    }
    years = xr.Variable("year", np.array(study.years), described("calendar year", "year"))
    if first.trace.shocks is not None:
        streams = [stream for of in study.shock_streams.values() for stream in of]
        shock = described("shock of the year", "1")
        variables["shock"] = table(
            ("year", "stream"), lambda one: np.asarray(one.trace.shocks)[..., 0], shock
        )
        coords |= {"stream": labels("stream", streams, "shock"), "year": years}
    if first.trace.yearly is not None:
        yearly = study.model.yearly
        by_point = [by_variable(study, one.trace.yearly[given.watched.at, :, :, 0]) for one in points]  # type: ignore[index]
        for name in by_point[0]:
            dims = tuple(f"of_{dim}" for dim in yearly[name].dims)
            values = np.stack([of[name] for of in by_point])
            about_it = described_value(study, "yearly", name)
            variables[f"yearly_{name}"] = xr.Variable(("point", "year", *dims), values, about_it)
            coords |= {"year": years} | {
                f"of_{dim}": labels(f"of_{dim}", study.model.dims[dim], dim) for dim in yearly[name].dims
            }
    for k, name in enumerate(study.model.outcomes):
        values = np.array([one.trace.outcomes[given.watched.at, k, 0] for one in points])
        variables[f"outcome_{name}"] = xr.Variable("point", values, described_value(study, "outcomes", name))
    return xr.Dataset(variables, coords, about)


def _tenths() -> xr.Variable:
    return xr.Variable(
        "tenth", np.arange(1, BINS + 1), described("tenth of the prior, from the lowest on", "1")
    )
