"""The table of operations: for each its operand types, meaning in NumPy, LLVM IR and simplifications.

Constant folding, NumPy and machine code of any width give the same bits, as IEEE 754 rounds each operation in one way.
Code for a graphics card is machine code of width 1; of these rows `max` and `min` alone are written differently for it.
"""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.lanes.hints import RARELY
from engine.lanes.llvm import Function
from engine.lanes.operations import Operation, Operations


@dataclass(frozen=True)
class Meaning:
    """Operand types, semantics and code of one operation.

    Args:
      reads: for each operand, separated by blanks, the kinds of its type: "f" floating point, "i" signed and "u"
        unsigned integer, "b" Boolean. Operands with the same kinds have the same type.
      numbers: the operation on NumPy's numbers or arrays; takes the type of the result too where `gives` has several
        kinds. None where it is never folded.
      text: (function being written, operation, names of its operands) -> name of the result, whose LLVM IR it appends.
      gives: kinds of the result's type; if empty the result has the type of the last operand.
      simpler: (operands, type of the result) -> an existing operation with the same result, such as x for x + -0; None
        if there is none.
    """

    reads: str
    numbers: Callable[..., Any] | None
    text: Callable[..., str]
    gives: str = ""
    simpler: Callable[[Operations, np.dtype], Operation | None] = lambda operands, dtype: None

    def takes(self, dtype: np.dtype) -> bool:
        """Whether the last operand may have this type."""
        return dtype.kind in self.reads.rpartition(" ")[2]

    def fold(self, operands: Operations, dtype: np.dtype) -> np.ndarray | None:
        """The result by constant folding; None where an operand is not constant, or the operation is never folded."""
        if self.numbers is None or not all(operand.is_constant for operand in operands):
            return None
        more = [dtype] if len(self.gives) > 1 else []
        with np.errstate(all="ignore"):
            return np.asarray(self.numbers(*(operand.detail for operand in operands), *more), dtype)


def _instruction(name: str) -> Callable[..., str]:
    """Writes an operation that is one LLVM instruction, whose name begins with f for floating-point types."""

    def text(to: Function, operation: Operation, *values: str) -> str:
        return to.new(f"{'f' * (operation.dtype.kind == 'f')}{name} {to.type(operation.dtype)} {', '.join(values)}")

    return text


def _intrinsic(name: str) -> Callable[..., str]:
    return lambda to, operation, *values: to.intrinsic(name, operation.dtype, *values)


def _neutral(number: float, sides: Sequence[int] = (1,)) -> Callable[..., Operation | None]:
    """Simplifies to the other operand where the one on one of `sides` is the neutral element `number`, as 1 in x 1."""

    def simpler(operands: Operations, dtype: np.dtype) -> Operation | None:
        for side in sides:
            if operands[side].is_constant and operands[side].value.tobytes() == dtype.type(number).tobytes():
                return operands[1 - side]
        return None

    return simpler


def _same(operands: Operations, dtype: np.dtype) -> Operation | None:
    """Simplifies to the operand where both are the same, as in x and x."""
    return operands[0] if operands[0] is operands[1] else None


def _fused(a: Any, b: Any, c: Any) -> Any:
    """a b + c, rounded once, by the C library."""
    kind = np.ctypeslib.as_ctypes_type(a.dtype)
    function = ctypes.CDLL(None)["fma" if a.dtype == np.float64 else "fmaf"]
    function.restype, function.argtypes = kind, [kind] * 3
    return function(a, b, c)


def _away_from_zero(x: Any) -> Any:
    whole = np.trunc(x)
    return whole + np.copysign((np.abs(x - whole) >= 0.5).astype(x.dtype), x)


def _size(to: Function, operation: Operation, x: str) -> str:
    dtype = operation.dtype
    if dtype.kind == "f":
        return to.intrinsic("fabs", dtype, x)
    below = to.compare("lt", dtype, x, to.constant(0, dtype))
    return to.select(below, _turned(to, operation, x), x, dtype)


def _turned(to: Function, operation: Operation, x: str) -> str:
    dtype = operation.dtype
    zero = "" if dtype.kind == "f" else f"{to.constant(0, dtype)}, "
    return to.new(f"{'sub' if zero else 'fneg'} {to.type(dtype)} {zero}{x}")


def _inverted(to: Function, operation: Operation, x: str) -> str:
    dtype = operation.dtype
    return to.new(f"xor {to.type(dtype)} {x}, {to.constant(True if dtype.kind == 'b' else -1, dtype)}")


def _comparison(name: str) -> Meaning:
    def text(to: Function, operation: Operation, x: str, y: str) -> str:
        return to.compare(name, operation.operands[0].dtype, x, y)

    return Meaning("fiub fiub", getattr(operator, name), text, "b")


