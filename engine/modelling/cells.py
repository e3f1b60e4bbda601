"""Labelled tables of scalars, on which arithmetic is written as on one scalar.

A `Cells` holds one scalar per label (region x sector, say), broadcasts against others by the name of its
dimensions and carries the arithmetic operators, so that a block of a model reads line by line like its equations.
When traced it unrolls to plain scalars, each of which compiles to one vector over paths.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Scalar = Any
Labels = Mapping[str, tuple[str, ...]]


class Cells:
    """One scalar per combination of labels, row-major in the order of its dimensions.

    Args:
      labels: dimension name -> its labels, in order.
      values: one scalar (number or traced) per cell; length must be the product of the label counts.
    """

    __slots__ = ("_cells", "labels")
    __array_ufunc__ = None  # a NumPy scalar on the left must hand the operation to us
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, labels: Labels | tuple[tuple[str, tuple[str, ...]], ...], values: Sequence[Scalar]):
        self.labels = dict(labels)
        keys = [*itertools.product(*self.labels.values())]
        if len(keys) != len(values):
            raise ValueError(f"Cells over {self.labels}: expected {len(keys)} values, got {len(values)}")
        self._cells = dict(zip(keys, values, strict=True))

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the dimensions, outermost first."""
        return tuple(self.labels)

    @property
    def values(self) -> tuple[Scalar, ...]:
        """The scalar of each cell."""
        return tuple(self._cells.values())

    def keys(self) -> list[tuple[str, ...]]:
        """Label tuples in the order of `values`."""
        return list(self._cells)

    def __getitem__(self, key: str | tuple[str, ...]) -> Scalar:
        """The scalar at a label, or at a tuple of labels in the order of the dimensions."""
        labels = key if isinstance(key, tuple) else (key,)
        if labels not in self._cells:
            raise KeyError(f"no cell {labels} among the labels {self.labels}")
        return self._cells[labels]

    def sel(self, **where: str | Sequence[str]) -> Any:
        """The part at the labels given by dimension: a label drops its dimension, a sequence keeps those labels.

        Returns a scalar when no dimension is left.
        """
        self._refuse_others(where)
        kept = {
            dim: tuple(where[dim]) if dim in where else names
            for dim, names in self.labels.items()
            if not isinstance(where.get(dim), str)
        }
        return filled(kept, lambda at: self._at({**where, **at}))

    def _at(self, at: Mapping[str, Any]) -> Scalar:
        """The scalar at the labels given by dimension; dimensions that this table lacks are ignored."""
        return self[tuple(at[dim] for dim in self.labels)]

    def _refuse_others(self, dims: Iterable[str]) -> None:
        for dim in dims:
            if dim not in self.labels:
                raise KeyError(f"no dimension '{dim}' in {self.dims}")

    def fold(self, combine: Callable[[Scalar, Scalar], Scalar], *dims: str) -> Any:
        """Cells combined along the named dimensions (all of them if none is named), in label order."""
        along = dims or self.dims
        self._refuse_others(along)
        kept = {dim: names for dim, names in self.labels.items() if dim not in along}
        folded = {dim: names for dim, names in self.labels.items() if dim in along}
        return filled(kept, lambda at: functools.reduce(combine, [self._at(at | other) for other in _places(folded)]))

    def over(self, *dims: str) -> Any:
        """Sum over the named dimensions (over all if none is named); of conditions, how many hold."""
        return _as_numbers(self).fold(operator.add, *dims)

    def mean(self, *dims: str) -> Any:
        """Plain mean over the named dimensions (over all if none is named)."""
        count = math.prod(len(self.labels[dim]) for dim in dims or self.dims)
        return self.over(*dims) * (1.0 / count)

    def in_order(self, dims: Sequence[str]) -> Any:
        """The same cells with their dimensions in another order."""
        return filled({dim: self.labels[dim] for dim in dims}, self._at)

    def __repr__(self) -> str:
        inner = ", ".join(f"{'/'.join(key)}: {value}" for key, value in self._cells.items())
        return f"Cells({inner})"


