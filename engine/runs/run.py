"""A run as one object, `Run`, and the two functions that return one: `run` computes it, `open_run` opens it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from engine.answers import registry
from engine.answers.answer import Answer
from engine.answers.question import STUDY, Asked
from engine.errors import UserError, closest, did_you_mean, unknown
from engine.execution import results
from engine.execution.job import Finished, RunOptions
from engine.execution.outdated import refuse_outdated
from engine.execution.progress import Progress
from engine.execution.results import Answers
from engine.execution.until import compute
from engine.risk.estimation.rounding import Rounding
from engine.run_folder import cube
from engine.run_folder.damage import Damage
from engine.run_folder.finding import find_run
from engine.run_folder.folder import RunFolder
from engine.runs import elsewhere, upkeep
from engine.runs.asking import ask, method, observer
from engine.runs.replay import replay, worst
from engine.study.loading import Model, load_study
from engine.study.study import Study

if TYPE_CHECKING:
    from engine.runs.figures import Plots


def run(
    study: Study | str | Path | Mapping[str, Any],
    out: str | Path | None = None,
    model: Model | None = None,
    paths: int | None = None,
    until: Sequence[str] | str | None = None,
    **options: Any,
) -> Run:
    """Simulates the blocks that a study's run folder does not have yet, and returns the finished `Run`.

    The same call continues a run that was stopped. A study with more paths extends its run.

    Args:
      study: a resolved study, a study file, the tables of a study as a dictionary, or the name of a shipped study.
      out: folder of the run; `outputs/<name>-<fingerprint>` if not given.
      model: the user's own model, if the study file does not name a shipped one.
      paths: number of paths, in place of the study's.
      until: precision targets in place of the study's, such as "ES99 of cost under old within 1 %"; the run ends when
        all of them are met, or after `paths` paths.
      options: other fields of `RunOptions` by name, such as `workers=4` or `device="cpu"`.

    Raises:
      UserError: the study is not valid; or as `engine.execution.until.compute`.
      TypeError: an option does not exist.
    """
    known = ("model", "paths", "until", *(one.name for one in fields(RunOptions)))
    if wrong := [name for name in options if name not in known]:
        raise TypeError(f"run() got an unexpected keyword argument '{wrong[0]}'.{did_you_mean(wrong[0], known)}")
    if not isinstance(study, Study):
        study = load_study(study, model=model, paths=paths, until=until)
    elif model is not None or paths is not None or until is not None:
        raise UserError(study.source, ["is resolved already. Give model, paths and until to load_study."])
    finished = compute(study, RunOptions(out, **{"observe": observer(), **options}))
    return run_of(finished)


def open_run(place: str | Path, model: Model | None = None, partial: bool = False) -> Run:
    """Opens an existing run and returns it as a `Run`.

    Args:
      place: a run folder, a study file, the name of a study that ships, or the beginning of the name of a run in
        `outputs/`.
      model: the user's own model that it was run with, if the model's file has changed or is gone.
      partial: accept a run that is not finished; estimates are then over the blocks that are done.

    Raises:
      UserError: no run, or more than one, is found by the place; or its model must be given.
    """
    return Run(find_run(place, model), partial)


def run_of(finished: Finished) -> Run:
    """The run of a computation that has just finished."""
    run = Run(finished.answers.folder)
    run._finished, run.answers = finished, finished.answers
    return run


class Run:
    """A run: its study, its cube, the questions that it answers, and its upkeep, exports and figures.

    Each question is a method, also one of another package; it gives an `Answer`, which most questions also store beside
    the cube.

    Args:
      folder: the run folder with its study.
      partial: accept a run that is not finished; estimates are then over the blocks that are done.
    """

    def __init__(self, folder: RunFolder, partial: bool = False):
        status = cube.attributes(folder.path).get("status")
        self.is_extended = status == "incomplete" and cube.was_finished(folder.path)
        """Whether the run was finished and then extended, with some of the further paths not done yet.

        Estimates are then over the paths that are done.
        """
        self._folder, self._partial = folder, partial or self.is_extended
        self._finished: Finished | None = None

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self._folder.path

    @property
    def run_folder(self) -> RunFolder:
        """The run folder with its study: the record that every function takes that reads or writes a run."""
        return self._folder

    @property
    def study(self) -> Study:
        """The resolved study, with its model."""
        return self._folder.study

    @cached_property
    def answers(self) -> Answers:
        """The run's estimates as records, computed on first access; the ledger of blocks is read once.

        Raises:
          UserError: the run has not come to its end, and that is not allowed; blocks are damaged; or the model gives
            other values now.
        """
        return results.of_run(self._compared, self._partial)

    @cached_property
    def cube(self) -> xr.DataTree:
        """The labelled cube, read lazily.

        Raises:
          UserError: the run has not come to its end, and that is not allowed; or the model gives other values now.
        """
        return results.cube_of(self._compared, self._partial)

    @cached_property
    def _read_cube(self) -> xr.DataTree:
        """The cube as questions and the report read it: each array whole when it is needed, without dask."""
        tree = self.__dict__.get("cube")
        return tree if tree is not None else results.cube_of(self._compared, self._partial, by_dask=False)

    @cached_property
    def _compared(self) -> RunFolder:
        """The run folder, some of whose paths have been compared with what the model gives now."""
        refuse_outdated(self._folder)
        return self._folder

    @property
    def rounding(self) -> tuple[Rounding, ...]:
        """The factors, yearly variables and outcomes for which single precision is too coarse; empty if none are."""
        return cube.rounding(self.folder)

    # ------------------------------------------------------------------------------------------ numbers

    def __getitem__(self, name: str) -> xr.DataArray:
        """An outcome on every path, [policy, path], or the draws of a factor, [path]: labelled, read when needed.

        Raises:
          KeyError: neither is kept under that name.
        """
        kept = [self.cube.children[place] for place in ("paths", "draws") if place in self.cube.children]
        for group in kept:
            if name in group.data_vars:
                return group.to_dataset()[name]
        raise KeyError(unknown("outcome or factor", name, [str(key) for group in kept for key in group.data_vars]))

    def __getattr__(self, name: str) -> Any:
        """The method of a question; else an AttributeError that names the closest attribute."""
        if hasattr(type(self), name):  # it exists, and its own code has failed: this raises that error again
            return object.__getattribute__(self, name)
        if name in registry.names():
            return method(name, self._ask)
        close = closest(name, dir(self))
        hint = f" Did you mean '{close}'?" if close and name[0] != "_" else ""
        raise AttributeError(f"a run has no '{name}'.{hint}", name="")  # given a name, Python adds its own guess

    def __dir__(self) -> list[str]:
        """The names of what a user needs."""
        return sorted({*filter(lambda name: name[0] != "_", super().__dir__()), *registry.names()})

    # ---------------------------------------------------------------------------------------- questions

    def _asking(self, **place: Any) -> Asked:
        """The run as a question sees it; `place` sets further fields of `Asked`."""
        return Asked(self.study, self._folder, lambda: self.answers, lambda: self._read_cube, **place)

    def _ask(self, question: str, *, paths: int | None = None, device: str | None = None, **options: Any) -> Answer:
        """The answer to a question by its name, which is also stored beside the cube; progress is shown in notebooks.

        Args:
          question: one of `engine.answers.registry.names()`, which include questions of other packages.
          paths: how many to simulate, for a question that simulates futures again; its own default if not given.
          device: "cpu" or "gpu" to simulate on; the GPUs if there are any.
          options: of the question.

        Raises:
          UserError: no such question or option, what is asked for is not there, or the model gives other values now.
        """
        if "answers" in vars(self):  # else they are compared when they are read; in a notebook, a name may have changed
            refuse_outdated(self._folder, device)
        watch = observer()
        of = self._asking(device=device, observe=lambda stage, done, total: watch(Progress(stage, done, total)))
        if registry.question(question).needs == STUDY:
            study = self.study if paths is None else replace(self.study, paths=paths)
            of = replace(of, study=study, paths=paths)
        return ask(question, options, of, stacklevel=4)[0]

    def to_dataframe(self, paths: int | range | None = None) -> pd.DataFrame:
        """Futures as rows, indexed by policy and path: the factors drawn, and the outcomes stored path by path.

        Args:
          paths: how many, from the first on; or their numbers, such as `range(1000, 2000)`, to read a run in parts.
            Those whose draws are kept if not given.
        """
        return elsewhere.rows(self.answers.study, self.cube, paths)

    def to_ema(self, paths: int | None = None) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Experiments and outcomes as ema_workbench has them: `engine.runs.elsewhere.experiments`."""
        return elsewhere.experiments(self.answers.study, self.cube, paths)

    # ------------------------------------------------------------------------------------------ single paths

    def replay(self, path: int | Sequence[int], device: str | None = None, precision: str | None = None) -> xr.DataTree:
        """Recomputes one or more paths under every policy, with all yearly values: `engine.runs.replay.replay`."""
        return replay(self.study, path, device, precision)

    def worst(self, variable: str, policy: str | None = None, count: int = 10) -> xr.Dataset:
        """The paths on which an outcome is worst under a policy (the baseline if not given), worst first."""
        return worst(self._folder, variable, policy or self.study.baseline, count)

    # ------------------------------------------------------------------------------------------ the folder

    def status(self) -> upkeep.Status:
        """Progress of the run, by its records and the sizes of its files; contents are not checked."""
        return upkeep.status(self._folder)

    def verify(self, full: bool = False, **options: Any) -> list[Damage]:
        """Files of the run folder that differ from their records: `engine.runs.upkeep.verify`."""
        return upkeep.verify(self._folder, full, **options)

    def repair(self, full: bool = False, **options: Any) -> upkeep.Repair:
        """Repairs the damage that `verify` finds, and returns it: `engine.runs.upkeep.repair`."""
        repair = upkeep.repair(self._folder, full, **options)
        for name in ("answers", "cube", "_read_cube"):
            self.__dict__.pop(name, None)
        return repair

    # ------------------------------------------------------------------------------------------ pictures

    @property
    def plot(self) -> Plots:
        """Figures by the name of their kind, such as `plot.fan("growth")`."""
        from engine.runs.figures import Plots

        return Plots(self._folder, lambda: self._read_cube)

    def report(self, out: str | Path | None = None, variable: str | None = None) -> Path:
        """Writes the report of the run, one HTML page, and returns its path: `engine.runs.upkeep.write_report`.

        Args:
          out: the file; `report.html` in the run folder if not given. With the suffix .pdf the page is printed, by an
            installed Chromium.
          variable: the outcome that the answer speaks of first.
        """
        return upkeep.write_report(self._folder, self.answers.study, lambda: self._read_cube, out, variable)

    # ------------------------------------------------------------------------------------------ as text

    def __repr__(self) -> str:
        state = cube.attributes(self.folder).get("status", "not begun")
        study = self.study
        return f"<Run {self.folder}: {study.paths:,} paths, policies {', '.join(study.policy_names)}, {state}>"

    def _repr_html_(self) -> str:
        """The answer to `risk`, for notebooks; only its name for a run that cannot be read."""
        head = f"<b>{escape(self.study.name)}</b> {escape(self.study.question)}<br>{escape(repr(self))}"
        try:
            return f"<div>{head}{self._ask('risk')._repr_html_()}</div>"
        except UserError as error:
            return f"<pre>{escape(repr(self))}\n{escape(str(error))}</pre>"
