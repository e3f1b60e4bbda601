"""Interprets a traced rule with NumPy for a few paths, in single or double precision, without compiling the rule.

Primitives that are not elementwise, such as a sort, are run one by one by JAX.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import jax
import numpy as np
from jax.extend import core as jex

from engine.program.elementary import FUNCTIONS
from engine.program.lowering.operation_table import OPERATIONS, named
from engine.program.tracing.equations import Atom, Constant, Equation, Rule

Numbers = np.ndarray
"""Values of one variable of a rule, [policy or 1, path or 1, ...]; behind these two are the variable's own axes."""


class NotInterpreted(Exception):
    """Raised for a rule with a primitive that has a body, such as a loop, or works in one precision alone."""


def interpreted(rule: Rule, dtype: type) -> Callable[[Sequence[Numbers]], list[Numbers]]:
    """A function by NumPy from the inputs of a rule to its outputs, both in the order of the rule.

    Args:
      rule: the traced rule.
      dtype: float32 or float64, the type of all floating-point numbers, whatever the rule was traced in.

    Raises:
      NotInterpreted: the rule cannot be interpreted.
    """
    atoms = chain(rule.inputs, *((*equation.inputs, *equation.outputs) for equation in rule.equations), rule.outputs)
    places = {atom: place for place, atom in enumerate(dict.fromkeys(atoms))}
    start: list[Any] = [
        np.asarray(atom.value, _kind(atom.dtype, dtype))[None, None] if isinstance(atom, Constant) else None
        for atom in places
    ]
    steps: list[tuple[Callable[..., Any], list[int], int | list[int], list[int]]] = []
    last: dict[Atom, list[int]] = {}
    for equation in rule.equations:
        one, freed = _function(equation, dtype), list[int]()
        reads, gives = ([places[atom] for atom in of] for of in (equation.inputs, equation.outputs))
        steps.append((one or _function_of_several(equation, dtype), reads, gives[0] if one else gives, freed))
        last.update(dict.fromkeys((*equation.inputs, *equation.outputs), freed))
    for atom in last.keys() - {*rule.outputs}:  # a value is freed after its last reader
        if not isinstance(atom, Constant):
            last[atom].append(places[atom])

    def outputs(values: Sequence[Numbers]) -> list[Numbers]:
        held = [*start]
        for atom, value in zip(rule.inputs, values, strict=True):
            held[places[atom]] = value
        for function, reads, gives, freed in steps:
            result = function(*[held[at] for at in reads])
            if isinstance(gives, int):
                held[gives] = result
            else:
                for at, value in zip(gives, result, strict=True):
                    held[at] = value
            for at in freed:
                held[at] = None
        return [held[places[atom]] for atom in rule.outputs]

    return outputs


def _kind(of: np.dtype, dtype: type) -> np.dtype:
    """`dtype` in place of any floating-point type; other types unchanged."""
    return np.dtype(dtype) if np.issubdtype(of, np.floating) else np.dtype(of)


def _function(equation: Equation, dtype: type) -> Callable[..., Numbers] | None:
    """The NumPy function for an elementwise primitive with one result; None for any other primitive."""
    name, params, atoms = equation.name, equation.params, equation.inputs
    if any(atom.shape != atoms[0].shape for atom in atoms):
        return None
    if name in _OF_NUMPY:
        return _OF_NUMPY[name]
    meaning, function = OPERATIONS.get(named(name, params)), FUNCTIONS.get(name)
    if meaning and meaning.numbers and meaning.takes(atoms[-1].dtype):
        if name == "convert_element_type":
            return partial(meaning.numbers, dtype=_kind(params["new_dtype"], dtype))
        # the bits of a number depend on its precision
        return None if name == "bitcast_convert_type" else meaning.numbers
    if function and name == "integer_pow":
        return partial(function.numbers, y=params["y"])
    return function.numbers if function else None


def _function_of_several(equation: Equation, dtype: type) -> Callable[..., Sequence[Numbers]]:
    """A function for a primitive that is not elementwise, which gives a sequence of its results."""
    name, params = equation.name, equation.params
    if name == "optimization_barrier":
        return lambda *values: values
    parts = (part for value in params.values() for part in (value if isinstance(value, tuple) else (value,)))
    if any(isinstance(part, jex.ClosedJaxpr | jex.Jaxpr) for part in parts):
        raise NotInterpreted(name)
    params = {key: _kind(value, dtype) if isinstance(value, np.dtype) else value for key, value in params.items()}

    def by_jax(*values: Numbers) -> Sequence[Numbers]:
        try:
            with jax.enable_x64(dtype == np.float64):
                return [np.asarray(result) for result in _mapped(equation, params, values)]
        except (TypeError, ValueError, NotImplementedError) as error:  # its parameters fix one precision
            raise NotInterpreted(name) from error

    return by_jax


def _mapped(equation: Equation, params: Mapping[str, Any], operands: Sequence[Any]) -> list[Any]:
    """The results of a primitive, by JAX, for all policies and paths of its operands.

    Args:
      params: parameters of the primitive, which may differ from those of the equation.
      operands: [policy or 1, path or 1, ...]; the results have the same two axes in front.
    """

    def rule(*values: Any) -> list[Any]:
        results = equation.primitive.bind(*values, **params)
        return list(results) if equation.primitive.multiple_results else [results]

    # an axis of length 1 is not mapped: a branch that is chosen by the year alone stays a branch
    sizes = [max([1, *(operand.shape[axis] for operand in operands)]) for axis in (0, 1)]
    for axis in (1, 0):  # paths inside, policies outside
        over = [0 if operand.shape[axis] > 1 else None for operand in operands]
        rule = jax.vmap(rule, in_axes=over) if sizes[axis] > 1 else rule
    shapes = [(*(size for size in operand.shape[:2] if size > 1), *operand.shape[2:]) for operand in operands]
    results = rule(*(operand.reshape(shape) for operand, shape in zip(operands, shapes, strict=True)))
    lead = sum(size > 1 for size in sizes)
    return [result.reshape(*sizes, *result.shape[lead:]) for result in results]


def _selected(which: Numbers, *cases: Numbers) -> Numbers:
    if which.dtype == bool:
        return np.where(which, cases[1], cases[0])
    which, *of_each = np.broadcast_arrays(which, *cases)
    return np.take_along_axis(np.stack(of_each), which[None], 0)[0]


_OF_NUMPY: Mapping[str, Callable[..., Numbers]] = {
    "add_any": np.add, "clamp": lambda low, x, high: np.clip(x, low, high), "copy": np.copy, "select_n": _selected,
}  # fmt: skip
"""Elementwise primitives that have no row in the table of operations."""
