"""The one record that every question gives, and everything that is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.answers import groups, plain, shown
from engine.answers.table import Table
from engine.errors import UserError, unknown
from engine.run_folder.cube_groups import CONVENTIONS
from engine.run_folder.stored_estimates import Group

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from engine.answers import files
    from engine.answers.workbook import Front

_HEAD = "answer"
"""Attribute of the root that holds all of an answer but its tables."""


@dataclass(frozen=True)
class Subject:
    """The study that an answer is of, and over which of its futures."""

    name: str
    question: str
    fingerprint: str
    paths: int
    seed: int
    policies: tuple[str, ...]
    baseline: str

    @staticmethod
    def of(study: Any) -> Subject:
        """A `Study`, with the paths that were looked at."""
        return Subject(
            study.name, study.question, study.fingerprint, study.paths, study.seed, study.policy_names, study.baseline
        )  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What a question gives.

    Args:
      subject: what it is of.
      findings: sentences, the first of which is the answer; they claim no more than the intervals.
      tables: the numbers.
      basis: what the numbers rest on: paths, seed, what was computed how.
      reading: how to read the tables.
      of: what the tables were made of, for Python; not kept, and None in an answer that was read.
      question, heading, asked: the name of the question, what stands above it in a report, its options as plain data: whoever asks enters them.
    """

    subject: Subject
    findings: tuple[str, ...]
    tables: tuple[Table, ...]
    basis: str = ""
    reading: str = ""
    of: Any = field(default=None, compare=False, repr=False)
    question: str = ""
    heading: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def finding(self) -> str:
        """The answer, in a sentence."""
        return self.findings[0]

    def __contains__(self, table: str) -> bool:
        return any(one.name == table for one in self.tables)

    def __getitem__(self, table: str) -> Table:
        for one in self.tables:
            if one.name == table:
                return one
        raise KeyError(unknown("table", table, [one.name for one in self.tables]))

    def frame(self, table: str, brief: bool = False) -> pd.DataFrame:
        """One table as a data frame: numbers whole, each column by itself, as `engine.answers.frames.frame` has them.

        Args:
          brief: to be looked at rather than computed with: what the terminal shows, texts such as "3.95 [3.88, 4.01]", a row's names as index.
        """
        from engine.answers import frames

        return frames.printed(self[table]) if brief else frames.frame(self[table])

    @property
    def groups(self) -> dict[str, Group]:
        """The answer as labelled groups by place: all but the tables in the attributes of "/", then a group a table."""
        head = self._head()
        root = {
            "Conventions": CONVENTIONS,
            "title": f"{self.subject.name}: {self.question}",
            "summary": self.finding,
            "id": f"{self.subject.name}-{self.subject.fingerprint}",
            "paths": self.subject.paths,
            "comment": self.basis,
            _HEAD: {**head, "order": [table.name for table in self.tables]},
        }
        return {"/": Group({}, {}, root), **groups.groups(self.tables)}

    @property
    def tree(self) -> xr.DataTree:
        """The answer as a labelled tree."""
        import xarray as xr  # with pandas, which it needs, it takes a second

        return xr.DataTree.from_dict({place: xr.Dataset(*group) for place, group in self.groups.items()})

    @staticmethod
    def of_tree(tree: xr.DataTree) -> Answer:
        """The answer of groups that `groups` gave, as they are read beside a cube.

        Raises:
          UserError: they are of a version before, or of one to come.
        """
        head = tree.attrs.get(_HEAD, {})
        try:
            return Answer._of(tree, head)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UserError(
                "the answer that is kept", ["is not as an answer is written. Ask anew."]
            ) from error

    @staticmethod
    def _of(tree: xr.DataTree, head: Any) -> Answer:
        if head.get("version") != plain.VERSION:
            raise UserError(
                "the answer that is kept",
                [
                    f"has another form than this version's. Ask anew: rustbelt {head.get('question', 'QUESTION')}"
                ],
            )
        held = {table.name: table for table in groups.tables(tree)}
        subject = {**head["study"], "policies": tuple(head["study"]["policies"])}
        return Answer(
            Subject(**subject), tuple(head["findings"]), tuple(held[name] for name in head["order"]),
            head["basis"], head["reading"], None, head["question"], head["heading"], head["asked"],
        )  # fmt: skip

    def plain(self) -> dict[str, Any]:
        """The answer as plain data for JSON, in the shape of `engine.answers.plain.SCHEMA`."""
        return {**self._head(), "tables": {table.name: plain.plain_table(table) for table in self.tables}}

    def _head(self) -> dict[str, Any]:
        return {
            "version": plain.VERSION,
            "question": self.question,
            "asked": dict(self.asked),
            "study": {**asdict(self.subject), "policies": list(self.subject.policies)},
            "heading": self.heading,
            "findings": list(self.findings),
            "basis": self.basis,
            "reading": self.reading,
        }

    @property
    def sheets(self) -> files.Sheets:
        """The tables that have rows, for a file; by name."""
        from engine.answers import files, frames

        return {
            table.name: files.Sheet(
                frames.frame(table), partial(frames.texts, table), places=frames.places(table)
            )
            for table in self.tables
            if len(table)
        }

    def save(
        self,
        place: str | Path,
        digits: files.Digits = "rounded",
        more: files.Sheets | None = None,
        front: Front | None = None,
    ) -> Path:
        """All tables as one file, by how its name ends: csv, xlsx, parquet, md or tex; gives its place.

        Args:
          digits: of a CSV file: as many as the standard errors bear; "full" for all.
          more: what else the file holds, behind them.
          front: the first sheet of a workbook.

        Raises:
          UserError: as `engine.answers.files.save`.
        """
        from engine.answers import files

        of = self.subject
        about = {
            "study": of.name, "policies": ", ".join(of.policies), "baseline": of.baseline, "paths": of.paths, "seed": of.seed,
            "question": self.question, **{name: str(value) for name, value in self.asked.items()},
            "finding": self.finding, "over": self.basis, "fingerprint": of.fingerprint,
        }  # fmt: skip
        files.save(Path(place), about, {**self.sheets, **(more or {})}, front, digits)
        return Path(place)

    def __str__(self) -> str:
        return "\n".join(self.findings)

    def _repr_html_(self) -> str:
        """The findings and the brief tables, for notebooks."""
        from engine.answers import frames

        words = "".join(f"<p>{escape(text)}</p>" for text in self.findings)
        every = [part for table in self.tables for part in shown.parts(table, full=False) if len(part)]
        tables = (frames.texts(part, full=False).to_html(index=False) for part in every)
        marks = dict.fromkeys(text for part in every for text in shown.notes(shown.stacks(part, False)[1]))
        last = "".join(f"<p>{escape(text)}</p>" for text in (*marks, self.basis))
        return f"<div>{words}{''.join(tables)}{last}</div>"
