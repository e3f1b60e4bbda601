"""Normal scores -> draws on the device: laws with a closed form one by one, those of one kind of table all at once."""

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
"""Cells of scores by which the search for a knot is begun."""
FEW = 32
"""Steps up to which comparing with each is cheaper than a search."""
_ATOM, _MOST_MOVED = 2.0**-24, 1e-3
"""Probability from which on an end of a law is a value of its own, and up to which draws that round to it are moved beside it."""
_MARGIN = 1e-5
"""What rounding may move a score by when its cell is looked for."""


@dataclass(frozen=True)
class Kind:
    """Laws that one piece of program draws.

    Args:
      name: "closed", a link of smooth tables, "few", "steps" or "knots".
      size: coefficients of the polynomials, or steps of the search.
      laws: which laws, by their place.
    """

    name: str
    size: int
    laws: tuple[int, ...]


class Draws:
    """How several laws are drawn together: `kinds` is what a program is compiled for, `arrays` what it is fed.

    Args:
      laws: in the order of the scores.

    Raises:
      UserError: a law cannot be tabulated.
    """

    def __init__(self, laws: Sequence[Law]):
        self.laws = tuple(laws)
        self.tables = [None if isinstance(law, Marginal) else tabulate(law) for law in self.laws]
        numbers_of: dict[tuple[str, int], list[int]] = {}
        for number, table in enumerate(self.tables):
            numbers_of.setdefault(_kind(table), []).append(number)
        self.kinds = tuple(Kind(name, size, tuple(numbers)) for (name, size), numbers in numbers_of.items())

    def arrays(self, dtype: type = np.float32) -> list[Any]:
        """What each kind is fed: parameters, or its tables one after the other."""
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
        cells = [np.pad(table.coefficients, ((0, len(part) - len(table.coefficients)), (0, 0))) for table, part in zip(tables, knots, strict=True)]  # fmt: skip
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
        """Draws of each law's scores, all [lane]; what they are fed is as `arrays` gives it, traced or not."""
        drawn: dict[int, Any] = {}
        for kind, fed in zip(self.kinds, arrays, strict=True):
            if kind.name == "closed":
                for number, parameters in zip(kind.laws, fed, strict=True):
                    law: Any = self.laws[number]
                    drawn[number] = law.from_normal(scores[number], parameters)
                continue
            # tables go as far as one word does, and a sum of several scores may lie beyond it
            z = jnp.clip(jnp.stack([scores[number] for number in kind.laws]), -FARTHEST, FARTHEST)
            draw = _smooth if kind.name in _LINKS else _few if kind.name == "few" else _searched
            values = draw(kind, fed, z)
            drawn |= dict(zip(kind.laws, values, strict=True))
        return [drawn[number] for number in range(len(self.laws))]


def _ends(law: Law, dtype: type) -> tuple[Any, Any]:
    """What draws are kept within, as far as single precision goes: the numbers next to the law's ends, or ends that are drawn."""
    low, high = (dtype(end) for end in np.clip(law.support, -LARGEST, LARGEST))
    first, last = open_ends(low, high, np)
    return low if _is_drawn(law, 0, first) else first, high if _is_drawn(law, 1, last) else last


def _is_drawn(law: Law, side: int, inner: Any) -> bool:
    """Whether an end of a law is drawn: a value of its own, or rounding puts too many draws on it to move them all.

    Args:
      inner: the number next to it.
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
    edges = np.linspace(-FARTHEST, FARTHEST, _CELLS + 1)
    most = int(np.max(np.searchsorted(table.knots, edges[1:] + _MARGIN) - _guide(table.knots), initial=0))
    return "steps" if flat else "knots", most.bit_length()


def _guide(knots: np.ndarray) -> np.ndarray:
    """Knots before each cell of scores."""
    edges = np.linspace(-FARTHEST, FARTHEST, _CELLS + 1)
    return np.searchsorted(knots, edges[:-1] - _MARGIN)


_LINKS: Mapping[str, Any] = {"plain": lambda p: p, "exp": jnp.exp, "sinh": lambda p: _sinh(jnp.exp(p))}


def _sinh(grown: Any) -> Any:
    """sinh p from exp p: right to the rounding of 1 near 0, where values are measured by their scale."""
    return 0.5 * (grown - 1.0 / grown)


def _smooth(kind: Kind, fed: Mapping[str, Any], z: Any) -> Any:
    # fenced: the exponential would be computed once for each of its readers, and the polynomial with it
    p = jax.lax.optimization_barrier(polynomials.value(fed["coefficients"], z))
    size = _LINKS[kind.name](p)
    value = fed["shift"][:, None] + fed["scale"][:, None] * size
    return jnp.clip(value, fed["low"][:, None], fed["high"][:, None])


def _few(kind: Kind, fed: Mapping[str, Any], z: Any) -> Any:
    """Draws of a few separate values: one comparison each."""
    value = jnp.broadcast_to(fed["values"][:, :1], z.shape)
    for k in range(kind.size):
        value = jnp.where(z > fed["knots"][:, k, None], fed["values"][:, k + 1, None], value)
    return value


def _searched(kind: Kind, fed: Mapping[str, Any], z: Any) -> Any:
    """Draws from tables of knots: the cell of a score is looked up roughly, then searched for by halves."""

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
