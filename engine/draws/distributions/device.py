"""Normal scores to draws on the device: closed forms one by one, tabulated distributions of a kind all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from engine.draws import polynomials
from engine.draws.distributions.closed import FAMILIES, Marginal, open_ends
from engine.draws.distributions.law import Law
from engine.draws.distributions.tables import Knots, Smooth, tabulate
from engine.draws.limits import FARTHEST, LARGEST

_ATOM, _MOST_MOVED = 2.0**-24, 1e-3
"""Probability from which an end of the support is an atom, and up to which draws rounded to an end are moved."""

Kind = tuple[str, int]
"""Distributions that are drawn by the same piece of program.

They have a name: "closed", a link of smooth tables ("plain", "exp", "sinh") or "knots"; and a size: the number of
polynomial coefficients, or of steps of the search.
"""


class Draws:
    """How several distributions are drawn together: `kinds` determines the program, `arrays` its arguments.

    Args:
      laws: in the order of the scores.

    Raises:
      UserError: a distribution cannot be tabulated.
    """

    def __init__(self, laws: Sequence[Law]):
        self.laws = tuple(laws)
        self.tables = [None if isinstance(law, Marginal) else tabulate(law) for law in self.laws]
        self.kinds: dict[Kind, list[int]] = {}
        """Indices of the distributions of each kind."""
        for number, table in enumerate(self.tables):
            self.kinds.setdefault(_kind(table), []).append(number)

    def arrays(self, dtype: type = np.float32) -> list[Any]:
        """Arguments of each kind: parameters, or its tables one after the other."""
        return [self._arrays_of(*kind, numbers, dtype) for kind, numbers in self.kinds.items()]

    def _arrays_of(self, name: str, size: int, numbers: Sequence[int], dtype: type) -> Any:
        laws = [self.laws[number] for number in numbers]
        if name == "closed":
            return [tuple(map(dtype, law.parameters)) for law in laws if isinstance(law, Marginal)]
        tables: Any = [self.tables[number] for number in numbers]
        low, high = np.array([_ends(law, dtype) for law in laws], dtype).T
        if name in _LINKS:
            return {
                "coefficients": np.stack([table.coefficients for table in tables]).astype(dtype),
                "shift": np.array([table.shift for table in tables], dtype),
                "scale": np.array([table.scale for table in tables], dtype),
                "low": low,
                "high": high,
            }
        starts = [np.concatenate([[-FARTHEST], table.knots, np.full(1 << size, np.inf)]) for table in tables]
        cells = [np.pad(table.coefficients, ((0, 1 << size), (0, 0))) for table in tables]
        firsts = np.cumsum([0, *map(len, starts[:-1])])
        return {
            "first": firsts.astype(np.int32),
            "starts": np.concatenate(starts).astype(dtype),
            "cells": np.concatenate(cells).astype(dtype).T,
            "low": low,
            "high": high,
        }

    def values(self, scores: Sequence[Any], arrays: Sequence[Any]) -> list[Any]:
        """Draws at the scores of each distribution, all [lane]; `arrays` as from the method, traced or not."""
        drawn: dict[int, Any] = {}
        for ((name, size), numbers), fed in zip(self.kinds.items(), arrays, strict=True):
            if name == "closed":
                for number, parameters in zip(numbers, fed, strict=True):
                    law: Any = self.laws[number]
                    drawn[number] = FAMILIES[law.family].draw(scores[number], *parameters)
                continue
            # tables cover the scores of one word; a correlated score, a sum of several, may lie beyond
            z = jnp.clip(jnp.stack([scores[number] for number in numbers]), -FARTHEST, FARTHEST)
            values = _smooth(name, fed, z) if name in _LINKS else _searched(size, fed, z)
            drawn |= dict(zip(numbers, values, strict=True))
        return [drawn[number] for number in range(len(self.laws))]


def _ends(law: Law, dtype: type) -> list[Any]:
    """Lowest and highest draw in a precision: each end of the support, or the number beside it inside the support.

    An end is drawn where it is an atom, or where rounding puts too many draws on it to move them.
    """
    ends = np.clip(law.support, -LARGEST, LARGEST)
    low, high = ends.astype(dtype)
    beside = open_ends(low, high, np)
    first, last = 0.5 * (ends + np.array(beside, np.float64))
    rounded = law.cdf(first), law.sf(last)
    atoms = law.cdf(ends[0]), 1.0 - law.below(ends[1])
    return [
        end if law.steps or abs(end) >= LARGEST or share > _MOST_MOVED or atom > _ATOM else inner
        for end, inner, share, atom in zip((low, high), beside, rounded, atoms, strict=True)
    ]


def _kind(table: Smooth | Knots | None) -> Kind:
    if table is None:
        return "closed", 0
    if isinstance(table, Smooth):
        return table.link, table.coefficients.size
    return "knots", len(table.knots).bit_length()


_LINKS: Mapping[str, Any] = {"plain": lambda p: p, "exp": jnp.exp, "sinh": lambda p: _sinh(jnp.exp(p))}


def _sinh(grown: Any) -> Any:
    """sinh p from exp p.

    Near 0 it has the rounding error of 1, which suffices: errors are measured by the scale of the distribution.
    """
    return 0.5 * (grown - 1.0 / grown)


def _smooth(name: str, fed: Mapping[str, Any], z: Any) -> Any:
    # fenced: otherwise fusion would recompute the polynomial for each use of the exponential
    p = jax.lax.optimization_barrier(polynomials.value(fed["coefficients"], z))
    linked = _LINKS[name](p)
    value = fed["shift"][:, None] + fed["scale"][:, None] * linked
    return jnp.clip(value, fed["low"][:, None], fed["high"][:, None])


def _searched(size: int, fed: Mapping[str, Any], z: Any) -> Any:
    """Draws from tables of knots: a score's cell is found by binary search."""

    def taken(values: Any, at: Any) -> Any:
        return values.at[at].get(mode="promise_in_bounds")

    cell = jnp.broadcast_to(fed["first"][:, None], z.shape)
    for step in reversed(range(size)):
        farther = cell + (1 << step)
        cell = jnp.where(z > taken(fed["starts"], farther), farther, cell)
    distance = z - taken(fed["starts"], cell)
    value = taken(fed["cells"][3], cell)
    for power in (2, 1, 0):
        value = value * distance + taken(fed["cells"][power], cell)
    return jnp.clip(value, fed["low"][:, None], fed["high"][:, None])
