"""The record that every question returns, `Answer`, and its forms: data frames, labelled groups, JSON, files, HTML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.answers import layout, plain
from engine.answers.table import Column, Kind, Table, is_nothing
from engine.errors import UserError, unknown
from engine.run_folder import answer_store
from engine.run_folder.cube_groups import CONVENTIONS, described
from engine.run_folder.stored_estimates import Group, Variable, estimates, put_together, taken_apart

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_HEAD = "answer"
"""Attribute of the root group that holds everything of an answer except its tables."""


@dataclass(frozen=True)
class Subject:
    """The study that an answer is about: its name and question, fingerprint, paths, seed, policies and baseline."""

    name: str
    question: str
    fingerprint: str
    paths: int
    seed: int
    policies: tuple[str, ...]
    baseline: str

    @staticmethod
    def of(study: Any) -> Subject:
        """The subject of an answer about a `Study` whose `paths` are those that the answer is computed from."""
        return Subject(
            study.name, study.question, study.fingerprint, study.paths, study.seed, study.policy_names, study.baseline
        )  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """The answer to a question: sentences, and the tables that they rest on.

    Args:
      subject: the study that it is about.
      findings: sentences, the first of which is the answer in short; none claims more than the intervals support.
      tables: the numbers, with their units and intervals.
      basis: what the numbers rest on: how many paths, which seed, how they were computed.
      reading: how to read the tables.
      of: the result of the analysis that the tables were made from, for use in Python; not stored, so None in an answer
        read from a file.
      question, heading, asked: name of the question, its heading in a report, its options as plain data; set by the
        caller of `Question.answer`, not by the analysis.
      shown: tables for people, where these are not those of `tables`; not stored.
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
    shown: tuple[Table, ...] = field(default=(), compare=False, repr=False)

    @staticmethod
    def about(
        study: Any, findings: Iterable[str], tables: Iterable[Table], basis: str = "", reading: str = "", **others: Any
    ) -> Answer:
        """The answer about a `Study`, as of `Subject.of`; tables without a row are left out.

        Args:
          others: further fields by name.
        """
        return Answer(Subject.of(study), tuple(findings), tuple(filter(len, tables)), basis, reading, **others)

    @property
    def finding(self) -> str:
        """The answer in one sentence: the first finding."""
        return self.findings[0]

    def __iter__(self) -> Iterator[str]:
        """Names of the tables, as of a mapping."""
        return (one.name for one in self.tables)

    def __getitem__(self, table: str) -> Table:
        for one in self.tables:
            if one.name == table:
                return one
        raise KeyError(unknown("table", table, self))

    def frame(self, table: str, brief: bool = False) -> pd.DataFrame:
        """One table as a data frame: unrounded numbers, one column each, as `engine.answers.files.frame` describes.

        Args:
          brief: the table as the terminal shows it: texts such as "3.95 [3.88, 4.01]", indexed by the names of rows.
        """
        from engine.answers import files

        return files.printed(self[table]) if brief else files.frame(self[table])

    @property
    def groups(self) -> dict[str, Group]:
        """The answer as labelled groups by path: one per table, and "/" with everything else as attributes."""
        root = {
            "Conventions": CONVENTIONS,
            "title": f"{self.subject.name}: {self.question}",
            "summary": self.finding,
            "id": f"{self.subject.name}-{self.subject.fingerprint}",
            "paths": self.subject.paths,
            "comment": self.basis,
            _HEAD: {**self._head(), "order": list(self)},
        }
        return {"/": Group({}, {}, root), **groups(self.tables)}

    @property
    def tree(self) -> xr.DataTree:
        """The answer as an `xarray.DataTree` of the groups that `groups` gives."""
        import xarray as xr  # with pandas, which it needs, it takes a second to import

        return xr.DataTree.from_dict({place: xr.Dataset(*group) for place, group in self.groups.items()})

    @staticmethod
    def of_tree(tree: xr.DataTree) -> Answer:
        """The answer that was stored as `groups`, read back from a tree.

        Raises:
          UserError: the groups are in another version's format, or something is missing from them.
        """
        head = tree.attrs.get(_HEAD, {})
        try:
            if head.get("version") != plain.VERSION:
                again = f"has the format of another version. Ask again: rustbelt {head.get('question', 'QUESTION')}"
                raise UserError("the stored answer", [again])
            held = {table.name: table for table in tables_of(tree)}
            subject = Subject(**head["study"] | {"policies": tuple(head["study"]["policies"])})
            kept = {name: head[name] for name in ("basis", "reading", "question", "heading", "asked")}
            return Answer(subject, tuple(head["findings"]), tuple(held[name] for name in head["order"]), **kept)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UserError("the stored answer", ["is not a stored answer. Ask again."]) from error

    @staticmethod
    def stored(folder: Path, question: str) -> Answer | None:
        """The answer stored in a run folder; None without one, or with one in the format of another version."""
        tree = answer_store.read(folder, question)
        with suppress(UserError):
            return None if tree is None else Answer.of_tree(tree)
        return None

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

    def save(self, place: str | Path) -> Path:
        """Writes all tables into one file and returns its path; its suffix says how: csv, xlsx, parquet or md.

        Raises:
          UserError: as `engine.answers.files.save`.
        """
        from engine.answers import files

        files.save(Path(place), [table for table in self.tables if len(table)])
        return Path(place)

    def __str__(self) -> str:
        return "\n".join(self.findings)

    def _repr_html_(self) -> str:
        """The findings and the brief tables, for notebooks."""
        from engine.answers import files

        words = "".join(f"<p>{escape(text)}</p>" for text in self.findings)
        every = [part for table in self.shown or self.tables for part in layout.parts(table, full=False) if len(part)]
        tables = (files.texts(part, full=False).to_html(index=False) for part in every)
        marks = dict.fromkeys(text for part in every for text in layout.notes(layout.stacks(part, False)[1]))
        last = "".join(f"<p>{escape(text)}</p>" for text in (*marks, self.basis))
        return f"<div>{words}{''.join(tables)}{last}</div>"


