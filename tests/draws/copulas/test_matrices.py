"""Correlation matrices: which are any, the nearest that is, and roots of singular ones."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from engine.draws.copulas import matrices
from tests.helpers import assert_close, assert_same

LOW_RANK = st.tuples(st.integers(2, 6), st.integers(1, 6), st.integers(0, 10**6))
EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)


def correlations(n, rank, seed):
    """A correlation matrix of that rank, with negative entries."""
    factors = np.random.default_rng(seed).standard_normal((n, rank))
    factors /= np.linalg.norm(factors, axis=1)[:, None]
    matrix = np.clip(factors @ factors.T, -1, 1)
    np.fill_diagonal(matrix, 1.0)
    return 0.5 * (matrix + matrix.T)


def broken(n, seed):
    """A symmetric table with ones on the diagonal that is mostly no correlation matrix."""
    upper = np.triu(np.random.default_rng(seed).uniform(-1, 1, (n, n)), 1)
    return upper + upper.T + np.eye(n)


@pytest.mark.slow
@EXAMPLES
@given(LOW_RANK)
def test_a_root_gives_the_matrix_again_even_a_singular_one(case):
    matrix = correlations(*case)
    root = matrices.lower_root(matrix)
    assert np.all(np.triu(root, 1) == 0)
    assert_close(root @ root.T, matrix, np.float32)
    assert_close(np.sum(root * root, axis=1), np.ones(len(matrix)))


@EXAMPLES
@given(LOW_RANK)
def test_a_member_appended_changes_no_row_of_the_root(case):
    matrix = correlations(*case)
    assert_same(matrices.lower_root(matrix)[:-1, :-1], matrices.lower_root(matrix[:-1, :-1]))


@EXAMPLES
@given(st.integers(3, 6), st.integers(0, 10**6))
def test_the_nearest_matrix_is_one_and_nothing_between_is_nearer(n, seed):
    given_ = broken(n, seed)
    found = matrices.nearest(given_)
    assert matrices.is_correlation(found)
    assert_same(np.diag(found), np.ones(n))
    assert_same(found, found.T.copy())
    assert_same(found, np.round(found, matrices.DIGITS))
    if matrices.is_correlation(given_):
        return
    # convexity: any other correlation matrix is farther, the ones on the way to it as well
    for k in range(5):
        other = correlations(n, n, seed + k)
        for share in (0.01, 1.0):
            there = (1 - share) * found + share * other
            assert np.linalg.norm(there - given_) >= np.linalg.norm(found - given_) - 10 * n * 10.0**-matrices.DIGITS


def test_the_nearest_matrix_of_highams_paper():
    """Higham 2002, section 4: the nearest to this tridiagonal table has 0.7607 and 0.1573."""
    found = matrices.nearest(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]))
    assert np.all(np.abs(found[0] - [1.0, 0.7607, 0.1573]) <= 2 * 10.0**-matrices.DIGITS)


def test_the_worst_triple_is_named():
    matrix = np.eye(5)
    for i, j, r in ((0, 1, 0.9), (1, 4, 0.9), (0, 4, -0.9), (2, 3, 0.8), (0, 2, 0.5), (0, 3, -0.3)):
        matrix[i, j] = matrix[j, i] = r
    assert matrices.contradiction(matrix) == (0, 1, 4)


def test_four_that_contradict_each_other_without_any_three_are_named():
    matrix = np.full((5, 5), -0.4) + 1.4 * np.eye(5)
    matrix[4] = matrix[:, 4] = 0.0
    matrix[4, 4] = 1.0
    assert matrices.contradiction(matrix) == (0, 1, 2, 3)
