"""Data files that a study's tables name: their paths, and the tables with their content in place of the name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from engine.draws.copulas.empirical import MOST_ROWS, ranks_of
from engine.draws.distributions.data import MOST_VALUES, thinned
from engine.errors import Problems, refusal
from engine.study.data_files import column, named
from engine.study.values import Tables, table_in

_LAWS = ("factors", "shocks")
_DEEPEST = 8
"""Levels of laws within a law that are looked through for files."""


def names_file(model: object) -> bool:
    """Whether what a study states as its model is FILE:CLASS, and no name of an installed model."""
    return isinstance(model, str) and ":" in model


def place_files(tables: dict[str, Any], folder: Path) -> None:
    """Changes the tables so that each file is named by its path; a study names files relative to its own folder."""
    parts = (_named(tables, kind) for kind in (*_LAWS, "groups"))
    for _, table in chain(_within("observed", tables.get("observed"), 0), *parts):
        table["file"] = str(folder / table["file"])
    if names_file(tables.get("model")):
        tables["model"] = str(folder / tables["model"])


def read_files(tables: Tables, problems: Problems) -> None:
    """Replaces files in the tables by their content: values of a law, ranks of an empirical copula.

    Args:
      tables: as a study file has them; types are checked later.
      problems: what is wrong with the files is added here, at the key `file` of the table.
    """
    for place, table in chain.from_iterable(_named(tables, kind) for kind in _LAWS):
        # where the family is another one, that is a problem of the law, which is still to be read
        if table.get("family", "empirical") == "empirical":
            with problems.within(place):
                _read_data(table)
    for place, table in _named(tables, "groups"):
        with problems.within(place):
            _read_dependence(place.partition(".")[2], table, table_in(tables, "factors"))


def _read_data(table: dict[str, Any]) -> None:
    """Values of the column; more than `MOST_VALUES` are thinned evenly by rank."""
    file, name = Path(table.pop("file")), table.pop("column", None)
    if "values" in table:
        raise refusal("file", "does not go with values. Keep one of the two.")
    if not isinstance(name, str):
        raise refusal("column", "expected the name of a column of the file.")
    with named(file, "file"):
        values, empty = column(file, name)
    kept = thinned(values)
    source = f"{file.name}, column {name}, {len(values)} rows"
    source += f", {empty} empty cells left out" if empty else ""
    source += f", thinned to {MOST_VALUES}" if len(values) > len(kept) else ""
    table.setdefault("source", source)
    table["values"] = kept.tolist()


def _read_dependence(group: str, table: dict[str, Any], factors: Tables) -> None:
    if table.get("copula") != "empirical":
        return
    if "ranks" in table:
        raise refusal("file", "does not go with ranks. Keep one of the two.")
    file = Path(table["file"])
    # factors that the group names, else those that name the group
    members = table.get("members") or [name for name in factors if table_in(factors, name).get("group") == group]
    with named(file, "file"):
        table["ranks"] = _ranks(file, members)
    del table["file"]


def _ranks(path: Path, members: Any) -> dict[str, list[int]]:
    if not isinstance(members, list) or not members or not all(isinstance(name, str) for name in members):
        raise refusal("", "expected members for its columns. Name them: members = [...].")
    columns, problems = {}, Problems()
    for name in members:
        with problems.within(""):
            columns[name], empty = column(path, name)
            if empty:
                raise refusal("", f"column '{name}' has {empty} empty cells; expected a number in each row.")
    rows = max(map(len, columns.values()), default=0)
    if rows > MOST_ROWS:
        problems.add("", f"has {rows:,} rows, expected at most {MOST_ROWS:,}. Leave out rows evenly.")
    problems.refuse()
    return ranks_of({name: np.asarray(values) for name, values in columns.items()})


def _named(tables: Tables, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and table of each entry of a kind (factors, shocks, groups) that names a file, of laws within a law too."""
    for name, table in table_in(tables, kind).items():
        yield from _within(f"{kind}.{name}", table, 0 if kind == "groups" else _DEEPEST)


def _within(place: str, table: Any, deeper: int) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(table, dict):
        return
    if isinstance(table.get("file"), str):
        yield place, table
    inner = dict[str, Any]()
    for key in ("experts", "parts"):
        if isinstance(parts := table.get(key), list):
            inner |= {f"{key}.{number}": part for number, part in enumerate(parts)}
    inner |= {"size": table.get("size"), **{f"states.{name}": law for name, law in table_in(table, "states").items()}}
    for key, law in inner.items() if deeper else ():
        yield from _within(f"{place}.{key}", law, deeper - 1)
