"""Barriers placed by rule: every costly value that several readers share is computed once.

XLA on CPU copies a cheap-looking value into each of its readers, and copies multiply along a chain: a year of the
rustbelt model grew sevenfold that way. The rule: a value that is read more than once and would cost ten operations
or more to compute again is fenced by an optimization barrier. A model says nothing of it.

Another rule keeps the bits, and saves divisions: a quotient by a value that policies or paths or several quotients
share is the product with its reciprocal, which is taken once. XLA does the same to it or not, depending on how many
devices it compiles for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core as jex

WORTH_FENCING = 10
_COSTLY = {
    name: 20
    for name in (
        "exp", "exp2", "expm1", "log", "log1p", "logistic", "tanh", "sin", "cos", "tan", "asin", "acos", "atan", "atan2",
        "erf", "erfc", "erf_inv", "pow", "lgamma", "digamma", "cbrt",
    )
}  # fmt: skip
_COSTLY |= {"div": 8, "sqrt": 8, "rsqrt": 8, "rem": 8, "integer_pow": 2}
_FREE = {"broadcast_in_dim", "reshape", "squeeze", "copy", "stop_gradient", "expand_dims"}
_INLINED = (
    "jit",
    "pjit",
    "closed_call",
    "core_call",
    "custom_jvp_call",
    "custom_vjp_call",
    "remat",
    "checkpoint",
)


def fenced(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function with barriers after its shared costly values; to be called under a trace."""

    def with_fences(*args: Any) -> Any:
        closed, shape = jax.make_jaxpr(function, return_shape=True)(*args)
        results = _evaluate(closed, jax.tree.leaves(args))
        return jax.tree.unflatten(jax.tree.structure(shape), results)

    return with_fences


def _flatten(jaxpr: Any, consts: Sequence[Any], inputs: Sequence[Any]) -> tuple[list[tuple], list[Any]]:
    """Equations with nested calls inlined, as (equation, inputs, outputs) over tokens; a token is an object or a constant."""
    names: dict[Any, Any] = {}
    names.update(zip(jaxpr.constvars, consts, strict=True))
    names.update(zip(jaxpr.invars, inputs, strict=True))
    flat: list[tuple] = []

    def read(atom: Any) -> Any:
        return _Constant(atom.val) if isinstance(atom, jex.Literal) else names[atom]

    for equation in jaxpr.eqns:
        inside = [read(atom) for atom in equation.invars]
        nested = _nested(equation)
        if nested is not None:
            below, outside = _flatten(nested.jaxpr, [_Constant(c) for c in nested.consts], inside)
            flat += below
        else:
            outside = [_Value() for _ in equation.outvars]
            flat.append((equation, inside, outside))
        names.update(zip(equation.outvars, outside, strict=True))
    return flat, [read(atom) for atom in jaxpr.outvars]


def _nested(equation: Any) -> Any:
    if equation.primitive.name not in _INLINED:
        return None
    return (
        equation.params.get("jaxpr") or equation.params.get("call_jaxpr") or equation.params.get("fun_jaxpr")
    )


class _Value:
    """A value to be computed."""


class _Constant:
    """A value that is known."""

    def __init__(self, value: Any):
        self.value = value


def _evaluate(closed: Any, leaves: Sequence[Any]) -> list[Any]:
    inputs = [_Constant(leaf) for leaf in leaves]
    flat, outputs = _flatten(closed.jaxpr, [_Constant(c) for c in closed.consts], inputs)
    needed = {id(token) for token in outputs}
    alive = []
    for equation, inside, outside in reversed(flat):
        if any(id(token) in needed for token in outside):
            alive.append((equation, inside, outside))
            needed.update(id(token) for token in inside)
    alive.reverse()
    reads = Counter(id(token) for _, inside, _ in alive for token in inside)
    reads.update(id(token) for token in outputs)

    values: dict[int, Any] = {}
    cost: dict[int, int] = {}

    def value(token: Any) -> Any:
        return token.value if isinstance(token, _Constant) else values[id(token)]

    spread: dict[int, tuple[Any, Any]] = {}
    reciprocals: dict[int, Any] = {}
    divisors = Counter(id(inside[1]) for equation, inside, _ in alive if equation.primitive.name == "div")

    def reciprocal(token: Any) -> Any:
        """1 / value, taken once for all its readers, and spread out as the value is."""
        source, broadcast = spread.get(id(token), (token, None))
        if id(source) not in reciprocals:
            reciprocals[id(source)] = jax.lax.optimization_barrier(1.0 / value(source))
        inverse = reciprocals[id(source)]
        return inverse if broadcast is None else broadcast.primitive.bind(inverse, **broadcast.params)

    def shared(token: Any) -> bool:
        return id(token) in spread or (divisors[id(token)] > 1 and not isinstance(token, _Constant))

    for equation, inside, outside in alive:
        name = equation.primitive.name
        arguments = [value(token) for token in inside]
        if name == "broadcast_in_dim" and isinstance(arguments[0], jax.core.Tracer):
            spread[id(outside[0])] = (inside[0], equation)
        if name == "div" and shared(inside[1]) and jnp.issubdtype(arguments[1].dtype, jnp.floating):
            results = arguments[0] * reciprocal(inside[1])
        else:
            results = equation.primitive.bind(*arguments, **equation.params)
        results = list(results) if equation.primitive.multiple_results else [results]
        price = 0 if name in _FREE else _COSTLY.get(name, 1)
        price += sum(cost.get(id(token), 0) for token in inside)
        for token, result in zip(outside, results, strict=True):
            if price >= WORTH_FENCING and reads[id(token)] > 1:
                result = jax.lax.optimization_barrier(result)
                cost[id(token)] = 0
            else:
                cost[id(token)] = price
            values[id(token)] = result
    return [value(token) for token in outputs]
