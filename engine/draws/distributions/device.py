"""Normal scores to draws on the device: closed forms one by one, tabulated distributions of a kind all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from engine.draws import polynomials
from engine.draws.distributions.closed import Marginal, open_ends
from engine.draws.distributions.law import Law
from engine.draws.distributions.scipy_laws import Named
from engine.draws.distributions.tables import Knots, Smooth, tabulate
from engine.draws.limits import FARTHEST, LARGEST

_CELLS = 1024
_EDGES = np.linspace(-FARTHEST, FARTHEST, _CELLS + 1)
"""Cells of the score axis by which the search for a knot starts."""
FEW = 32
"""Greatest number of steps for which a comparison with each is cheaper than a search."""
_ATOM, _MOST_MOVED = 2.0**-24, 1e-3
"""Probability from which an end of the support is an atom, and up to which draws rounded to an end are moved."""
_MARGIN = 1e-5
"""Allowance for rounding of a score when its cell is looked up."""


@dataclass(frozen=True)
class Kind:
    """Distributions that are drawn by the same piece of program.

    Args:
      name: "closed", a link of smooth tables ("plain", "exp", "sinh"), "few", "steps" or "knots".
      size: number of polynomial coefficients, of padded steps, or of steps of the search.
      laws: indices of the distributions.
    """

    name: str
    size: int
    laws: tuple[int, ...]


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
        numbers_of: dict[tuple[str, int], list[int]] = {}
        for number, table in enumerate(self.tables):
            numbers_of.setdefault(_kind(table), []).append(number)
        self.kinds = tuple(Kind(name, size, tuple(numbers)) for (name, size), numbers in numbers_of.items())

    def arrays(self, dtype: type = np.float32) -> list[Any]:
        """Arguments of each kind: parameters, or its tables one after the other."""
        return [self._arrays_of(kind, dtype) for kind in self.kinds]

    def _arrays_of(self, kind: Kind, dtype: type) -> Any:
        if kind.name == "closed":
            closed = [self.laws[number] for number in kind.laws]
            return [tuple(dtype(p) for p in law.parameters) for law in closed if isinstance(law, Marginal)]
        tables: Any = [self.tables[number] for number in kind.laws]
        low, high = np.array([_ends(self.laws[number], dtype) for number in kind.laws], dtype).T
        if kind.name in _LINKS:
            return {
                "coefficients": np.stack([table.coefficients for table in tables]).astype(dtype),
                "shift": np.array([table.shift for table in tables], dtype),
                "scale": np.array([table.scale for table in tables], dtype),
                "low": low,
                "high": high,
            }
        if kind.name == "few":
            far = np.full((len(tables), kind.size), np.inf)
            values = np.zeros((len(tables), kind.size + 1))
            for row, table in enumerate(tables):
                far[row, : len(table.knots)] = table.knots
                values[row, : len(table.coefficients)] = table.coefficients[:, 0]
            return {"knots": far.astype(dtype), "values": values.astype(dtype)}
        knots = [np.concatenate([table.knots, np.full(1 << kind.size, np.inf)]) for table in tables]
        firsts = np.cumsum([0, *(len(part) for part in knots[:-1])])
        starts = [np.concatenate([[-FARTHEST], part[:-1]]) for part in knots]
        cells = [
            np.pad(table.coefficients, ((0, len(part) - len(table.coefficients)), (0, 0)))
            for table, part in zip(tables, knots, strict=True)
        ]
        guides = [_guide(table.knots) + first for table, first in zip(tables, firsts, strict=True)]
        fed = {
            "guide": np.concatenate(guides).astype(np.int32),
            "knots": np.concatenate(knots).astype(dtype),
            "cells": np.concatenate(cells).astype(dtype).T[: 1 if kind.name == "steps" else 4],
        }
        if kind.name == "steps":
            return fed
        return fed | {"starts": np.concatenate(starts).astype(dtype), "low": low, "high": high}

    def values(self, scores: Sequence[Any], arrays: Sequence[Any]) -> list[Any]:
        """Draws at the scores of each distribution, all [lane]; `arrays` as from the method, traced or not."""
        drawn: dict[int, Any] = {}
        for kind, fed in zip(self.kinds, arrays, strict=True):
            if kind.name == "closed":
                for number, parameters in zip(kind.laws, fed, strict=True):
                    law: Any = self.laws[number]
                    drawn[number] = law.from_normal(scores[number], parameters)
                continue
            # tables cover the scores of one word; a correlated score, a sum of several, may lie beyond
            z = jnp.clip(jnp.stack([scores[number] for number in kind.laws]), -FARTHEST, FARTHEST)
            draw = _smooth if kind.name in _LINKS else _few if kind.name == "few" else _searched
            values = draw(kind, fed, z)
            drawn |= dict(zip(kind.laws, values, strict=True))
        return [drawn[number] for number in range(len(self.laws))]


def _ends(law: Law, dtype: type) -> tuple[Any, Any]:
    """Limits of draws in single precision: numbers next to the support's ends, or the ends where they are drawn."""
    low, high = (dtype(end) for end in np.clip(law.support, -LARGEST, LARGEST))
    first, last = open_ends(low, high, np)
    return low if _is_drawn(law, 0, first) else first, high if _is_drawn(law, 1, last) else last


