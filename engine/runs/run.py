"""A run as one object, on which everything hangs that can be asked of it; and the two ways to get one."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from engine.answers.files import refuse_file
from engine.errors import UserError
from engine.execution import results
from engine.execution.job import Finished, RunOptions, compute
from engine.execution.results import Answers
from engine.risk.as_text import MARKS, cell, reasons
from engine.risk.evidence import stated_level
from engine.risk.rounding import Rounding
from engine.risk.tables import Record, Tables
from engine.run_folder import answer_store, cube, provenance
from engine.run_folder.damage import Damage
from engine.run_folder.finding import find_run
from engine.run_folder.folder import RunFolder, written
from engine.runs import elsewhere, notebook, questions, upkeep
from engine.runs.export import frame, save_tables, side_by_side
from engine.runs.inquiry import Inquiry
from engine.runs.replay import replay, worst
from engine.study.loading import Model, load_study
from engine.study.study import Study

if TYPE_CHECKING:
    from engine.runs.figures import Plots

HEADLINE = ("mean", "ES99", "probability")
"""Measures of the table that a notebook shows."""


def run(
    study: Study | str | Path,
    out: str | Path | None = None,
    model: Model | None = None,
    paths: int | None = None,
    **options: Any,
) -> Run:
    """Computes what a study's run folder lacks, and gives the run.

    The same call finishes a run that was stopped, and a study with more paths extends it.

    Args:
      study: the study; or its file, or the name of one that ships.
      out: the run folder itself; `outputs/<name>-<fingerprint>` if not given.
      model: a model of one's own, for a study file that does not name one that ships.
      paths: in place of those that a study file asks for.
      options: other fields of `RunOptions` by name, such as `workers=4`, `device="cpu"`.

    Raises:
      UserError: the study is not sound; or as `engine.execution.job.compute`.
    """
    if not isinstance(study, Study):
        study = load_study(study, model=model, paths=paths)
    elif model is not None or paths is not None:
        raise UserError(study.source, ["is resolved already. Give model and paths to load_study."])
    finished = compute(study, RunOptions(out, **{"observe": notebook.observer(), **options}))
    return Run.of(finished)


def open_run(place: str | Path, model: Model | None = None, partial: bool = False) -> Run:
    """The run that is there already.

    Args:
      place: a run folder, a study file, the name of a study that ships, or the beginning of the name of a run in `outputs/`.
      model: the model of one's own that it was run with, where its file has changed or is gone.
      partial: be content with the blocks that are done.

    Raises:
      UserError: nothing, or more than one run, answers to the place; or its model is needed.
    """
    return Run(find_run(place, model), partial)


class Run(Inquiry):
    """A run: its study, its cube, what they answer, and what can be done with them.

    Args:
      folder: of the run, with its study.
      partial: be content with the blocks that are done; estimates are then over these.
    """

    def __init__(self, folder: RunFolder, partial: bool = False):
        status = cube.attributes(folder.path).get("status")
        self.is_extended = status == "incomplete" and provenance.was_finished(folder.path)
        """Whether it had come to its end, and more paths were asked for that are not all there yet: those that are count."""
        self._folder, self._partial = folder, partial or self.is_extended
        self.computed: tuple[int, ...] = ()
        """Numbers of the blocks that the call which gave this run has computed."""

    @classmethod
    def of(cls, finished: Finished) -> Run:
        """The run that has just come to its end."""
        run = cls(finished.answers.folder)
        run.computed, run.answers = finished.computed, finished.answers
        return run

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self._folder.path

    @property
    def run_folder(self) -> RunFolder:
        """The run folder with its study, as everything that reads or writes a run takes it."""
        return self._folder

    @property
    def study(self) -> Study:
        """The resolved study, with its model."""
        return self._folder.study

    @cached_property
    def answers(self) -> Answers:
        """The run's numbers as records, made when they are asked for; the ledger is read once.

        Raises:
          UserError: the run has not come to its end, and that is not allowed; or blocks are damaged.
        """
        return results.of_run(self._folder, self._partial)

    @cached_property
    def cube(self) -> xr.DataTree:
        """The labelled cube, read lazily.

        Raises:
          UserError: the run has not come to its end, and that is not allowed.
        """
        return results.cube_of(self._folder, self._partial)

    @property
    def rounding(self) -> tuple[Rounding, ...]:
        """What single precision is too coarse for, as the finished run's cube has it; nothing where it is fine enough."""
        return cube.rounding(self.folder)

    # ------------------------------------------------------------------------------------------ numbers

    def risk(self, variable: str | None = None, level: str | float | None = None) -> pd.DataFrame:
        """Mean, VaR and ES of outcomes, and probabilities of events, by policy: a row an estimate, with its interval.

        Args:
          variable: one outcome or event; all if not given.
          level: only measures at this level, such as 99.
        """
        return self._frame(self._tables(variable, level).risk)

    def given(
        self, condition: str, variable: str | None = None, level: str | float | None = None
    ) -> pd.DataFrame:
        """What holds among the paths that meet a condition, such as "reemployed_share >= 0.667", and among the others."""
        return self._frame(questions.given(self.answers, condition, variable, stated_level(level)))

    def yearly(self, variable: str, level: str | float | None = None) -> pd.DataFrame:
        """How risky a yearly variable is under each policy, in each year and place; rows as `risk`."""
        questions.refuse_unknown(variable, questions.yearly_names(self.study, self.cube))
        return self._frame(questions.by_year(self.answers, self.cube, variable, stated_level(level)))

    def to_dataframe(self, paths: int | None = None) -> pd.DataFrame:
        """Futures as rows: `engine.runs.elsewhere.rows`."""
        return elsewhere.rows(self.answers.study, self.cube, paths)

    def to_ema(self, paths: int | None = None) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Experiments and outcomes as ema_workbench has them: `engine.runs.elsewhere.experiments`."""
        return elsewhere.experiments(self.answers.study, self.cube, paths)

    def to_arviz(self, paths: int | None = None) -> Any:
        """Draws and outcomes as ArviZ has them, read lazily: `engine.runs.elsewhere.inference_data`."""
        return elsewhere.inference_data(self.answers.study, self.cube, paths)

    def save_tables(
        self,
        place: str | Path,
        variable: str | None = None,
        level: str | float | None = None,
        given: str | None = None,
        full: bool = False,
    ) -> Path:
        """The tables of risk and of paired differences as one file, by how its name ends: csv, xlsx, parquet, md or tex; gives its place.

        Args:
          variable: one outcome, event or yearly variable; all outcomes and events if not given.
          level: only measures at this level, such as 99.
          given: a condition, for the table of `given` in their place.
          full: all tables there are: every yearly variable by year and place as well, and what the run has answered.

        Raises:
          UserError: as `engine.runs.export.save_tables`.
        """
        refuse_file(Path(place))
        study, at = self.study, stated_level(level)
        tables: dict[str, Sequence[Record]] = {}
        if given is not None:
            tables["given"] = questions.given(self.answers, given, variable, at)
        else:
            yearly = questions.yearly_names(study, self.cube)
            questions.refuse_unknown(
                variable, {*study.model.outcomes, *(e.name for e in study.events), *yearly}
            )
            both = questions.tables_of(self.answers, variable, at)
            tables |= {"risk": both.risk, "comparison": both.comparison}
            names = yearly if full and variable is None else [name for name in yearly if name == variable]
            if names:
                cube = self.cube
                tables["by year"] = [
                    r for name in names for r in questions.by_year(self.answers, cube, name, at)
                ]
        whole = full and given is None and variable is None
        save_tables(Path(place), self.answers.study, tables, questions.kept(self.run_folder) if whole else ())
        return Path(place)

    # ------------------------------------------------------------------------------------------ single paths

    def replay(
        self, path: int | Sequence[int], device: str | None = None, precision: str | None = None
    ) -> xr.DataTree:
        """What happens on a path, year by year, under every policy: `engine.runs.replay.replay`."""
        return replay(self.study, path, device, precision)

    def worst(self, variable: str, policy: str | None = None, count: int = 10) -> xr.Dataset:
        """The paths on which an outcome is worst under a policy (the baseline if not given), worst first."""
        return worst(self._folder, variable, policy or self.study.baseline, count)

    # ------------------------------------------------------------------------------------------ the folder

    def status(self) -> upkeep.Status:
        """How far the run is; sizes of files are looked at, not what is in them."""
        return upkeep.status(self._folder)

    def verify(self, full: bool = False, **options: Any) -> list[Damage]:
        """Everything in the folder that is not as it was written: `engine.runs.upkeep.verify`."""
        return upkeep.verify(self._folder, full, **options)

    def repair(self, full: bool = False, **options: Any) -> upkeep.Repair:
        """Mends what `verify` finds, and gives what that was: `engine.runs.upkeep.repair`."""
        repair = upkeep.repair(self._folder, full, **options)
        for name in ("answers", "cube"):
            self.__dict__.pop(name, None)
        return repair

    # ------------------------------------------------------------------------------------------ pictures

    @property
    def plot(self) -> Plots:
        """Figures by the name of their kind, such as `plot.fan(variable="growth")`."""
        from engine.runs.figures import Plots

        return Plots(self)

    def report(self, out: str | Path | None = None, variable: str | None = None) -> Path:
        """One HTML page of the run, written; gives its place.

        Args:
          out: the file; `report.html` in the run folder if not given, or `NAME-report.html` here where that folder cannot be written,
            with a warning. A name that ends in .pdf gets the page printed, by a Chromium that is there; .png or .svg one slide.
          variable: the outcome that the answer speaks of first.

        Raises:
          UserError: the extra `report` is not installed, or nothing that prints is.
        """
        try:
            from engine.report import files, page
        except ModuleNotFoundError as error:
            if error.name != "jinja2":
                raise
            from engine.report.charts import MISSING

            raise UserError("rustbelt report", [MISSING]) from error
        place = self.folder / page.NAME if out is None else Path(out)
        content = files.content(self.folder, self.answers.study, self.cube, variable, place)
        if out is not None:
            return written(place, content)
        try:
            return written(place, content)
        except (UserError, OSError) as error:
            beside = Path(f"{self.folder.resolve().name}-{page.NAME}")
            warnings.warn(
                answer_store.failure_to_keep(place, error, f"It is in {beside}."),
                stacklevel=2,
            )
            return written(beside, content)

    # ------------------------------------------------------------------------------------------ as text

    def __repr__(self) -> str:
        state = cube.attributes(self.folder).get("status", "not begun")
        study = self.study
        return (
            f"<Run {self.folder}: {study.paths:,} paths, policies {', '.join(study.policy_names)}, {state}>"
        )

    def _repr_html_(self) -> str:
        """The headline table, for notebooks; a run that cannot be read is named alone."""
        try:
            risk = self.answers.all_tables.risk
        except UserError as error:
            return f"<pre>{escape(repr(self))}\n{escape(str(error))}</pre>"
        shown = [record for record in risk if record.measure in HEADLINE]
        table = side_by_side(self.study, shown).to_html()
        head = f"<b>{escape(self.study.name)}</b> {escape(self.study.question)}<br>{escape(repr(self))}"
        marked = {mark: [record for record in shown if cell(record).mark == mark] for mark in MARKS}
        notes = [f"{mark} {reasons(records)}" for mark, records in marked.items() if records]
        note = "<br>".join(map(escape, notes))
        return f"<div>{head}{table}{note}</div>"

    def _frame(self, records: Sequence[Record]) -> pd.DataFrame:
        return frame(self.study, records)

    def _tables(self, variable: str | None, level: str | float | None) -> Tables:
        study = self.study
        questions.refuse_unknown(variable, {*study.model.outcomes, *(event.name for event in study.events)})
        return questions.tables_of(self.answers, variable, stated_level(level))
