"""A reader's rules against least squares of the whole matrix at once."""

import numpy as np
import pytest

from engine.risk.drivers import information
from engine.risk.drivers.information import KNOTS, MOST_CROSSED, Decision, Reader
from engine.risk.estimation.intervals import as_units


def features(scores):
    """As the regression has them, path by path."""
    columns = [np.ones(len(scores[0])), *scores, *(np.maximum(z - k, 0.0) for z in scores for k in KNOTS)]
    if len(scores) <= MOST_CROSSED:
        columns += [a * b for k, a in enumerate(scores) for b in scores[:k]]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("inputs", [1, 4, 20])
def test_all_decisions_are_regressed_as_each_would_be_alone(inputs):
    random, units = np.random.default_rng(5), as_units(3000, 2)
    scores = random.standard_normal((inputs, 3000))
    losses = random.exponential(size=(3, 3000)) + [[0], [0], [0.2]] * scores[0] + scores[-1]
    decisions = [Decision(losses, units, level) for level in (None, 0.9)]
    reader, x, fold = Reader(scores, decisions), features(scores), information.folds(units)
    for at, of in enumerate(decisions):
        for seen, (best, gaps) in enumerate(of.halves):
            weights, *_ = np.linalg.lstsq(x[fold == seen], gaps.T)
            assert not gaps[best].any()
            for on in range(2):
                found = reader._expected[on][seen, 3 * at : 3 * at + 3]
                np.testing.assert_allclose(found, (x[fold == on] @ weights).T, atol=1e-8)
    # one decision more changes nothing of the others
    assert Reader(scores, decisions[1:]).gain(0) == reader.gain(1)


def test_matrices_are_multiplied_piece_by_piece():
    random = np.random.default_rng(6)
    a, b = random.standard_normal((130, 700)), random.standard_normal((700, 90))
    np.testing.assert_allclose(information._product(a, b), a @ b, rtol=1e-10, atol=1e-12)
