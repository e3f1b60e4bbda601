"""The format of a run's files: runs of earlier formats can be read, and only those of this format are continued."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

from engine.errors import UserError
from engine.formatting import command_line
from engine.run_folder import ownership, provenance
from engine.run_folder.ledger import FORMAT, format_in
from engine.study.study import Study


def format_of(folder: Path) -> int:
    """The format that a run states in `ledger/study.json` or, where that is damaged, in its provenance.

    `FORMAT` where there is neither.

    Raises:
      OSError: the folder cannot be read.
    """
    stating = ownership.said_of(folder) or next(iter(provenance.runs(folder)), {})
    return format_in(stating) if stating else FORMAT


def refuse_newer(folder: Path) -> None:
    """Raises a `UserError` where a run has a format of a later version."""
    if (found := format_of(folder)) > FORMAT:
        message = f"its files have format {found}, expected at most {FORMAT}. Read it with the version that wrote it"
        raise UserError(str(folder), [f"{message}, or run the study into a new folder: {_anew(folder)}"])


def refuse_other(folder: Path) -> None:
    """Raises a `UserError` where a run has another format than `FORMAT`: it is not extended, resumed or repaired."""
    refuse_newer(folder)
    if (found := format_of(folder)) != FORMAT:
        message = f"its files have format {found}, expected {FORMAT}: it can be read, but not extended, resumed"
        raise UserError(
            str(folder), [f"{message}, repaired or recomputed. Run the study into a new folder: {_anew(folder)}"]
        )


def as_stored(study: Study, folder: Path) -> Study:
    """The study of a run, with the fingerprint that the run states where its format is an earlier one.

    Models are not digested alike in all formats. Where the fingerprint differs from the present one, a warning says
    that the model may have changed.
    """
    stated = ownership.said_of(folder).get("fingerprint", study.fingerprint)
    if stated == study.fingerprint or format_of(folder) == FORMAT:
        return study
    warnings.warn(
        f"{folder}: its files have format {format_of(folder)}, whose fingerprint does not tell whether model"
        f" {study.model_name} has changed since. Stored values are shown as they are; recomputed paths are of the"
        " present model.",
        stacklevel=3,
    )
    return replace(study, stated_fingerprint=stated)


def _anew(folder: Path) -> str:
    return command_line("run", folder / "study.toml", "--out", "FOLDER", model=ownership.stated_model(folder))
