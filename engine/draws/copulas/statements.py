"""The copula that a group's table in a study states; all faults of the table are reported together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from engine.draws.copulas import matrices, rank_correlations
from engine.draws.copulas.contract import Copula
from engine.draws.copulas.elliptical import DF, Correlated, Equicorrelated, StudentT, lowest_correlation
from engine.draws.copulas.empirical import Empirical, refuse_unless_ranks
from engine.errors import Problems, refusal, unknown

Table = Mapping[str, Any]


@dataclass(frozen=True)
class Family:
    """Keys by which a study gives a copula of one family.

    Args:
      statements: keys of which exactly one is given.
      build: (statement's key, table, members of the group) -> copula; raises a refusal for values that are not
        possible.
      may: keys that are optional.
    """

    statements: tuple[str, ...]
    build: Callable[[str, Table, Sequence[str]], Copula]
    may: tuple[str, ...] = ()


def copula(table: Table, members: Sequence[str]) -> Copula:
    """Copula of a group's table.

    Args:
      table: as in the study file, types already checked: `copula` and the keys that give it.
      members: factors of the group, in the order of the study.

    Raises:
      UserError: with one `Problem` per fault, its place the key at fault.
    """
    name, problems = table["copula"], Problems()
    if name in REMOVED:
        raise refusal("copula", f"'{name}' was removed. Take {REMOVED[name]}.")
    if name not in FAMILIES:
        raise refusal("copula", unknown("copula", name, FAMILIES))
    family, ways = FAMILIES[name], " or ".join(key for key in FAMILIES[name].statements if key != "pearson")
    for key in table:
        if key not in ("copula", "members", *family.statements, *family.may):
            problems.add(key, f"is no key of copula '{name}', which is given by {ways}.")
    given = [key for key in family.statements if key in table]
    if not given and not len(problems):
        problems.add(family.statements[0], f"is missing. Copula '{name}' is given by {ways}.")
    for key in given[1:]:
        problems.add(key, f"expected one of {given[0]} and {key}, got both. Remove one.")
    problems.refuse("group")
    return family.build(given[0], table, members)


def _empirical(key: str, table: Table, members: Sequence[str]) -> Copula:
    ranks = table[key]
    if set(ranks) != set(members):
        raise refusal(key, f"expected {_listed(members)}, the members of the group, got {_listed(ranks)}.")
    refuse_unless_ranks(key, ranks)
    return Empirical(tuple(ranks), tuple(tuple(row) for row in ranks.values()))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"


_Convert = Callable[[np.ndarray], np.ndarray]


def _student_t(key: str, table: Table, members: Sequence[str]) -> Copula:
    if "df" not in table or not DF[0] <= table["df"] <= DF[1]:
        got = f"{table['df']:g}" if "df" in table else "none"
        text = f"expected {DF[0]:g} to {DF[1]:g} degrees of freedom, got {got}."
        raise refusal("df", f"{text} The fewer, the heavier the joint tails; for more use 'gaussian'.")
    return StudentT(_normal(key, table, members), table["df"])


def _normal(key: str, table: Table, members: Sequence[str]) -> Equicorrelated | Correlated:
    """Gaussian copula of a table; of a table with degrees of freedom, the Gaussian copula inside its t copula."""
    against = table.get("against", [])
    if isinstance(table[key], list):
        if against:
            raise refusal("against", "expected one number beside it, got a matrix. Give its entries their signs.")
        return _with_matrix(key, table)
    strangers = [name for name in against if name not in members]
    if strangers:
        raise refusal("against", unknown("member", strangers[0], members))
    return Equicorrelated(_correlation(key, table, len(members)), tuple(against))


def _conversions(key: str, table: Table) -> tuple[_Convert, _Convert]:
    """Functions from the stated measure to the correlation of the normal scores, and back."""
    if key == "kendall":
        return rank_correlations.pearson_of_kendall, rank_correlations.kendall_of_pearson
    if key == "spearman":
        df = table.get("df")
        return partial(rank_correlations.pearson_of_spearman, df=df), partial(
            rank_correlations.spearman_of_pearson, df=df
        )
    return np.asarray, np.asarray


def _correlation(key: str, table: Table, n: int) -> float:
    """Correlation of the normal scores; raises a refusal for a value that n members cannot have."""
    to_pearson, of_pearson = _conversions(key, table)
    value, lowest = table[key], lowest_correlation(n)
    low = float(of_pearson(np.array(lowest)))
    if not low <= value <= 1:
        remedy = " Give a matrix, in which some pairs are less negative." if -1 <= value < low else ""
        raise refusal(key, f"expected {low:.6g} to 1, what {max(n, 1)} factors can have, got {value}.{remedy}")
    return max(lowest, float(to_pearson(np.array(value))))


def _with_matrix(key: str, table: Table) -> Correlated:
    if "members" not in table:
        raise refusal(key, 'has a matrix but no names. Add members = ["...", "..."], in the order of its rows.')
    names = table["members"]
    matrices.refuse_misshapen(key, table[key], names)
    to_pearson, of_pearson = _conversions(key, table)
    stated = np.array(table[key], np.float64)
    r = to_pearson(stated)
    np.fill_diagonal(r, 1.0)  # independent of the last bit of the machine's sine
    if not matrices.is_correlation(r):
        raise refusal(key, _contradiction(stated, r, names, matrices.nearest(stated, to_pearson, of_pearson)))
    return Correlated(tuple(names), tuple(map(tuple, r.tolist())))


def _contradiction(stated: np.ndarray, r: np.ndarray, names: Sequence[str], nearest: np.ndarray) -> str:
    at, change = matrices.contradiction(r), np.abs(nearest - stated)
    pairs = [f"{names[i]}-{names[j]} {stated[i, j]:g}" for i, j in itertools.combinations(at, 2)]
    entries = ", ".join(pairs[:10] + ["..."] * (len(pairs) > 10))
    rows = ", ".join("[" + ", ".join(f"{entry:g}" for entry in row) + "]" for row in nearest)
    return (
        f"expected a correlation matrix (no negative eigenvalue), got one with {matrices.lowest_eigenvalue(r):.3g}:"
        f" {_listed([names[k] for k in at])} contradict each other ({entries}). The nearest is [{rows}], at most"
        f" {change.max():.3g} away in an entry and {np.linalg.norm(change):.3g} in all (Frobenius). Use it, or mend"
        f" these {len(at)}."
    )


_CORRELATIONS = ("correlation", "pearson", "spearman", "kendall")
FAMILIES: dict[str, Family] = {
    "gaussian": Family(_CORRELATIONS, _normal, may=("against",)),
    "t": Family(_CORRELATIONS, _student_t, may=("against", "df")),
    "empirical": Family(("ranks",), _empirical),
}
"""Copula families by their name in a study."""
REMOVED = {
    **dict.fromkeys(
        ("clayton", "gumbel", "joe"),
        "'t' with few degrees of freedom, which has both tails dependent, or 'empirical' with data",
    ),
    "frank": "'gaussian'",
    "vine": "'gaussian' or 't' with a matrix, or 'empirical' with data",
}
"""Families of earlier versions, and what to take instead."""
REMOVED_KEYS = {
    "vine": f"copula 'vine' was removed. Take {REMOVED['vine']}.",
    "theta": "'theta' was removed. Take copula 'gaussian', 't' or 'empirical', and a rank correlation or data.",
    "file": "files of data were removed. Give the rank of each row, from 0: ranks = { NAME = [2, 0, 1] }.",
}
"""Keys of earlier versions, and what to state instead."""

STATEMENTS = tuple(dict.fromkeys(key for family in FAMILIES.values() for key in family.statements))
"""All keys that state a dependence; a group has exactly one of them."""
