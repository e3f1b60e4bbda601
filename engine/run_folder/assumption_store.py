"""What a study says in each structure, as labelled groups, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from engine.risk.tables import Record, against_baseline, record
from engine.run_folder.cube_groups import described, labels, policies
from engine.run_folder.stored_estimates import estimates, put_together, taken_apart
from engine.study.study import Study

PROBABILITY = "probability"


def labelled(
    study: Study, structures: Sequence[str], records: Iterable[Record], sentence: str
) -> dict[str, xr.Dataset]:
    """The groups by place: `/events` and `/outcomes`, each with the estimates and the paired differences of all structures.

    Args:
      records: with labels of "structure", and of differences "against", in their place.
      sentence: what the numbers say together.
    """
    by_key = {_key(record): record for record in records}
    events = [event.name for event in study.events if any(key[3] == event.name for key in by_key)]
    outcomes = [name for name in study.model.outcomes if any(key[3] == name for key in by_key)]
    measures = list(dict.fromkeys(key[4] for key in by_key if key[4] != PROBABILITY))
    names = study.policy_names
    coords = {
        "structure": labels("structure", structures, "what is assumed"),
        "policy": policies(study),
        "against": labels("against", names, "policy that is deducted, on the same paths"),
    }

    def of(against: Sequence[str], variables: Sequence[str], over: Sequence[str], about: str) -> xr.Variable:
        """Estimates [structure, policy, against, variable, measure, stat], axes of one unnamed label left out."""
        cells = [
            [by_key.get((one, policy, other, name, measure)) for name in variables for measure in over]
            for one in structures for policy in names for other in against
        ]  # fmt: skip
        dims = {
            "structure": len(structures), "policy": len(names), "against": len(against),
            "event" if over == [PROBABILITY] else "outcome": len(variables), "measure": len(over),
        }  # fmt: skip
        left_out = {"against"} if against == [""] else set()
        left_out |= {"measure"} if over == [PROBABILITY] else set()
        kept = {dim: size for dim, size in dims.items() if dim not in left_out}
        return estimates(tuple(kept), np.array(cells, object).reshape(*kept.values()), described(about, "1"))

    groups = {"/": xr.Dataset(attrs=_attributes(study, sentence))}
    if events:
        own = {
            "probability": of([""], events, [PROBABILITY], "probability of the event"),
            "difference": of(names, events, [PROBABILITY], "policy less another: probability of the event"),
        }
        groups["events"] = xr.Dataset(own, {**coords, "event": labels("event", events, "event")})
    if outcomes:
        units = [study.model.outcomes[name].unit for name in outcomes]
        worse = ["high" if study.model.outcomes[name].loss else "low" for name in outcomes]
        own = {
            "value": of([""], outcomes, measures, "measure of the outcome, in its unit"),
            "difference": of(names, outcomes, measures, "policy less another: measure of the outcome"),
        }
        more = {
            "outcome": labels("outcome", outcomes, "outcome"),
            "unit": labels("outcome", units, "unit of the outcome"),
            "worse": labels("outcome", worse, "which side is worse"),
            "measure": labels("measure", measures, "measure of risk"),
        }
        groups["outcomes"] = xr.Dataset(own, {**coords, **more})
    return taken_apart(groups)


def records(tree: xr.DataTree) -> list[Record]:
    """The records that groups of `labelled` were made of: every estimate, then every difference."""
    own: list[Record] = []
    gaps: list[Record] = []
    for place, dim, name in (("events", "event", PROBABILITY), ("outcomes", "outcome", "value")):
        if f"/{place}" not in tree.groups:
            continue
        for variable, kept in ((name, own), ("difference", gaps)):
            table = put_together(tree, place)[variable].reset_coords(drop=True)
            full = table if "measure" in table.dims else table.expand_dims(measure=[PROBABILITY])
            axes = [axis for axis in ("structure", "policy", "against", dim, "measure") if axis in full.dims]
            rows = full.stack(row=axes)
            for names, estimate in zip(rows.indexes["row"], rows.values, strict=True):
                of = dict(zip(axes, map(str, names), strict=True))
                if np.isfinite(estimate.estimate):
                    difference = "against" in of
                    where: dict[str, str] = {
                        axis: of[axis] for axis in ("structure", "against") if axis in of
                    }
                    measure = against_baseline(of["measure"]) if difference else of["measure"]
                    kept.append(record(measure, of["policy"], of[dim], estimate, where))
    return own + gaps


def _attributes(study: Study, sentence: str) -> dict[str, Any]:
    tables = {one.name: one.table for one in study.assumptions}
    return {
        "title": study.name,
        "summary": sentence,
        "id": f"{study.name}-{study.fingerprint}",
        "paths": study.paths,
        "assumptions": json.dumps(tables),
        "comment": f"every structure on paths 0 to {study.paths - 1} of the run, by one program",
    }


def _key(record: Record) -> tuple[str, str, str, str, str]:
    place = record.place
    return place["structure"], record.policy, place.get("against", ""), record.variable, record.bare_measure
