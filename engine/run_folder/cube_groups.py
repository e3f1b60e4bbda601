"""The summary groups of the cube as labelled datasets: numbers, labels, units, meaning. Writing them is `cube.py`'s."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from engine.formatting import words
from engine.modelling.records import Outcome, Yearly
from engine.risk.bounds import SIDES
from engine.risk.flags import DETAILS, Reason
from engine.risk.summaries import MOMENTS, STATS, Summaries
from engine.run_folder.units import udunits
from engine.storage.zarr_writer import Group, Variable
from engine.study.study import Event, Study

YEARLY = ("risk/yearly", "comparison/yearly", "distribution", "moments")
"""Groups that come from the yearly sample."""


def groups(study: Study, summaries: Summaries, paths: str = "") -> Iterator[tuple[str, Group]]:
    """Every summary group with its place.

    Args:
      paths: what the numbers are over, in words; all paths of the study if not given.
    """
    years = bool(study.years)
    yearly = study.model.yearly
    paths = paths or f"paths 0 to {study.paths - 1}"
    paths += f" but for {summaries.excluded} that are kept out" if summaries.excluded else ""
    sample, of_years = f"paths 0 to {summaries.yearly_sample - 1}", summaries.yearly_excluded
    sample += f" but for {of_years} that are kept out" if of_years else ""

    def dataset(
        group: str, comment: str, variables: Mapping[str, Variable], *extra: str
    ) -> tuple[str, Group]:
        for name, variable in variables.items():
            if flag := summaries.flags.get(f"{group}/{name}"):
                variable.attrs["flags"] = flag
        dims = {dim for variable in variables.values() for dim in variable.dims} | set(extra)
        coords = {name: c for name, c in _coordinates(study, summaries).items() if set(c.dims) <= dims}
        about: dict[str, Any] = {"comment": comment}
        if of_years and group in YEARLY:
            about |= {"sample_paths": summaries.yearly_sample, "excluded_paths": of_years}
        return group, Group(dict(variables), coords, about)

    def by_outcome(
        arrays: Mapping[str, np.ndarray], dims: tuple[str, ...], about: str = "{}", unit: str | None = None
    ) -> dict:
        return {
            name: Variable(dims, array, described_value(study, "outcomes", name, about, unit))
            for name, array in arrays.items()
        }

    def by_event() -> Iterator[tuple[str, Group]]:
        variables, reasons, dims = {}, {}, ("policy", "event")
        for name, arrays, group, about in (
            ("probability", summaries.events, "risk", "probability of the event"),
            (
                "difference",
                summaries.difference_events,
                "comparison",
                "difference in the probability of the event",
            ),
        ):
            if not arrays:
                continue
            texts = {event: summaries.flags.get(f"{group}/{event}") for event in arrays}
            flags = "; ".join(f"{event}: {text}" for event, text in texts.items() if text)
            attributes = described(about, "1") | ({"flags": flags} if flags else {})
            variables[name] = Variable((*dims, "stat"), np.stack([*arrays.values()], 1), attributes)
            if flagged := summaries.reasons.get(f"{group}/events"):
                none = np.full_like(next(iter(flagged.values())), np.nan)
                array = np.stack([flagged.get(event, none) for event in arrays], 1)
                reasons[name] = Variable(
                    (*dims, "reason", "detail"), array, described(f"flags of {about}", "1")
                )
        if variables:
            yield dataset(
                "events", f"how likely events are, and policy less '{study.baseline}', {paths}", variables
            )
        if reasons:
            yield dataset(
                "events/reasons", "why estimates of /events have no interval, or what it holds", reasons
            )

    def by_year(
        arrays: Mapping[str, np.ndarray], dims: tuple[str, ...], about: str = "{}", **more: str
    ) -> dict:
        return {
            name: Variable(
                (*dims, "year", *yearly[name].dims),
                array,
                {**described_value(study, "yearly", name, about), **more},
            )
            for name, array in arrays.items()
        }

    def reasons(group: str) -> Iterator[tuple[str, Group]]:
        variables = {
            name: Variable(
                ("policy", *["measure"][: array.ndim - 3], "reason", "detail"),
                array,
                described(f"{study.title('outcomes', name)}: flags", "1"),
            )
            for name, array in summaries.reasons.get(group, {}).items()
        }
        if variables:
            yield dataset(
                f"{group}/reasons", f"why estimates of /{group} have no interval, or what it holds", variables
            )

    full, short = ("policy", "measure", "stat"), ("policy", "stat")
    yield dataset(
        "risk",
        f"risk measures over {paths}; VaR is the quantile at its level on the bad side, ES the mean beyond it",
        by_outcome(summaries.risk, full),
        *full,
    )
    yield from reasons("risk")
    yield from by_event()
    if years:
        comment = f"risk measures over {sample}, at the resolution of the model"
        yield dataset("risk/yearly", comment, by_year(summaries.risk_yearly, full))
    against = f"policy less '{study.baseline}' on the same paths, {paths}"
    yield dataset(
        "comparison",
        f"paired differences: {against}",
        by_outcome(summaries.difference, full, "{}: difference"),
        *full,
    )
    yield from reasons("comparison")
    yield dataset(
        "comparison/worse",
        f"probability that a path is worse than under '{study.baseline}', {paths}",
        by_outcome(summaries.worse, short, "{}: probability of being worse", "1"),
    )
    yield from reasons("comparison/worse")
    yield dataset(
        "comparison/regret",
        f"mean distance from the best policy of the same path, {paths}",
        by_outcome(summaries.regret, short, "{}: regret"),
    )
    yield from reasons("comparison/regret")
    if years:
        comment = f"paired differences of means: policy less '{study.baseline}' on the same paths, {sample}"
        yield dataset(
            "comparison/yearly", comment, by_year(summaries.difference_yearly, short, "{}: difference")
        )
        comment = f"quantiles of {sample}, at the resolution of the model"
        spread = by_year(summaries.distribution, ("policy", "quantile"))
        for name, variable in spread.items():
            variable.attrs["sample_paths"] = summaries.yearly_sample
            variable.attrs.update(valid_range(yearly[name]))
        yield dataset("distribution", comment, spread)
    yield dataset(
        "distribution/outcomes",
        f"histograms over {paths}; the outer two bins reach to the smallest and largest value",
        _histograms(study, summaries),
    )
    if years:
        comment = f"moments over {sample}; standard_error is that of the mean"
        moments = by_year(
            summaries.moments, ("policy", "moment"), cell_methods="path: mean path: standard_deviation"
        )
        yield dataset("moments", comment, moments)
    counts = summaries.nonfinite.astype(np.int64)
    whole = {
        "nonfinite": Variable(("policy", "outcome"), counts, described("values that are not finite", "1"))
    }
    excluded = [
        ("n_excluded", summaries.excluded, "paths kept out of every number: values that are not finite")
    ]
    for name, value, about in (
        *(excluded if summaries.excluded else ()),
        ("n_paths", study.paths, "paths"),
        ("n_units", study.paths // study.unit, f"independent units of {study.unit} paths"),
    ):
        whole[name] = Variable((), np.array(value, np.int64), described(f"number of {about}", "1"))
    place, diagnostics = dataset("diagnostics", "counts over the whole run", whole)
    if summaries.rounding:
        diagnostics.attrs["rounding"] = json.dumps([one.as_dict() for one in summaries.rounding])
    yield place, diagnostics
    if years and summaries.on_bounds:
        comment = f"share of {sample} on which a value stands at a bound that the model clips it at"
        shares = {
            name: Variable(
                ("policy", "bound", "year", *yearly[name].dims),
                array,
                described(f"{study.title('yearly', name)}: share of paths on the bound", "1")
                | {f"bound_{key[6:]}": value for key, value in valid_range(yearly[name]).items()}
                | {"bound_units": udunits(yearly[name].unit), "sample_paths": summaries.yearly_sample},
            )
            for name, array in summaries.on_bounds.items()
        }
        yield dataset("diagnostics/bounds", comment, shares)


def _histograms(study: Study, summaries: Summaries) -> dict[str, Variable]:
    variables = {}
    for name, (counts, edges) in summaries.histograms.items():
        about = described_value(study, "outcomes", name, "{}: number of paths", "1")
        variables[name] = Variable(("policy", "bin"), counts.astype(np.int64), about)
        about = described_value(study, "outcomes", name, "{}: edges of the bins")
        variables[f"{name}_edges"] = Variable(("edge",), edges, about)
    return variables


def _coordinates(study: Study, summaries: Summaries) -> dict[str, Variable]:
    levels = np.array(list(summaries.levels.values()), np.float64)
    events = [event for event in study.events if event.name in summaries.events]
    coords = {
        "policy": policies(study),
        "measure": labels("measure", list(summaries.levels), "measure of risk"),
        "level": Variable(("measure",), levels, described("level of the measure", "1")),
        "stat": labels("stat", STATS, "the estimate, its standard error, its 95 % interval"),
        "quantile": Variable(
            ("quantile",), np.array(summaries.quantiles, np.float64), described("probability", "1")
        ),
        "moment": labels("moment", MOMENTS, "moment"),
        "outcome": labels("outcome", list(study.model.outcomes), "outcome"),
        "event": _events(study, events),
        "rule": labels("event", [_rule(event) for event in events], "when the event happens on a path"),
        "reason": labels("reason", [str(reason) for reason in Reason], "what is wrong with an estimate"),
        "detail": labels("detail", DETAILS, "what there is, and what that is held against"),
        "bound": labels("bound", SIDES, "the lower and the upper bound"),
        "year": Variable(("year",), np.array(study.years, np.int64), described("calendar year", "year")),
    }
    return coords | {dim: labels(dim, names, words(dim)) for dim, names in study.model.dims.items()}


def policies(study: Study) -> Variable:
    about = "; ".join(f"{policy.name}: {policy.about}" for policy in study.policies if policy.about)
    variable = labels("policy", study.policy_names, "policy")
    variable.attrs.update(baseline=study.baseline, **({"comment": about} if about else {}))
    if any(name in study.labels.get("policies", {}) for name in study.policy_names):
        variable.attrs["labels"] = [study.title("policies", name) for name in study.policy_names]
    return variable


def _events(study: Study, events: Sequence[Event]) -> Variable:
    about = "; ".join(f"{event.name}: {event.about}" for event in events if event.about)
    variable = labels("event", [event.name for event in events], "event")
    variable.attrs.update({"comment": about} if about else {})
    if any(event.name in study.labels.get("events", {}) for event in events):
        variable.attrs["labels"] = [study.title("events", event.name) for event in events]
    return variable


def labels(dim: str, names: Sequence[str], about: str) -> Variable:
    """Names along a dimension, as variable-length texts."""
    # NumPy's fixed-length strings have no zarr v3 specification and warn; objects become variable-length UTF-8
    return Variable((dim,), np.array(names, dtype=object), described(about, "1"))


def described_value(
    study: Study, kind: str, name: str, about: str = "{}", unit: str | None = None
) -> dict[str, Any]:
    """Attributes of an outcome or a yearly variable: its name, its unit, what it means, which side is worse.

    Args:
      kind: outcomes or yearly.
      about: what the numbers are, around its name; the variable itself if not given.
      unit: of the numbers; the variable's own if not given.
    """
    entry: Outcome | Yearly = getattr(study.model, kind)[name]
    unit = entry.unit if unit is None else unit
    attributes = described(about.format(study.title(kind, name)), unit, entry.about)
    return {**attributes, "worse": "high" if entry.loss else "low"}


def valid_range(entry: Yearly) -> dict[str, float]:
    """What CF says of the bounds of a variable's values; nothing where it has none."""
    ends = {"valid_min": entry.low, "valid_max": entry.high}
    return {key: float(end) for key, end in ends.items() if math.isfinite(end)}


def _rule(event: Event) -> str:
    if event.all_of:
        return " and ".join(event.all_of)
    return f"{event.outcome} " + (f"> {event.above:g}" if event.above is not None else f"< {event.below:g}")


def described_inputs(study: Study) -> dict[str, dict[str, Any]]:
    """Attributes of the draws of every factor; `levers` says which levers of which policies it is."""
    uses: dict[str, list[str]] = {item.name: [] for item in study.inputs}
    for policy in study.policies:
        for lever, weights in policy.drawn.items():
            for name in weights:
                uses[name].append(f"{lever} of {policy.name}")
    return {
        item.name: described(study.title("factors", item.name), item.unit, item.about)
        | ({"levers": ", ".join(uses[item.name])} if uses[item.name] else {})
        for item in study.inputs
    }


def described(name: str, unit: str, about: str = "") -> dict[str, Any]:
    """Attributes of a variable: what it is called, its unit as UDUNITS reads it, and in the model's words where these say more, and what it means."""
    units = udunits(unit)
    named = {} if units == (unit or "1") else {"unit_name": unit}
    return {"long_name": name, "units": units, **named, **({"comment": about} if about else {})}
