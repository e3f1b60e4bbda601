"""How it was computed, with what, and how to do it again."""

from __future__ import annotations

import shlex

from engine.report.markup import Section, render
from engine.report.run_records import Material
from engine.report.text import listed

SAMPLERS = {
    "random": "every path independent",
    "antithetic": "pairs of opposite paths",
    "latin": "replicates of 256 paths, each a Latin hypercube",
}


def section(material: Material) -> Section:
    """Facts, versions, commands; times and machines as the run's own record has them, and nothing else of them."""
    study, attributes = material.study, material.tree.attrs
    about = f", {SAMPLERS[study.sampler]}" if study.sampler in SAMPLERS else ""
    lost = (
        int(material.group("diagnostics")["nonfinite"].sum())
        if "nonfinite" in material.group("diagnostics")
        else 0
    )
    kept = [name for name in study.model.outcomes if name in study.keep.outcomes]
    facts = [
        ("Paths", f"{material.paths:,}, the same futures under every policy"),
        ("Sampler", f"{study.sampler}{about}"),
        ("Independent units", f"{material.paths // study.unit:,}, over which all errors are taken"),
        ("Seed", f"{study.seed}"),
        ("Precision", "paths in 32 bits, estimates and errors in 64"),
        ("Values that are not finite", f"{lost:,}" + (", left out with their units" if lost else "")),
        ("Model", f"{study.model_name}, source {study.model_digest[:12]}"),
        ("Fingerprint of the study", study.fingerprint),
        ("Years", f"{study.years[0]} to {study.years[-1]}" if study.years else "none: a model without time"),
        ("Kept path by path", f"{len(kept)} of {len(study.model.outcomes)} outcomes"),
    ]
    if str(attributes.get("status", "complete")) != "complete":
        facts.append(
            ("Status", f"not finished: {material.paths:,} of {int(attributes.get('paths_asked', 0)):,} paths")
        )
    own = shlex.split(
        str(next((run["command"] for run in material.runs if "--model" in run.get("command", [])), ""))
    )
    command = f"rustbelt run study.toml --paths {material.paths}"
    packages = dict.fromkeys(name for made in material.versions for name in made if made[name])
    markup = render(
        "computation.html",
        facts=facts,
        own_model=", the model’s own file (--model)" if own else "",
        commands="\n".join([command + (" --model FILE:CLASS" if own else ""), "rustbelt report RUN"]),
        version_head=("Part", *(f"Made by {k + 1}" if len(material.versions) > 1 else "Version" for k in range(len(material.versions)))),
        versions=[(name.replace("_", " "), *(str(made.get(name, "")) for made in material.versions)) for name in packages],
        runs=[_run(run) for run in material.runs],
    )  # fmt: skip
    return Section(
        "computed", "How it was computed", markup, parts=(("reproduce", "The same numbers again"),)
    )


def _run(run: dict | object) -> tuple[str, ...]:
    assert isinstance(run, dict)
    machine = [
        f"{run[key]} {word}" for key, word in (("devices", "devices"), ("workers", "workers")) if run.get(key)
    ]
    parts = [str(part) for part in (run.get("device_kind"), run.get("cpu"), *machine) if part]
    ended = f"{run['status']}" + (f": {run['error']}" if run.get("error") else "")
    command = shlex.join(str(word) for word in run.get("command", []))
    return (
        str(run["started"]),
        str(run["ended"]),
        ended,
        str(run.get("blocks") or ""),
        listed([", ".join(parts)]),
        command,
    )
