"""Changes of a group's dependence that keep the form of its copula, so that they are inputs of the compiled program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from engine.draws.copulas.contract import Copula
from engine.draws.copulas.elliptical import Correlated, Equicorrelated, StudentT, lowest_correlation
from engine.draws.copulas.statements import STATEMENTS
from engine.draws.factors import Group
from engine.errors import Problems, UserError, refusal, unknown
from engine.formatting import shown
from engine.study.tables import groups as group_tables
from engine.study.values import Tables, leaving_out, number

AGAINST = "against"
"""Key that lists the members with the opposite sign: they fall where the others rise."""
_KEYS = tuple(key for key in (*STATEMENTS, "df", AGAINST) if key not in ("file", "ranks"))
_OTHER_FORM = "cannot be stated so without another program: a number is changed to a number, a matrix to either."


def read(
    stated: Tables, group: Group, table: Tables, group_of: Mapping[str, str], drawn: Sequence[str]
) -> tuple[Group, Tables] | None:
    """The group as a table changes it, and that table for the members that are drawn; None where nothing changes.

    Args:
      stated: the group's own table.
      group: the group that this table describes.
      table: the change, in the keys of a group's table.
      group_of: factor -> its group.
      drawn: factors that are drawn, in the order of the study.

    Raises:
      UserError: the table states no dependence, or one of another form.
    """
    for key in table:
        if key not in _KEYS:
            raise refusal(key, unknown("statement of a dependence", key, _KEYS))
    statement = {key: _entries(key, value) for key, value in table.items() if key != AGAINST}
    old = next((key for key in STATEMENTS if key in stated), "")
    new = next((key for key in STATEMENTS if key in table), old)
    matrix, value = stated.get(old), statement.get(new)
    if isinstance(value, list) and not isinstance(matrix, list):
        raise refusal("", _OTHER_FORM)
    if isinstance(matrix, list) and isinstance(value, float):
        statement[new] = [[1.0 if i == j else value for j in range(len(matrix))] for i in range(len(matrix))]
    whole, problems = leaving_out(stated, () if new == old else STATEMENTS) | statement, Problems()
    changed = group_tables.read({group.name: whole}, group_of, drawn, problems).get(group.name)
    for problem in problems:
        raise refusal(problem.place.removeprefix(f"groups.{group.name}").removeprefix("."), problem.message)
    assert changed is not None
    if AGAINST in table:
        if table[AGAINST] != [] or not getattr(_normal(group.copula), "against", ()):
            text = "expected [], all members on one side, of a group where some are against the others"
            raise refusal(AGAINST, f"{text}; got {shown(table[AGAINST])}.")
        changed = _turned(changed, 1.0)
    if _form(changed) != _form(group):
        raise refusal("", _OTHER_FORM)
    if not [*differences(changed, group)]:
        return None
    restricted = group_tables.restricted(whole, group.members)
    return changed, {key: [] if key == AGAINST else restricted[key] for key in table}


def differences(changed: Group, stated: Group) -> Iterator[tuple[str, Any]]:
    """Yields what differs between two states of a group: its parameters ("correlation"), its sides ("against")."""
    numbers = _numbers(_turned(changed, -1.0))
    if numbers != _numbers(_turned(stated, -1.0)):
        yield "correlation", numbers
    if len(stated.members) > 1 and _side(changed) != _side(stated):
        yield AGAINST, ()


def joined(one: Group, other: Group, stated: Group) -> Group:
    """The group with the changes of both `one` and `other`, each a change of `stated`."""
    numbers = other if "correlation" in dict(differences(other, stated)) else one
    return _turned(numbers, 1.0) if max(_side(one), _side(other)) > 0 else numbers


def part_of(own: Group, other: Group, fraction: float) -> Group:
    """A group between two of the same form, by linear interpolation: `own` at `fraction` 0, `other` at 1.

    Correlations and degrees of freedom are interpolated; signs of members change only at 1.
    """
    return other if fraction == 1.0 else replace(own, copula=_between(own.copula, other.copula, fraction))


def _between(own: Any, other: Any, fraction: float) -> Any:
    """A number, a matrix or a copula between two of the same form."""
    if isinstance(own, float):
        return (1.0 - fraction) * own + fraction * other
    if isinstance(own, tuple):
        return tuple(_between(*pair, fraction) for pair in zip(own, other, strict=True))
    numbers = [name for name in ("normal", "df", "correlation") if hasattr(own, name)]
    return replace(own, **{name: _between(getattr(own, name), getattr(other, name), fraction) for name in numbers})


def _normal(copula: Copula) -> Copula:
    return copula.normal if isinstance(copula, StudentT) else copula


def _side(group: Group) -> float:
    return getattr(_normal(group.copula), "side", -1.0)


def _turned(group: Group, side: float) -> Group:
    """The group with another sign between its sides: 1 if all have one sign, -1 if some have the opposite one."""
    return _with(group, side=side) if isinstance(_normal(group.copula), Equicorrelated) else group


def _with(group: Group, **other: Any) -> Group:
    """The group with other fields of its Gaussian copula, or of the Gaussian copula within its t copula."""
    copula: Any = group.copula
    normal: Any = replace(_normal(copula), **other)  # type: ignore[type-var]
    return replace(group, copula=replace(copula, normal=normal) if isinstance(copula, StudentT) else normal)


def _entries(key: str, value: Any) -> Any:
    if isinstance(value, list) and value and all(isinstance(row, list) for row in value):
        return [[float(number(entry)) for entry in row] for row in value]
    try:
        return float(number(value))
    except UserError:
        raise refusal(key, f"expected a number, or rows of them, got {shown(value)}.") from None


def _form(group: Group) -> tuple[Any, ...]:
    """What a compiled program depends on of a group: kind of copula, streams, and shapes of the parameters."""
    return type(group.copula), group.streams, jax.tree.map(np.shape, group.copula.parameters(np.float64))


def _numbers(group: Group) -> list[float]:
    """The parameters of a group's copula as a flat list; empty for a group with one member, which has no dependence."""
    parts = jax.tree.leaves(group.copula.parameters(np.float64)) if len(group.members) > 1 else []
    return [number for part in parts for number in np.ravel(part).tolist()]


MOST_CORRELATED = 0.95
"""Largest common correlation to which the members of a group are moved."""
ROOM = 1e-3
"""Share of the range that is kept as a margin from the end at which the matrix is no longer positive definite."""


def correlations(group: Group) -> tuple[float, float, float] | None:
    """The common correlation of a Gaussian or t group, and its least and largest values; None for other copulas.

    For a correlation matrix it is the factor that multiplies all off-diagonal entries: 1 as stated.
    """
    copula = _normal(group.copula)
    if isinstance(copula, Equicorrelated):
        low = lowest_correlation(len(group.members))
        return copula.correlation, low + ROOM * (1 - low), MOST_CORRELATED
    if isinstance(copula, Correlated):
        least = float(np.linalg.eigvalsh(np.array(copula.correlation) - np.eye(len(copula.members)))[0])
        return 1.0, 0.0, (1 - ROOM) / -least if least < 0 else 1.0
    return None


def correlated(group: Group, value: float) -> Group:
    """The group with another value of its common correlation, or of its matrix's factor (see `correlations`)."""
    copula = _normal(group.copula)
    if isinstance(copula, Equicorrelated):
        return _with(group, correlation=value)
    assert isinstance(copula, Correlated)
    matrix = value * np.array(copula.correlation)
    np.fill_diagonal(matrix, 1.0)
    return _with(group, correlation=tuple(map(tuple, matrix.tolist())))
