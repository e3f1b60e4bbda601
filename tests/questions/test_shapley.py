"""Shapley values of games that can be done by hand, and the laws that define them."""

import numpy as np
import pytest

from engine.questions import shapley
from tests.helpers import assert_close


def game(players, value):
    """Values of all coalitions, by a function of the set of players that are in."""
    return np.array([value(set(np.flatnonzero(row))) for row in shapley.members(players)], float)


def test_the_glove_game_by_hand():
    # players 0 and 1 hold a left glove, 2 a right one; a pair is worth 1: Shapley's (1/6, 1/6, 4/6)
    values = game(3, lambda inside: float(2 in inside and bool(inside & {0, 1})))
    whole, shares, alone, taken_back = 1.0, [1 / 6, 1 / 6, 4 / 6], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]
    assert_close(shapley.contrasts(3) @ values, [whole, *shares, *alone, *taken_back])


@pytest.mark.parametrize("players", [1, 2, 5, shapley.MOST_PLAYERS])
def test_what_each_adds_is_averaged_over_all_orders_and_adds_up(players):
    values = np.random.default_rng(players).normal(size=1 << players)
    shares = shapley.shares(players) @ values
    assert_close(shares.sum(), values[-1] - values[0])
