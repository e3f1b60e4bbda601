"""How it was computed, with what, and how to do it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from engine.formatting import command_line, forms_as_text
from engine.report.markup import Section, render
from engine.report.records import RunRecords
from engine.risk.estimation.bounds import MANY, standings

SAMPLERS = {
    "random": "every path independent",
    "antithetic": "pairs of opposite paths",
    "sobol": "randomisations of 4,096 points of a Sobol' sequence",
}


def section(run: RunRecords) -> Section:
    """The section on how the run was computed: facts, versions, commands; provenance gives times and machines."""
    study, attributes = run.study, run.tree.attrs
    about = f", {SAMPLERS[study.sampler]}" if study.sampler in SAMPLERS else ""
    diagnostics = run.diagnostics
    lost = int(diagnostics["nonfinite"].sum()) if "nonfinite" in diagnostics else 0
    coarse: list[dict[str, Any]] = json.loads(diagnostics.attrs.get("rounding", "[]"))
    kept = [name for name in study.model.outcomes if name in study.keep.outcomes]
    known = (
        study.facts and f"figures to {study.facts.until}, with {study.phrase('policies', study.facts.policy)} followed"
    )
    facts = [
        ("Paths", f"{run.paths:,}, the same futures under every policy"),
        ("Sampler", f"{study.sampler}{about}"),
        *([("Known", f"{known}; futures moved to where these are likely")] if known else []),
        ("Independent units", f"{run.paths // study.unit:,}, over which all errors are taken"),
        ("Seed", f"{study.seed}"),
        ("Precision", f"paths in {study.precision.removeprefix('float')} bits, estimates and errors in 64"),
        *_bounds(run),
        *(("Too coarse for", f"{one['text']}. {one['remedy']}") for one in coarse),
        ("Values that are not finite", f"{lost:,}" + (", left out with their units" if lost else "")),
        *([("Paths kept out", f"{run.excluded:,} of {run.paths:,}, under every policy")] if run.excluded else []),
        ("Model", f"{study.model_name}, source {study.model_digest[:12]}"),
        ("Fingerprint of the study", study.fingerprint),
        ("Years", f"{study.years[0]} to {study.years[-1]}" if study.years else "none: a model without time"),
        ("Kept path by path", f"{len(kept)} of {len(study.model.outcomes)} outcomes"),
    ]
    if str(attributes.get("status", "complete")) != "complete":
        facts.append(("Status", f"not finished: {run.paths:,} of {int(attributes.get('paths_asked', 0)):,} paths"))
    own = shlex.split(str(next((past["command"] for past in run.runs if "--model" in past.get("command", [])), "")))
    spec = "FILE:CLASS" if own else None
    words = "run", "study.toml", "--paths", run.paths, "--out", "again"
    commands = command_line(*words, model=spec), command_line("report", "again", model=spec)
    packages = dict.fromkeys(name for versions in run.versions for name in versions if versions[name])
    made_by = [f"Made by {k + 1}" if len(run.versions) > 1 else "Version" for k in range(len(run.versions))]
    versions = [(name.replace("_", " "), *(str(one.get(name, "")) for one in run.versions)) for name in packages]
    heads = ("Started", "Ended", "Status", "Blocks", "Machine", "Command")
    tables = [
        ("versions", "Versions", ("Part", *made_by), versions),
        ("runs", "Runs", heads, [_past_run(past) for past in run.runs]),
    ]
    there = [table for table in tables if table[3]]
    markup = render("facts.html", facts=facts, commands="\n".join(commands), tables=there)
    return Section("computed", "How it was computed", markup, parts=(("reproduce", "The same numbers again"),))


def _bounds(run: RunRecords) -> list[tuple[str, str]]:
    """A row on the bound of a yearly variable on which values lie most often; [] for a model without bounds."""
    if "/diagnostics/bounds" not in run.tree.groups:
        return []
    shares = run.tree["diagnostics/bounds"].data_vars
    held = {str(name): part.transpose("policy", "bound", ...).values for name, part in shares.items()}
    on_bounds = standings(run.study, held)
    if not on_bounds:
        return []
    often = sum(one.share > MANY for one in on_bounds)
    counted = (
        f"{often} of {len(on_bounds)} bounds and policies above {100 * MANY:g} %"
        if often
        else f"none above {100 * MANY:g} %"
    )
    return [("Yearly values on their bounds", f"{counted}; most often {on_bounds[0].in_words(run.study)}")]


def _past_run(past: Mapping[str, Any]) -> tuple[str, ...]:
    counts = [f"{past[key]} {key}" for key in ("devices", "workers") if past.get(key)]
    by = forms_as_text(past.get("forms"))
    machine = ", ".join(str(part) for part in (by, past.get("device_kind"), past.get("cpu"), *counts) if part)
    status = f"{past['status']}" + (f": {past['error']}" if past.get("error") else "")
    command = shlex.join(str(word) for word in past.get("command", []))
    return (str(past["started"]), str(past["ended"] or ""), status, str(past.get("blocks") or ""), machine, command)
