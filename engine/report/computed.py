"""How it was computed, with what, and how to do it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

import xarray as xr

from engine.formatting import command_line, forms_as_text
from engine.report.markup import Section, render
from engine.report.records import RunRecords

SAMPLERS = {
    "random": "with independent paths",
    "antithetic": "with antithetic pairs of paths",
    "sobol": "with randomisations of 4,096 points of a Sobol' sequence",
}


def section(run: RunRecords) -> Section:
    """The section on how the run was computed: facts, versions, commands; provenance gives times and machines."""
    spec = "FILE:CLASS" if run.study.model_spec else None
    words = "run", "study.toml", "--paths", run.study.paths, "--out", "again"
    commands = command_line(*words, model=spec), command_line("report", "again", model=spec)
    packages = dict.fromkeys(name for versions in run.versions for name in versions if versions[name])
    made_by = [f"Made by {k}" if len(run.versions) > 1 else "Version" for k in range(1, len(run.versions) + 1)]
    versions = [(name.replace("_", " "), *(str(one.get(name, "")) for one in run.versions)) for name in packages]
    heads = ("Started", "Ended", "Status", "Blocks", "Machine", "Command")
    tables = [
        ("versions", "Versions", ("Part", *made_by), versions),
        ("runs", "Runs", heads, [_past_run(past) for past in run.runs]),
    ]
    facts = {name: text for name, text in _facts(run).items() if text}
    markup = render("facts.html", facts=facts, commands="\n".join(commands), tables=tables)
    return Section("computed", "Computation", markup, parts=(("reproduce", "How to reproduce the numbers"),))


def _facts(run: RunRecords) -> dict[str, str]:
    """What is stated of the computation; "" where it does not apply."""
    study, known = run.study, run.study.facts
    diagnostics = run.tree.children.get("diagnostics", xr.DataTree())
    lost = int(diagnostics["nonfinite"].sum()) if "nonfinite" in diagnostics else 0
    coarse: list[dict[str, str]] = json.loads(diagnostics.attrs.get("rounding", "[]"))
    followed = known and f"on figures to {known.until}, under {study.phrase('policies', known.policy)}"
    return {
        "Status": f"not finished: {study.paths:,} of {run.asked:,} paths" if run.asked else "",
        "Paths": f"{study.paths:,}, the same futures under every policy",
        "Sampler": f"{study.sampler}, {SAMPLERS[study.sampler]}",
        "Conditioned": followed or "",
        "Independent units": f"{study.paths // study.unit:,}; all errors are estimated over these",
        "Seed": f"{study.seed}",
        "Precision": f"{study.precision.removeprefix('float')} bits for paths, 64 bits for estimates and errors",
        "Insufficient precision": " ".join(f"{one['text']}. {one['remedy']}" for one in coarse),
        "Values that are not finite": f"{lost:,}, left out with their units" if lost else "none",
        "Paths left out": f"{run.excluded:,} of {study.paths:,}, under every policy" if run.excluded else "",
        "Model": f"{study.model_name}, source {study.model_digest[:12]}",
        "Fingerprint of the study": study.fingerprint,
    }


def _past_run(past: Mapping[str, Any]) -> tuple[str, ...]:
    counts = [f"{past[key]} {key}" for key in ("devices", "workers") if past.get(key)]
    by = forms_as_text(past.get("forms"))
    machine = ", ".join(str(part) for part in (by, past.get("device_kind"), past.get("cpu"), *counts) if part)
    status = f"{past['status']}" + (f": {past['error']}" if past.get("error") else "")
    command = shlex.join(str(word) for word in past.get("command", []))
    return past["started"], past["ended"] or "", status, str(past.get("blocks") or ""), machine, command
