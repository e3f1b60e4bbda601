"""A traced rule as a flat list of equations: calls looked into, what nobody reads left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Any

import jax
import numpy as np
from jax.extend import core as jex

from engine.draws.random_words import RARELY
from engine.program.elementary import FUSED

INLINED = {
    "jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "remat", "remat2", "checkpoint",
}  # fmt: skip
"""Calls whose body stands where they stand."""
_OWN_CALLS = {FUSED: "fma", RARELY: RARELY}
"""Those of the engine's own that are one operation, and what it is called."""
_BODIES = ("jaxpr", "call_jaxpr", "fun_jaxpr")


def body_of(params: Mapping[str, Any]) -> Any:
    """The traced function that is called, by the parameters of the call."""
    body = next((params[name] for name in _BODIES if params.get(name) is not None), None)
    return jex.ClosedJaxpr(body, ()) if isinstance(body, jex.Jaxpr) else body


class Axis(IntFlag):
    """What a value differs by; `END` is known only after the last year."""

    NONE = 0
    POLICY = 1
    PATH = 2
    YEAR = 4
    END = 8


@dataclass(frozen=True, eq=False)
class Value:
    """Something to be computed, or handed in: its shape and type for one path and policy. Each is equal to itself alone."""

    shape: tuple[int, ...]
    dtype: np.dtype


@dataclass(frozen=True, eq=False)
class Constant:
    """Something that is known. Each is equal to itself alone."""

    value: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return np.shape(self.value)

    @property
    def dtype(self) -> np.dtype:
        """Its type."""
        return jax.dtypes.result_type(self.value)


Atom = Value | Constant


@dataclass(frozen=True, eq=False)
class Equation:
    """One operation of XLA: what else it takes, what it reads and gives."""

    primitive: Any
    params: dict[str, Any]
    inputs: tuple[Atom, ...]
    outputs: tuple[Value, ...]

    @property
    def name(self) -> str:
        """The operation's name in a jaxpr; that of a call where it is one of the engine's own."""
        return _OWN_CALLS.get(self.params.get("name", ""), self.primitive.name)


@dataclass(frozen=True)
class Rule:
    """A function of scalars, written out.

    Args:
      inputs: what is handed in, the leaves of the arguments.
      equations: in an order in which they can be computed.
      outputs: what is given back, the leaves of the result.
      form: how the result is put together from its leaves.
    """

    inputs: tuple[Value, ...]
    equations: tuple[Equation, ...]
    outputs: tuple[Atom, ...]
    form: Any


def written_out(function: Callable[..., Any], *examples: Any) -> Rule:
    """The rule that a function computes, traced with arguments of the shapes and types of these examples."""
    closed, shape = jax.make_jaxpr(function, return_shape=True)(*examples)
    return flat(closed, jax.tree.structure(shape))


def flat(closed: Any, form: Any = None) -> Rule:
    """A traced function as a rule."""
    inputs = tuple(Value(var.aval.shape, var.aval.dtype) for var in closed.jaxpr.invars)
    equations: list[Equation] = []
    outputs = _flatten(closed, inputs, equations, {})
    return Rule(inputs, read_by(equations, outputs), tuple(outputs), form)


def read_by(equations: Sequence[Equation], outputs: Sequence[Atom]) -> tuple[Equation, ...]:
    """The equations that are needed for some outputs."""
    needed = set(outputs)
    kept = []
    for equation in reversed(equations):
        if not needed.isdisjoint(equation.outputs):
            kept.append(equation)
            needed.update(equation.inputs)
    return tuple(reversed(kept))


def differences(rule: Rule, axes: Sequence[Axis]) -> dict[Atom, Axis]:
    """What each value of a rule differs by, from what its inputs do. Constants are not among them."""
    differs: dict[Atom, Axis] = dict(zip(rule.inputs, axes, strict=True))
    for equation in rule.equations:
        own = Axis.NONE
        for atom in equation.inputs:
            own |= differs.get(atom, Axis.NONE)
        differs.update((value, own) for value in equation.outputs)
    return differs


def _flatten(
    closed: Any, inputs: Sequence[Atom], into: list[Equation], literals: dict[Any, Any]
) -> list[Atom]:
    """Adds a traced function's equations; gives its outputs. Literals that are alike are one constant."""
    jaxpr = closed.jaxpr
    names: dict[Any, Atom] = {
        var: Constant(value) for var, value in zip(jaxpr.constvars, closed.consts, strict=True)
    }
    names.update(zip(jaxpr.invars, inputs, strict=True))

    def read(atom: Any) -> Atom:
        if not isinstance(atom, jex.Literal):
            return names[atom]
        literal: Any = atom
        value = np.asarray(literal.val, literal.aval.dtype)
        return literals.setdefault((value.dtype, value.shape, value.tobytes()), Constant(value))

    for equation in jaxpr.eqns:
        inside = tuple(read(atom) for atom in equation.invars)
        is_inlined = equation.primitive.name in INLINED and equation.params.get("name") not in _OWN_CALLS
        body = body_of(equation.params) if is_inlined else None
        if body is not None:
            results: Sequence[Atom] = _flatten(body, inside, into, literals)
        else:
            outputs = tuple(Value(var.aval.shape, var.aval.dtype) for var in equation.outvars)
            into.append(Equation(equation.primitive, equation.params, inside, outputs))
            results = outputs
        names.update(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]
