"""Correlation matrices on the host: whether a table is one, the nearest that is, and its root.

Higham: Computing the nearest correlation matrix - a problem from finance, IMA J. Numer. Anal. 22, 2002,
doi:10.1093/imanum/22.3.329.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.draws.copulas.contract import Matrix
from engine.errors import refusal

SLACK = 1e-10
"""How far below zero an eigenvalue may be for rounding alone."""
DIGITS = 4
"""Decimals that the nearest matrix is shown with; what is shown can be pasted, and is a correlation matrix itself."""
_ROUNDS = 400


@dataclass(frozen=True)
class Nearest:
    """The nearest correlation matrix to one that is none.

    Args:
      matrix: it, to a few decimals, and still a correlation matrix.
      largest: largest change of an entry.
      overall: root of the sum of the squares of all changes (Frobenius).
    """

    matrix: Matrix
    largest: float
    overall: float


def lowest_eigenvalue(matrix: Matrix) -> float:
    """The lowest eigenvalue: negative where the matrix is no correlation matrix."""
    return float(np.linalg.eigvalsh(matrix)[0])


def is_correlation(matrix: Matrix) -> bool:
    """Whether no eigenvalue is negative but for rounding; symmetry and the diagonal are taken for granted."""
    return lowest_eigenvalue(matrix) >= -SLACK


def contradiction(matrix: Matrix) -> tuple[int, ...]:
    """Members whose correlations contradict each other: the triple with the lowest eigenvalue if any triple does.

    Else a set that is impossible, and no longer is when any one of them is left out.
    """
    n = len(matrix)
    triples = np.array(list(itertools.combinations(range(n), 3))).reshape(-1, 3)
    if len(triples):
        lowest = np.linalg.eigvalsh(matrix[triples[:, :, None], triples[:, None, :]])[:, 0]
        worst = int(np.argmin(lowest))
        if lowest[worst] < -SLACK:
            return tuple(int(k) for k in triples[worst])
    members = list(range(n))
    weight = np.abs(np.linalg.eigh(matrix)[1][:, 0])
    for member in sorted(members, key=lambda k: weight[k]):
        rest = [k for k in members if k != member]
        if rest and not is_correlation(matrix[np.ix_(rest, rest)]):
            members = rest
    return tuple(members)


def nearest(
    given: Matrix,
    to_pearson: Callable[[np.ndarray], np.ndarray] = np.asarray,
    of_pearson: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> Nearest:
    """The nearest correlation matrix (Frobenius), by Higham's alternating projections with Dykstra's correction.

    Drawn towards the identity as far as rounding to `DIGITS` decimals needs.

    Args:
      given: symmetric, with ones on the diagonal.
      to_pearson, of_pearson: from what is given to the correlations that are projected, entry by entry, and back.
    """
    y = to_pearson(np.asarray(given, np.float64))
    correction = np.zeros_like(y)
    for _ in range(_ROUNDS):
        r = y - correction
        values, vectors = np.linalg.eigh(r)
        x = (vectors * np.maximum(values, 0.0)) @ vectors.T
        correction = x - r
        before, y = y, x.copy()
        np.fill_diagonal(y, 1.0)
        if np.abs(y - before).max() < 1e-9:
            break
    symmetric, identity = np.clip(0.5 * (y + y.T), -1.0, 1.0), np.eye(len(y))
    for shrink in (0.0, *np.geomspace(10.0**-DIGITS, 1.0, 40)):
        shown = np.round(of_pearson((1.0 - shrink) * symmetric + shrink * identity), DIGITS) + 0.0
        if is_correlation(to_pearson(shown)):
            break
    change = shown - given
    return Nearest(shown, float(np.abs(change).max()), float(np.linalg.norm(change)))


def lower_root(matrix: Matrix) -> Matrix:
    """L with L L' = matrix, lower triangular, for a correlation matrix that may be singular (Cholesky-Banachiewicz).

    Row by row, so that a member appended changes no row of the others, to the last bit.
    """
    n = len(matrix)
    root = np.zeros((n, n))
    for i in range(n):
        left = 1.0
        for j in range(i):
            pivot = root[j, j]
            rest = matrix[i, j] - sum(root[i, k] * root[j, k] for k in range(j))
            # what rounding leaves over a pivot of next to nothing must not take more than there is
            bound = np.sqrt(max(left, 0.0))
            root[i, j] = min(max(rest / pivot, -bound), bound) if pivot > 1e-6 else 0.0
            left -= root[i, j] ** 2
        root[i, i] = np.sqrt(max(left, 0.0))
    return root


def refuse_misshapen(place: str, rows: Sequence[Sequence[float]], members: Sequence[str]) -> None:
    """Refuses a table of numbers that cannot be the correlations of these members, whatever its eigenvalues."""
    n = len(members)
    if len(rows) != n or any(len(row) != n for row in rows):
        sizes = ", ".join(sorted({str(len(row)) for row in rows}))
        got = f"{len(rows)} rows of {sizes}" if rows else "none"
        raise refusal(place, f"expected {n} rows of {n} numbers, one for each of `members`, got {got}.")
    for i, j in itertools.product(range(n), repeat=2):
        value, pair = rows[i][j], f"'{members[i]}' and '{members[j]}'"
        if i == j and value != 1:
            raise refusal(place, f"expected 1 for '{members[i]}' with itself, got {value:g}.")
        if not -1 <= value <= 1:
            raise refusal(place, f"expected -1 to 1 for {pair}, got {value:g}.")
        if abs(value - rows[j][i]) > 1e-12:
            text = f"expected the same number for {pair} both ways, got {value:g} and {rows[j][i]:g}."
            raise refusal(place, text)
