"""The input of every section of the report: the study, its cube, the cube's numbers as records, stored answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import xarray as xr

from engine.answers import registry
from engine.answers.answer import Answer
from engine.errors import UserError, unknown
from engine.report.words import told
from engine.risk.estimation.flags import Reason
from engine.risk.estimation.intervals import Estimate
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
      answers: question -> its stored answer, in the words of the study; in the order in which one asks them, those of
        other packages last.
      given: (measure, policy, variable) -> its estimates before and given the facts, by the answer to `condition`.
      runs: what `provenance.runs` gives.
      versions: versions that made its blocks; several where they were mixed by `force`.
      variable: the outcome that the answer speaks of first, if one was named.
    """

    study: Study
    tree: xr.DataTree
    risk: Mapping[Key, Record]
    comparison: Mapping[Key, Record]
    answers: Mapping[str, Answer] = field(default_factory=dict)
    given: Mapping[Key, tuple[Estimate | None, Estimate | None]] = field(default_factory=dict)
    runs: Sequence[Mapping[str, Any]] = ()
    versions: Sequence[Mapping[str, Any]] = ()
    variable: str | None = None

    @property
    def others(self) -> tuple[str, ...]:
        """Names of the policies other than the baseline."""
        return tuple(name for name in self.study.policy_names if name != self.study.baseline)

    @cached_property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes that the first pages show: the one named, then those of the headline, at most `MOST`."""
        return tuple(filter(None, dict.fromkeys((self.variable, *self.study.headline))))[:MOST]

    @property
    def events(self) -> tuple[str, ...]:
        """Names of the events, in the order of the study."""
        return tuple(self.study.events_by_name)

    @property
    def asked(self) -> int | None:
        """Number of paths that an unfinished run was asked for; None for a finished run."""
        return self.tree.attrs.get("paths_asked")

    @cached_property
    def excluded(self) -> int:
        """Number of paths that estimates leave out because of non-finite values."""
        flags = (flag for one in self.risk.values() for flag in one.flags if flag.reason is Reason.NOT_FINITE)
        return max((int(flag.got) for flag in flags), default=0)


def records_of(
    study: Study, tree: xr.DataTree, answers: Mapping[str, xr.DataTree] | None = None, **more: Any
) -> RunRecords:
    """The `RunRecords` of a study, its cube and its answers; `more` are further fields.

    Answers in the format of another version are left out.
    """
    held, kept = dict[str, Answer](), answers or {}
    for question in sorted(kept, key=[*registry.QUESTIONS, *kept].index):
        with suppress(UserError):
            held[question] = Answer.of_tree(kept[question])
    given = held["condition"]["risk"].rows() if "risk" in held.get("condition", ()) else ()
    tables = tables_of_cube(study, tree)
    risk, comparison = (
        {(r.measure, r.policy, r.variable): r for r in rows} for rows in (tables.risk, tables.comparison)
    )
    return RunRecords(
        study,
        tree,
        risk,
        comparison,
        {question: told(study, answer) for question, answer in held.items()},
        {(row["measure"], row["policy"], row["variable"]): (row["before"], row["given"]) for row in given},
        **more,
    )


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
