"""Tables of groups: which factors are their members, the copula of each, and changes of it that keep its form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from engine.draws.copulas import statements
from engine.draws.copulas.contract import Copula
from engine.draws.copulas.elliptical import StudentT, lowest_correlation
from engine.draws.copulas.statements import STATEMENTS
from engine.draws.factors import Group
from engine.errors import Problems, UserError, refusal, unknown
from engine.formatting import shown
from engine.study.values import Names, Tables, leaving_out, number

AGAINST = "against"
"""Key that lists the members with the opposite sign: they fall where the others rise."""
_KEYS = tuple(key for key in (*STATEMENTS, "df", AGAINST) if key != "ranks")
_OTHER_FORM = "cannot be stated so without another program: a number is changed to a number, a matrix to either."
MOST_CORRELATED = 0.95
"""Largest common correlation to which the members of a group are moved."""
ROOM = 1e-3
"""Share of the range that is kept as a margin from the end at which the matrix is no longer positive definite."""


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


def read(groups: Tables, group_of: Mapping[str, str], drawn: Names, problems: Problems) -> dict[str, Group]:
    """Groups by name, without those of which no member is drawn.

    Args:
      group_of: factor -> group, as `membership` gives it.
      drawn: factors that are drawn, in the order of the study.
    """
    by_name = {}
    for name, table in groups.items():
        everyone = [factor for factor, group in group_of.items() if group == name]
        members = tuple(factor for factor in drawn if factor in everyone)
        with problems.within(f"groups.{name}"):
            copula = copula_of(table, everyone, members)
            if members:
                by_name[name] = Group(name, copula, members)
    return by_name


def copula_of(table: Tables, everyone: Sequence[str], drawn: Names) -> Copula:
    """The copula of the members that are drawn; the other members do not change their dependence.

    Raises:
      UserError: the table states no copula of `everyone`, or one that the drawn members cannot have.
    """
    copula = statements.copula(table, everyone)
    return statements.copula(restricted(table, drawn), [*drawn]) if 0 < len(drawn) < len(everyone) else copula


def restricted(table: Tables, members: Names) -> Tables:
    """A group's table restricted to these members, matrices included."""
    kept = dict(table)
    for key in ("members", AGAINST):
        if key in table:
            kept[key] = [name for name in table[key] if name in members]
    rows = [k for k, name in enumerate(table.get("members", ())) if name in members]
    for key in STATEMENTS:
        if isinstance(table.get(key), list):
            kept[key] = np.array(table[key])[np.ix_(rows, rows)].tolist()
    if "ranks" in table:
        kept["ranks"] = {name: [*ranks] for name, ranks in table["ranks"].items() if name in members}
    return kept


def changed(stated: Tables, group: Group, change: Tables, everyone: Sequence[str]) -> tuple[Tables, Tables] | None:
    """The numbers of a group that a table changes, and that table for the members that are drawn; None for no change.

    Args:
      stated: the table of the group.
      group: the group that this table states.
      change: other statements of its dependence, by the keys of its table.
      everyone: members of the group, drawn or not.

    Raises:
      UserError: the change states no dependence, or one of another form.
    """
    for key in change:
        if key not in _KEYS:
            raise refusal(key, unknown("statement of a dependence", key, _KEYS))
    statement = {key: _floats(key, value) for key, value in change.items() if key != AGAINST}
    old = next(key for key in STATEMENTS if key in stated)
    new = next((key for key in STATEMENTS if key in change), old)
    matrix, value = stated[old], statement.get(new)
    if isinstance(value, list) and not isinstance(matrix, list):
        raise refusal("", _OTHER_FORM)
    if isinstance(value, float) and isinstance(matrix, list):
        statement[new] = np.where(np.eye(len(matrix)), 1.0, value).tolist()
    whole = leaving_out(stated, () if new == old else STATEMENTS) | statement
    other = replace(group, copula=copula_of(whole, everyone, group.members))
    if AGAINST in change:
        if change[AGAINST] != [] or not _numbers(group).get(AGAINST):
            raise refusal(
                AGAINST,
                "expected [], all members on one side, of a group where some are against the others"
                f"; got {shown(change[AGAINST])}.",
            )
        other = altered(other, {"side": 1.0})
    if _form(other) != _form(group):
        raise refusal("", _OTHER_FORM)
    said = {**restricted(whole, group.members), AGAINST: []}
    own = _numbers(group)
    numbers = {name: value for name, value in _numbers(other).items() if value != own[name]}
    # one member has no dependence
    return (numbers, {key: said[key] for key in change}) if numbers and len(group.members) > 1 else None


def part_of(group: Group, numbers: Tables, fraction: float) -> Group:
    """The group moved a part of the way to other `numbers`, by linear interpolation: to them at `fraction` 1.

    Correlations and degrees of freedom are interpolated; signs of members change only at 1.
    """
    if fraction == 1.0:
        return altered(group, numbers)
    here = _numbers(group)
    there = {**here, **numbers}
    moved = [name for name in ("correlation", "df") if name in here]
    ends = {name: (np.array(here[name]), np.array(there[name])) for name in moved}
    return altered(group, {name: (1.0 - fraction) * own + fraction * other for name, (own, other) in ends.items()})


def correlations(group: Group) -> tuple[float, float, float] | None:
    """The common correlation of a Gaussian or t group, and its least and largest values; None for other copulas.

    For a correlation matrix it is the factor that multiplies all off-diagonal entries: 1 as stated.
    """
    stated = _numbers(group).get("correlation")
    if stated is None:
        return None
    if isinstance(stated, tuple):
        least = float(np.linalg.eigvalsh(np.array(stated) - np.eye(len(stated)))[0])
        return 1.0, 0.0, (1 - ROOM) / -least if least < 0 else 1.0
    low = lowest_correlation(len(group.members))
    return stated, low + ROOM * (1 - low), MOST_CORRELATED


def correlated(group: Group, value: float) -> Tables:
    """The numbers of a group with another common correlation, or factor of its matrix (see `correlations`)."""
    stated: Any = _numbers(group)["correlation"]
    if isinstance(stated, tuple):
        matrix = value * np.array(stated)
        np.fill_diagonal(matrix, 1.0)
        return {"correlation": tuple(map(tuple, matrix.tolist()))}
    return {"correlation": value}


def _numbers(group: Group) -> dict[str, Any]:
    """The fields of a group's copula by name; of a t copula, those of the Gaussian copula within it too."""
    own = dict(vars(group.copula))
    return vars(own.pop("normal")) | own if "normal" in own else own


def altered(group: Group, numbers: Tables) -> Group:
    """The group with other values of some of its copula's fields, as `Change.groups` has them."""
    copula: Any = group.copula
    if isinstance(copula, StudentT):
        normal = replace(copula.normal, **leaving_out(numbers, ("df",)))
        return replace(group, copula=StudentT(normal, numbers.get("df", copula.df)))
    return replace(group, copula=replace(copula, **numbers))


def _floats(key: str, value: Any) -> Any:
    try:
        if isinstance(value, list) and value:
            return [[float(number(entry)) for entry in row] for row in value]
        return float(number(value))
    except (TypeError, UserError):
        raise refusal(key, f"expected a number, or rows of them, got {shown(value)}.") from None


def _form(group: Group) -> tuple[Any, ...]:
    """What a compiled program depends on of a group: kind of copula, streams, and shapes of the parameters."""
    return type(group.copula), group.streams, {name: np.shape(value) for name, value in _numbers(group).items()}