FORM = "table"
"""Attribute of a group that holds its table's title, dimensions and columns, but for their values."""
_TYPES = {Kind.NUMBER: np.float64, Kind.COUNT: np.int64, Kind.TRUTH: np.int8, Kind.TEXT: object}


def groups(tables: Sequence[Table]) -> dict[str, Group]:
    """One group per table, by its name; estimates have a dimension `stat`, and flags a subgroup `reasons`."""
    return taken_apart({table.name: _group(table) for table in tables})


def _group(table: Table) -> Group:
    columns = {column.name: _variable(table, column) for column in table.columns}
    labelled = [column.name for column in table.columns if column.kind is Kind.TEXT or column.name in table.dims]
    form = {
        "title": table.title,
        "dims": list(table.dims),
        "brief": list(table.brief),
        "across": table.across,
        "apart": table.apart,
    }
    form["columns"] = [_form(column) for column in table.columns]
    coords = {name: columns.pop(name) for name in labelled}
    for name in columns:
        if f"{name}_error" in columns:
            columns[name].attrs["ancillary_variables"] = f"{name}_error"
    return Group(columns, coords, {"comment": table.title, FORM: form})


def _form(column: Column) -> dict[str, Any]:
    """The description of a column: all its fields but the values."""
    held = {one.name: getattr(column, one.name) for one in fields(column) if one.name != "values"}
    return held | {"over": None if column.over is None else list(column.over), "kind": str(column.kind)}


def _variable(table: Table, column: Column) -> Variable:
    dims = (column.name,) if column.name in table.dims else table.dims if column.over is None else column.over
    if len(table.dims) == 1:
        dims, values = table.dims, list(column.values)
    elif column.name in table.dims:
        values = list(table.labels(column.name))
    else:
        held = np.empty(len(table), object)
        held[:] = column.values
        first = tuple(slice(None) if dim in dims else 0 for dim in table.dims)
        values = held.reshape(table.shape)[first].tolist()
    about = described(column.about, column.unit)
    if column.kind is Kind.ESTIMATE:
        return estimates(dims, values, about)
    if column.kind is Kind.NUMBER:
        values = [np.nan if one is None else one for one in values]
    if column.kind is Kind.TRUTH:
        about |= {"flag_values": [0, 1], "flag_meanings": "no yes"}
    return Variable(tuple(dims), np.array(values, _TYPES[column.kind]), about)


def tables_of(tree: xr.DataTree) -> tuple[Table, ...]:
    """The tables read back from groups that `groups` made, in the order of `tree`; other groups are left out."""
    return tuple(
        _table(str(name), node.attrs[FORM], put_together(node))
        for name, node in tree.children.items()
        if FORM in node.attrs
    )


def _table(name: str, form: Mapping[str, Any], group: xr.Dataset) -> Table:
    dims = tuple(form["dims"])
    shape = {dim: group.sizes.get(dim, 0) for dim in dims}
    columns = []
    for about in form["columns"]:
        kind, over = Kind(about["kind"]), about["over"]
        given = {**about, "kind": kind, "over": None if over is None else tuple(over)}
        columns.append(Column(values=_values(group, about["name"], kind, shape), **given))
    return Table(name, form["title"], columns, dims, form["brief"], form["across"], form["apart"])


def _values(group: xr.Dataset, name: str, kind: Kind, shape: Mapping[str, int]) -> list[Any]:
    if name not in group.variables:  # a store has no array of size 0
        return []
    values = group[name].variable.set_dims(shape).transpose(*shape).values.ravel().tolist()
    if kind is Kind.ESTIMATE:
        return [None if is_nothing(one) else one for one in values]
    return [str(one) for one in values] if kind is Kind.TEXT else values
