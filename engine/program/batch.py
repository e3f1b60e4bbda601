"""A rule for one path and one policy, computed for all of both: packs as arrays [row, policy, path], barriers between them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped

from engine.program import elementary, fences
from engine.program.equations import Atom, Constant, Equation, Rule
from engine.program.packs import Axis, Pack, alone, is_table, packed

Rows = Shaped[Array, "row policy_or_1 path_or_1 ..."]


class Row(NamedTuple):
    """Where a value stands: a row of an array."""

    array: Rows
    row: int


Known = dict[Atom, Row]
"""The values that have been computed."""


@dataclass(frozen=True)
class Argument:
    """One argument of a rule.

    Args:
      example: a tree of scalars.
      axes: what each leaf differs by.
      tables: what each leaf stands together with; leaves of one table are the rows of one array, in their order.
    """

    example: Any
    axes: tuple[Axis, ...]
    tables: tuple[Hashable, ...]

    @staticmethod
    def alike(example: Any, axes: Axis, is_table: Callable[[Any], bool] = lambda part: False) -> Argument:
        """An argument whose leaves all differ by the same; a predicate says which parts of it are tables of leaves."""
        leaves = jax.tree.leaves(example, is_leaf=is_table)
        tables = tuple(k for k, part in enumerate(leaves) for _ in jax.tree.leaves(part))
        return Argument(example, (axes,) * len(tables), tables)

    @property
    def rows(self) -> list[list[int]]:
        """Places of the leaves of each table, in the order in which tables appear."""
        leaves: dict[Hashable, list[int]] = {}
        for leaf, table in enumerate(self.tables):
            leaves.setdefault(table, []).append(leaf)
        return list(leaves.values())


class Batch:
    """A rule of scalars for all paths and policies, so many as `sizes` says. Its methods are traced."""

    def __init__(self, rule: Rule, arguments: Sequence[Argument], sizes: Mapping[Axis, int], platform: str):
        self.arguments, self.sizes, self.platform = tuple(arguments), sizes, platform
        axes = [axis for argument in arguments for axis in argument.axes]
        self.rule = fences.with_reciprocals(rule, axes)
        tables = [(k, table) for k, argument in enumerate(arguments) for table in argument.tables]
        self.packs, same = packed(self.rule, axes, tables)
        self.outputs = tuple(same.get(atom, atom) for atom in self.rule.outputs)
        self.fenced = fences.fenced(self.packs, self.outputs, self.sizes)

    def given(self, place: int, arrays: Sequence[Rows]) -> Known:
        """The values of one argument, by its place: the arrays of its tables, in their order."""
        argument = self.arguments[place]
        first = sum(len(before.tables) for before in self.arguments[:place])
        known: Known = {}
        for rows, array in zip(argument.rows, arrays, strict=True):
            known.update((self.rule.inputs[first + leaf], Row(array, row)) for row, leaf in enumerate(rows))
        return known

    def computed(self, known: Known, outputs: Sequence[Atom]) -> Known:
        """What is known, and what the outputs take to compute beside it."""
        known = dict(known)
        for place in fences.needed(self.packs, outputs, known.keys()):
            pack = self.packs[place]
            first = pack.equations[0]
            if is_table(first):
                results = [self._spread(self._gathered(first.inputs, known), len(first.inputs), pack.axes)]
                rows = [[(value, row) for row, value in enumerate(first.outputs)]]
            elif alone(first):
                results = self._by_itself(first, known)
                rows = [[(value, 0)] for value in first.outputs]
            else:
                results = [self._in_rows(pack, known)]
                rows = [[(value, row) for row, value in enumerate(pack.outputs)]]
            if place in self.fenced:
                results = jax.lax.optimization_barrier(results)
            for array, values in zip(results, rows, strict=True):
                known.update((value, Row(array, row)) for value, row in values)
        return known

    def once(self, known: Known) -> Known:
        """What is known, and what is the same every year and costly to compute, or to bring into order."""
        kept = [value for place in sorted(fences.kept(self.packs)) for value in self.packs[place].outputs]
        given = {*known, *kept}
        packs = [self.packs[place] for place in fences.needed(self.packs, self.outputs, given)]
        read = {atom for pack in packs for equation in pack.equations for atom in equation.inputs}
        read.update(self.outputs)
        wanted = [value for value in kept if value in read]
        computed = self.computed(known, wanted)
        return known | {value: computed[value] for value in wanted}

    def array(self, atoms: Sequence[Atom], known: Known, axes: Axis, dtype: Any) -> Rows:
        """Values as the rows of one array, with a policy and a path axis as `axes` say."""
        return self._spread(self._gathered(atoms, known).astype(dtype), len(atoms), axes)

    def _in_rows(self, pack: Pack, known: Known) -> Rows:
        first = pack.equations[0]
        count = len(pack.equations)
        operands = [self._spread(self._gathered(atoms, known), count, pack.axes) for atoms in pack.operands]
        ours = elementary.ON_PLATFORM.get(self.platform, {}).get(first.name)
        if ours is not None and operands[0].dtype == np.float32:
            return ours(*operands)
        return first.primitive.bind(*operands, **first.params)

    def _by_itself(self, equation: Equation, known: Known) -> list[Rows]:
        """An operation that is not done number by number, mapped over paths and policies."""

        operands = [
            np.asarray(atom.value)[None, None]
            if isinstance(atom, Constant)
            else self._gathered([atom], known)[0]
            for atom in equation.inputs
        ]
        return [result[None] for result in mapped(equation, equation.params, operands)]

    def _gathered(self, atoms: Sequence[Atom], known: Known) -> Rows:
        """Values as the rows of an array, one row alone where all are the same."""
        parts = []
        arrays = (None if isinstance(atom, Constant) else id(known[atom].array) for atom in atoms)
        for source, run in groupby(zip(arrays, atoms, strict=True), lambda pair: pair[0]):
            held = [atom for _, atom in run]
            if source is None:
                parts.append((len(held), _constants(held)))
                continue
            array, rows = known[held[0]].array, [known[atom].row for atom in held]
            taken = _rows(array, rows)
            if taken is not None:
                parts.append((len(held), taken))
            else:
                runs = [
                    [row for _, row in run] for _, run in groupby(enumerate(rows), lambda at: at[1] - at[0])
                ]
                parts += [(len(each), array[each[0] : each[-1] + 1]) for each in runs]
        if len(parts) == 1:
            return parts[0][1]
        widest = [max(part.shape[axis] for _, part in parts) for axis in (1, 2)]
        full = [jnp.broadcast_to(part, (rows, *widest, *part.shape[3:])) for rows, part in parts]
        # fenced, because a concatenation computes its parts one number at a time if they are fused into it
        return jax.lax.optimization_barrier(jnp.concatenate(jax.lax.optimization_barrier(full)))

    def _spread(self, array: Rows, rows: int, axes: Axis) -> Rows:
        full = [size if axis in axes else 1 for axis, size in self.sizes.items()]
        return jnp.broadcast_to(array, (rows, *full, *array.shape[3:]))


def mapped(equation: Equation, params: Mapping[str, Any], operands: Sequence[Any]) -> list[Any]:
    """What an operation gives that is not done number by number, for all policies and paths of its operands.

    Args:
      params: those of the equation, or others.
      operands: [policy or 1, path or 1, ...], as the results are.
    """

    def rule(*values: Any) -> list[Any]:
        results = equation.primitive.bind(*values, **params)
        return list(results) if equation.primitive.multiple_results else [results]

    # an axis that an operand does not have is not mapped: a branch that is chosen by the year alone stays one
    sizes = [max([1, *(operand.shape[axis] for operand in operands)]) for axis in (0, 1)]
    for axis in (1, 0):  # paths inside, policies outside
        over = [0 if operand.shape[axis] > 1 else None for operand in operands]
        rule = jax.vmap(rule, in_axes=over) if sizes[axis] > 1 else rule
    shapes = [(*(size for size in operand.shape[:2] if size > 1), *operand.shape[2:]) for operand in operands]
    results = rule(*(operand.reshape(shape) for operand, shape in zip(operands, shapes, strict=True)))
    lead = sum(size > 1 for size in sizes)
    return [result.reshape(*sizes, *result.shape[lead:]) for result in results]


def _constants(atoms: Sequence[Atom]) -> Shaped[Array, "row 1 1 ..."]:
    values = [np.asarray(atom.value, atom.dtype) for atom in atoms if isinstance(atom, Constant)]
    alike = len({(value.dtype, value.tobytes()) for value in values}) == 1
    return jnp.asarray(np.stack(values[:1] if alike else values)[:, None, None])


def _rows(array: Rows, rows: list[int]) -> Rows | None:
    """Rows of an array in a form that a compiler can read in place; None where they do not follow each other evenly.

    Evenly are first + a i + b j, the i slow and the j fast: rows in turn, each of them several times, by region and then
    by sector out of an array by sector and then by region.
    """
    if rows == list(range(len(array))):
        return array
    even = _evenly(rows)
    if even is None:
        return None
    first, (a, m), (b, n) = even
    if m == 1:
        return array[first : first + 1] if b == 0 else array[first : rows[-1] + 1 : b]
    if a == 0 or b == 0:
        part: Any = _rows(array, rows[:n] if a == 0 else rows[::n])  # one index alone is even
        part = part[None] if a == 0 else part[:, None]
        return jnp.broadcast_to(part, (m, n, *array.shape[1:])).reshape(m * n, *array.shape[1:])
    slow, count, fast, inner = (a, m, b, n) if a > b else (b, n, a, m)
    if fast * (inner - 1) >= slow or first + slow * count > len(array):
        return None
    part = array[first : first + slow * count].reshape(count, slow, *array.shape[1:])[
        :, : fast * (inner - 1) + 1 : fast
    ]
    part = part if a > b else jnp.swapaxes(part, 0, 1)
    return part.reshape(m * n, *array.shape[1:])


def _evenly(rows: list[int]) -> tuple[int, tuple[int, int], tuple[int, int]] | None:
    """The first row, and step and number of the slow and of the fast index."""
    count, first = len(rows), rows[0]
    for n in range(count, 0, -1):
        m = count // n
        b = rows[1] - first if n > 1 else 0
        a = rows[n] - first if m > 1 else 0
        if (
            n * m == count
            and min(a, b) >= 0
            and rows == [first + a * i + b * j for i in range(m) for j in range(n)]
        ):
            return first, (a, m), (b, n)
    return None
