"""The input of every section of the report: the study, its cube, the cube's numbers as records, stored answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import xarray as xr

from engine.answers.answer import Answer
from engine.errors import UserError, unknown
from engine.report.words import told
from engine.risk.estimation.tables import Record
from engine.run_folder import answer_store, ledger, ownership, provenance
from engine.run_folder.stored_estimates import tables_of_cube
from engine.study.study import Study

Key = tuple[str, str, str]
MOST = 4
"""Most outcomes that the first pages show."""


@dataclass(frozen=True)
class RunRecords:
    """A run as its report reads it.

    Args:
      study: its study, with the number of paths that are there.
      tree: the cube, as `open_cube` gives it.
      risk, comparison: records of its summary groups by (measure, policy, variable), as `engine.risk.estimation.tables`
        names them.
      answers: question -> its stored answer, in the words of the study.
      runs: what `provenance.runs` gives.
      versions: versions that made its blocks; several where they were mixed by `force`.
      variable: the outcome that the answer speaks of first, if one was named.
    """

    study: Study
    tree: xr.DataTree
    risk: Mapping[Key, Record]
    comparison: Mapping[Key, Record]
    answers: Mapping[str, Answer] = field(default_factory=dict)
    runs: Sequence[Mapping[str, Any]] = ()
    versions: Sequence[Mapping[str, Any]] = ()
    variable: str | None = None

    @cached_property
    def diagnostics(self) -> xr.Dataset:
        """The group of diagnostics in memory; an empty dataset where there is none."""
        return self.tree["diagnostics"].to_dataset().load() if "diagnostics" in self.tree.children else xr.Dataset()

    @property
    def others(self) -> tuple[str, ...]:
        """Names of the policies other than the baseline."""
        return tuple(name for name in self.study.policy_names if name != self.study.baseline)

    @cached_property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes that the first pages show: the one named, then those of the headline, at most `MOST`."""
        known = [n for n in self.study.model.outcomes if ("mean", self.study.baseline, n) in self.risk]
        wanted = [name for name in dict.fromkeys((self.variable, *self.study.headline)) if name in known]
        return tuple(map(str, (wanted or known)[:MOST]))

    @cached_property
    def events(self) -> tuple[str, ...]:
        """Names of the events that have a probability, in the order of the study."""
        base = self.study.baseline
        return tuple(one.name for one in self.study.events if ("probability", base, one.name) in self.risk)

    @property
    def paths(self) -> int:
        """Number of paths that the numbers are over."""
        return int(self.tree.attrs.get("paths", self.study.paths))

    @property
    def excluded(self) -> int:
        """Number of paths that are excluded from every estimate, because of non-finite values."""
        return int(self.diagnostics["n_excluded"]) if "n_excluded" in self.diagnostics else 0


def records_of(
    study: Study, tree: xr.DataTree, answers: Mapping[str, xr.DataTree] | None = None, **more: Any
) -> RunRecords:
    """The `RunRecords` of a study, its cube and its answers; `more` are further fields.

    Answers in the format of another version are left out.
    """
    held = dict[str, Answer]()
    for question, kept in (answers or {}).items():
        with suppress(UserError):
            held[question] = told(study, Answer.of_tree(kept))
    tables = tables_of_cube(study, tree)
    others = [r for r in tables.comparison if r.policy != study.baseline or r.measure == "regret"]
    return RunRecords(study, tree, _by_key(tables.risk), _by_key(others), held, **more)


def _by_key(records: Iterable[Record]) -> dict[Key, Record]:
    return {(r.measure, r.policy, r.variable): r for r in records}


def stored(folder: Path, study: Study, tree: xr.DataTree, variable: str | None = None) -> RunRecords:
    """The records of a run from its folder, with the answers that are stored there.

    Args:
      tree: the run's cube, as `engine.open_cube` gives it.
      variable: the outcome that the answer speaks of first; by default the first of the headline.

    Raises:
      UserError: there is no such outcome.
    """
    if variable is not None and variable not in study.model.outcomes:
        raise UserError("variable", [unknown("outcome", variable, study.model.outcomes)])
    runs, versions = provenance.runs(folder), ownership.versions_of(folder)
    held = {question: answer_store.read(folder, question) for question in ledger.answers(folder)}
    answers = {question: answer for question, answer in held.items() if answer is not None}
    return records_of(study, tree, answers, runs=runs, versions=versions, variable=variable)
