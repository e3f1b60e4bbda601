"""Regimes of a study: those that no shock uses, and the law of the first year where none is stated."""

import copy

import numpy as np
import pytest

from engine.study.loading import read_study
from engine.study.tables.shocks import stationary
from tests.helpers import assert_close
from tests.shock_study import ALL, WALK, Walk


def test_chains_that_no_shock_uses_are_left_out():
    text = {**copy.deepcopy(WALK), "regimes": copy.deepcopy(ALL["regimes"])}
    assert read_study(text, "walk.toml", model=Walk()).shocks.regimes == {}


@pytest.mark.parametrize(
    ("moves", "wanted"),
    [
        ([[0.9, 0.1], [0.4, 0.6]], [0.8, 0.2]),
        ([[0, 1], [1, 0]], [0.5, 0.5]),
        ([[1, 0], [0.5, 0.5]], [1, 0]),
        ([[1, 0], [0, 1]], [0.5, 0.5]),
    ],
)
def test_a_stationary_law_is_left_as_it_is(moves, wanted):

    assert_close(1 + stationary(np.array(moves, np.float64)), 1 + np.array(wanted, np.float64))
