"""Compares compiled lanes with XLA on random functions of one lane. The numbers of these are small integers, whatever
their type, so that no rounding changes a result.

python benchmarks/random_programs.py [--first 0] [--count 100]
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from engine.lanes.hints import rarely
from engine.lanes.nest import trace

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.helpers import assert_same
from tests.lanes.checked import faults
from tests.lanes.compiled import assert_by_lanes_as_by_xla, by_lanes

LANES = 37
SHARED = np.float32([3, 1, -2, 5]), np.int32([[1, 2, 3], [-4, 5, 6]]), np.uint32(7)
NUMBERS = np.random.default_rng(0)
OWN = NUMBERS.integers(-9, 9, LANES).astype(np.float32), NUMBERS.integers(0, 2, (3, LANES)).astype(bool)
TYPES = (np.float32, np.int32, np.uint32, np.bool_)
MODULUS = 251
CHOICES = jnp.where, lambda which, x, y: rarely(*jnp.broadcast_arrays(which, x, y))


class Programs:
    """Random expressions of the variables of a scope, each a JAX array of up to two axes.

    Args:
      seed: of the random numbers. A function is called several times, and is the same each time.
    """

    def __init__(self, seed: int):
        self.seed = seed

    def __call__(self, shared: Any, lane: Any, own: Any) -> dict[str, Any]:
        """A function of shared inputs, the lane's number and inputs of the lane."""
        self.rng = np.random.default_rng(self.seed)
        scope = [*map(jnp.asarray, jax.tree.leaves((shared, own))), lane % 17]
        given = len(scope)
        return {f"y{k}": x for k, x in enumerate(self.grown(scope, 12, depth=0)[given:])}

    def grown(self, scope: list[Any], count: int, depth: int) -> list[Any]:
        """The scope with so many further variables."""
        scope = list(scope)
        for _ in range(count):
            ways = [self.elementwise] * 5 + [self.moved, self.reduced, self.indexed, self.changed]
            ways += [self.scanned] * 2 + [self.chosen] if depth < 2 else []
            scope.append(self.any_of(ways)(scope, depth))
        return scope

    def any_of(self, values: Any) -> Any:
        return values[self.rng.integers(len(values))]

    def one(self, scope: list[Any], ndim: int | None = None) -> Any:
        """A variable, of so many axes if they are given."""
        some = [x for x in scope if ndim is None or jnp.ndim(x) == ndim]
        if some:
            return self.any_of(some)
        return jnp.stack([self.one(scope, ndim - 1)] * 3)

    def typed(self, x: Any, dtype: Any = None) -> Any:
        """A variable as numbers of a type, any if it is not given, none of them large."""
        dtype = self.any_of(TYPES) if dtype is None else dtype
        if dtype != np.bool_ and x.dtype != np.bool_:
            x = lax.rem(x, jnp.asarray(MODULUS, x.dtype))
            x = jnp.abs(x) if dtype == np.uint32 and x.dtype != np.uint32 else x
        return x.astype(dtype)

    def elementwise(self, scope: list[Any], depth: int) -> Any:
        dtype = self.any_of(TYPES)
        x, y = (self.typed(self.one(scope, 0), dtype) for _ in range(2))
        x = self.any_of([x, self.typed(self.one(scope), dtype)])
        ways: list[Callable[..., Any]] = [jnp.maximum, self.any_of([jnp.less, jnp.equal, jnp.greater_equal])]
        ways += [
            lambda x, y, choose=choose: choose(self.typed(self.one(scope, 0), np.bool_), x, y) for choose in CHOICES
        ]
        if dtype == np.bool_:
            ways += [jnp.logical_and, jnp.logical_xor, lambda x, y: ~x]
        else:
            ways += [jnp.add, jnp.multiply, lambda x, y: x * y + x, lambda x, y: x * x - y, jnp.abs]
            ways = [lambda x, *y, way=way: way(x, *y[: 1 - (way is jnp.abs)]) for way in ways]
        if dtype in (np.int32, np.uint32):
            ways += [lambda x, y: x // y, lambda x, y: x ^ y, lambda x, y: x << (y & 3), lambda x, y: lax.rem(x, y)]
        return self.any_of(ways)(x, y)

    def moved(self, scope: list[Any], depth: int) -> Any:
        x = self.one(scope, self.any_of([1, 2]))
        ways = [jnp.flip, jnp.ravel, jnp.transpose, lambda x: x[None, 0], lambda x: jnp.pad(x, 1)[1:]]
        ways += [lambda x: jnp.concatenate([x, x]) if x.size < 30 else x[:2], lambda x: jnp.stack([x.ravel()] * 2)]
        return self.any_of(ways)(x)

    def reduced(self, scope: list[Any], depth: int) -> Any:
        x = self.typed(self.one(scope, self.any_of([1, 2])))
        return self.any_of([jnp.sum, jnp.max, jnp.min, jnp.any, jnp.argmax, jnp.cumsum])(x, axis=0)

    def indexed(self, scope: list[Any], depth: int) -> Any:
        x, at = self.one(scope, self.any_of([1, 2])), self.typed(self.one(scope, 0), np.int32)
        ways = [
            lambda: x[at % len(x)],
            lambda: jnp.take(x, at, axis=0, mode="clip"),
            lambda: x[jnp.stack([at, 0 * at])],
        ]
        return self.any_of([*ways, lambda: lax.dynamic_slice_in_dim(x, at, 1)])()

    def changed(self, scope: list[Any], depth: int) -> Any:
        x, at = self.one(scope, 1), self.typed(self.one(scope, 0), np.int32)
        value = self.typed(self.one(scope, 0), x.dtype)
        ways = [lambda: x.at[at].set(value), lambda: x.at[0].set(value)]
        return self.any_of(ways + [lambda: x.at[at].max(value)] * (x.dtype != np.bool_))()

    def scanned(self, scope: list[Any], depth: int) -> Any:
        """A loop that carries two variables and goes along an array; gives what it carries, or what it gave by turn."""
        start = [self.typed(self.one(scope), self.any_of(TYPES)) for _ in range(2)]
        along = self.one(scope, self.any_of([1, 2]))
        types, take, seed = [x.dtype for x in start], self.any_of([0, 1]), self.rng.integers(2**31)

        def turn(carried: Any, x: Any) -> Any:
            saved, self.rng = self.rng, np.random.default_rng(seed)
            made = self.grown([*scope, *carried, x], 4, depth + 1)
            self.rng = saved
            after = [
                jnp.where(jnp.ravel(self.typed(new, np.int32))[0] > 2, old, self.typed(jnp.ravel(new)[0], kind))
                for new, old, kind in zip(made[-2:], carried, types, strict=True)
            ]
            return after, (made[-1], made[-3])

        last, by_turn = lax.scan(turn, start, along, reverse=bool(self.any_of([0, 1])))
        return by_turn[take] if by_turn[take].ndim < 3 else last[take]

    def chosen(self, scope: list[Any], depth: int) -> Any:
        kept = self.typed(self.one(scope), np.float32)
        other = self.typed(jnp.ravel(self.grown(scope, 2, depth + 1)[-1])[0], np.float32)
        return lax.cond(self.typed(self.one(scope, 0), np.bool_), lambda: kept * 2, lambda: kept + other)


def check(seed: int) -> None:
    """Asserts that a random function has a sound nest, and by lanes, in part and in full, the outputs of XLA."""
    function = Programs(seed)
    examples = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[:-1], leaf.dtype), OWN)
    traced = trace(function, SHARED, examples)
    for names in (None, ("y3",), ("y5", "y9")):
        assert not faults(traced.nest(names))
    assert_by_lanes_as_by_xla(function, SHARED, LANES, OWN, widths=(16, 1))
    everything = by_lanes(function, SHARED, LANES, OWN)
    for name, values in by_lanes(function, SHARED, LANES, OWN, outputs=("y5", "y9")).items():
        assert_same(values, everything[name])


def main() -> None:
    """Checks functions, and stops at the first one that differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="seed of the first function")
    parser.add_argument("--count", type=int, default=100, help="number of functions")
    asked = parser.parse_args()
    for seed in range(asked.first, asked.first + asked.count):
        print(f"function {seed}", flush=True)
        check(seed)


if __name__ == "__main__":
    main()
