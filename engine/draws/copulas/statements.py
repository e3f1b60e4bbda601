"""What a study says of a group's dependence -> its copula, or everything that is wrong with it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.draws.copulas import archimedean, concordance, matrices
from engine.draws.copulas.contract import Copula
from engine.draws.copulas.elliptical import DF, Correlated, Equicorrelated, StudentT, lowest_correlation
from engine.draws.copulas.empirical import Empirical, ranks_problem
from engine.draws.copulas.vine import Vine, vine_problem
from engine.errors import Problem, unknown

_ELLIPTICAL = ("correlation", "pearson", "spearman", "kendall")
_ARCHIMEDEAN = ("theta", "kendall", "spearman")


@dataclass(frozen=True)
class Family:
    """What a study gives a copula by.

    Args:
      statements: keys of which it gives one.
      needs: keys that it must give beside.
    """

    statements: tuple[str, ...]
    needs: tuple[str, ...]


FAMILIES: dict[str, Family] = {
    "gaussian": Family(_ELLIPTICAL, ()),
    "t": Family(_ELLIPTICAL, ("df",)),
    "clayton": Family(_ARCHIMEDEAN, ()),
    "gumbel": Family(_ARCHIMEDEAN, ()),
    "frank": Family(_ARCHIMEDEAN, ()),
    "joe": Family(_ARCHIMEDEAN, ()),
    "empirical": Family(("file", "ranks"), ()),
    "vine": Family(("file", "vine"), ("members",)),
}
"""Copulas by name."""

STATEMENTS = tuple(dict.fromkeys(key for family in FAMILIES.values() for key in family.statements))
"""Every key that states a dependence; a group has one of them."""


def copula(table: Mapping[str, Any], members: Sequence[str]) -> tuple[Copula | None, list[Problem]]:
    """The copula of a group's table, or None and all that is wrong with it, the place of each a key of the table.

    Args:
      table: as the study file has it, types checked; `copula`, and the keys that it is given by.
      members: factors of the group, in the order of the study.
    """
    name = table["copula"]
    if name not in FAMILIES:
        return None, [Problem("copula", unknown("copula", name, FAMILIES))]
    family, problems = FAMILIES[name], []
    allowed = ("copula", "members", *family.statements, *family.needs)
    ways = " or ".join(key for key in family.statements if key != "pearson")
    for key in table:
        if key not in allowed:
            problems.append(Problem(key, f"is no key of copula '{name}', which is given by {ways}."))
    given = [key for key in family.statements if key in table]
    if not given and not problems:
        problems.append(Problem(family.statements[0], f"is missing. Copula '{name}' is given by {ways}."))
    for key in given[1:]:
        problems.append(Problem(key, f"expected one of {given[0]} and {key}, got both. Remove one."))
    problems += [Problem(key, _MISSING[key]) for key in family.needs if key not in table]
    df = table.get("df") if name == "t" else None
    if df is not None and not DF[0] <= df <= DF[1]:
        remedy = " Use 'gaussian'." if df > DF[1] else ""
        problems.append(
            Problem("df", f"expected {DF[0]:g} to {DF[1]:g} degrees of freedom, got {df:g}.{remedy}")
        )
    if problems:
        return None, problems
    key = given[0]
    if key == "file":
        return None, [Problem(key, "is read beside a study file only. Give what is in it.")]
    try:
        return _made(name, key, table, members, df), []
    except _Infeasible as error:
        return None, [Problem(key, str(error))]


_MISSING = {
    "df": f"is missing. Give the degrees of freedom, {DF[0]:g} to {DF[1]:g}: the fewer, the heavier the joint tails.",
    "members": "is missing. Give the names of the factors, in the order of the vine's variables.",
}


class _Infeasible(Exception):
    """What is wrong with a statement."""


def _refuse(problem: str | None) -> None:
    if problem is not None:
        raise _Infeasible(problem)


def _made(name: str, key: str, table: Mapping[str, Any], members: Sequence[str], df: float | None) -> Copula:
    value = table[key]
    if name == "empirical":
        _refuse(_names_problem(tuple(value), members))
        _refuse(ranks_problem(value))
        return Empirical(tuple(value), tuple(tuple(row) for row in value.values()))
    if name == "vine":
        _refuse(vine_problem(value, len(table["members"])))
        return Vine(tuple(table["members"]), value)
    if name in ("gaussian", "t"):
        if isinstance(value, list):
            normal: Any = _with_matrix(key, table, df)
        else:
            normal = Equicorrelated(_correlation(key, value, len(members), df))
        return normal if df is None else StudentT(normal, df)
    if isinstance(value, list):
        raise _Infeasible(
            f"expected one number, as a '{name}' copula is the same for any two, got a matrix. Use 'gaussian' or 't'."
        )
    return archimedean.made(name, _theta(name, key, value, len(members)), members)


def _names_problem(names: Sequence[str], members: Sequence[str]) -> str | None:
    if set(names) == set(members):
        return None
    return f"expected {_listed(members)}, the members of the group, got {_listed(names)}."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"


# ---- elliptical

_Convert = Callable[[np.ndarray], np.ndarray]


def _conversions(key: str, df: float | None) -> tuple[_Convert, _Convert]:
    """From a statement's measure to the correlation of the normal scores, and back."""
    if key == "kendall":
        return matrices.pearson_of_kendall, matrices.kendall_of_pearson
    if key == "spearman":
        return (
            functools.partial(matrices.pearson_of_spearman, df=df),
            functools.partial(matrices.spearman_of_pearson, df=df),
        )
    return np.asarray, np.asarray


