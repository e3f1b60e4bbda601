"""How a run came about: versions, machine, command and times. Kept beside the cube, never inside.

`provenance.json` is an RO-Crate 1.1 document (https://w3id.org/ro/crate/1.1) after the profile Process Run Crate 0.5
(https://w3id.org/ro/wfrun/process/0.5), the last one for RO-Crate 1.1: a CreateAction for every run that worked on the
folder. It names no people, and no license, which only the study's author can give.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from engine.storage.files import digest, digest_of_file, sealed, unsealed, write_atomically, writing
from engine.study.loading import resolved_text
from engine.study.study import Study

NAME = "provenance.json"
"""The document; it is read again when a run is added."""
CRATE = "ro-crate-metadata.json"
"""A copy of the document, under the name that tools for RO-Crate look for."""

_SEAL = "ledger/provenance.json"
_CRATE_1_1 = "https://w3id.org/ro/crate/1.1"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_CONTEXT = [
    f"{_CRATE_1_1}/context",
    "https://w3id.org/ro/terms/workflow-run/context",
]  # the second has sha256
_PACKAGES = ("rustbelt", "jax", "jaxlib", "numpy", "scipy", "xarray", "zarr")
_STATUS = {name: f"http://schema.org/{name.title()}ActionStatus" for name in ("completed", "failed")}
# keys of a run that become a PropertyValue each: what it was given, and what it met
_GIVEN = ("paths", "seed", "sampler", "tile", "fingerprint", "study_sha256")
_MET = ("blocks", "device_kind", "devices", "workers", "cpu", "platform", "forced")


def versions(device_kind: str) -> dict[str, str]:
    """Versions of the packages that a cube comes from, of Python, and the device kind, by name."""
    found = {name: _version(name) for name in _PACKAGES}
    return {**found, "python": platform.python_version(), "device_kind": device_kind}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def cpu_model() -> str:
    """Name of the processor, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def run_record(
    study: Study,
    device_kind: str,
    command: Sequence[str],
    started: datetime,
    ended: datetime,
    blocks: Iterable[int],
    devices: int | None = None,
    workers: int | None = None,
    error: str | None = None,
    forced: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """One run as plain data.

    Args:
      command: the words it was started with; of the program's path only the name is kept.
      started, ended: times with their zone; the real ones, whatever SOURCE_DATE_EPOCH says.
      blocks: numbers of the blocks that this run computed, told as ranges ("0-6,9"); a resumed study has several runs.
      devices, workers: how many of them took part, where that is known.
      error: what ended the run, if it did not complete.
      forced: versions and device kinds that made the folder's blocks, where they were mixed by force.
    """
    made = versions(device_kind)
    return {
        "command": [Path(word).name if k == 0 else word for k, word in enumerate(command)],
        "started": started.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        "status": "completed" if error is None else "failed",
        "error": error,
        **{key: getattr(study, key) for key in ("paths", "seed", "sampler", "tile", "fingerprint")},
        "study_sha256": digest(resolved_text(study).encode()),
        "blocks": _ranges(blocks),
        "device_kind": made.pop("device_kind"),
        "devices": devices,
        "workers": workers,
        "cpu": cpu_model(),
        "platform": platform.platform(),
        "forced": _mixed(forced),
        "versions": made,
    }


def append(folder: Path, study: Study, run: Mapping[str, Any]) -> None:
    """Adds a run, as `run_record` gives it, to the folder's document, which starts anew where it cannot be read.

    Raises:
      UserError: the folder cannot be written.
    """
    with writing(folder), _alone(folder):
        graph = {entity["@id"]: entity for entity in _entities(folder, study, [*runs(folder), run])}
        document = {"@context": _CONTEXT, "@graph": list(graph.values())}
        content = (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()
        if (folder / _SEAL).parent.is_dir():
            before = (unsealed(folder / _SEAL) or {}).get("sha256")
            # written first: whatever a kill leaves of the copies, each is the one before or the new one
            write_atomically(folder / _SEAL, sealed({"sha256": digest(content), "before": before}))
        for name in (NAME, CRATE):
            write_atomically(folder / name, content)


def damage(folder: Path) -> dict[str, str]:
    """What is wrong with each copy of the document that is not as it was written, by file; also with what says so."""
    seal = folder / _SEAL
    known = unsealed(seal)
    if known is None:
        there = [name for name in (NAME, CRATE, _SEAL) if (folder / name).exists()]
        return {_SEAL: "not as it was written" if seal.exists() else "missing"} if there else {}
    found = {}
    for name in (NAME, CRATE):
        if not (folder / name).is_file():
            found[name] = "missing"
        elif digest_of_file(folder / name) not in known.values():
            found[name] = "not as it was written"
    return found


def mend(folder: Path) -> None:
    """Makes both copies of the document the one that is whole; where none is, takes them away: the next run starts anew."""
    broken = damage(folder)
    whole = [name for name in (NAME, CRATE) if name not in broken and runs(folder, name)]
    with writing(folder), _alone(folder):
        if not whole:
            for name in (NAME, CRATE, _SEAL):
                (folder / name).unlink(missing_ok=True)
            return
        content = (folder / whole[0]).read_bytes()
        write_atomically(folder / _SEAL, sealed({"sha256": digest(content), "before": None}))
        for name in (NAME, CRATE):
            write_atomically(folder / name, content)


def runs(folder: Path, name: str = NAME) -> list[dict[str, Any]]:
    """The runs that worked on the folder, first to last, as `run_record` gave them.

    The list is empty where there is no document, or one that is broken or of another kind.

    Args:
      name: which copy of the document.
    """
    try:
        # NaN, which is not JSON, is no key of an empty table
        document = json.loads((folder / name).read_bytes(), parse_constant=dict[str, Any]().__getitem__)
        graph = {entity["@id"]: entity for entity in document["@graph"]}
        root = graph["./"]
        if root["conformsTo"] != {"@id": _PROFILE}:
            return []
        return [_run(graph, action) for action in _led_to(graph, root["mentions"])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _run(graph: Mapping[str, dict[str, Any]], action: Mapping[str, Any]) -> dict[str, Any]:
    (tool,) = _led_to(graph, action["instrument"])
    made = {str(p["name"]): str(p["version"]) for p in _led_to(graph, tool["softwareRequirements"])}
    around = [*_led_to(graph, action["object"]), *_led_to(graph, action["additionalProperty"])]
    values = {entity["name"]: entity["value"] for entity in around if entity["@type"] == "PropertyValue"}
    return {
        "command": shlex.split(str(action["description"])),
        "started": action["startTime"],
        "ended": action["endTime"],
        "status": {told: status for status, told in _STATUS.items()}[action["actionStatus"]],
        "error": action.get("error"),
        **{key: values.get(key) for key in (*_GIVEN, *_MET)},
        "versions": {"rustbelt": str(tool["version"]), **made},
    }


def _led_to(graph: Mapping[str, dict[str, Any]], refs: Any) -> list[dict[str, Any]]:
    return [graph[ref["@id"]] for ref in (refs if isinstance(refs, list) else [refs])]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Shards of a job array that end together write one after the other, where the file system knows locks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _entities(folder: Path, study: Study, all_runs: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The document's entities; software that several runs used comes more than once."""
    parts = list(_parts(folder))
    actions = [f"#run-{k}" for k in range(1, len(all_runs) + 1)]
    yield _entity(CRATE, "CreativeWork", conformsTo={"@id": _CRATE_1_1}, about={"@id": "./"})
    yield _entity(
        "./",
        "Dataset",
        conformsTo={"@id": _PROFILE},
        name=study.name,
        description=study.question or f"The study {study.name}",
        datePublished=all_runs[-1]["ended"],
        license={"@id": "#license"},
        hasPart=_refs(part["@id"] for part in parts),
        mentions=_refs(actions),
    )
    yield _entity(_PROFILE, "CreativeWork", name="Process Run Crate", version="0.5")
    unsaid = "Nobody has said how this may be used. Ask whoever gave it to you."
    yield _entity("#license", "CreativeWork", name="unknown", description=unsaid)
    yield from parts
    # a CreativeWork as well, since the profile lists what an action's object may be
    source, sha256 = ["SoftwareSourceCode", "CreativeWork"], study.model_digest
    yield _entity("#model", source, name=study.model_name, version=sha256[:12], sha256=sha256)
    for action, run in zip(actions, all_runs, strict=True):
        yield from _acting(action, study, run, {part["@id"] for part in parts})


def _parts(folder: Path) -> Iterator[dict[str, Any]]:
    """The files and folders of a run that are there; one that fails early leaves fewer."""
    study = folder / "study.toml"
    if study.is_file():
        size, sha256 = str(study.stat().st_size), digest_of_file(study)
        told = {"name": "resolved study", "encodingFormat": "application/toml"}
        yield _entity("study.toml", "File", **told, contentSize=size, sha256=sha256)
    for name, description in (
        ("cube.zarr/", "Risks, comparisons and paths by policy: zarr v3, an xarray DataTree"),
        ("ledger/", "What is done, part by part, with the checksums of the cube's files"),
    ):
        if (folder / name).is_dir():
            yield _entity(name, "Dataset", name=name.rstrip("/"), description=description)


def _acting(me: str, study: Study, run: Mapping[str, Any], there: set[str]) -> Iterator[dict[str, Any]]:
    """A run's action, its values, and the software that it ran on."""
    given, met = (
        [
            _entity(f"{me}-{key}", "PropertyValue", name=key, value=run[key])
            for key in keys
            if run[key] is not None
        ]
        for keys in (_GIVEN, _MET)
    )
    made = run["versions"]
    packages = [_package(name, number) for name, number in made.items() if name != "rustbelt"]
    needed = _refs(package["@id"] for package in packages)
    tool = f"#rustbelt-{digest(json.dumps(made).encode())[:12]}"  # one for all runs on the same software
    yield _entity(
        me,
        "CreateAction",
        name=f"rustbelt run of {study.name}",
        description=shlex.join(run["command"]),
        startTime=run["started"],
        endTime=run["ended"],
        actionStatus=_STATUS[run["status"]],
        **({} if run["error"] is None else {"error": run["error"]}),
        instrument={"@id": tool},
        object=_refs([*({"study.toml"} & there), "#model", *(value["@id"] for value in given)]),
        **({"result": {"@id": "cube.zarr/"}} if "cube.zarr/" in there else {}),
        additionalProperty=_refs(value["@id"] for value in met),
    )
    own = {"name": "rustbelt", "version": made["rustbelt"], "softwareRequirements": needed}
    yield _entity(tool, "SoftwareApplication", **own)
    yield from (*packages, *given, *met)


def _package(name: str, number: str) -> dict[str, Any]:
    page = f"https://pypi.org/project/{name}/{number}/"
    if name == "python":
        page = f"https://www.python.org/downloads/release/python-{number.replace('.', '')}/"
    return _entity(page, "SoftwareApplication", name=name, version=number, url=page)


def _entity(place: str, kind: str | list[str], **properties: Any) -> dict[str, Any]:
    return {"@id": place, "@type": kind, **properties}


def _refs(places: Iterable[str]) -> Any:
    """References to entities; one alone stands without a list, as in any compacted JSON-LD."""
    refs = [{"@id": place} for place in places]
    return refs[0] if len(refs) == 1 else refs


def _ranges(blocks: Iterable[int]) -> str:
    """Numbers as ranges of neighbours, such as "0-6,9"."""
    found: list[list[int]] = []
    for block in sorted(set(blocks)):
        if found and block == found[-1][1] + 1:
            found[-1][1] = block
        else:
            found.append([block, block])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def _mixed(made: Sequence[Mapping[str, Any]]) -> str | None:
    """What differs among these versions, such as "jax 0.10.1, 0.10.2"; None where nothing does."""
    names = dict.fromkeys(name for some in made for name in some)
    told = {name: dict.fromkeys(str(some.get(name)) for some in made) for name in names}
    return "; ".join(f"{name} {', '.join(them)}" for name, them in told.items() if len(them) > 1) or None
