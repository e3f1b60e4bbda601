"""Shapley values and related quantities as weights of the values of coalitions."""

from __future__ import annotations

from math import factorial

import numpy as np
from jaxtyping import Float, Int

MOST_PLAYERS = 10
"""Most players: each further one doubles the coalitions, and 10 have 1,024."""


def members(players: int) -> Int[np.ndarray, "coalition player"]:
    """Membership in each of the 2^k coalitions, 0 or 1: player i is in coalition s where bit i of s is 1."""
    return np.arange(1 << players)[:, None] >> np.arange(players) & 1


def shares(players: int) -> Float[np.ndarray, "player coalition"]:
    """Weights that turn the values of all coalitions into the Shapley value of each player.

    phi_i = sum over coalitions S without i of |S|! (k - 1 - |S|)! / k! (v(S + i) - v(S)): what i adds, averaged over
    all orders in which the players may come. The values of all players add up to v(all) - v(none). Source: Shapley
    (1953), A value for n-person games, Contributions to the Theory of Games II, 307-317, doi:10.1515/9781400881970-018.
    """
    inside = members(players).T
    sizes = inside.sum(axis=0)
    others = sizes - inside  # of the coalition, without the player
    order = np.array([factorial(k) * factorial(max(players - 1 - k, 0)) for k in range(players + 1)])
    return np.where(inside, 1.0, -1.0) * order[others] / factorial(players)


def contrasts(players: int) -> Float[np.ndarray, "effect coalition"]:
    """Weights of the effect of all players, v(all) - v(none); then of the Shapley value of each, of the effect of each
    alone, v(i) - v(none), and of what is lost without each, v(all) - v(all but i).
    """
    values, alone = np.eye(1 << players), 1 << np.arange(players)
    none, every = values[0], values[-1]
    return np.concatenate([[every - none], shares(players), values[alone] - none, every - values[-1 - alone]])
