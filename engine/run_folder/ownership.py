"""Which study a run folder belongs to, which versions made it, and the lock that keeps a second writer out."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.modelling.loading import digest_of_file
from engine.modelling.trust import is_trusted, trust
from engine.run_folder import ledger
from engine.run_folder.folder import Plain, RunFolder
from engine.run_folder.ledger import LEDGER
from engine.storage import files, locks
from engine.storage.files import UNFINISHED, holds, make_folders, sealed, unsealed, write_atomically, writing
from engine.storage.locks import Holder as Holder
from engine.study.loading import names_in, resolved_text
from engine.study.study import ANYWHERE, BLOCK, Study

DECISIVE = ("rustbelt", "jax", "jaxlib", "xla_flags", "device_kind")
"""Keys of the versions that path values may depend on."""
ALSO_ANYWHERE = ("rustbelt", "device_kind")
"""The same for a program that gives the same bits on every machine."""
TABULATED = ("scipy",)
"""Further keys, where laws or copulas are tabulated from SciPy's values."""

BOUND = "bound"
"""Key under which a folder stores the most paths that a run with a stopping rule may have, whatever it has reached."""
TRACED = "traced"
"""Key under which a folder stores the digest of the user's own model, and the version of JAX that traced it."""


class Busy(UserError):
    """Another process is writing into the folder."""


@contextmanager
def claim(folder: RunFolder, shared: bool = False, damaged: bool = False) -> Iterator[Holder]:
    """A `with` block in which the folder is locked for this study against other writers; gives the holder.

    Args:
      folder: the run folder; made if it is missing.
      shared: together with the other shards of a job array, which compute other blocks of the same study.
      damaged: accept a folder whose `ledger/study.json` is damaged, in order to repair it.

    Raises:
      UserError: the folder holds something else, another study, paths beyond those asked for; another process is
        writing there; or it cannot be written.
    """
    path = folder.path
    if not damaged:
        with writing(path):
            _refuse_foreign(path)
    there, entered = path.exists(), False
    try:
        with writing(path):
            make_folders([path / LEDGER])
        with writing(path), locks.held(lock_file(path), shared) as holder:
            entered = True
            if not shared:
                _sweep(path)
            if said_of(path) or not damaged:
                _refuse_another(folder)
            yield holder
    except locks.Taken as taken:
        text = f"another run is writing here ({taken.holder or 'an unknown process'}). Wait for it, or choose another"
        raise Busy(str(path), [f"{text} folder. {taken.remedy}".rstrip()]) from None
    finally:
        for made in () if entered else (path / LEDGER, *([] if there else [path])):
            with suppress(OSError):  # nothing is in it yet
                made.rmdir()


def lock_file(folder: Path) -> Path:
    """The lock file of a folder; every process that writes there locks it."""
    return folder / LEDGER / "lock"


def writer(folder: Path) -> Holder | None:
    """The process that is writing into the folder now; None if there is none."""
    lock = lock_file(folder)
    return locks.holder(lock) if locks.is_taken(lock) else None


def is_held(folder: Path, token: str) -> bool:
    """Whether the folder's lock file still names the holder with this token."""
    holder = locks.holder(lock_file(folder))
    return holder is not None and holder.token == token


def study_file(folder: Path) -> Path:
    """The file that says which study the folder belongs to, `ledger/study.json`."""
    return folder / LEDGER / "study.json"


def said_of(folder: Path) -> Plain:
    """Content of the folder's `ledger/study.json`; empty where that is missing or damaged."""
    return unsealed(study_file(folder)) or {}


def enter(
    folder: RunFolder, versions: Mapping[str, str], force: bool = False, alone: bool = True, bound: int | None = None
) -> None:
    """Records which study the folder belongs to, and which versions and device kind compute what is missing.

    Args:
      versions: of the packages and the device kind, by name.
      force: go on although stored blocks were made by other versions; all that took part are recorded.
      alone: no other process computes here, so that other versions may take over a folder without blocks.
      bound: most paths that the study's stopping rule may use; if not given, what the folder has stored is kept.

    Raises:
      UserError: stored blocks were made by other versions or on another device kind.
    """
    study, path = folder.study, folder.path
    held = said_of(path)
    there = ledger.record_file(path, ledger.YEARLY).exists() or any(True for _ in ledger.recorded_blocks(path))
    past = held.get("versions", []) if there or not alone else []
    ours = dict.fromkeys(DECISIVE, "") | dict(sorted(versions.items()))
    if not force:
        refuse_other_versions(folder, ours, past)
    if all(other_versions(folder, ours, [one]) for one in past):
        past = [*past, ours]
    is_traced = study.traced == study.model_digest
    document = {
        "format": ledger.FORMAT,
        "fingerprint": study.fingerprint,
        "block": BLOCK,
        "name": study.name,
        "versions": past,
        "study": resolved_text(study),
        BOUND: (bound or held.get(BOUND)) if study.until else None,
        TRACED: {"digest": study.traced, "jax": version("jax")} if is_traced else held.get(TRACED),
        "model": None if study.model_spec is None else _as_found(study),
    }
    _store(path, held, {key: value for key, value in document.items() if value is not None})


