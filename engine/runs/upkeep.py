"""Upkeep of a run folder: how far the run is, whether its files are sound, and repair of those that are not."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import UserError, install
from engine.execution.anew import computed_again
from engine.execution.executors.site import of_study, versions
from engine.execution.job import Finished, RunOptions, compute
from engine.execution.kept import kept_text
from engine.execution.progress import Observer, Progress, unobserved
from engine.execution.resources import bytes_held
from engine.report import printing
from engine.run_folder import answer_store, cube, ledger, ownership, provenance
from engine.run_folder.damage import OTHER, Damage, damages_of, has_ended, take_away
from engine.run_folder.folder import RunFolder, written
from engine.run_folder.ledger import YEARLY
from engine.run_folder.parts import yearly_missing, yearly_paths
from engine.study.study import Study

if TYPE_CHECKING:
    import xarray as xr

    from engine.report.brief import Part


@dataclass(frozen=True)
class Status:
    """How far a run is.

    Args:
      paths, asked: how many paths are done, and how many the study asks for.
      blocks, done: how many blocks there are, and how many hold paths that are done, as the short last one of a run
        that is being extended does.
      yearly: whether the sample of yearly values is done; None if the study has none.
      complete: whether everything is done, including the tables in the cube.
      size: bytes that the folder takes.
      holder: the process that is writing there now, or None.
      versions: of the software that made the blocks; more than one if they were mixed by force.
      runs: the calls that worked on the folder, first to last, as `provenance.runs` gives them.
      excluded: paths left out of every estimate because a value on them is not finite.
    """

    folder: Path
    paths: int
    asked: int
    blocks: int
    done: int
    yearly: bool | None
    complete: bool
    size: int
    holder: ownership.Holder | None
    versions: list[dict[str, str]]
    runs: list[dict[str, object]]
    excluded: int = 0


class Repair(NamedTuple):
    """The result of `repair`.

    Args:
      damages: what was wrong.
      finished: the repaired run; None if nothing was wrong, or if the run was not finished before.
    """

    damages: list[Damage]
    finished: Finished | None


def status(folder: RunFolder) -> Status:
    """How far the run is; only sizes of files are checked, not their content."""
    study = folder.study
    done = ledger.done_blocks(folder, short=True)
    paths = sum(record.count for record in done.values())
    return Status(
        folder.path,
        paths,
        study.paths,
        len(study.blocks()),
        len(done),
        not yearly_missing(folder) if yearly_paths(study) else None,
        paths == study.paths and cube.is_finished(folder, done) and not yearly_missing(folder),
        bytes_held(folder.path),
        ownership.writer(folder.path),
        ownership.versions_of(folder.path),
        provenance.runs(folder.path),
        ledger.excluded_of(done),
    )


def refuse_report(out: Path | None) -> None:
    """Refuses a file that no report can be written to, as `engine.report.printing.refuse`, or any without its packages.

    Raises:
      UserError: the file is refused, or the packages of the extra `report` are missing.
    """
    if out is not None:
        printing.refuse(out)
    if importlib.util.find_spec("jinja2") is None:
        raise UserError(
            "rustbelt report", [f"expected the packages of the extra 'report'. Install them: {install('report')}"]
        )


def first_screen(folder: Path, study: Study, tree: xr.DataTree, variable: str | None) -> tuple[Part, ...]:
    """The first screen of a run's report: headings, each with its sentences or its table.

    Args:
      study, tree, variable: as of `engine.report.records.stored`.

    Raises:
      UserError: there is no such outcome.
    """
    from engine.report import brief, records

    return brief.first_screen(records.stored(folder, study, tree, variable))


def write_report(
    folder: RunFolder, study: Study, cube: Callable[[], xr.DataTree], out: str | Path | None, variable: str | None
) -> Path:
    """Writes the report of a run and returns its path: an HTML page, or its PDF.

    Args:
      study: with as many paths as are done.
      cube: gives the cube.
      out: the file; `report.html` in the run folder if not given, or, with a warning, `NAME-report.html` in the current
        folder where the run folder cannot be written.
      variable: the outcome that the answer speaks of first.

    Raises:
      UserError: the file has another suffix, or its folder is missing; the packages of the extra `report` are missing,
        or a program that prints is.
    """
    refuse_report(None if out is None else Path(out))
    from engine.report import page, records

    place = folder.path / page.NAME if out is None else Path(out)
    content = printing.content(
        place, lambda: page.page(records.stored(folder.path, study, cube(), variable), kept=kept_text)
    )
    try:
        return written(place, content)
    except (UserError, OSError) as error:
        if out is not None:
            raise
        beside = Path(f"{folder.path.resolve().name}-{page.NAME}")
        warnings.warn(answer_store.failure_to_keep(place, error, f"The file is {beside}."), stacklevel=3)
        return written(beside, content)


def verify(
    folder: RunFolder, full: bool = False, observe: Observer = unobserved, device: str | None = None
) -> list[Damage]:
    """Everything in the folder that is not as it was written, found by the SHA-256 of each file and the ledger's.

    Parts that have not been computed yet are no damage.

    Args:
      full: also compute every part again and compare the bits, which takes as long as the run did. This finds what was
        wrong before it was written; computed by other versions or on another kind of device, sound parts may differ in
        their last bits.
      device: "cpu" or "gpu", where parts are computed again.

    Raises:
      UserError: the model has changed.
    """
    ownership.refuse_changed(folder)
    paths = folder.study.paths
    damages, records = damages_of(folder, lambda read: observe(Progress("verifying", read, paths)))
    if full:
        damages += computed_again(folder, records, observe, device, summaries=not damages)
    return damages


def repair(
    folder: RunFolder,
    full: bool = False,
    observe: Observer = unobserved,
    device: str | None = None,
    force: bool = False,
) -> Repair:
    """Repairs what `verify` finds: damaged parts, and only they, are computed again.

    A run that was not finished stays so: its damaged parts are removed, and the next `run` computes them.

    Args:
      force: repair also what other versions or another kind of device made.

    Raises:
      UserError: as `run`; or without `force`, other versions or another kind of device made the parts to compute again.
    """
    ownership.refuse_changed(folder)

    def ours() -> dict[str, str]:
        return of_study(folder.study, versions(device))

    with ownership.claim(folder, damaged=True):
        damages = verify(folder, full, observe, device)
        complete, damaged = has_ended(folder), {damage.part for damage in damages}
        # what other versions made may differ in its last bits from what is computed now, which is no damage
        computed = [one for one in damages if isinstance(one.part, int) or one.part == YEARLY or one.what == OTHER]
        if computed and "study" not in damaged and not force:
            ownership.refuse_other_versions(folder, ours())
        take_away(folder, damages, ours)
    if not (damages and complete):
        return Repair(damages, None)
    options = RunOptions(folder.path, device, force=force, observe=observe)
    return Repair(damages, compute(folder.study, options))
