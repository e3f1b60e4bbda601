"""The summary groups of the cube as labelled datasets: numbers, labels, units, meaning. Writing them is `cube.py`'s."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from engine.formatting import words
from engine.modelling import units
from engine.modelling.records import Outcome, Yearly
from engine.risk.estimation.bounds import SIDES
from engine.risk.estimation.flags import DETAILS, Reason
from engine.risk.estimation.summaries import MOMENTS, STATS, Summaries
from engine.risk.estimation.tables import GROUPS, Numbers, SummaryGroup
from engine.storage.zarr_writer import Group, Variable
from engine.study.components import Event, Policy
from engine.study.study import Study

CONVENTIONS = "CF-1.11"
"""The climate and forecast conventions that the attributes of a cube and of an answer follow."""
REASONS = "reasons"
"""Name of the subgroup that holds, as arrays, the flags of a group's estimates: why one has no interval, for example.
"""
FLAG = ("reason", "detail")
"""Dimensions of these arrays beside those of the estimates."""

Attributes = dict[str, Any]
"""Attributes of a group or a variable, ready for JSON."""


def groups(study: Study, summaries: Summaries, paths: str = "") -> Iterator[tuple[str, Group]]:
    """Yields place and content of every summary group declared in `GROUPS`, and of its flags where it has any.

    Args:
      paths: the paths behind the numbers, in words; all paths of the study if not given.
    """
    out = summaries.numbers["diagnostics"].get("n_excluded", 0)
    of_years = summaries.yearly_excluded
    words = {
        "paths": (paths or f"paths 0 to {study.paths - 1}") + _without(out),
        "sample": f"paths 0 to {summaries.yearly_sample - 1}" + _without(of_years),
        "baseline": study.baseline,
    }
    for group in GROUPS:
        about: Attributes = {"comment": group.comment.format(**words)}
        if of_years and group.sample and not group.optional:
            about |= {"sample_paths": summaries.yearly_sample, "excluded_paths": of_years}
        if group.place == "diagnostics" and summaries.rounding:
            about["rounding"] = json.dumps([one.as_dict() for one in summaries.rounding])
        if group.place == "diagnostics" and summaries.until:
            about["until"] = json.dumps([one.as_dict() for one in summaries.until], allow_nan=False)
        variables, reasons = _variables(study, group, summaries), _reasons(study, group, summaries)
        for called, variable in variables.items():
            if flags_of(called) in reasons:
                variable.attrs["ancillary_variables"] = f"{REASONS}/{flags_of(called)}"
        if variables or not (group.optional or (group.sample and not study.years)):
            yield group.place, _labelled(study, summaries, variables, about)
        if reasons:
            yield f"{group.place}/{REASONS}", _labelled(study, summaries, reasons, about_reasons(group.place))


def about_reasons(place: str) -> Attributes:
    """Attributes of the subgroup of a group's flags."""
    return {"comment": f"why estimates of /{place} have no interval, or what it holds"}


def stats() -> Variable:
    """The coordinate of an estimate's numbers."""
    return coordinate("stat", STATS, "the estimate, its standard error, its 95 % interval")


def _without(excluded: int | np.ndarray) -> str:
    return f" but for {excluded} that are kept out" if excluded else ""


def _labelled(study: Study, summaries: Summaries, variables: dict[str, Variable], about: Attributes) -> Group:
    """A group of the variables, with the labels of their dimensions."""
    dims = {dim for variable in variables.values() for dim in variable.dims}
    coords = {name: c for name, c in _coordinates(study, summaries).items() if set(c.dims) <= dims}
    return Group(variables, coords, about)


def _variables(study: Study, group: SummaryGroup, summaries: Summaries) -> dict[str, Variable]:
    variables = {}
    for name, of, called, array in group.held(study, summaries.numbers.get(group.place, {})):
        years = ("year", *study.model.yearly[name].dims) if group.of == "yearly" else ()
        attributes = _attributes(study, group, of, name, summaries.yearly_sample)
        variables[called] = Variable((*of.dims, *years), array, attributes)
    return variables


def _attributes(study: Study, group: SummaryGroup, of: Numbers, name: str, sample: int) -> Attributes:
    if group.of not in ("outcomes", "yearly"):
        return described(of.about.format(unit=study.unit), "1")
    value = described_value(study, group.of, name, of.about, of.unit)
    if not of.bounds:
        return value
    entry = study.model.yearly[name]
    ends = valid_range(entry, of.bounds)
    if of.bounds == "valid":
        return {**value, "sample_paths": sample, **ends}
    bounded = {"bound_units": units.attributes(entry.unit)["units"], "sample_paths": sample}
    return {**described(value["long_name"], "1"), **ends, **bounded}


