"""Lowers a traced function to scalar operations within its loops, with constant folding.

Arrays are taken apart into their elements, functions written as polynomials. An operation stands in the innermost loop
of its operands, so what a loop does not change is computed before it.

An operation is one that IEEE 754 rounds correctly, or one on integers and bits, so that every machine and every width
of vector gives the same bits. Primitives that only move numbers (a slice, a transpose) move operations in an array here
and need no code.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cache, partial
from typing import Any

import jax
import numpy as np
from jax.extend.core import Literal

from engine.lanes import loops
from engine.lanes.elementary import FUNCTIONS, IN_DOUBLE
from engine.lanes.equations import called, line_of, name_of, needed
from engine.lanes.operation_table import OPERATIONS
from engine.lanes.operations import (
    KINDS,
    UNIFORM,
    Address,
    Array,
    Item,
    Level,
    NoScalarForm,
    Operation,
    Operations,
    Values,
    View,
    mapped,
    moved,
    single,
    words_of,
)
from engine.lanes.primitives import MOVES, PRIMITIVES

MOST = 50_000
"""Most operations of a function; for longer ones XLA's arrays are the better form."""
_MANY = 1 << 12
"""Constants of an array from which on they are read from memory."""


class Scalars:
    """A function while it is lowered: operands before their readers, common subexpressions shared.

    Args:
      n_shared: 32-bit words of the shared inputs; arrays of constants that a loop reads lie behind them.
    """

    def __init__(self, n_shared: int) -> None:
        self.scopes: list[list[Item]] = [[]]
        self.loops: list[int] = []
        self.pool: list[np.ndarray] = []
        self.n_shared = n_shared
        self.n_loops = self._n_operations = 0
        self._known: dict[Hashable, Operation] = {}
        self._constants: dict[Hashable, Operation] = {}
        self._needed: dict[Any, list[Any]] = {}

    def begin_loop(self) -> int:
        """Begins the body of a loop; gives the loop's number."""
        self.n_loops += 1
        self.loops.append(self.n_loops)
        self.scopes.append([])
        return self.n_loops

    def end_loop(self) -> list[Item]:
        """Ends the body of the innermost loop; gives its items."""
        self.loops.pop()
        return self.scopes.pop()

    def read(self, values: Values) -> Array:
        """An array as operations; a number in memory belongs to the innermost loop that changes it or its address."""
        if not isinstance(values, View):
            return values
        within = {stride.loop for stride in values.strides}.union(getattr(values.memory, "loops", ()))
        depth = max((k for k, loop in enumerate(self.loops, 1) if loop in within), default=0)

        def number(offset: int) -> Operation:
            address = Address(values.memory, offset, values.strides, values.level)
            return self._once("input", (), values.dtype, address, Level(depth, values.memory != "shared"))

        return mapped(number, values.offsets)

    def constant(self, value: Any) -> Operation:
        """The operation of a constant."""
        value = np.asarray(value)[()]
        key = value.dtype, value.tobytes()
        if key not in self._constants:
            self._constants[key] = Operation("constant", (), value.dtype, value, UNIFORM)
        return self._constants[key]

    def pooled(self, values: np.ndarray) -> int:
        """Puts constants of one type behind the shared inputs; gives the offset of the first, in 32-bit words."""
        first = self.n_shared + sum(map(len, self.pool))
        self.pool.append(as_words(values))
        return first

    def array(self, value: Any) -> Values:
        """An array of constants, in memory where they are many.

        Raises:
          NoScalarForm: operations have no numbers of its type.
        """
        if value.dtype not in KINDS:
            raise NoScalarForm(f"numbers of type {value.dtype}")
        value = np.asarray(value)
        if value.size > _MANY and value.dtype != bool:
            words = words_of(value.dtype)
            return View("shared", self.pooled(value) + words * np.arange(value.size).reshape(value.shape), value.dtype)
        return mapped(lambda number: self.constant(value.dtype.type(number)), value)

    def traced(self, closed: Any, inputs: Sequence[Values]) -> list[Values]:
        """The outputs of a closed jaxpr for these inputs.

        Raises:
          NoScalarForm: it holds an operation that cannot be written in scalars; with the line that calls it.
        """
        jaxpr = closed.jaxpr
        held: dict[Any, Values] = dict(zip(jaxpr.invars, inputs, strict=True))
        constants = dict(zip(jaxpr.constvars, closed.consts, strict=True))

        def read(atom: Any) -> Values:
            if isinstance(atom, Literal):
                return self.array(np.asarray(atom.val, atom.aval.dtype))  # type: ignore[attr-defined]
            if atom not in held:
                held[atom] = self.array(constants[atom])
            return held[atom]

        if jaxpr not in self._needed:
            self._needed[jaxpr] = needed(jaxpr)
        for equation in self._needed[jaxpr]:
            try:
                given, body = [read(atom) for atom in equation.invars], called(equation)
                results = self._applied(equation, given) if body is None else self.traced(body, given)
            except NoScalarForm as missing:
                line = line_of(equation)
                if missing.line is None and line:
                    raise NoScalarForm(missing.what, line) from missing
                raise
            held.update(zip(equation.outvars, results, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _applied(self, equation: Any, given: Sequence[Values]) -> list[Values]:
        """The results of an equation.

        Raises:
          NoScalarForm: the primitive, with these parameters, cannot be written in scalar operations.
        """
        name, params = name_of(equation), equation.params
        for variable in equation.outvars:
            if variable.aval.dtype not in KINDS:
                raise NoScalarForm(f"numbers of type {variable.aval.dtype}")
        first = equation.outvars[0].aval
        if name in MOVES:
            return moved(given[0], lambda array: MOVES[name](array, params, first.shape))
        if name == "scan":
            return loops.scan(self, given, params)
        operands = [self.read(one) for one in given]
        if name == "call_hi_primitive":  # a function that JAX 0.12 expands later
            examples = [jax.ShapeDtypeStruct(part.shape, part.flat[0].dtype) for part in operands]
            with jax.enable_x64(any(example.dtype == np.float64 for example in examples)):
                written = jax.make_jaxpr(params["_prim"].expand)(*examples)
            return self.traced(written, operands)
        if name in PRIMITIVES:
            made = PRIMITIVES[name](self, operands, params, first)
            return made if isinstance(made, list) else [made]
        if name not in OPERATIONS and name not in FUNCTIONS:
            raise NoScalarForm(name)
        return [self.elementwise(name, *operands, dtype=first.dtype)]

    def each(self, name: str, *operands: Operation, dtype: Any = None) -> Operation:
        """The result of an operation on scalars: simplified or folded if possible, else an operation.

        Args:
          name: a row of the table of operations, or a function that is lowered to such rows.
          dtype: type of the result; if not given Boolean for comparisons, else that of the last operand.

        Raises:
          NoScalarForm: there is no such row or function, or there are too many operations.
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

    def operation(self, name: str, operands: Operations, dtype: np.dtype, detail: Any = None) -> Operation:
        """An operation of the table, neither simplified nor folded; its level follows from its operands."""
        levels = [operand.level for operand in operands]
        level = Level(max(one.depth for one in levels), any(one.wide for one in levels))
        return self._once(name, tuple(operands), dtype, detail, level)

    def _once(
        self, name: str, operands: tuple[Operation, ...], dtype: np.dtype, detail: Any, level: Level
    ) -> Operation:
        key = name, operands, dtype, detail, level
        made = self._known.get(key)
        if made is None:
            made = self._known[key] = Operation(name, operands, dtype, detail, level)
            if name != "input":
                self.scopes[level.depth].append(made)
                self._n_operations += 1
            if self._n_operations > MOST:
                raise NoScalarForm(f"more than {MOST:,} operations", line="")
        return made

    def elementwise(self, name: str, *operands: Array, dtype: Any = None) -> Array:
        """An operation element by element, on arrays broadcast to one shape; arguments as of `each`."""
        return mapped(partial(self.each, name, dtype=dtype), *operands)

    def _written_out(self, name: str, operands: Operations, dtype: np.dtype) -> Operation:
        """A function without a row of its own, as operations or as a call of the C library."""
        form = (IN_DOUBLE if operands[0].dtype == np.float64 else FUNCTIONS).get(name)
        if form is None:
            raise NoScalarForm(name)
        if isinstance(form, str):
            doubles = [self.each("convert_element_type", operand, dtype=np.float64) for operand in operands]
            called = self.operation("call", doubles, np.dtype(np.float64), form)
            return self.each("convert_element_type", called, dtype=dtype)
        traced = _traced(form, tuple(operand.dtype for operand in operands))
        (result,) = self.traced(traced, [single(operand) for operand in operands])
        return self.read(result).item()


def as_words(values: Any) -> np.ndarray:
    """An array as 32-bit words, uint32 [word]; a Boolean is one word."""
    values = np.asarray(values)
    return np.ascontiguousarray(values, np.uint32 if values.dtype == bool else values.dtype).reshape(-1).view(np.uint32)


@cache
def _traced(form: Callable[..., Any], dtypes: tuple[np.dtype, ...]) -> Any:
    """The closed jaxpr of a function of scalars of these types, traced once."""
    with jax.enable_x64(True):
        examples = [jax.ShapeDtypeStruct((), dtype) for dtype in dtypes]
        return jax.make_jaxpr(form)(*examples)