def _correlation(key: str, value: float, n: int, df: float | None) -> float:
    """One correlation of the normal scores, refused where so many members cannot have it."""
    to_pearson, of_pearson = _conversions(key, df)
    lowest = lowest_correlation(n)
    low = float(of_pearson(np.array(lowest)))
    if not low <= value <= 1:
        remedy = " Give a matrix, in which some pairs are less negative." if -1 <= value < low else ""
        raise _Infeasible(f"expected {low:.6g} to 1, what {max(n, 1)} factors can have, got {value}.{remedy}")
    return max(lowest, float(to_pearson(np.array(value))))


def _with_matrix(key: str, table: Mapping[str, Any], df: float | None) -> Correlated:
    given = table[key]
    if "members" not in table:
        raise _Infeasible(
            'has a matrix but no names. Add members = ["...", "..."], in the order of its rows.'
        )
    names = table["members"]
    _refuse(matrices.shape_problem(given, names))
    to_pearson, of_pearson = _conversions(key, df)
    stated = np.array(given, np.float64)
    r = to_pearson(stated)
    if not matrices.is_correlation(r):
        raise _Infeasible(_contradiction(stated, r, names, matrices.nearest(stated, to_pearson, of_pearson)))
    return Correlated(tuple(names), tuple(tuple(float(entry) for entry in row) for row in r))


def _contradiction(stated: np.ndarray, r: np.ndarray, names: Sequence[str], found: matrices.Nearest) -> str:
    at = matrices.contradiction(r)
    told = ", ".join(f"'{names[k]}'" for k in at[:-1]) + f" and '{names[at[-1]]}'"
    pairs = [(i, j) for n, i in enumerate(at) for j in at[n + 1 :]]
    entries = ", ".join(f"{names[i]}-{names[j]} {stated[i, j]:g}" for i, j in pairs[:10]) + (
        ", ..." if len(pairs) > 10 else ""
    )
    rows = ", ".join("[" + ", ".join(f"{entry:g}" for entry in row) + "]" for row in found.matrix)
    return (
        f"expected a correlation matrix (no negative eigenvalue), got one with {matrices.lowest_eigenvalue(r):.3g}: "
        f"{told} contradict each other ({entries}). The nearest is [{rows}], at most {found.largest:.3g} away in an entry "
        f"and {found.overall:.3g} in all (Frobenius). Use it, or mend these {len(at)}."
    )


# ---- Archimedean


def _theta(name: str, key: str, value: float, n: int) -> float:
    """The parameter, refused where so many members cannot have it."""
    limits = archimedean.limits(name, n)
    measures = {"kendall": concordance.kendall, "spearman": concordance.spearman}
    low, high = limits if key == "theta" else (measures[key](name, limit) for limit in limits)
    hole = {"theta": 0.001, "kendall": 1e-4, "spearman": 1e-4}[key] if name == "frank" else 0.0
    if low <= value <= high and abs(value) >= hole:
        return float(value) if key == "theta" else concordance.theta_of(measures[key], name, value, limits)
    remedy = ""
    if value > high:
        remedy = " For nearly full dependence use 'gaussian'."
    elif value < min(low, 0.0):
        other = ", or 'frank' for two factors" if name != "frank" and n <= 2 else ""
        remedy = f" For negative dependence use 'gaussian' or 't'{other}."
    elif (low if key == "theta" else 0.0) >= value or abs(value) < hole:
        remedy = " For independence leave the factors out of the group."
    range_ = f"{low:.4g} to {high:.4g}" + (f", and at least {hole:g} in size" if abs(value) < hole else "")
    raise _Infeasible(
        f"expected {range_}, what {max(n, 1)} factors of a '{name}' copula can have, got {value:g}.{remedy}"
    )
