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


def added_alone(players: int) -> Float[np.ndarray, "player coalition"]:
    """Weights of the effect of each player alone: v(i) - v(none)."""
    weights = np.zeros((players, 1 << players))
    rows = np.arange(players)
    weights[rows, 1 << rows] += 1
    weights[rows, 0] -= 1
    return weights


def taken_back(players: int) -> Float[np.ndarray, "player coalition"]:
    """Weights of the effect that is lost without each player: v(all) - v(all but i)."""
    weights = np.zeros((players, 1 << players))
    rows, everybody = np.arange(players), (1 << players) - 1
    weights[rows, everybody] += 1
    weights[rows, everybody - (1 << rows)] -= 1
    return weights


def whole(players: int) -> Float[np.ndarray, "1 coalition"]:
    """Weights of the effect of all players together: v(all) - v(none)."""
    weights = np.zeros((1, 1 << players))
    weights[0, -1] += 1
    weights[0, 0] -= 1
    return weights
