"""Groups of a study: which factors are in them, and how these move together; from the tables, and the files beside a study."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.draws.copulas import statements
from engine.draws.copulas.empirical import MOST_ROWS, ranks_of
from engine.draws.inputs import Group
from engine.errors import Problem, UserError, unknown
from engine.study.data_files import LARGEST_FILE, column

Tables = Mapping[str, Mapping[str, Any]]


def membership(groups: Tables, factors: Tables) -> tuple[dict[str, str], list[Problem]]:
    """Factor -> its group, and all that is wrong with that.

    A factor says its group, or the group says its members, in `members` or by the names of its `ranks`; a group that says
    some says all.
    """
    found = {name: table["group"] for name, table in factors.items() if "group" in table}
    problems = [
        Problem(f"factors.{name}.group", unknown("group", group, groups))
        for name, group in found.items()
        if group not in groups
    ]
    for group, table in groups.items():
        key = "members" if "members" in table else "ranks"
        if key not in table:
            continue
        place, names = f"groups.{group}.{key}", list(table[key])
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                problems.append(Problem(place, f"names '{name}' twice."))
            if name not in factors:
                problems.append(Problem(place, unknown("factor", name, factors)))
            elif found.setdefault(name, group) != group:
                problems.append(Problem(place, f"'{name}' is in group '{found[name]}'. A factor is in one."))
        for name in factors:
            if found.get(name) == group and name not in names:
                problems.append(Problem(place, f"leaves out '{name}', whose table says group = '{group}'."))
    return {name: group for name, group in found.items() if group in groups and name in factors}, problems


def read(
    groups: Tables, of: Mapping[str, str], drawn: Sequence[str]
) -> tuple[dict[str, Group], list[Problem]]:
    """Groups by name, those that have members which are drawn; and all that is wrong with the tables of any.

    Args:
      of: factor -> group, as `membership` gives it.
      drawn: factors that are drawn, in the order of the study. Others are in a group, and leave the rest of it as it is.
    """
    made, problems = {}, []
    for name, table in groups.items():
        everyone = [factor for factor, group in of.items() if group == name]
        try:
            found = statements.copula(table, everyone)
        except UserError as error:
            problems += [Problem(f"groups.{name}.{p.place}", p.message) for p in error.problems]
            continue
        members = tuple(factor for factor in drawn if of.get(factor) == name)
        if not members:
            continue
        if len(members) < len(everyone):
            if found.family == "vine":
                missing = ", ".join(f"'{factor}'" for factor in everyone if factor not in members)
                problems.append(
                    Problem(
                        f"groups.{name}.members", f"expected factors that are drawn; nothing draws {missing}."
                    )
                )
                continue
            # what all of them can have, some of them can
            found = statements.copula(restricted(table, members), members)
        made[name] = Group(name, found, members)
    return made, problems


def restricted(table: Mapping[str, Any], members: Container[str]) -> dict[str, Any]:
    """A group's table without the members that are not among these."""
    kept = dict(table)
    if "members" in table:
        at = [k for k, name in enumerate(table["members"]) if name in members]
        kept["members"] = [table["members"][k] for k in at]
        for key in statements.STATEMENTS:
            if isinstance(table.get(key), list):
                kept[key] = [[table[key][i][j] for j in at] for i in at]
    if "ranks" in table:
        kept["ranks"] = {name: list(ranks) for name, ranks in table["ranks"].items() if name in members}
    return kept


# ---- files


def placed(tables: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The tables with the files of groups found from the folder that their study stands in."""
    groups = tables.get("groups")
    if isinstance(groups, dict):
        for table in groups.values():
            if isinstance(table, dict) and isinstance(table.get("file"), str):
                table["file"] = str(folder / table["file"])
    return tables


def filled(tables: dict[str, Any]) -> list[Problem]:
    """Puts in the tables what the files of groups hold, in place of their names; gives back what is wrong with them.

    Tables are as a file has them, of any types: what is wrong otherwise is said later.
    """
    problems: list[Problem] = []
    groups, factors = tables.get("groups"), tables.get("factors")
    for name, table in groups.items() if isinstance(groups, dict) else ():
        if not (isinstance(table, dict) and isinstance(table.get("file"), str)):
            continue
        try:
            if table.get("copula") == "empirical" and "ranks" not in table:
                members = table.get("members") or [
                    factor
                    for factor, entry in (factors.items() if isinstance(factors, dict) else ())
                    if isinstance(entry, dict) and entry.get("group") == name
                ]
                table["ranks"] = _ranks(Path(table["file"]), members)
            elif table.get("copula") == "vine" and "vine" not in table:
                table["vine"] = _text(Path(table["file"]))
            else:
                continue
            del table["file"]
        except UserError as error:
            problems += [
                Problem(f"groups.{name}.file", f"'{table['file']}': {p.message}") for p in error.problems
            ]
    return problems


def _ranks(path: Path, members: Any) -> dict[str, list[int]]:
    if not isinstance(members, list) or not members or not all(isinstance(name, str) for name in members):
        raise UserError(str(path), ["expected members for its columns. Name them: members = [...]."])
    columns, problems = {}, []
    for name in members:
        try:
            values, empty = column(path, name)
        except UserError as error:
            problems += [problem for problem in error.problems if problem not in problems]
            continue
        if empty:
            problems.append(
                Problem("", f"column '{name}' has {empty} empty cells; expected a number in each row.")
            )
        columns[name] = values
    rows = max(map(len, columns.values()), default=0)
    if rows > MOST_ROWS:
        problems.append(
            Problem("", f"has {rows:,} rows, expected at most {MOST_ROWS:,}. Leave out rows evenly.")
        )
    if problems:
        raise UserError(str(path), problems)
    return ranks_of({name: np.asarray(values) for name, values in columns.items()})


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise UserError(str(path), ["no such file."])
        if path.stat().st_size > LARGEST_FILE:
            raise UserError(str(path), [f"expected at most {LARGEST_FILE >> 20} MiB."])
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError(str(path), [f"cannot be read as text: {error}."]) from error
