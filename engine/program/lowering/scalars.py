"""Lowers a traced program to one list of scalar operations, with constant folding.

Arrays are taken apart into their elements, functions written as polynomials.

An operation is one that IEEE 754 rounds correctly, or one on integers and bits, so that every machine and every width
of vector gives the same bits. Primitives that only move numbers (a slice, a transpose) move operations in an array here
and need no code.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cache
from typing import Any

import jax
import numpy as np

from engine.program import elementary
from engine.program.lowering import arrays, ordering
from engine.program.lowering.operation_table import OPERATIONS, named
from engine.program.lowering.operations import KINDS, Array, Detail, NoScalarForm, Operation, Operations, Source, single
from engine.program.tracing.equations import Atom, Axis, Constant, Equation, Rule, flat

MOST = 50_000
"""Most operations of a list, whose compilation takes 15 s; for longer ones XLA's arrays are the better form."""


class Scalars:
    """The list while it is built: operands before their readers, common subexpressions shared."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._known: dict[Hashable, Operation] = {}
        self._rules: dict[Any, Rule] = {}

    def input(self, source: Source, dtype: Any, axes: Axis) -> Operation:
        """The input operation for a source; `axes` are those along which it varies."""
        return self._once("input", (), np.dtype(dtype), source, axes)

    def constant(self, value: Any) -> Operation:
        """The operation of a constant."""
        value = np.asarray(value)[()]
        key = "constant", value.dtype, value.tobytes()
        if key not in self._known:
            self._known[key] = Operation("constant", (), value.dtype, value, Axis.NONE)
        return self._known[key]

    def array(self, value: Any) -> Array:
        """An array of constants.

        Raises:
          NoScalarForm: operations have no numbers of its type.
        """
        if getattr(value, "dtype", np.dtype(bool)) not in KINDS:
            raise NoScalarForm(f"numbers of type {value.dtype}")
        value = np.asarray(value)
        made = np.empty(value.shape, object)
        for at in np.ndindex(value.shape):
            made[at] = self.constant(value[at])
        return made

    def rule(self, rule: Rule, inputs: Sequence[Array]) -> list[Array]:
        """The outputs of a rule for these inputs, each an array of operations."""
        held: dict[Atom, Array] = dict(zip(rule.inputs, inputs, strict=True))

        def read(atom: Atom) -> Array:
            if isinstance(atom, Constant) and atom not in held:
                held[atom] = self.array(atom.value)
            return held[atom]

        for equation in rule.equations:
            results = self._applied(equation, [read(atom) for atom in equation.inputs])
            held.update(zip(equation.outputs, results, strict=True))
        return [read(atom) for atom in rule.outputs]

    def traced(self, closed: Any, inputs: Sequence[Array]) -> list[Array]:
        """The outputs of a closed jaxpr for these inputs; its list of equations is kept for the next call."""
        if closed not in self._rules:
            self._rules[closed] = flat(closed)
        return self.rule(self._rules[closed], inputs)

    def _applied(self, equation: Equation, operands: Sequence[Array]) -> list[Array]:
        """The results of an equation as arrays of operations.

        Raises:
          NoScalarForm: the primitive, with these parameters, cannot be written in scalar operations.
        """
        for value in equation.outputs:
            if value.dtype not in KINDS:
                raise NoScalarForm(f"numbers of type {value.dtype}")
        name, params, first = equation.name, equation.params, equation.outputs[0]
        shape, dtype = first.shape, first.dtype
        if name == "call_hi_primitive":  # a function that JAX 0.12 expands later
            examples = [jax.ShapeDtypeStruct(part.shape, part.flat[0].dtype) for part in operands]
            with jax.enable_x64(any(example.dtype == np.float64 for example in examples)):
                written = jax.make_jaxpr(params["_prim"].expand)(*examples)
            return self.traced(written, operands)
        if name in arrays.PRIMITIVES:
            return arrays.PRIMITIVES[name](self, operands, params, shape, dtype)
        if len(equation.outputs) != 1 or not _spread_to(shape, operands):
            raise NoScalarForm(name)
        if name == "integer_pow":
            operands = [*operands, self.array(params["y"])]
        return [self.elementwise(named(name, params), operands, shape, dtype)]

    def each(self, name: str, *operands: Operation, dtype: Any = None) -> Operation:
        """The result of an operation on scalars: simplified or folded if possible, else an operation of the list.

        Args:
          name: a row of the table of operations, or a function that is lowered to such rows.
          dtype: type of the result; if not given Boolean for comparisons, else that of the last operand.

        Raises:
          NoScalarForm: there is no such row or function, or the list has become too long.
        """
        meaning = OPERATIONS.get(name)
        kind = np.dtype(dtype or (bool if meaning and meaning.gives == "b" else operands[-1].dtype))
        if meaning is None or not meaning.takes(operands[-1].dtype):
            return self._written_out(name, operands, kind)
        less = meaning.simpler(operands, kind)
        if less is not None:
            return less
        value = meaning.fold(operands, kind)
        return self.operation(name, operands, kind) if value is None else self.constant(value)

    def operation(self, name: str, operands: Operations, dtype: np.dtype, detail: Detail = None) -> Operation:
        """An operation of the table, neither simplified nor folded; it varies along the axes of its operands."""
        axes = operands[0].axes
        for operand in operands[1:]:
            if operand.axes is not axes:  # members are unique objects, and combining them is slow
                axes |= operand.axes
        return self._once(name, tuple(operands), dtype, detail, axes)

    def _once(
        self, name: str, operands: tuple[Operation, ...], dtype: np.dtype, detail: Detail, axes: Axis
    ) -> Operation:
        key = name, operands, dtype, detail
        made = self._known.get(key)
        if made is None:
            made = self._known[key] = Operation(name, operands, dtype, detail, axes)
            self.operations.append(made)
            if len(self.operations) > MOST:
                raise NoScalarForm(f"more than {MOST:,} operations")
        return made

    def elementwise(self, name: str, operands: Sequence[Array], shape: tuple[int, ...], dtype: Any = None) -> Array:
        """An operation element by element, on arrays broadcast to one shape; arguments as of `each`."""
        if not shape:
            alone = [operand.item() for operand in operands]
            return single(self.each(name, *alone, dtype=dtype))
        made = np.empty(shape, object)
        spread: list[Array] = [np.broadcast_to(operand, shape) for operand in operands]
        for at in np.ndindex(shape):
            made[at] = self.each(name, *(operand.item(at) for operand in spread), dtype=dtype)
        return made

    def _written_out(self, name: str, operands: Operations, dtype: np.dtype) -> Operation:
        """A function without a row of its own: in single precision as operations, in double precision often a call of
        the C library.
        """
        if name in _WRITTEN_OUT:
            return _WRITTEN_OUT[name](self, *operands)
        function = elementary.FUNCTIONS.get(name)
        in_double = operands[0].dtype == np.float64
        form = function and (function.double if in_double else function.form)
        if form is None:
            raise NoScalarForm(name)
        if isinstance(form, str):
            doubles = [self.each("convert_element_type", operand, dtype=np.float64) for operand in operands]
            return self.operation("call", doubles, dtype, form)
        more: tuple[int, ...] = ()
        if name == "integer_pow":
            *operands, power = operands
            more = (int(power.value),)
        traced = _traced(form, tuple(operand.dtype for operand in operands), *more)
        (result,) = self.traced(traced, [single(operand) for operand in operands])
        return result.item()


def _spread_to(shape: tuple[int, ...], operands: Sequence[Array]) -> bool:
    if all(operand.shape == shape for operand in operands):
        return True
    try:
        return np.broadcast_shapes(*(operand.shape for operand in operands)) == shape
    except ValueError:
        return False


@cache
def _traced(form: Callable[..., Any], dtypes: tuple[np.dtype, ...], *more: int) -> Any:
    """The closed jaxpr of a function of scalars of these types, traced once."""
    with jax.enable_x64(True):
        examples = [jax.ShapeDtypeStruct((), dtype) for dtype in dtypes]
        return jax.make_jaxpr(lambda *values: form(*values, *more))(*examples)


def _chain(scalars: Scalars, which: Operation, *cases: Operation) -> Operation:
    if which.is_constant:
        return cases[int(which.value)]
    if all(case is cases[0] for case in cases):
        return cases[0]
    if which.dtype.kind == "b":
        return scalars.each("select", which, cases[1], cases[0])
    result = cases[-1]
    for number in range(len(cases) - 2, -1, -1):
        here = scalars.each("le", which, scalars.constant(np.asarray(number, which.dtype)))
        result = scalars.each("select", here, cases[number], result)
    return result


def _clamped(scalars: Scalars, low: Operation, value: Operation, high: Operation) -> Operation:
    return scalars.each("min", scalars.each("max", value, low), high)


def _log2(scalars: Scalars, x: Operation) -> Operation:
    log, log_of_2 = (scalars.each("log", one) for one in (x, scalars.constant(x.dtype.type(2))))
    return scalars.each("div", log, log_of_2)


def _polynomial(scalars: Scalars, x: Operation, *ascending: Operation) -> Operation:
    value = ascending[-1]
    for coefficient in ascending[-2::-1]:
        value = scalars.each("add", scalars.each("mul", value, x), coefficient)
    return value


_WRITTEN_OUT: dict[str, Callable[..., Operation]] = {
    "add_any": lambda scalars, *operands: scalars.each("add", *operands),
    "clamp": _clamped,
    "le_to": lambda scalars, *operands: ordering.compared(scalars, "le", *operands),
    "log2": _log2,
    "lt_to": lambda scalars, *operands: ordering.compared(scalars, "lt", *operands),
    "polynomial": _polynomial,
    "select_n": _chain,
}
