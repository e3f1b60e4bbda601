"""The runs of a folder as an RO-Crate for repositories and workflow tools, if `rocrate` (extra `crate`) is there.

It is RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) after the profile Process Run Crate 0.5, the last one for that
version: a CreateAction for every run that worked on the folder. It names no people, and no license, which only the
study's author can give.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.formatting import forms_as_text
from engine.run_folder.folder import Plain
from engine.storage.files import digest, digest_of_file

CRATE = "ro-crate-metadata.json"
"""The name that tools for RO-Crate look for."""

_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_TERMS = "https://w3id.org/ro/terms/workflow-run/context"  # has sha256
# keys of a run that become a PropertyValue each: its inputs, and its surroundings
_INPUTS = ("paths", "seed", "sampler", "tile", "fingerprint", "study_sha256")
_SURROUNDINGS = ("blocks", "device_kind", "forms", "devices", "workers", "cpu", "compiler", "platform", "forced")
_FOLDERS = {
    "cube.zarr": "Risks, comparisons and paths by policy: zarr v3, an xarray DataTree",
    "ledger": "What is done, part by part, with the checksums of the cube's files",
}


def as_crate(folder: Path, study: Plain, runs: Sequence[Plain]) -> bytes | None:
    """The RO-Crate of a run folder as JSON, the same bytes for the same runs; None without `rocrate` 0.15 or newer.

    Args:
      folder: the run folder; those of its files that exist are listed.
      study: the entry of the study in `provenance.json`.
      runs: what worked on the folder, first to last, as `provenance.run_record` gives it; at least one.
    """
    try:
        from rocrate.rocrate import ROCrate  # takes 0.1 s, which only the end of a run needs

        crate = ROCrate(version="1.1")
    except (ImportError, TypeError):  # before 0.15 it takes no version; for a side file no run may fail
        return None
    crate.metadata.extra_contexts.append(_TERMS)
    root = crate.root_dataset
    root["conformsTo"] = _entity(crate, _PROFILE, "CreativeWork", name="Process Run Crate", version="0.5")
    root["name"], root["description"] = study["name"], study["question"] or f"The study {study['name']}"
    root["datePublished"] = runs[-1]["ended"] or runs[-1]["started"]  # the library's is the time of writing
    unknown = "Nobody has said how this may be used. Ask whoever gave it to you."
    root["license"] = _entity(crate, "#license", "CreativeWork", name="unknown", description=unknown)
    root["hasPart"] = []
    file = folder / "study.toml"  # a run that fails early leaves fewer files and folders
    if file.is_file():
        held = {"contentSize": str(file.stat().st_size), "sha256": digest_of_file(file)}
        properties = {"name": "resolved study", "encodingFormat": "application/toml", **held}
        crate.add_file(dest_path=file.name, properties=properties)
    for name, description in _FOLDERS.items():
        if (folder / name).is_dir():
            crate.add_directory(dest_path=name, properties={"name": name, "description": description})
    # a CreativeWork as well, since the profile lists what an action's object may be
    source, sha256 = ["SoftwareSourceCode", "CreativeWork"], study["model_digest"]
    _entity(crate, "#model", source, name=study["model_name"], version=sha256[:12], sha256=sha256)
    for k, run in enumerate(runs, 1):
        # one alone stands without a list, as in any compacted JSON-LD
        root.append_to("mentions", _action(crate, f"#run-{k}", run), compact=True)
    return (json.dumps(crate.metadata.generate(), indent=1, allow_nan=False) + "\n").encode()


def _action(crate: Any, place: str, run: Plain) -> Any:
    """A run's CreateAction, with its values and the software that it ran on."""
    facts = {**run, "forms": forms_as_text(run.get("forms")) or None}
    inputs, surroundings = (
        [
            _entity(crate, f"{place}-{key}", "PropertyValue", name=key, value=facts[key])
            for key in keys
            if facts[key] is not None
        ]
        for keys in (_INPUTS, _SURROUNDINGS)
    )
    files = [file for file in (crate.get("study.toml"), crate.get("#model")) if file]
    return _entity(
        crate,
        place,
        "CreateAction",
        name=f"rustbelt run of {crate.name}",
        description=shlex.join(run["command"]),
        startTime=run["started"],
        endTime=run["ended"],
        actionStatus=f"http://schema.org/{'Completed' if run['status'] == 'completed' else 'Failed'}ActionStatus",
        error=run["error"],
        instrument=_instrument(crate, run["versions"]),
        object=[*files, *inputs],
        result=crate.get("cube.zarr/"),
        additionalProperty=surroundings,
    )


def _instrument(crate: Any, versions: Mapping[str, str]) -> Any:
    """This package with the packages that it needs; one entity for all runs on the same software."""
    place = f"#rustbelt-{digest(json.dumps(versions).encode())[:12]}"
    if place in crate:
        return crate.get(place)
    needed, kind = [], "SoftwareApplication"
    for name, number in versions.items():
        page = f"https://pypi.org/project/{name}/{number}/"
        if name == "python":
            page = f"https://www.python.org/downloads/release/python-{number.replace('.', '')}/"
        if name != "rustbelt":
            needed.append(_entity(crate, page, kind, name=name, version=number, url=page))
    return _entity(crate, place, kind, name="rustbelt", version=versions["rustbelt"], softwareRequirements=needed)


def _entity(crate: Any, place: str, kind: str | list[str], **properties: Any) -> Any:
    """Adds an entity to the crate, in place of one with the same id, and gives it; properties of None are left out."""
    from rocrate.model import ContextEntity  # `crate.add_jsonld` walks through all entities for each new one

    values = {key: value for key, value in properties.items() if value is not None}
    return crate.add(ContextEntity(crate, place, {"@type": kind, **values}))
