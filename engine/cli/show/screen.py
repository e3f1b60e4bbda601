"""Where tables are printed, stdout; and what stands above all that is printed of a run."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from engine.cli.show.streams import Screen, results

if TYPE_CHECKING:
    from engine.risk.rounding import Rounding
    from engine.risk.tables import Record
    from engine.study.study import Study

WIDTH = 120
"""Columns of what is not printed to a terminal."""
NARROWEST = 100


def stdout() -> Console:
    """The console for tables: as wide as the terminal, but never so narrow that a table breaks."""
    console = Screen(results())
    console.width = max(console.width, NARROWEST) if console.is_terminal else WIDTH
    return console


def table(title: str, *columns: str, left: Collection[str] = ()) -> Table:
    """A table without a frame, its title above it; columns are of numbers, but for those on the left."""
    shown = Table(
        title=escape(title) or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False
    )  # fmt: skip
    for name in columns:
        shown.add_column(escape(name), justify="left" if name in left else "right")
    return shown


def print_table(console: Console, shown: Table) -> None:
    """A table and an empty line, printed; nothing where it has no row."""
    if shown.row_count:
        console.print(shown)
        console.print()


def print_line(console: Console, strong: str, text: str = "", style: str = "") -> None:
    """One line, printed as it is, however long, its beginning bold."""
    console.print(Text.assemble((strong, "bold"), text, style=style), soft_wrap=True)


def print_text(text: str) -> None:
    """Text for other programs or to be pasted, printed as it is, with the end of its last line."""
    results().write(text if text.endswith("\n") else f"{text}\n")


def print_labelled(console: Console, lines: Iterable[tuple[str, str]]) -> None:
    """Lines beside their labels, printed."""
    for label, text in lines:
        print_line(console, f"{label:<12}", text)


def headed(study: Study, folder: Path) -> Console:
    """The console for the tables of a run, on which its question, paths, policies and folder stand already."""
    console = stdout()
    policies = ", ".join(
        f"{name} (baseline)" if name == study.baseline else name for name in study.policy_names
    )
    question = f": {study.question}" if study.question else ""
    print_line(console, study.name, question)
    print_line(console, "", f"{study.paths:,} paths, seed {study.seed}; policies {policies}; in {folder}")
    console.print()
    return console


def print_rounding(console: Console, rounding: Iterable[Rounding]) -> None:
    """What single precision is too coarse for, a line each, and what to do about it; nothing where it is fine enough."""
    remedy = ""
    for one in rounding:
        print_line(console, "Precision: ", one.text, "yellow")
        remedy = one.as_dict()["remedy"]
    if remedy:
        print_line(console, "", remedy, "yellow")
        console.print()


def print_estimates(study: Study, records: Iterable[Record]) -> None:
    """Estimates of a study as one JSON list on stdout, each with the labels of its place."""
    print_records(record.as_dict(study.model.dims) for record in records)


def print_records(records: Iterable[dict[str, Any]]) -> None:
    """One JSON list on stdout, one record a line."""
    lines = ",\n".join(json.dumps(entry, allow_nan=False) for entry in records)
    results().write(f"[\n{lines}\n]\n" if lines else "[]\n")
