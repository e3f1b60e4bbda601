"""A traced function as a flat list of equations: calls inlined, dead code eliminated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.extend import core as jex
from jax.extend.source_info_util import summarize

from engine.lanes.hints import FUSED, RARELY

INLINED = {
    "jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "remat", "remat2", "checkpoint",
}  # fmt: skip
"""Primitives of a jaxpr that call another jaxpr, whose equations are inlined."""
_OWN_CALLS = {FUSED: "fma", RARELY: RARELY}
"""Calls of `hints` that stay one operation: name of the call -> name of the operation."""


@dataclass(frozen=True, eq=False)
class Value:
    """A variable with its shape and type: an input, or the result of an equation.

    Compared by identity.
    """

    shape: tuple[int, ...]
    dtype: np.dtype


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant of the trace. Compared by identity."""

    value: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return np.shape(self.value)

    @property
    def dtype(self) -> np.dtype:
        """Type of the value, as JAX takes it."""
        return jax.dtypes.result_type(self.value)


Atom = Value | Constant


@dataclass(frozen=True, eq=False)
class Equation:
    """One JAX primitive with its parameters, operands and results.

    Args:
      sources: where it was traced, then the same of the inlined calls around it, the innermost first.
    """

    primitive: Any
    params: dict[str, Any]
    inputs: tuple[Atom, ...]
    outputs: tuple[Value, ...]
    sources: tuple[Any, ...]

    @property
    def name(self) -> str:
        """Name of the primitive, or of the function of `hints` that is called."""
        return _OWN_CALLS.get(self.params.get("name", ""), self.primitive.name)

    @property
    def line(self) -> str:
        """File, line and function of the user's code that calls it; "" where JAX knows none."""
        return Path(next(filter(None, map(summarize, self.sources)), "")).name


@dataclass(frozen=True)
class Rule:
    """A function of scalars as a flat list of equations.

    Args:
      inputs: the leaves of its arguments.
      equations: in an order in which they can be computed.
      outputs: the leaves of its result.
    """

    inputs: tuple[Value, ...]
    equations: tuple[Equation, ...]
    outputs: tuple[Atom, ...]


def flat(closed: Any) -> Rule:
    """A closed jaxpr as a `Rule`."""
    inputs = tuple(Value(var.aval.shape, var.aval.dtype) for var in closed.jaxpr.invars)
    equations: list[Equation] = []
    outputs = _flatten(closed, inputs, equations, {}, ())
    return Rule(inputs, read_by(equations, outputs), tuple(outputs))


def read_by(equations: Sequence[Equation], outputs: Sequence[Atom]) -> tuple[Equation, ...]:
    """The equations that the outputs depend on, in their order: dead code elimination."""
    needed = set(outputs)
    kept = []
    for equation in reversed(equations):
        if not needed.isdisjoint(equation.outputs):
            kept.append(equation)
            needed.update(equation.inputs)
    return tuple(reversed(kept))


def _flatten(
    closed: Any, inputs: Sequence[Atom], into: list[Equation], literals: dict[Any, Any], calls: tuple[Any, ...]
) -> list[Atom]:
    """Appends a jaxpr's equations to `into` and gives its outputs; equal literals become one constant.

    Args:
      calls: where the calls around it were traced, the innermost first.
    """
    jaxpr = closed.jaxpr
    names: dict[Any, Atom] = {var: Constant(value) for var, value in zip(jaxpr.constvars, closed.consts, strict=True)}
    names.update(zip(jaxpr.invars, inputs, strict=True))

    def read(atom: Any) -> Atom:
        if not isinstance(atom, jex.Literal):
            return names[atom]
        literal: Any = atom
        value = np.asarray(literal.val, literal.aval.dtype)
        return literals.setdefault((value.dtype, value.shape, value.tobytes()), Constant(value))

    for equation in jaxpr.eqns:
        inside, sources = tuple(read(atom) for atom in equation.invars), (equation.source_info, *calls)
        if equation.primitive.name in INLINED and equation.params.get("name") not in _OWN_CALLS:
            body = equation.params["jaxpr" if "jaxpr" in equation.params else "call_jaxpr"]
            body = jex.ClosedJaxpr(body, ()) if isinstance(body, jex.Jaxpr) else body
            results: Sequence[Atom] = _flatten(body, inside, into, literals, sources)
        else:
            results = outputs = tuple(Value(var.aval.shape, var.aval.dtype) for var in equation.outvars)
            into.append(Equation(equation.primitive, equation.params, inside, outputs, sources))
        names.update(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]
