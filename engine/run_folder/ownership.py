"""A run folder as one study's: what it holds, which versions made it, and the lock that keeps a second writer out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.run_folder import ledger
from engine.storage import locks
from engine.storage.files import UNFINISHED, make_folders, sealed, unsealed, write_atomically, writing
from engine.study.loading import resolved_text
from engine.study.study import BLOCK, Study

DECISIVE = ("rustbelt", "jax", "jaxlib", "xla_flags", "device_kind")
"""Versions that path values may depend on."""
TABULATED = ("scipy",)
"""Others, where laws or copulas are tabulated from what SciPy gives."""


class Busy(UserError):
    """Another process is writing into the folder."""


@contextmanager
def claim(folder: Path, study: Study, shared: bool = False, damaged: bool = False) -> Iterator[locks.Holder]:
    """The folder as this study's, held against other writers until the end of the block.

    Args:
      folder: the run folder; made if it is missing.
      shared: together with the other shards of a job array, which compute other blocks of the same study.
      damaged: also where what says whose the folder is, is damaged; to mend it.

    Raises:
      UserError: the folder holds something else, another study, paths beyond those asked for; another process is
        writing there; or it cannot be written.
    """
    with writing(folder):
        if not damaged:
            _refuse_foreign(folder)
        there = folder.exists()
        try:
            make_folders([ledger.ledger_of(folder)])
        except OSError:
            for made in (ledger.ledger_of(folder), *([] if there else [folder])):
                with suppress(OSError):  # nothing is in it yet
                    made.rmdir()
            raise
    try:
        with writing(folder), locks.held(lock_file(folder), shared) as holder:
            if not shared:
                _sweep(folder)
            if not (damaged and unsealed(study_file(folder)) is None):
                _refuse_another(folder, study)
            yield holder
    except locks.Taken as taken:
        remedy = f" {taken.remedy}" if taken.remedy else ""
        who = taken.holder or "a process that does not tell its name"
        raise Busy(
            str(folder),
            [f"another run is writing here ({who}). Wait for it, or choose another --out.{remedy}"],
        ) from None


def lock_file(folder: Path) -> Path:
    """The file that is locked by whoever writes into the folder."""
    return ledger.ledger_of(folder) / "lock"


def study_file(folder: Path) -> Path:
    """The file that says whose the folder is."""
    return ledger.ledger_of(folder) / "study.json"


def enter(
    folder: Path, study: Study, versions: Mapping[str, str], force: bool = False, alone: bool = True
) -> None:
    """Writes down whose the folder is, and which versions and device kind compute what is still to be computed.

    Args:
      versions: of the packages and the device kind, by name.
      force: go on although blocks were made by others. All that took part are written down.
      alone: nobody else computes here, so that while there is no block yet other versions may take the folder over.

    Raises:
      UserError: blocks that are there were made by other versions or on another device kind.
    """
    held = unsealed(study_file(folder)) or {}
    there = (
        ledger.record_file(folder, ledger.YEARLY).exists()
        or next(ledger.recorded_blocks(folder), None) is not None
    )
    made = list(held.get("versions", [])) if there or not alone else []
    ours = {key: versions.get(key, "") for key in (*DECISIVE, *sorted(set(versions) - set(DECISIVE)))}
    decisive = _decisive(study)
    problems = _differing(made, ours, decisive)
    if problems and not force:
        raise UserError(str(folder), problems)
    known = [{key: past.get(key, "") for key in decisive} for past in made]
    if {key: ours.get(key, "") for key in decisive} not in known:
        made = [*made, ours]
    document = {**_whose(study), "name": study.name, "versions": made, "study": resolved_text(study)}
    with writing(folder):
        if document != held:
            write_atomically(study_file(folder), sealed(document))
        place, text = folder / "study.toml", document["study"].encode()
        if not place.is_file() or place.read_bytes() != text:
            write_atomically(place, text)


def refuse_other_versions(folder: Path, study: Study, versions: Mapping[str, str]) -> None:
    """Raises a UserError where other versions, or another device kind, made what is in the folder."""
    problems = _differing(versions_of(folder), versions, _decisive(study))
    if problems:
        raise UserError(str(folder), problems)


def _decisive(study: Study) -> tuple[str, ...]:
    return DECISIVE + (TABULATED if study.rests_on_tables else ())


def _differing(
    made: Sequence[Mapping[str, Any]], ours: Mapping[str, str], decisive: Sequence[str]
) -> list[str]:
    problems = [
        f"blocks here were made with {key} {past.get(key) or 'none'}, and this is {ours.get(key) or 'none'}: their paths may "
        f"differ in the last bits. Use what made them, choose another --out, or go on with --force."
        for past in made
        for key in decisive
        if past.get(key, "") != ours.get(key, "")
    ]
    return list(dict.fromkeys(problems))


def refuse_changed(folder: Path, study: Study) -> None:
    """Raises a UserError where a run was made with another study than this, which its own file gave: its model has changed."""
    held = unsealed(study_file(folder))
    if held is not None and held.get("fingerprint") != study.fingerprint:
        message = (
            f"was made with another version of model {study.model_name} (fingerprint {held.get('fingerprint')}, now "
            f"{study.fingerprint}). Ask with the model as it was, or run it again into another folder."
        )
        raise UserError(str(folder), [message])


def entered(folder: Path, study: Study) -> bool:
    """Whether the folder is this study's, with its very path count."""
    held = unsealed(study_file(folder))
    return held is not None and held.get("study") == resolved_text(study)


