"""A traced rule as a flat list of equations: calls looked into, what nobody reads left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.extend import core as jex

ELEMENTWISE = {
    "abs", "acos", "acosh", "add", "add_any", "and", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "clamp",
    "convert_element_type", "copy", "cos", "cosh", "digamma", "div", "eq", "erf", "erf_inv", "erfc", "exp", "exp2", "expm1",
    "floor", "ge", "gt", "integer_pow", "is_finite", "le", "lgamma", "log", "log1p", "logistic", "lt", "max", "min", "mul",
    "ne", "neg", "nextafter", "not", "or", "pow", "rem", "round", "rsqrt", "select_n", "shift_left",
    "shift_right_arithmetic", "shift_right_logical", "sign", "sin", "sinh", "sqrt", "square", "sub", "tan", "tanh", "xor",
}  # fmt: skip
"""Operations that are done number by number."""
_INLINED = {
    "jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "remat", "checkpoint",
}  # fmt: skip
_BODIES = ("jaxpr", "call_jaxpr", "fun_jaxpr")


@dataclass(frozen=True, eq=False)
class Value:
    """Something to be computed, or handed in: its shape and type for one path and policy. Each is equal to itself alone."""

    shape: tuple[int, ...]
    dtype: Any


@dataclass(frozen=True, eq=False)
class Constant:
    """Something that is known. Each is equal to itself alone."""

    value: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return np.shape(self.value)

    @property
    def dtype(self) -> Any:
        """Its type."""
        return jax.dtypes.result_type(self.value)


Atom = Value | Constant


@dataclass(frozen=True, eq=False)
class Equation:
    """One operation of XLA: what else it takes, what it reads and gives, and the names of what it was traced in."""

    primitive: Any
    params: dict[str, Any]
    inputs: tuple[Atom, ...]
    outputs: tuple[Value, ...]
    scope: str = ""

    @property
    def name(self) -> str:
        """The operation's name in a jaxpr."""
        return self.primitive.name


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

    def first(self, count: int) -> Rule:
        """The rule of the first outputs alone, as a list."""
        outputs = self.outputs[:count]
        return Rule(self.inputs, read_by(self.equations, outputs), outputs, jax.tree.structure([0] * count))


def written_out(function: Callable[..., Any], *examples: Any) -> Rule:
    """The rule that a function computes, traced with arguments of the shapes and types of these examples."""
    closed, shape = jax.make_jaxpr(function, return_shape=True)(*examples)
    inputs = tuple(Value(var.aval.shape, var.aval.dtype) for var in closed.jaxpr.invars)
    equations: list[Equation] = []
    outputs = _flatten(closed.jaxpr, [Constant(c) for c in closed.consts], inputs, equations, {}, "")
    return Rule(inputs, read_by(equations, outputs), tuple(outputs), jax.tree.structure(shape))


def read_by(equations: Sequence[Equation], outputs: Sequence[Atom]) -> tuple[Equation, ...]:
    """The equations that are needed for some outputs."""
    needed = set(outputs)
    kept = []
    for equation in reversed(equations):
        if not needed.isdisjoint(equation.outputs):
            kept.append(equation)
            needed.update(equation.inputs)
    return tuple(reversed(kept))


def _flatten(
    jaxpr: Any,
    consts: Sequence[Atom],
    inputs: Sequence[Atom],
    into: list[Equation],
    literals: dict,
    scope: str,
) -> list[Atom]:
    """Adds the jaxpr's equations; gives its outputs. Literals that are alike are one constant."""
    names: dict[Any, Atom] = dict(zip(jaxpr.constvars, consts, strict=True))
    names.update(zip(jaxpr.invars, inputs, strict=True))

    def read(atom: Any) -> Atom:
        if not isinstance(atom, jex.Literal):
            return names[atom]
        literal: Any = atom
        value = np.asarray(literal.val, literal.aval.dtype)
        return literals.setdefault((value.dtype, value.shape, value.tobytes()), Constant(value))

    for equation in jaxpr.eqns:
        inside = tuple(read(atom) for atom in equation.invars)
        within = f"{scope}/{equation.source_info.name_stack}"
        bodies = (equation.params[name] for name in _BODIES if equation.params.get(name) is not None)
        body = next(bodies, None) if equation.primitive.name in _INLINED else None
        if body is not None:
            constants = [Constant(c) for c in body.consts]
            results: Sequence[Atom] = _flatten(body.jaxpr, constants, inside, into, literals, within)
        else:
            outputs = tuple(Value(var.aval.shape, var.aval.dtype) for var in equation.outvars)
            into.append(Equation(equation.primitive, equation.params, inside, outputs, within))
            results = outputs
        names.update(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]
