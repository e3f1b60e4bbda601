"""Correlation matrices in NumPy: validity, nearest correlation matrix, Cholesky factor.

Higham: Computing the nearest correlation matrix - a problem from finance, IMA J. Numer. Anal. 22, 2002,
doi:10.1093/imanum/22.3.329.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from engine.draws.copulas.contract import Matrix
from engine.errors import refusal

SLACK = 1e-10
"""How far below zero rounding alone may put an eigenvalue."""
DIGITS = 4
"""Decimals with which the nearest matrix is shown, and to which it is still a correlation matrix when pasted."""
_ROUNDS = 400


def lowest_eigenvalue(matrix: Matrix) -> float:
    """The lowest eigenvalue; a correlation matrix has no negative one."""
    return float(np.linalg.eigvalsh(matrix)[0])


def is_correlation(matrix: Matrix) -> bool:
    """Whether no eigenvalue is negative, up to rounding; symmetry and a unit diagonal are assumed."""
    return lowest_eigenvalue(matrix) >= -SLACK


def contradiction(matrix: Matrix) -> tuple[int, ...]:
    """Indices of members whose correlations contradict each other, that is, have a negative eigenvalue.

    Without any one of them the others do not contradict each other. Members that have the least weight in the lowest
    eigenvalue are left out first.
    """
    weight = np.abs(np.linalg.eigh(matrix)[1][:, 0])
    members = list(range(len(matrix)))
    for member in np.argsort(weight):
        rest = [k for k in members if k != member]
        if not is_correlation(matrix[np.ix_(rest, rest)]):
            members = rest
    return tuple(members)


def nearest(
    given: Matrix,
    to_pearson: Callable[[np.ndarray], np.ndarray] = np.asarray,
    of_pearson: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> Matrix:
    """Nearest correlation matrix in Frobenius norm, by Higham's alternating projections with Dykstra's correction.

    It is rounded to `DIGITS` decimals, and shrunk towards the identity as far as rounding requires.

    Args:
      given: symmetric, with ones on the diagonal.
      to_pearson, of_pearson: elementwise conversions from the given measure to Pearson correlations, which are
        projected, and back.
    """
    y = to_pearson(given)
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
    return shown


def lower_root(matrix: Matrix) -> Matrix:
    """Lower triangular L with L L' = matrix, for a correlation matrix that may be singular (Cholesky-Banachiewicz).

    Computed row by row, so that appending a member changes no other row, to the last bit.
    """
    n = len(matrix)
    root = np.zeros((n, n))
    for i in range(n):
        left = 1.0
        for j in range(i):
            pivot = root[j, j]
            rest = matrix[i, j] - sum(root[i, k] * root[j, k] for k in range(j))
            # with a tiny pivot, rounding error must not exceed what is left of the row's unit norm
            bound = np.sqrt(max(left, 0.0))
            root[i, j] = min(max(rest / pivot, -bound), bound) if pivot > 1e-6 else 0.0
            left -= root[i, j] ** 2
        root[i, i] = np.sqrt(max(left, 0.0))
    return root


def refuse_misshapen(place: str, rows: Sequence[Sequence[float]], members: Sequence[str]) -> None:
    """Raises a refusal unless the table has the shape, diagonal, range and symmetry of a correlation matrix."""
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
            raise refusal(place, f"expected the same number for {pair} both ways, got {value:g} and {rows[j][i]:g}.")