def _is_drawn(law: Law, side: int, inner: Any) -> bool:
    """Whether an end of the support is drawn: as an atom, or because rounding puts too many draws on it to move them.

    Args:
      side: 0 for the lower end, 1 for the upper.
      inner: the number next to it inside the support.
    """
    end = law.support[side]
    if abs(end) >= LARGEST:
        return True
    nearer = 0.5 * (end + float(inner))
    rounded = float(law.cdf(nearer) if side == 0 else law.sf(nearer))
    if isinstance(law, Named):  # and drawn from a table, so that it has a density
        return rounded > _MOST_MOVED
    return rounded > _MOST_MOVED or float(law.cdf(end) if side == 0 else 1.0 - law.below(end)) > _ATOM


def _kind(table: Smooth | Knots | None) -> tuple[str, int]:
    if table is None:
        return "closed", 0
    if isinstance(table, Smooth):
        return table.link, table.coefficients.size
    flat = not table.coefficients[:, 1:].any()
    if flat and len(table.knots) <= FEW:
        return "few", -(-len(table.knots) // 8) * 8
    most = int(np.max(np.searchsorted(table.knots, _EDGES[1:] + _MARGIN) - _guide(table.knots), initial=0))
    return "steps" if flat else "knots", most.bit_length()


def _guide(knots: np.ndarray) -> np.ndarray:
    """Number of knots before each cell of the score axis."""
    return np.searchsorted(knots, _EDGES[:-1] - _MARGIN)


_LINKS: Mapping[str, Any] = {"plain": lambda p: p, "exp": jnp.exp, "sinh": lambda p: _sinh(jnp.exp(p))}


def _sinh(grown: Any) -> Any:
    """sinh p from exp p; near 0 with the rounding error of 1, which suffices as values are measured by their scale."""
    return 0.5 * (grown - 1.0 / grown)


def _smooth(kind: Kind, fed: Mapping[str, Any], z: Any) -> Any:
    # fenced: otherwise fusion would recompute the polynomial for each use of the exponential
    p = jax.lax.optimization_barrier(polynomials.value(fed["coefficients"], z))
    size = _LINKS[kind.name](p)
    value = fed["shift"][:, None] + fed["scale"][:, None] * size
    return jnp.clip(value, fed["low"][:, None], fed["high"][:, None])


def _few(kind: Kind, fed: Mapping[str, Any], z: Any) -> Any:
    """Draws from few separate values, by one comparison for each step."""
    value = jnp.broadcast_to(fed["values"][:, :1], z.shape)
    for k in range(kind.size):
        value = jnp.where(z > fed["knots"][:, k, None], fed["values"][:, k + 1, None], value)
    return value


def _searched(kind: Kind, fed: Mapping[str, Any], z: Any) -> Any:
    """Draws from tables of knots: a score's cell is looked up approximately, then found by binary search."""

    def taken(values: Any, at: Any) -> Any:
        return values.at[at].get(mode="promise_in_bounds")

    rough = jnp.clip((z + FARTHEST) * (_CELLS / (2 * FARTHEST)), 0, _CELLS - 1).astype(jnp.int32)
    cell = taken(fed["guide"], rough + (_CELLS * jnp.arange(len(kind.laws), dtype=jnp.int32))[:, None])
    for step in reversed(range(kind.size)):
        farther = cell + (1 << step)
        cell = jnp.where(z > taken(fed["knots"], farther - 1), farther, cell)
    if kind.name == "steps":
        return taken(fed["cells"][0], cell)
    distance = z - taken(fed["starts"], cell)
    value = taken(fed["cells"][3], cell)
    for power in (2, 1, 0):
        value = value * distance + taken(fed["cells"][power], cell)
    return jnp.clip(value, fed["low"][:, None], fed["high"][:, None])