def _extreme(name: str, beyond: str) -> Meaning:
    """The greater or smaller of two numbers: the first of equal ones (0 and -0), NaN where either is NaN."""

    def numbers(x: Any, y: Any) -> Any:
        return np.where(getattr(operator, beyond)(y, x) | (y != y), y, x)

    def text(to: Function, operation: Operation, x: str, y: str) -> str:
        dtype = operation.dtype
        if not operation.operands[0].is_constant:
            x, y = y, x
        chosen = to.select(to.compare(beyond, dtype, x, y), x, y, dtype)
        if dtype.kind != "f" or any(operand.is_constant for operand in operation.operands):
            return chosen  # with a constant, which is not NaN, the comparison keeps a NaN operand
        if to.width == 1:  # one instruction on a GPU, but it orders zeros by their sign
            other = to.intrinsic(f"{name}imum", dtype, x, y)
            return to.select(to.compare("eq", dtype, x, y), y, other, dtype)
        bad = to.new(f"fcmp uno {to.type(dtype)} {x}, {x}")
        return to.select(bad, x, chosen, dtype)

    def simpler(operands: Operations, dtype: np.dtype) -> Operation | None:
        known = (one for one in operands if one.is_constant and dtype.kind == "f" and np.isnan(one.value))
        return _same(operands, dtype) or next(known, None)

    return Meaning("fiub fiub", numbers, text, simpler=simpler)


def _shift(way: str, sign: str, numbers: Callable[..., Any]) -> Meaning:
    """A shift of bits; by as many bits as there are, or more, it gives 0, or copies of the sign bit if arithmetic."""

    def shifted(x: Any, by: Any) -> Any:
        kind = f"{sign}{x.dtype.itemsize}"
        return numbers(x.view(kind), by.view(kind)).view(x.dtype)

    def text(to: Function, operation: Operation, x: str, y: str) -> str:
        dtype, by = operation.dtype, operation.operands[1]
        bits = 8 * dtype.itemsize
        if by.is_constant and 0 <= int(by.value) < bits:
            return to.new(f"{way} {to.type(dtype)} {x}, {y}")
        inside = to.compare("lt", np.dtype(f"u{dtype.itemsize}"), y, to.constant(bits, dtype))
        if sign == "i":
            y = to.select(inside, y, to.constant(bits - 1, dtype), dtype)
        moved = to.new(f"{way} {to.type(dtype)} {x}, {y}")
        return moved if sign == "i" else to.select(inside, moved, to.constant(0, dtype), dtype)

    return Meaning("iu iu", shifted, text)


def _division(name: str, numbers: Callable[..., Any], reads: str, **more: Any) -> Meaning:
    """Quotient or remainder; of integers as in XLA: x / 0 is -1, x rem 0 is x, and least / -1 overflows to least."""

    def text(to: Function, operation: Operation, x: str, y: str) -> str:
        dtype = operation.dtype
        kind, zero, one = to.type(dtype), to.constant(0, dtype), to.constant(1, dtype)
        if dtype.kind == "f":
            return to.new(f"f{name} {kind} {x}, {y}")
        nothing = to.compare("eq", dtype, y, zero)
        safe = to.select(nothing, one, y, dtype)
        if dtype.kind == "i":
            minus = to.compare("eq", dtype, y, to.constant(-1, dtype))
            safe = to.select(minus, one, safe, dtype)
        result = to.new(f"{'s' if dtype.kind == 'i' else 'u'}{name} {kind} {x}, {safe}")
        if dtype.kind == "i":
            turned = _turned(to, operation, x) if name == "div" else zero
            result = to.select(minus, turned, result, dtype)
        return to.select(nothing, to.constant(-1, dtype) if name == "div" else x, result, dtype)

    return Meaning(reads, numbers, text, **more)


