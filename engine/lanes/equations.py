"""Equations of a jaxpr: which of them its outputs depend on, what they are called, and where they were traced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jax.extend import core as jex
from jax.extend.source_info_util import summarize

from engine.lanes.hints import FUSED, RARELY

INLINED = {
    "jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "remat", "remat2", "checkpoint",
}  # fmt: skip
"""Primitives of a jaxpr that call another jaxpr, whose equations are inlined."""
_OWN_CALLS = {FUSED: "fma", RARELY: RARELY}
"""Calls of `hints` that stay one operation: name of the call -> name of the operation."""


def name_of(equation: Any) -> str:
    """Name of the primitive, of its way to round, or of the function of `hints` that is called."""
    if equation.params.get("rounding_method"):
        return "round to even"
    return _OWN_CALLS.get(equation.params.get("name", ""), equation.primitive.name)


def line_of(equation: Any) -> str:
    """File, line and function of the user's code that calls it; "" where JAX knows none."""
    return Path(summarize(equation.source_info)).name


def called(equation: Any) -> Any | None:
    """The closed jaxpr whose equations stand in place of this one; None where it is no such call."""
    if name_of(equation) not in INLINED:
        return None
    body = equation.params["jaxpr" if "jaxpr" in equation.params else "call_jaxpr"]
    return jex.ClosedJaxpr(body, ()) if isinstance(body, jex.Jaxpr) else body


def needed(jaxpr: Any) -> list[Any]:
    """The equations that the outputs depend on, in their order: dead code elimination."""
    read, kept = set(_variables(jaxpr.outvars)), []
    for equation in reversed(jaxpr.eqns):
        if not read.isdisjoint(equation.outvars):
            kept.append(equation)
            read.update(_variables(equation.invars))
    return kept[::-1]


def _variables(atoms: Any) -> list[Any]:
    return [atom for atom in atoms if not isinstance(atom, jex.Literal)]
