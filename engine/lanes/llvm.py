"""Writes the text of LLVM IR: instructions, types, constants and calls.

The width of a vector is a parameter, such as 16 lanes with AVX-512 and 1 for a GPU's thread. All operations are those
that IEEE 754 rounds correctly, and LLVM may neither contract nor reorder them, so the width changes no bit.
"""

from __future__ import annotations

import numpy as np

_NAMES = {
    "float32": "float", "float64": "double", "int32": "i32", "uint32": "i32", "int64": "i64", "uint64": "i64",
    "bool": "i1",
}  # fmt: skip
_TYPES = {np.dtype(name): kind for name, kind in _NAMES.items()}
EMITTER = 2
"""Version of the compiler, to be increased with every change of it that changes bits."""


class NoMachineForm(Exception):
    """Raised for an operation or a type for which no machine code can be written; the text names it."""


class Function:
    """The body of one function of LLVM IR while it is written, and declarations of what it calls.

    Args:
      width: lanes of its vectors; with 1 it is written in scalars.
      prefix: with which the names of its values begin; a number follows.
    """

    def __init__(self, width: int, prefix: str = "v"):
        self.width, self._prefix = width, prefix
        self.lines: list[str] = []
        self.declared: set[str] = set()
        self._count = 0

    def new(self, text: str) -> str:
        """Appends an instruction that gives a value; returns the name of the value."""
        self._count += 1
        name = f"%{self._prefix}{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def type(self, dtype: np.dtype, wide: bool = True) -> str:
        """LLVM's type for numbers of a NumPy type: a vector of all lanes where `wide`, else a scalar.

        Raises:
          NoMachineForm: operations have no numbers of this type.
        """
        kind = _TYPES.get(dtype)
        if kind is None:
            raise NoMachineForm(f"numbers of type {dtype}")
        return f"<{self.width} x {kind}>" if wide and self.width > 1 else kind

    def constant(self, value: object, dtype: np.dtype) -> str:
        """The text of a constant, the same in all lanes."""
        text = _number(value, dtype)
        return f"splat ({_TYPES[dtype]} {text})" if self.width > 1 else text

    def intrinsic(self, name: str, dtype: np.dtype, *operands: str) -> str:
        """Appends a call of an LLVM intrinsic on floating-point numbers of one type; returns the result's name."""
        kind = self.type(dtype)
        ending = f"{'' if self.width == 1 else f'v{self.width}'}f{8 * dtype.itemsize}"
        self.declared.add(f"declare {kind} @llvm.{name}.{ending}({', '.join([kind] * len(operands))})")
        return self.new(f"call {kind} @llvm.{name}.{ending}({', '.join(f'{kind} {o}' for o in operands)})")

    def spread(self, value: str, dtype: np.dtype) -> str:
        """Appends the broadcast of a scalar to all lanes; returns the name of the vector. One lane has the scalar."""
        if self.width == 1:
            return value
        kind, vector = self.type(dtype, wide=False), self.type(dtype)
        first = self.new(f"insertelement {vector} poison, {kind} {value}, i64 0")
        return self.new(f"shufflevector {vector} {first}, {vector} poison, <{self.width} x i32> zeroinitializer")

    def select(self, which: str, yes: str, no: str, dtype: np.dtype) -> str:
        """Appends a select, `yes` in the lanes where `which` is true and `no` in the others; returns its name."""
        kind = self.type(dtype)
        return self.new(f"select {self.type(np.dtype(bool))} {which}, {kind} {yes}, {kind} {no}")

    def compare(self, name: str, dtype: np.dtype, x: str, y: str) -> str:
        """Appends a comparison ("eq", "ne", "lt", "le", "gt", "ge"), with NaN true for "ne" alone; returns its name."""
        if dtype.kind == "f":
            return self.new(f"fcmp {'u' if name == 'ne' else 'o'}{name} {self.type(dtype)} {x}, {y}")
        sign = "" if name in ("eq", "ne") else "s" if dtype.kind == "i" else "u"
        return self.new(f"icmp {sign}{name} {self.type(dtype)} {x}, {y}")


def _number(value: object, dtype: np.dtype) -> str:
    if dtype.kind == "b":
        return "true" if value else "false"
    if dtype.kind in "iu":
        return str(int(value))  # type: ignore[call-overload]
    return f"0x{np.float64(value).view(np.uint64):016X}"  # type: ignore[arg-type]