def _quotient(x: Any, y: Any) -> Any:
    return x / y if x.dtype.kind == "f" else np.where(y == 0, ~(x ^ x), (x - np.fmod(x, y)) // y)


def _converted(x: Any, dtype: np.dtype) -> Any:
    """A number converted to another type; floating point to integer truncates and saturates at the type's limits, and
    NaN gives 0.
    """
    if x.dtype.kind != "f" or dtype.kind not in "iu":
        return x.astype(dtype)
    limits = np.iinfo(dtype)
    low, high = float(limits.min), 2.0 ** (limits.bits - (dtype.kind == "i"))
    whole = np.where((x > low) & (x < high), x, 0).astype(dtype)
    return np.where(x >= high, dtype.type(limits.max), np.where(x <= low, dtype.type(limits.min), whole))


def _conversion(to: Function, operation: Operation, x: str) -> str:
    read, dtype = operation.operands[0].dtype, operation.dtype
    before, after = to.type(read), to.type(dtype)
    if read.kind == "b":
        return to.select(x, to.constant(1, dtype), to.constant(0, dtype), dtype)
    if dtype.kind == "b":
        return to.compare("ne", read, x, to.constant(0, read))
    if read.kind == "f" and dtype.kind in "iu":
        dots = "" if to.width == 1 else f"v{to.width}"
        way = "fptosi" if dtype.kind == "i" else "fptoui"
        name = f"llvm.{way}.sat.{dots}i{8 * dtype.itemsize}.{dots}f{8 * read.itemsize}"
        to.declared.add(f"declare {after} @{name}({before})")
        return to.new(f"call {after} @{name}({before} {x})")
    if dtype.kind == "f":
        wider = "fpext" if dtype.itemsize > read.itemsize else "fptrunc"
        way = {"f": wider, "i": "sitofp", "u": "uitofp"}[read.kind]
    elif dtype.itemsize == read.itemsize:
        return x
    else:
        way = "trunc" if dtype.itemsize < read.itemsize else "sext" if read.kind == "i" else "zext"
    return to.new(f"{way} {before} {x} to {after}")


def _bits(to: Function, operation: Operation, x: str) -> str:
    return to.new(f"bitcast {to.type(operation.operands[0].dtype)} {x} to {to.type(operation.dtype)}")


def _lane_by_lane(to: Function, operation: Operation, values: Sequence[str], one: Callable[..., str]) -> str:
    """Writes a computation lane by lane; returns the name of the vector of results.

    Args:
      values: names of the operands, all of one type.
      one: writes the computation for one lane, given the names of its scalars; returns the name of the result.
    """
    if to.width == 1:
        return one(*values)
    dtype, read = operation.dtype, to.type(operation.operands[0].dtype)
    result = "poison"
    for lane in range(to.width):
        own = one(*(to.new(f"extractelement {read} {value}, i64 {lane}") for value in values))
        result = to.new(f"insertelement {to.type(dtype)} {result}, {to.type(dtype, wide=False)} {own}, i64 {lane}")
    return result


def _called(to: Function, operation: Operation, *values: str) -> str:
    """Writes a call of a function of the C library, lane by lane."""
    name, kind = operation.detail, to.type(operation.dtype, wide=False)
    to.declared.add(f"declare {kind} @{name}({', '.join([kind] * len(values))})")

    def one(*numbers: str) -> str:
        return to.new(f"call {kind} @{name}({', '.join(f'{kind} {number}' for number in numbers)})")

    return _lane_by_lane(to, operation, values, one)


def _looked_up(to: Function, operation: Operation, x: str) -> str:
    """Writes a lookup in a table among the shared inputs, at an index that differs by lane."""

    def one(at: str) -> str:
        at = to.new(f"sext i32 {at} to i64")
        at = to.new(f"add nsw i64 {at}, {operation.detail}")
        at = to.new(f"getelementptr inbounds i32, ptr %shared, i64 {at}")
        return to.new(f"load {to.type(operation.dtype, wide=False)}, ptr {at}, align 4")

    return _lane_by_lane(to, operation, [x], one)


_CHOICE = Meaning(
    "b fiub fiub",
    np.where,
    lambda to, operation, *values: to.select(*values, operation.dtype),
    simpler=lambda operands, _: operands[1 if operands[0].value else 2] if operands[0].is_constant else None,
)
OPERATIONS: Mapping[str, Meaning] = {
    "abs": Meaning("fiu", np.abs, _size),
    # the neutral element is -0: adding 0 would turn -0 into 0
    "add": Meaning("fiu fiu", np.add, _instruction("add"), simpler=_neutral(-0.0, (1, 0))),
    "and": Meaning("iub iub", np.bitwise_and, _instruction("and"), simpler=_same),
    "bitcast_convert_type": Meaning("fiu", lambda x, dtype: x.view(dtype), _bits, "fiu"),
    "call": Meaning("f", None, _called),
    **{name: Meaning("f", getattr(np, name), _intrinsic(name)) for name in ("ceil", "floor", "sqrt")},
    "convert_element_type": Meaning(
        "fiub",
        _converted,
        _conversion,
        "fiub",
        simpler=lambda operands, dtype: operands[0] if operands[0].dtype == dtype else None,
    ),
    "div": _division("div", _quotient, "fiu fiu", simpler=_neutral(1.0)),
    **{name: _comparison(name) for name in ("eq", "ge", "gt", "le", "lt", "ne")},
    "fma": Meaning("f f f", _fused, _intrinsic("fma")),
    "lookup": Meaning("i", None, _looked_up, "fiub"),
    "max": _extreme("max", "gt"),
    "min": _extreme("min", "lt"),
    "mul": Meaning("fiu fiu", np.multiply, _instruction("mul"), simpler=_neutral(1.0, (1, 0))),
    "neg": Meaning("fiu", np.negative, _turned),
    "not": Meaning("iub", np.invert, _inverted),
    "or": Meaning("iub iub", np.bitwise_or, _instruction("or"), simpler=_same),
    "rem": _division("rem", lambda x, y: np.where(y == 0, x, np.fmod(x, y)), "iu iu"),
    "round": Meaning("f", _away_from_zero, _intrinsic("round")),
    "round to even": Meaning("f", np.rint, _intrinsic("roundeven")),
    "select": _CHOICE,
    RARELY: _CHOICE,
    "shift_left": _shift("shl", "u", np.left_shift),
    "shift_right_arithmetic": _shift("ashr", "i", np.right_shift),
    "shift_right_logical": _shift("lshr", "u", np.right_shift),
    "sub": Meaning("fiu fiu", np.subtract, _instruction("sub"), simpler=_neutral(0.0)),
    "xor": Meaning("iub iub", np.bitwise_xor, _instruction("xor")),
}
"""The rows, by the name that an operation has in a list: for most the name of the JAX primitive."""