def of_folder(study: Study, folder: Path) -> Study:
    """The study, with its model identified as in a folder of it where another version of JAX traced the model.

    Versions of JAX may trace one model differently, so the digest of the trace says nothing there, and the values are
    compared (`execution/outdated.py`).
    """
    if study.traced is None:
        return study
    with writing(folder):
        held = said_of(folder).get(TRACED)
    if held is None or held["jax"] == version("jax"):
        return study
    return replace(study, model_digest=held["digest"])


def names_changed(folder: RunFolder) -> bool:
    """Whether the study's labels or author differ from those that are stored in the folder."""
    with writing(folder.path):
        text = said_of(folder.path).get("study")
    return text is not None and names_in(text) != names_in(resolved_text(folder.study))


def rename(folder: RunFolder) -> None:
    """Stores the study's labels and author in a folder that is otherwise of the same study."""
    held = said_of(folder.path)
    if held:
        _store(folder.path, held, {**held, "study": resolved_text(folder.study)})


def _store(folder: Path, held: Plain, document: Plain) -> None:
    """Writes `ledger/study.json`, which holds `held` now, and `study.toml`; a file that is right already is left."""
    with writing(folder):
        if document != held:
            write_atomically(study_file(folder), sealed(document))
        place, text = folder / "study.toml", document["study"].encode()
        if not holds(place, text):
            write_atomically(place, text)


def remembered_model(folder: Path, trusting: bool = False) -> str | None:
    """FILE:CLASS of the user's own model that a run was made with, checked to be safe to load; None for one that ships.

    A run folder may come from anybody, so only models that this user trusts, or has run, are loaded unasked.

    Args:
      trusting: the user trusts the model's file, which is remembered.

    Raises:
      UserError: its file is gone, or has changed since, or this user does not trust it, or the folder does not say what
        it is.
    """
    model = said_of(folder).get("model")
    if model is None:
        return None
    remedy = "Name the model to use: --model FILE:CLASS; in Python, model=load_model_file('FILE:CLASS')."
    try:
        spec, stated = str(model["spec"]), str(model["sha256"])
    except (KeyError, TypeError):
        raise UserError(folder, [f"does not name its model. {remedy}"]) from None
    file = Path(spec.rpartition(":")[0])
    if (found := files.digest_of_file(file)) != stated:
        raise UserError(folder, [f"its model {spec} {'has changed since' if found else 'is gone'}. {remedy}"])
    if trusting:
        trust(file)
    elif not is_trusted(file):
        named = f"--trust, or --model {shlex.quote(spec)}; in Python, model=load_model_file({spec!r})"
        text = f"its model {spec} is not trusted, so it is not loaded. If you trust that file, type"
        raise UserError(folder, [f"{text} {named}."])
    return spec


def _as_found(study: Study) -> Plain:
    """What the folder stores of the user's own model: FILE:CLASS, and the SHA-256 of the file as it was loaded.

    The file is trusted from now on, if it has not changed since it was loaded.
    """
    spec = str(study.model_spec)
    file = Path(spec.rpartition(":")[0])
    held = str(files.digest_of_file(file))
    loaded = digest_of_file(type(study.model)) or held
    if loaded == held:
        trust(file)
    return {"spec": spec, "sha256": loaded}


def refuse_other_versions(folder: RunFolder, versions: Plain, past: Sequence[Plain] | None = None) -> None:
    """Raises a `UserError` where other versions, or another device kind, made what is in the folder.

    Args:
      past: as of `other_versions`.
    """
    remedy = (
        "paths may differ in the last bits. Use the same versions, choose another folder, or continue with --force."
    )
    if told := other_versions(folder, versions, past):
        raise UserError(folder.path, [f"{text}: {remedy}" for text in told])


