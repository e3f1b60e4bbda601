"""A traced program as one list of operations on scalars: arrays are taken apart, functions written out, what is known is computed.

An operation is one that IEEE 754 rounds correctly, or one on integers and bits, so that whoever computes the list, in whatever
vectors, has the same bits. What merely moves numbers about (a slice, a transpose) is done here, on arrays of operations.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cache
from typing import Any

import jax
import numpy as np
from jax.extend import core as jex

from engine.draws.random_words import RARELY
from engine.program import arrays, elementary, ordering
from engine.program.arithmetic import OPERATIONS, known
from engine.program.elementary.in_double import IN_DOUBLE
from engine.program.equations import INLINED, Axis, Rule, body_of
from engine.program.operations import KINDS, Array, NoScalarForm, Operation, simpler, single

_BOOL = np.dtype(bool)
MOST = 50_000
"""Operations of a list: machine code of so many takes a quarter of a minute, and XLA keeps many labels of a factor together in arrays."""
LIBRARY_CALL = "call"
LIBRARY = {
    name: name
    for name in (
        "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "erf", "erfc", "exp", "exp2", "expm1",
        "lgamma", "log", "log1p", "nextafter", "pow", "sin", "sinh", "tan", "tanh",
    )
} | {"rem": "fmod"}  # fmt: skip
"""Functions in double precision are the C library's: whoever asks for it wants to see what rounding does, not the same bits."""