def _places(labels: Labels) -> Iterator[dict[str, str]]:
    """Yields, for each cell in row-major order, its label by dimension."""
    return (dict(zip(labels, key, strict=True)) for key in itertools.product(*labels.values()))


def filled(labels: Labels, rule: Callable[[dict[str, str]], Scalar]) -> Any:
    """The table of what a rule gives for each place; the scalar itself without dimensions."""
    values = [*map(rule, _places(labels))]
    return Cells(labels, values) if labels else values[0]


def table(labels: Labels, rows: Any) -> Cells:
    """Constants as cells: `rows` is a number, or nested sequences shaped like the labels; values become floats."""
    return Cells(labels, np.ravel(np.array(rows, float)).tolist())


def merged_labels(parts: Sequence[Any]) -> dict[str, tuple[str, ...]]:
    """Union of the labels of all `Cells` among the parts, in order of first appearance.

    Raises:
      ValueError: where one dimension carries different labels in two parts.
    """
    labels: dict[str, tuple[str, ...]] = {}
    for part in parts:
        if isinstance(part, Cells):
            for dim, names in part.labels.items():
                if labels.setdefault(dim, names) != names:
                    raise ValueError(f"dimension '{dim}' has labels {labels[dim]} and {names}")
    return labels


def _cell(part: Any, at: Mapping[str, str]) -> Any:
    return part._at(at) if isinstance(part, Cells) else part


def each(rule: Callable[..., Any]) -> Callable[..., Any]:
    """The rule for one cell, mapped over the labels of its arguments.

    Arguments that are `Cells` are taken cell by cell, broadcast by dimension name; all others are handed on as they
    are. A rule that returns a tuple gives a tuple of `Cells`. Without any `Cells` it is the plain function.
    """

    @functools.wraps(rule, updated=())  # what JAX keeps in `__dict__` holds the path of its file
    def mapped(*args: Any, **kwargs: Any) -> Any:
        labels = merged_labels([*args, *kwargs.values()])
        if not labels:
            return rule(*args, **kwargs)
        results = []
        for at in _places(labels):
            here = {name: _cell(part, at) for name, part in kwargs.items()}
            results.append(rule(*(_cell(part, at) for part in args), **here))
        if isinstance(results[0], tuple):
            return tuple(Cells(labels, column) for column in zip(*results, strict=True))
        return Cells(labels, results)

    return mapped


@each
def _as_numbers(value: Scalar) -> Scalar:
    return value * 1 if jnp.issubdtype(jnp.result_type(value), jnp.bool_) else value


def _turned(rule: Callable[..., Cells]) -> Callable[..., Cells]:
    return lambda self, other: rule(other, self)


for _name in ("neg", "abs", "lt", "le", "gt", "ge", "eq", "ne", "add", "sub", "mul", "truediv", "pow"):
    setattr(Cells, f"__{_name}__", each(getattr(operator, _name)))
for _name in ("add", "sub", "mul", "truediv", "pow"):  # a number on the left hands these to the table on the right
    setattr(Cells, f"__r{_name}__", _turned(getattr(Cells, f"__{_name}__")))
for _name in ("and", "or"):
    setattr(Cells, f"__{_name}__", each(getattr(jnp, f"logical_{_name}")))

exp = each(jnp.exp)
log = each(jnp.log)
sqrt = each(jnp.sqrt)
minimum = each(jnp.minimum)
maximum = each(jnp.maximum)
where = each(jnp.where)


@each
def clip(value: Scalar, low: Scalar, high: Scalar) -> Scalar:
    """The value held between two bounds."""
    return jnp.minimum(jnp.maximum(value, low), high)


@each
def normal_cdf(value: Scalar) -> Scalar:
    """Standard normal distribution function, 1/2 + 1/2 erf(x / sqrt 2); cheaper than `ndtr`.

    In float32 its absolute error is at most 1e-7.
    """
    return 0.5 + 0.5 * jax.lax.erf(value * 0.7071067811865476)


jax.tree_util.register_pytree_node(Cells, lambda cells: (cells.values, tuple(cells.labels.items())), Cells)