def other_versions(folder: RunFolder, versions: Plain, past: Sequence[Plain] | None = None) -> list[str]:
    """What the blocks in the folder were made with where these decisive versions differ; [] where none does.

    Args:
      past: the versions that made the blocks; those that the folder states if not given.
    """
    return [
        f"blocks here were made with {key} {one.get(key) or 'none'}, and this is {versions.get(key) or 'none'}"
        for one in (versions_of(folder.path) if past is None else past)
        for key in decisive_of(folder.study, versions)
        if one.get(key, "") != versions.get(key, "")
    ]


def decisive_of(study: Study, versions: Mapping[str, str]) -> tuple[str, ...]:
    """Keys of the versions that path values of a study may depend on."""
    anywhere = versions.get("device_kind", "").startswith(ANYWHERE)
    return (ALSO_ANYWHERE if anywhere else DECISIVE) + (TABULATED if study.rests_on_tables else ())


def refuse_changed(folder: RunFolder) -> None:
    """Raises a `UserError` where the folder's fingerprint is not that of its study now: the model has changed."""
    study = folder.study
    was = said_of(folder.path).get("fingerprint", study.fingerprint)
    if was != study.fingerprint:
        message = f"was made with another version of model {study.model_name} (fingerprint {was}, now"
        remedy = "Restore the model, or run the study into another folder."
        raise UserError(folder.path, [f"{message} {study.fingerprint}). {remedy}"])


def entered(folder: RunFolder) -> bool:
    """Whether the folder states exactly this study, its number of paths included."""
    return said_of(folder.path).get("study") == resolved_text(folder.study)


def versions_of(folder: Path) -> list[dict[str, Any]]:
    """Versions and device kinds that made the folder's blocks, the latest last; several only after `force`."""
    return list(said_of(folder).get("versions", []))


def _sweep(folder: Path) -> None:
    """Removes the incomplete files of killed processes, which no process has read."""
    for place in ("", f"{LEDGER}/**/", "cube.zarr/**/"):
        for stray in filter(Path.is_file, folder.glob(f"{place}*.{'[0-9a-f]' * 8}{UNFINISHED}")):
            stray.unlink(missing_ok=True)


def _refuse_foreign(folder: Path) -> None:
    """Raises a UserError where the place is no folder, or one of something else, or leads elsewhere."""
    if folder.exists() and not folder.is_dir():
        raise UserError(folder, ["expected a folder, got a file. Choose another folder."])
    places = [folder / "cube.zarr", folder / LEDGER]
    inside = [Path(above, name) for place in places for above, names, _ in os.walk(place) for name in names]
    for place in filter(Path.is_symlink, (*places, *inside)):
        text = f"{place.relative_to(folder).as_posix()} is a symbolic link"
        raise UserError(folder, [f"{text}. Replace it with its target, or use another folder."])
    if study_file(folder).exists():
        return
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    # a claim that was killed before it named its study leaves nothing else
    example = next((name for name in names if not re.match(rf"{LEDGER}/(lock|.*\{UNFINISHED}$)", name)), None)
    if example and not study_file(folder).exists():  # which another shard may have named meanwhile
        raise UserError(folder, [f"is neither empty nor a run folder (it contains {example}). Choose another folder."])


def paths_held(folder: RunFolder) -> int:
    """Number after the last path of this study that the folder holds; 0 where it holds none or another study's."""
    with writing(folder.path):
        last = max(ledger.recorded_blocks(folder.path), default=None)
        if last is None or said_of(folder.path).get("fingerprint") != folder.study.fingerprint:
            return 0
        record = ledger.read(folder, last)
        # a record that cannot be read says at least that its block has a first path
        return record.first + record.count if record else last * BLOCK + 1


def _refuse_another(folder: RunFolder) -> None:
    study, text = folder.study, ""
    if not study_file(folder.path).exists():
        return
    if not (held := said_of(folder.path)):
        text = f"ledger/study.json is damaged. Repair it: {folder.command('repair')}, or"
    elif held["fingerprint"] != study.fingerprint:
        text = f"holds a study with fingerprint {held['fingerprint']}, expected {study.fingerprint}:"
    elif (last := paths_held(folder)) > study.paths:
        text = f"holds {last:,} paths, and {study.paths:,} are asked for. Ask for at least as many, or"
    if text:
        raise UserError(folder.path, [f"{text} take another folder."])
