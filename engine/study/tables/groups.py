"""Tables of groups: which factors are their members, and the copula of each."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from engine.draws.copulas import statements
from engine.draws.factors import Group
from engine.errors import Problems
from engine.study.values import Tables


def membership(groups: Tables, factors: Tables, problems: Problems) -> dict[str, str]:
    """Factor -> its group.

    Either a factor's table names its group, or the group's table its members, in `members` or by the names in `ranks`;
    a group that names some members must name all of them.
    """
    group_of = {name: table["group"] for name, table in factors.items() if "group" in table}
    for name, group in group_of.items():
        problems.knows(f"factors.{name}.group", "group", group, groups)
    for group, table in groups.items():
        key = "members" if "members" in table else "ranks"
        if key not in table:
            continue
        place, names = f"groups.{group}.{key}", list(table[key])
        problems.knows_each(place, "factor", names, factors)
        for name in names:
            if name in factors and group_of.setdefault(name, group) != group:
                problems.add(place, f"'{name}' is in group '{group_of[name]}'. A factor is in one.")
        for name in factors:
            if group_of.get(name) == group and name not in names:
                problems.add(place, f"leaves out '{name}', whose table says group = '{group}'.")
    return {name: group for name, group in group_of.items() if group in groups and name in factors}


def read(groups: Tables, group_of: Mapping[str, str], drawn: Sequence[str], problems: Problems) -> dict[str, Group]:
    """Groups by name, without those of which no member is drawn.

    Args:
      group_of: factor -> group, as `membership` gives it.
      drawn: factors that are drawn, in the order of the study. Members that are not drawn do not change the others'
        dependence.
    """
    by_name = {}
    for name, table in groups.items():
        everyone = [factor for factor, group in group_of.items() if group == name]
        members = tuple(factor for factor in drawn if group_of.get(factor) == name)
        with problems.within(f"groups.{name}"):
            copula = statements.copula(table, everyone)
            if not members:
                continue
            if len(members) < len(everyone):
                # what all of them can have, some of them can
                copula = statements.copula(restricted(table, members), members)
            by_name[name] = Group(name, copula, members)
    return by_name


def restricted(table: Tables, members: Container[str]) -> Tables:
    """A group's table restricted to these members, matrices included."""
    kept = dict(table)
    for key in ("members", "against"):
        if key in table:
            kept[key] = [name for name in table[key] if name in members]
    if "members" in table:
        at = [k for k, name in enumerate(table["members"]) if name in members]
        for key in statements.STATEMENTS:
            if isinstance(table.get(key), list):
                kept[key] = [[table[key][i][j] for j in at] for i in at]
    if "ranks" in table:
        kept["ranks"] = {name: list(ranks) for name, ranks in table["ranks"].items() if name in members}
    return kept
