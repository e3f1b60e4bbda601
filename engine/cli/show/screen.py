"""Where tables are printed, stdout; and what stands above all that is printed of a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from engine.study.study import Study

WIDTH = 120
"""Columns of what is not printed to a terminal."""
NARROWEST = 100


def stdout() -> Console:
    """The console for tables: as wide as the terminal, but never so narrow that a table breaks."""
    console = Console(highlight=False)
    console.width = max(console.width, NARROWEST) if console.is_terminal else WIDTH
    return console


def print_head(console: Console, study: Study, folder: Path) -> None:
    """Which study this is: its question, paths, policies and folder."""
    policies = ", ".join(
        f"{name} (baseline)" if name == study.baseline else name for name in study.policy_names
    )
    question = f": {study.question}" if study.question else ""
    console.print(f"[bold]{escape(study.name)}[/bold]{escape(question)}", soft_wrap=True)
    line = f"{study.paths:,} paths, seed {study.seed}; policies {policies}; in {folder}"
    console.print(escape(line), soft_wrap=True)
    console.print()


def print_records(records: Iterable[Mapping[str, Any]]) -> None:
    """One JSON list on stdout, one record a line."""
    lines = ",\n".join(json.dumps(dict(entry), allow_nan=False) for entry in records)
    sys.stdout.write(f"[\n{lines}\n]\n" if lines else "[]\n")
