"""Which lever does what, as a labelled dataset and as plain records."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from engine.analyses.attribution import EFFECTS, MEAN, PROBABILITY, SHORTFALL, Attribution, Part, attribution
from engine.risk.intervals import Estimate
from engine.risk.summaries import STATS
from engine.run_folder.cube_groups import described, described_value, labels
from engine.run_folder.stored_estimates import REASONS, estimates, taken_apart
from engine.study.loading import load_study
from engine.study.study import Study

ABOUT = {
    "share": "its Shapley value",
    "alone": "what it does where it alone is changed",
    "taken_back": "what is lost where it alone is not changed",
}


def attribute(
    study: Study | str | Path,
    start: str,
    end: str,
    variables: Sequence[str] | None = None,
    paths: int | None = None,
    device: str | None = None,
) -> xr.Dataset:
    """What each group of levers adds to the difference between two policies of a study, as a labelled dataset.

    `shares["cost"].sel(effect="share", measure="ES99", stat="estimate")` is the Shapley value of each group in the ES99 of the outcome
    `cost`; `shares["cost_difference"]` is what they add up to. An event's numbers are its probability, without `measure`.

    Args:
      study: resolved; or its file, or the name of one that ships. Its `lever_groups` say which levers are looked at together.
      start: policy that is subtracted.
      end: policy whose difference from it is shared out.
      variables: outcomes and events; the headline and all events if not given.
      paths: from the first on; the study's, at most 131,072, if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.

    Returns:
      For each outcome [measure, effect, group, stat] and each event [effect, group, stat]: effect is share, alone or taken_back, stat the
      estimate, its standard error, its 95 % interval; and the same of the whole difference, NAME_difference. NAME_reasons are the flags
      [..., reason, detail] of those that have any, as the cube has them.

    Raises:
      UserError: the study is not sound; or as `engine.analyses.attribution.attribution`.
    """
    if not isinstance(study, Study):
        study = load_study(study, policies=[*dict.fromkeys((start, end))])
    return dataset(attribution(study, start, end, variables, paths, device))


def dataset(given: Attribution) -> xr.Dataset:
    """The attribution as `attribute` gives it."""
    study, variables = given.study, {}
    by_name: dict[str, list[Part]] = {}
    for part in given.parts:
        by_name.setdefault(part.variable, []).append(part)
    against = f"'{given.end}' less '{given.start}'"
    for name, parts in by_name.items():
        measure = [] if parts[0].measure == PROBABILITY else ["measure"]
        own = np.array([[getattr(part, effect) for effect in EFFECTS] for part in parts], object)
        whole = np.array([part.difference for part in parts], object)
        if not measure:
            own, whole = own[0], whole[0]
        of_groups, of_whole = (
            _attributes(study, name, about)
            for about in (f"what each group of levers does to {against}", against)
        )
        flags = "; ".join(
            f"{where}: {one.flag}" for part in parts for where, one in _cells(given, part) if one.flag
        )
        if flags:
            of_groups["flags"] = flags
        variables[name] = estimates((*measure, "effect", "group"), own, of_groups)
        variables[f"{name}_difference"] = estimates(measure, whole, of_whole)
    coords = {
        "group": labels(
            "group", [player.name for player in given.players], "levers that are looked at together"
        ),
        "levers": labels(
            "group", [" ".join(player.levers) for player in given.players], "levers of the group"
        ),
        "effect": labels("effect", EFFECTS, "; ".join(f"{name}: {about}" for name, about in ABOUT.items())),
        "measure": labels("measure", (MEAN, SHORTFALL), "measure of risk"),
    }
    used = {dim for variable in variables.values() for dim in variable.dims}
    about = {
        "title": f"{study.name}: which lever does what, {against}",
        "comment": f"paths 0 to {study.paths - 1}, of which {given.excluded} are left out",
    }
    made = xr.Dataset(variables, {name: c for name, c in coords.items() if set(c.dims) <= used}, about)
    numbers, *reasons = taken_apart({"": made}).values()
    return numbers.assign({f"{name}_{REASONS}": of for part in reasons for name, of in part.items()})


def records(given: Attribution) -> Iterator[dict[str, Any]]:
    """Every number as plain data: variable, measure, effect, group, estimate, error, ends, flag; the whole difference has no group."""
    for part in given.parts:
        rows: list[tuple[str, str | None, Estimate]] = [("difference", None, part.difference)]
        rows += [
            (effect, player.name, one)
            for effect in EFFECTS
            for player, one in zip(given.players, getattr(part, effect), strict=True)
        ]
        for effect, group, one in rows:
            numbers = {
                stat: None if math.isnan(value) else value
                for stat, value in zip(STATS, _row(one), strict=True)
            }
            head = {"variable": part.variable, "measure": part.measure, "from": given.start, "to": given.end}
            yield {**head, "effect": effect, "group": group, **numbers, "flag": one.flag}


def _cells(given: Attribution, part: Part) -> Iterator[tuple[str, Estimate]]:
    for effect in EFFECTS:
        for player, one in zip(given.players, getattr(part, effect), strict=True):
            yield f"{part.measure} {effect} {player.name}", one


def _row(one: Estimate) -> tuple[float, float, float, float]:
    return one.estimate, one.standard_error, one.low, one.high


def _attributes(study: Study, name: str, about: str) -> dict[str, Any]:
    if name in study.model.outcomes:
        return described_value(study, "outcomes", name, f"{{}}: {about}")
    (event,) = (event for event in study.events if event.name == name)
    return described(f"{study.title('events', name)}: probability, {about}", "1", event.about)