def _reasons(study: Study, group: SummaryGroup, summaries: Summaries) -> dict[str, Variable]:
    variables = {}
    for name, of, called, array in group.held(study, summaries.reasons.get(group.place, {})):
        about = f"flags of {of.about}" if group.of == "events" else f"{study.title(group.of, name)}: flags"
        variables[flags_of(called)] = Variable((*of.dims[:-1], *FLAG), array, described(about, "1"))
    return variables


def flags_of(variable: str) -> str:
    """Name of the flags of a variable; a variable with the name of one of their dimensions has other flags."""
    return f"{variable}-flags" if variable in FLAG else variable


def _coordinates(study: Study, summaries: Summaries) -> dict[str, Variable]:
    coords = {
        "policy": policies(study),
        "measure": coordinate("measure", summaries.levels, "measure of risk"),
        "level": coordinate("measure", summaries.levels.values(), "level of the measure", np.float64),
        "stat": stats(),
        "quantile": coordinate("quantile", summaries.quantiles, "probability", np.float64),
        "moment": coordinate("moment", MOMENTS, "moment"),
        "outcome": coordinate("outcome", study.model.outcomes, "outcome"),
        "event": _named(study, "events", "event", study.events),
        "rule": coordinate("event", map(_rule, study.events), "when the event happens on a path"),
        "reason": coordinate("reason", map(str, Reason), "what is wrong with an estimate"),
        "detail": coordinate("detail", DETAILS, "what there is, and what that is held against"),
        "bound": coordinate("bound", SIDES, "the lower and the upper bound"),
        "year": coordinate("year", study.years, "calendar year", np.int64, "year"),
    }
    return coords | {dim: coordinate(dim, names, words(dim)) for dim, names in study.model.dims.items()}


def policies(study: Study) -> Variable:
    """The coordinate of the policies: their names, with descriptions and labels, and which is the baseline."""
    return _named(study, "policies", "policy", study.policies, baseline=study.baseline)


def _named(study: Study, kind: str, dim: str, parts: Sequence[Policy | Event], **more: str) -> Variable:
    """A coordinate of the names of policies or events, with their descriptions and, if any has one, their labels."""
    names = [part.name for part in parts]
    about = "; ".join(f"{part.name}: {part.about}" for part in parts if part.about)
    variable = coordinate(dim, names, dim)
    variable.attrs.update(**more, **({"comment": about} if about else {}))
    if any(name in study.labels.get(kind, {}) for name in names):
        variable.attrs["labels"] = [study.title(kind, name) for name in names]
    return variable


def coordinate(dim: str, values: Iterable[Any], about: str, kind: type = object, unit: str = "1") -> Variable:
    """Values along a dimension: names as variable-length texts, or numbers of another `kind`."""
    # NumPy's fixed-length strings have no zarr v3 specification and warn; objects become variable-length UTF-8
    return Variable((dim,), np.array([*values], kind), described(about, unit))


def described_value(study: Study, kind: str, name: str, about: str = "{}", unit: str | None = None) -> Attributes:
    """Attributes of an outcome or a yearly variable: its name, its unit, what it means, which side is worse.

    Args:
      kind: outcomes or yearly.
      about: format of `long_name`, such as "mean of {}", in which the variable's title replaces the braces.
      unit: of the numbers; the variable's own if not given.
    """
    entry: Outcome | Yearly = getattr(study.model, kind)[name]
    unit = entry.unit if unit is None else unit
    attributes = described(about.format(study.title(kind, name)), unit, entry.about)
    return {**attributes, "worse": "high" if entry.loss else "low"}


def valid_range(entry: Yearly, begin: str = "valid") -> dict[str, float]:
    """CF attributes for a variable's bounds, `BEGIN_min` and `BEGIN_max`; an infinite bound is left out."""
    ends = {f"{begin}_min": entry.low, f"{begin}_max": entry.high}
    return {key: float(end) for key, end in ends.items() if math.isfinite(end)}


def _rule(event: Event) -> str:
    if event.parts:
        return (" and " if event.all else " or ").join(event.parts)
    return f"{event.outcome} {'<' if event.above is None else '>'} {event.threshold:g}"


def described_inputs(study: Study) -> dict[str, Attributes]:
    """Attributes of every factor's draws, by name; `levers` lists the levers of policies that it gives the value of."""
    known = {item.name: described(study.title("factors", item.name), item.unit, item.about) for item in study.inputs}
    for policy in study.policies:
        for lever, weights in policy.drawn.items():
            for name in weights:
                use = f"{lever} of {policy.name}"
                known[name]["levers"] = f"{known[name]['levers']}, {use}" if "levers" in known[name] else use
    return known


def described_paths() -> Attributes:
    """Attributes of a coordinate of path numbers; CF's standard name for a member of an ensemble is "realization"."""
    return {**described("number of the future, from 0", "1"), "standard_name": "realization"}


def described(name: str, unit: str, about: str = "") -> Attributes:
    """Attributes of a variable: its name, its unit, what it means."""
    return {"long_name": name, **units.attributes(unit), **({"comment": about} if about else {})}
