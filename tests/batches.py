"""A rule of scalars run for some policies and paths, as the engine runs it: what the tests of packs and fences look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from engine.modelling.cells import Cells
from engine.program.batch import Argument, Batch
from engine.program.equations import written_out
from engine.program.packs import Axis

POLICIES, PATHS = 2, 7
SIZES = {Axis.POLICY: POLICIES, Axis.PATH: PATHS}


def argument(value: Any, axes: Axis) -> Argument:
    """An argument shaped like arrays [policy or 1, path or 1], the cells of a table together."""
    example = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((), leaf.dtype), value)
    return Argument.alike(example, axes, lambda part: isinstance(part, Cells))


def batch_of(function: Callable, *given: tuple[Any, Axis]) -> tuple[Batch, list[list[Any]]]:
    """The batch of a function, and the arrays of its arguments' tables [row, policy or 1, path or 1]."""
    arguments = [argument(value, axes) for value, axes in given]
    arrays = []
    for taken, (value, _) in zip(arguments, given, strict=True):
        leaves = jax.tree.leaves(value)
        arrays.append([jnp.stack([leaves[leaf] for leaf in rows]) for rows in taken.rows])
    written = written_out(function, *(taken.example for taken in arguments))
    return Batch(written, arguments, SIZES, "cpu"), arrays


def run(function: Callable, *given: tuple[Any, Axis]) -> Any:
    """What the function gives of the arguments, each leaf an array [policy, path]."""
    batch, arrays = batch_of(function, *given)

    def computed(arrays: list[list[Any]]) -> list[Any]:
        known = {}
        for place, tables in enumerate(arrays):
            known |= batch.given(place, tables)
        known = batch.computed(known, batch.outputs)
        both = Axis.POLICY | Axis.PATH
        return [batch.array([atom], known, both, np.float32)[0] for atom in batch.outputs]

    return jax.tree.unflatten(batch.rule.form, jax.jit(computed)(arrays))


def mapped(function: Callable, *given: tuple[Any, Axis]) -> Any:
    """The same by `vmap`, path by path and policy by policy."""
    full = [jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (POLICIES, PATHS)), value) for value, _ in given]
    floats = jax.vmap(
        jax.vmap(lambda *args: jax.tree.map(lambda v: jnp.asarray(v, np.float32), function(*args)))
    )
    return jax.jit(floats)(*full)


def by_path(seed: int = 0) -> np.ndarray:
    """Positive numbers that differ by path, [1, path]."""
    return np.random.default_rng(seed).uniform(0.5, 2.0, (1, PATHS)).astype(np.float32)


def by_both(seed: int = 0) -> np.ndarray:
    """Positive numbers that differ by policy and path, [policy, path]."""
    return np.random.default_rng(seed).uniform(0.5, 2.0, (POLICIES, PATHS)).astype(np.float32)