def versions_of(folder: Path) -> list[dict[str, Any]]:
    """Versions and device kinds that made the folder's blocks, the latest last; more than one were mixed by force."""
    return list((unsealed(study_file(folder)) or {}).get("versions", []))


def _whose(study: Study) -> dict[str, Any]:
    return {"fingerprint": study.fingerprint, "layout": ledger.LAYOUT, "block": BLOCK}


def _sweep(folder: Path) -> None:
    """Takes away what killed processes left half-written; nothing of it was ever read."""
    for place in (ledger.ledger_of(folder), folder / "cube.zarr"):
        for stray in place.rglob(f"*{UNFINISHED}"):
            stray.unlink(missing_ok=True)
    for stray in folder.glob(f"*{UNFINISHED}"):
        if stray.is_file():
            stray.unlink(missing_ok=True)


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(str(folder), ["expected a folder, got a file. Choose another --out."])
    for place in (ledger.ledger_of(folder), folder / "cube.zarr"):
        if place.is_symlink():
            raise UserError(
                str(folder), [f"{place.name} leads elsewhere (a symbolic link). Choose another --out."]
            )
    if not folder.is_dir() or study_file(folder).exists():
        return
    held = {path.name for path in folder.iterdir()} - {"ledger"}
    if ledger.ledger_of(
        folder
    ).exists():  # a claim that was killed before it named its study leaves nothing else
        inside = ledger.ledger_of(folder).iterdir()
        held |= {p.name for p in inside if not p.name.startswith("lock") and p.suffix != UNFINISHED}
    if held:
        example = ", ".join(sorted(held)[:3])
        raise UserError(
            str(folder), [f"is not empty and holds no run (there is {example}). Choose another --out."]
        )


def _refuse_another(folder: Path, study: Study) -> None:
    if not study_file(folder).exists():
        return
    held = unsealed(study_file(folder))
    if held is None:
        message = f"ledger/study.json is damaged, or of an earlier layout. Mend it with rustbelt repair {folder}, or choose another --out."
        raise UserError(str(folder), [message])
    ours = _whose(study)
    problems = [
        f"holds {what} {held.get(key)}, expected {ours[key]}. Choose another --out."
        for key, what in (
            ("fingerprint", "a study with fingerprint"),
            ("layout", "layout"),
            ("block", "blocks of"),
        )
        if held.get(key) != ours[key]
    ]
    last = max(ledger.recorded_blocks(folder), default=None)
    record = None if last is None else ledger.read(folder, study, last)
    # a record that cannot be read says at least that its block has a first path
    beyond = record.first + record.count if record else 0 if last is None else last * BLOCK + 1
    if not problems and beyond > study.paths:
        problems = [
            f"holds {beyond:,} paths, and {study.paths:,} are asked for. "
            f"Ask for at least as many, or choose another --out."
        ]
    if problems:
        raise UserError(str(folder), problems)