class Scalars:
    """Operations, each of them once, in an order in which they can be computed."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._known: dict[Hashable, Operation] = {}
        self._literals: dict[int, tuple[Any, Array]] = {}

    def input(self, detail: Hashable, dtype: Any, axes: Axis) -> Operation:
        """Something that is handed in."""
        return self._once("input", (), np.dtype(dtype), detail, axes)

    def constant(self, value: Any) -> Operation:
        """A number that is known."""
        value = np.asarray(value)[()]
        key = "constant", value.dtype, value.tobytes()
        if key not in self._known:
            self._known[key] = Operation("constant", (), value.dtype, value, Axis.NONE)
        return self._known[key]

    def array(self, value: Any) -> Array:
        """An array of numbers that are known."""
        if getattr(value, "dtype", _BOOL) not in KINDS:
            raise NoScalarForm(f"numbers of type {value.dtype}")
        value = np.asarray(value)
        if not value.shape:
            return single(self.constant(value))
        made = np.empty(value.shape, object)
        for at in np.ndindex(value.shape):
            made[at] = self.constant(value[at])
        return made

    def rule(self, rule: Rule, inputs: Sequence[Array]) -> list[Array]:
        """The outputs of a rule."""
        held: dict[Any, Array] = dict(zip(rule.inputs, inputs, strict=True))

        def read(atom: Any) -> Array:
            return held[atom] if atom in held else self.array(np.asarray(atom.value, atom.dtype))

        for equation in rule.equations:
            shapes = [(value.shape, value.dtype) for value in equation.outputs]
            results = self.applied(equation.name, equation.params, [read(a) for a in equation.inputs], shapes)
            held.update(zip(equation.outputs, results, strict=True))
        return [read(atom) for atom in rule.outputs]

    def traced(self, closed: Any, inputs: Sequence[Array]) -> list[Array]:
        """The outputs of a traced function of arrays."""
        jaxpr = closed.jaxpr
        held: dict[Any, Array] = {
            var: self.array(value) for var, value in zip(jaxpr.constvars, closed.consts, strict=True)
        }
        held.update(zip(jaxpr.invars, inputs, strict=True))

        def read(atom: Any) -> Array:
            return self._literal(atom) if isinstance(atom, jex.Literal) else held[atom]

        for equation in jaxpr.eqns:
            shapes = [(var.aval.shape, var.aval.dtype) for var in equation.outvars]
            operands = [read(atom) for atom in equation.invars]
            results = self.applied(equation.primitive.name, equation.params, operands, shapes)
            held.update(zip(equation.outvars, results, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _literal(self, literal: Any) -> Array:
        """A number that stands in a traced function; the same functions are asked for again and again."""
        held = self._literals.get(id(literal))
        if held is None:
            held = literal, self.array(np.asarray(literal.val, literal.aval.dtype))
            self._literals[id(literal)] = held
        return held[1]

    def applied(
        self, name: str, params: Any, operands: Sequence[Array], shapes: Sequence[tuple[tuple[int, ...], Any]]
    ) -> list[Array]:
        """What an operation of JAX gives.

        Args:
          shapes: shape and type of each result.

        Raises:
          NoScalarForm: it is not written out.
        """
        for _, kind in shapes:
            if kind not in KINDS:
                raise NoScalarForm(f"numbers of type {kind}")
        shape, dtype = shapes[0] if shapes else ((), np.dtype(bool))
        if name in INLINED:
            if params.get("name") == elementary.FUSED:
                return [self.elementwise("fma", operands, shape, dtype, None)]
            if params.get("name") == RARELY:
                return [self.elementwise("select", operands, shape, dtype, RARELY)]
            return self.traced(body_of(params), operands)
        if name == "call_hi_primitive":  # a function that JAX 0.12 writes out later
            examples = [jax.ShapeDtypeStruct(part.shape, part.flat[0].dtype) for part in operands]
            with jax.enable_x64(any(example.dtype == np.float64 for example in examples)):
                written = jax.make_jaxpr(params["_prim"].expand)(*examples)
            return self.traced(written, operands)
        of_arrays = arrays.applied(self, name, operands, params, shape, dtype)
        if of_arrays is not None:
            return of_arrays
        if len(shapes) != 1 or not _spread_to(shape, operands):
            raise NoScalarForm(name)
        detail = _detail(name, params, dtype)
        return [self.elementwise(name, operands, shape, dtype, detail)]

    def each(self, name: str, *operands: Operation, dtype: Any = None, detail: Any = None) -> Operation:
        """One operation on scalars, or what is known of its result."""
        kind = np.dtype(dtype or operands[0].dtype)
        less = simpler(name, operands, kind)
        if less is not None:
            return less
        if name in ("lt_to", "le_to"):
            return ordering.compared(self, name[:2], *operands)
        if name in _WRITTEN_OUT:
            return _WRITTEN_OUT[name](self, operands, kind, detail)
        if name in LIBRARY and operands[0].dtype == np.float64:
            doubles = [self.each("convert_element_type", operand, dtype=np.float64) for operand in operands]
            return self.operation(LIBRARY_CALL, doubles, kind, LIBRARY[name])
        if name not in OPERATIONS or (name == "rem" and kind.kind == "f"):
            return self._by_form(name, operands, kind, detail)
        if all(operand.is_constant for operand in operands):
            with np.errstate(all="ignore"):
                return self.constant(known(name, [operand.detail for operand in operands], kind, detail))
        return self.operation(name, operands, kind, detail)

    def operation(self, name: str, operands: Sequence[Operation], dtype: np.dtype, detail: Any) -> Operation:
        """An operation as it stands."""
        axes = operands[0].axes
        for operand in operands[1:]:
            if operand.axes is not axes:  # they are single objects, and enumerations slow to put together
                axes |= operand.axes
        return self._once(name, tuple(operands), dtype, detail, axes)

    def _once(
        self, name: str, operands: tuple[Operation, ...], dtype: np.dtype, detail: Any, axes: Axis
    ) -> Operation:
        key = name, *map(id, operands), dtype, detail
        made = self._known.get(key)
        if made is None:
            made = self._known[key] = Operation(name, operands, dtype, detail, axes)
            self.operations.append(made)
            if len(self.operations) > MOST:
                raise NoScalarForm(f"more than {MOST:,} operations")
        return made

    def elementwise(
        self, name: str, operands: Sequence[Array], shape: tuple[int, ...], dtype: Any, detail: Any
    ) -> Array:
        """An operation number by number, of arrays that are spread to one shape."""
        if not shape and not any(operand.shape for operand in operands):
            alone: list[Operation] = [operand[()] for operand in operands]
            return single(self.each(name, *alone, dtype=dtype, detail=detail))
        made = np.empty(shape, object)
        spread: list[Array] = [np.broadcast_to(operand, shape) for operand in operands]
        for at in np.ndindex(shape):
            made[at] = self.each(name, *(operand[at] for operand in spread), dtype=dtype, detail=detail)
        return made

    def _by_form(self, name: str, operands: Sequence[Operation], dtype: np.dtype, detail: Any) -> Operation:
        """A function by its polynomials."""
        form = _form(name, tuple(operand.dtype for operand in operands), detail)
        (result,) = self.traced(form, [single(operand) for operand in operands])
        return result[()]


def _spread_to(shape: tuple[int, ...], operands: Sequence[Array]) -> bool:
    if all(operand.shape == shape for operand in operands):
        return True
    try:
        return np.broadcast_shapes(*(operand.shape for operand in operands)) == shape
    except ValueError:
        return False


@cache
def _form(name: str, dtypes: tuple[np.dtype, ...], detail: Any) -> Any:
    """A function's polynomials, traced once."""
    forms = IN_DOUBLE if np.dtype(np.float64) in dtypes else elementary.FORMS
    known = forms.get(name)
    if known is None:
        raise NoScalarForm(name)
    extra = dict(detail) if detail else {}
    with jax.enable_x64(True):
        return jax.make_jaxpr(lambda *values: known(*values, **extra))(
            *(jax.ShapeDtypeStruct((), d) for d in dtypes)
        )


