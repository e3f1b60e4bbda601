"""Stages as LLVM IR: straight-line code over vectors of paths, one loop over the years, the state in registers.

The width is a parameter: 16 paths at once where vectors are that wide, 1 on a GPU's thread. All operations are those that IEEE 754
rounds correctly, none may be contracted or reordered, so the width changes no bit.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from engine.program.operations import Operation
from engine.program.stages import Place

_TYPES = {
    np.dtype(name): kind
    for name, kind in (
        ("float32", "float"), ("float64", "double"), ("int32", "i32"), ("uint32", "i32"), ("int64", "i64"), ("uint64", "i64"), ("bool", "i1"),
    )
}  # fmt: skip
_COMPARISONS = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_PLAIN = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_WHOLE = {"add": "add", "sub": "sub", "mul": "mul", "and": "and", "or": "or", "xor": "xor"}
_INTRINSICS = {"sqrt": "sqrt", "floor": "floor", "ceil": "ceil"}


EMITTER = 2
"""Changes with whatever changes the bits of a path: the list, its polynomials, what is one operation."""
RESULTS = ("results", "cells", "kept")
"""Pointers to what leaves a path."""


class NoMachineForm(Exception):
    """An operation, or a type, that the emitter does not know."""


class Function:
    """The text of one function as it is written, and what it calls.

    Args:
      width: paths that it computes at once.
    """

    def __init__(self, width: int):
        self.width = width
        self.lines: list[str] = []
        self.declared: set[str] = set()
        self._count = 0

    def new(self, text: str) -> str:
        """A line that gives a value; its name."""
        self._count += 1
        name = f"%v{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def type(self, dtype: np.dtype, wide: bool = True) -> str:
        """A type of numbers, of all paths at once where wide."""
        kind = _TYPES.get(dtype)
        if kind is None:
            raise NoMachineForm(f"numbers of type {dtype}")
        return f"<{self.width} x {kind}>" if wide and self.width > 1 else kind

    def constant(self, value: object, dtype: np.dtype) -> str:
        """A number that is known, for all paths."""
        text = _number(value, dtype)
        return f"splat ({_TYPES[dtype]} {text})" if self.width > 1 else text

    def intrinsic(self, name: str, dtype: np.dtype, *operands: str) -> str:
        """What an intrinsic gives of operands of its own type."""
        kind = self.type(dtype)
        ending = ("" if self.width == 1 else f"v{self.width}") + {"float": "f32", "double": "f64"}.get(
            _TYPES[dtype], _TYPES[dtype]
        )
        self.declared.add(f"declare {kind} @llvm.{name}.{ending}({', '.join([kind] * len(operands))})")
        return self.new(f"call {kind} @llvm.{name}.{ending}({', '.join(f'{kind} {o}' for o in operands)})")

    def address(self, place: Place, turn: str | None) -> str:
        """Where a number lies in a round."""
        each = self.width if place.wide else 1
        if place.stride and turn is None:
            raise ValueError(f"{place} is read outside the rounds")
        at = str(place.offset * each)
        if place.stride:
            moved = self.new(f"mul nuw nsw i64 {turn}, {place.stride * each}")
            at = self.new(f"add nuw nsw i64 {moved}, {at}") if place.offset else moved
        return self.new(f"getelementptr inbounds i32, ptr %{place.pointer}, i64 {at}")

    def load(self, dtype: np.dtype, place: Place, turn: str | None) -> str:
        """A number from memory, for all paths."""
        at = self.address(place, turn)
        held = np.dtype(np.int32) if dtype.kind == "b" else dtype
        align = 4 * self.width if place.wide else 4 * place.align
        value = self.new(f"load {self.type(held, place.wide)}, ptr {at}, align {align}")
        if dtype.kind == "b":
            zero = _zero(self.width if place.wide else 1)
            value = self.new(f"icmp ne {self.type(held, place.wide)} {value}, {zero}")
        return value if place.wide or self.width == 1 else self.spread(value, dtype)

    def spread(self, value: str, dtype: np.dtype) -> str:
        """One number for all paths."""
        kind, vector = self.type(dtype, wide=False), self.type(dtype)
        first = self.new(f"insertelement {vector} poison, {kind} {value}, i64 0")
        return self.new(
            f"shufflevector {vector} {first}, {vector} poison, <{self.width} x i32> zeroinitializer"
        )

    def store(self, value: str, dtype: np.dtype, place: Place, turn: str | None) -> None:
        """Writes a number to memory; what leaves as not a number is always the same one."""
        if dtype.kind == "f" and place.pointer in RESULTS:
            bad = self.new(f"fcmp uno {self.type(dtype)} {value}, {value}")
            value = self._select(bad, self.constant(np.nan, dtype), value, dtype)
        if dtype.kind == "b":
            value = self.new(f"zext {self.type(dtype)} {value} to {self.type(np.dtype(np.int32))}")
        held = np.dtype(np.int32) if dtype.kind == "b" else dtype
        at = self.address(place, turn)
        self.lines.append(f"  store {self.type(held)} {value}, ptr {at}, align {4 * self.width}")

    def _select(self, which: str, yes: str, no: str, dtype: np.dtype) -> str:
        kind = self.type(dtype)
        return self.new(f"select {self.type(np.dtype(bool))} {which}, {kind} {yes}, {kind} {no}")

    def apply(self, operation: Operation, values: Sequence[str]) -> str:
        """One operation."""
        name, dtype, detail = operation.name, operation.dtype, operation.detail
        read = operation.operands[0].dtype
        kind = self.type(read)
        x = values[0]
        y = values[1] if len(values) > 1 else ""
        if name in _COMPARISONS:
            return self._compared(name, read, x, y)
        if name == "fma":
            a, b, c = values
            if detail == "-a":
                a = self.new(f"fneg {kind} {a}")
            if detail == "-c":
                c = self.new(f"fneg {kind} {c}")
            return self.intrinsic("fma", dtype, a, b, c)
        if name == "select":
            return self._select(x, y, values[2], dtype)
        if name in ("max", "min"):
            return self._extreme(name, operation, x, y)
        if name == "convert_element_type":
            return self._converted(x, read, dtype)
        if name == "bitcast_convert_type":
            return self.new(f"bitcast {kind} {x} to {self.type(dtype)}")
        if name == "call":
            return self._called(detail, dtype, values)
        if name == "lookup":
            return self._looked_up(x, dtype, detail)
        if dtype.kind == "f":
            if name in _PLAIN:
                return self.new(f"{_PLAIN[name]} {kind} {x}, {y}")
            if name == "neg":
                return self.new(f"fneg {kind} {x}")
            if name == "abs":
                return self.intrinsic("fabs", dtype, x)
            if name == "round":
                return self.intrinsic("roundeven" if detail else "round", dtype, x)
            if name in _INTRINSICS:
                return self.intrinsic(_INTRINSICS[name], dtype, x)
            raise NoMachineForm(f"{name} of {dtype}")
        if name in _WHOLE:
            return self.new(f"{_WHOLE[name]} {kind} {x}, {y}")
        if name == "not":
            ones = self.constant(True if dtype.kind == "b" else -1, dtype)
            return self.new(f"xor {kind} {x}, {ones}")
        if name == "neg":
            return self.new(f"sub {kind} {self.constant(0, dtype)}, {x}")
        if name == "abs":
            below = self._compared("lt", dtype, x, self.constant(0, dtype))
            return self._select(below, self.new(f"sub {kind} {self.constant(0, dtype)}, {x}"), x, dtype)
        if name.startswith("shift_"):
            return self._shifted(name, operation, x, y)
        if name in ("div", "rem"):
            return self._divided(name, dtype, x, y)
        raise NoMachineForm(f"{name} of {dtype}")

    def _called(self, name: str, dtype: np.dtype, values: Sequence[str]) -> str:
        """What a function of the C library gives, lane after lane."""
        kind, vector = self.type(dtype, wide=False), self.type(dtype)
        self.declared.add(f"declare {kind} @{name}({', '.join([kind] * len(values))})")
        if self.width == 1:
            return self.new(f"call {kind} @{name}({', '.join(f'{kind} {value}' for value in values)})")
        result = "poison"
        for lane in range(self.width):
            own = [self.new(f"extractelement {vector} {value}, i64 {lane}") for value in values]
            one = self.new(f"call {kind} @{name}({', '.join(f'{kind} {value}' for value in own)})")
            result = self.new(f"insertelement {vector} {result}, {kind} {one}, i64 {lane}")
        return result

    def _compared(self, name: str, dtype: np.dtype, x: str, y: str) -> str:
        if dtype.kind == "f":
            return self.new(f"fcmp {_COMPARISONS[name]} {self.type(dtype)} {x}, {y}")
        sign = "" if name in ("eq", "ne") else "s" if dtype.kind == "i" else "u"
        return self.new(f"icmp {sign}{name} {self.type(dtype)} {x}, {y}")

    def _extreme(self, name: str, operation: Operation, x: str, y: str) -> str:
        """The greater or smaller of two, of equal ones the first; not a number where either is not."""
        dtype = operation.dtype
        comparison = "gt" if name == "max" else "lt"
        if not operation.operands[0].is_constant:
            x, y = y, x
        chosen = self._select(self._compared(comparison, dtype, x, y), x, y, dtype)
        if dtype.kind != "f" or any(operand.is_constant for operand in operation.operands):
            return chosen  # what is not a number is not the constant
        if self.width == 1:  # a GPU has that, but for zeros of two signs
            beyond = self.intrinsic("maximum" if name == "max" else "minimum", dtype, x, y)
            return self._select(self._compared("eq", dtype, x, y), y, beyond, dtype)
        bad = self.new(f"fcmp uno {self.type(dtype)} {x}, {x}")
        return self._select(bad, x, chosen, dtype)

    def _converted(self, x: str, read: np.dtype, dtype: np.dtype) -> str:
        before, after = self.type(read), self.type(dtype)
        if read.kind == "b":
            return self._select(x, self.constant(1, dtype), self.constant(0, dtype), dtype)
        if dtype.kind == "b":
            return self._compared("ne", read, x, self.constant(0, read))
        if read.kind == "f" and dtype.kind == "f":
            return self.new(
                f"{'fpext' if dtype.itemsize > read.itemsize else 'fptrunc'} {before} {x} to {after}"
            )
        if read.kind == "f":
            way = "fptosi" if dtype.kind == "i" else "fptoui"
            dots = "" if self.width == 1 else f"v{self.width}"
            name = f"llvm.{way}.sat.{dots}i{8 * dtype.itemsize}.{dots}f{8 * read.itemsize}"
            self.declared.add(f"declare {after} @{name}({before})")
            return self.new(f"call {after} @{name}({before} {x})")
        if dtype.kind == "f":
            return self.new(f"{'sitofp' if read.kind == 'i' else 'uitofp'} {before} {x} to {after}")
        if dtype.itemsize == read.itemsize:
            return x
        way = "trunc" if dtype.itemsize < read.itemsize else "sext" if read.kind == "i" else "zext"
        return self.new(f"{way} {before} {x} to {after}")

    def _shifted(self, name: str, operation: Operation, x: str, y: str) -> str:
        dtype, by = operation.dtype, operation.operands[1]
        way = {"shift_left": "shl", "shift_right_logical": "lshr", "shift_right_arithmetic": "ashr"}[name]
        bits = 8 * dtype.itemsize
        if by.is_constant and 0 <= int(by.detail) < bits:
            return self.new(f"{way} {self.type(dtype)} {x}, {y}")
        inside = self.new(f"icmp ult {self.type(dtype)} {y}, {self.constant(bits, dtype)}")
        if name == "shift_right_arithmetic":  # the sign is left
            y = self._select(inside, y, self.constant(bits - 1, dtype), dtype)
        shifted = self.new(f"{way} {self.type(dtype)} {x}, {y}")
        if name == "shift_right_arithmetic":
            return shifted
        return self._select(inside, shifted, self.constant(0, dtype), dtype)

    def _divided(self, name: str, dtype: np.dtype, x: str, y: str) -> str:
        """Whole quotients and remainders as XLA has them: by zero -1 and the numerator; the one overflow wraps."""
        kind, zero, one = self.type(dtype), self.constant(0, dtype), self.constant(1, dtype)
        nothing = self._compared("eq", dtype, y, zero)
        safe = self._select(nothing, one, y, dtype)
        if dtype.kind == "i":
            minus = self._compared("eq", dtype, y, self.constant(-1, dtype))
            safe = self._select(minus, one, safe, dtype)
        way = ("s" if dtype.kind == "i" else "u") + name
        result = self.new(f"{way} {kind} {x}, {safe}")
        if dtype.kind == "i":
            turned = self.new(f"sub {kind} {zero}, {x}") if name == "div" else zero
            result = self._select(minus, turned, result, dtype)
        return self._select(nothing, self.constant(-1, dtype) if name == "div" else x, result, dtype)

    def _looked_up(self, x: str, dtype: np.dtype, first: int) -> str:
        """Numbers of a table, one for each path."""
        kind = self.type(dtype, wide=False)
        result = "poison"
        for lane in range(self.width):
            at = (
                self.new(f"extractelement {self.type(np.dtype(np.int32))} {x}, i64 {lane}")
                if self.width > 1
                else x
            )
            at = self.new(f"sext i32 {at} to i64")
            at = self.new(f"add nsw i64 {at}, {first}")
            at = self.new(f"getelementptr inbounds i32, ptr %arguments, i64 {at}")
            value = self.new(f"load {kind}, ptr {at}, align 4")
            if self.width == 1:
                return value
            result = self.new(f"insertelement {self.type(dtype)} {result}, {kind} {value}, i64 {lane}")
        return result


def _number(value: object, dtype: np.dtype) -> str:
    if dtype.kind == "b":
        return "true" if value else "false"
    if dtype.kind in "iu":
        return str(int(value))  # type: ignore[call-overload]
    return f"0x{struct.unpack('<Q', struct.pack('<d', float(value)))[0]:016X}"  # type: ignore[arg-type]


def _zero(width: int) -> str:
    return "zeroinitializer" if width > 1 else "0"
