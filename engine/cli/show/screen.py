"""Where tables are printed: stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console

WIDTH = 120
"""Columns of what is not printed to a terminal."""
NARROWEST = 100


def stdout() -> Console:
    """The console for tables: as wide as the terminal, but never so narrow that a table breaks."""
    console = Console(highlight=False)
    console.width = max(console.width, NARROWEST) if console.is_terminal else WIDTH
    return console


def print_records(records: Iterable[Mapping[str, Any]]) -> None:
    """One JSON list on stdout, one record a line."""
    lines = ",\n".join(json.dumps(dict(entry), allow_nan=False) for entry in records)
    sys.stdout.write(f"[\n{lines}\n]\n" if lines else "[]\n")