def _detail(name: str, params: Any, dtype: Any) -> Any:
    if name == "integer_pow":
        return (("y", params["y"]),)
    if name == "round":
        return int(params["rounding_method"])
    return None


def _chain(scalars: Scalars, operands: Sequence[Operation], dtype: np.dtype, detail: Any) -> Operation:
    which, *cases = operands
    if which.dtype.kind == "b":
        return scalars.each("select", which, cases[1], cases[0], dtype=dtype)
    result = cases[-1]
    for number in range(len(cases) - 2, -1, -1):
        here = scalars.each("le", which, scalars.constant(np.asarray(number, which.dtype)), dtype=bool)
        result = scalars.each("select", here, cases[number], result, dtype=dtype)
    return result


def _clamped(scalars: Scalars, operands: Sequence[Operation], dtype: np.dtype, detail: Any) -> Operation:
    low, value, high = operands
    return scalars.each("min", scalars.each("max", value, low), high)


def _finite(scalars: Scalars, operands: Sequence[Operation], dtype: np.dtype, detail: Any) -> Operation:
    size = scalars.each("abs", operands[0])
    return scalars.each("lt", size, scalars.constant(np.asarray(np.inf, size.dtype)), dtype=bool)


def _added(scalars: Scalars, operands: Sequence[Operation], dtype: np.dtype, detail: Any) -> Operation:
    return scalars.each("add", *operands, dtype=dtype)


def _square(scalars: Scalars, operands: Sequence[Operation], dtype: np.dtype, detail: Any) -> Operation:
    return scalars.each("mul", operands[0], operands[0], dtype=dtype)


def _log2(scalars: Scalars, operands: Sequence[Operation], dtype: np.dtype, detail: Any) -> Operation:
    log, log_of_2 = (scalars.each("log", one) for one in (operands[0], scalars.constant(dtype.type(2))))
    return scalars.each("div", log, log_of_2)


def _polynomial(scalars: Scalars, operands: Sequence[Operation], dtype: np.dtype, detail: Any) -> Operation:
    x, *ascending = operands
    value = ascending[-1]
    for coefficient in ascending[-2::-1]:
        value = scalars.each("add", scalars.each("mul", value, x), coefficient)
    return value


def _sign(scalars: Scalars, operands: Sequence[Operation], dtype: np.dtype, detail: Any) -> Operation:
    (value,) = operands
    zero = scalars.constant(np.zeros((), dtype))
    result = value
    for comparison, size in (("lt", -1), ("gt", 1)) if dtype.kind != "u" else (("gt", 1),):
        beyond = scalars.each(comparison, value, zero, dtype=bool)
        result = scalars.each(
            "select", beyond, scalars.constant(np.asarray(size, dtype)), result, dtype=dtype
        )
    return result


_WRITTEN_OUT: dict[str, Callable[[Scalars, Sequence[Operation], np.dtype, Any], Operation]] = {
    "add_any": _added,
    "clamp": _clamped,
    "is_finite": _finite,
    "log2": _log2,
    "polynomial": _polynomial,
    "select_n": _chain,
    "sign": _sign,
    "square": _square,
}
