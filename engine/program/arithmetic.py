"""Arithmetic on numbers that are known when a program is written: the bits that its machine code would give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np


def known(name: str, values: Sequence[Any], dtype: np.dtype, detail: Any) -> Any:
    """What an operation gives of numbers that are known."""
    if name == "bitcast_convert_type":
        return values[0].view(dtype)
    if name == "convert_element_type" and dtype.kind in "iu" and values[0].dtype.kind == "f":
        if np.isnan(values[0]):
            return dtype.type(0)
        limits = np.iinfo(dtype)
        return dtype.type(min(max(int(np.clip(values[0], -(2.0**70), 2.0**70)), limits.min), limits.max))
    return np.asarray(OPERATIONS[name](*values, detail=detail), dtype)


def _fma(a: Any, b: Any, c: Any, detail: Any) -> Any:
    a, c = (-a if detail == "-a" else a), (-c if detail == "-c" else c)
    if not np.isfinite(a) or not np.isfinite(b):
        return a * b + c
    if not np.isfinite(c):
        return c
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    return a * b + c if exact == 0 else _nearest(exact, a.dtype)


def _nearest(exact: Fraction, dtype: np.dtype) -> Any:
    """The number that is nearest to a fraction, of two the even one."""
    limits, size = np.finfo(dtype), abs(exact)
    digits = limits.nmant + 1
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= size < Fraction(2) ** exponent
    unit = max(exponent + 1 - digits, int(limits.minexp) - limits.nmant)
    value = np.ldexp(dtype.type(round(size / Fraction(2) ** unit)), unit)
    return -value if exact < 0 else value


def _divided(x: Any, y: Any, detail: Any) -> Any:
    if x.dtype.kind == "f":
        return x / y
    quotient = -1 if y == 0 else abs(int(x)) // abs(int(y)) * (1 if (x < 0) == (y < 0) else -1)
    return _wrapped(quotient, x.dtype)


def _rest(x: Any, y: Any, detail: Any) -> Any:
    return x if y == 0 else _wrapped(int(x) - int(y) * int(_divided(x, y, None)), x.dtype)


def _wrapped(value: int, dtype: np.dtype) -> Any:
    """The last bits of a whole number."""
    bits = 8 * dtype.itemsize
    return np.array(value % (1 << bits), f"u{dtype.itemsize}").view(dtype)[()]


def _extreme(greater: bool) -> Callable[..., Any]:
    """The greater or smaller of two, of equal ones the first; not a number where either is not."""

    def chosen(x: Any, y: Any, detail: Any) -> Any:
        return y if y != y or (y > x if greater else y < x) else x

    return chosen


def _away_from_zero(x: Any) -> Any:
    whole = np.trunc(x)
    return whole + np.copysign(x.dtype.type(abs(x - whole) >= 0.5), x)


def _shift(left: bool) -> Callable[..., Any]:
    def shifted(x: Any, by: Any, detail: Any) -> Any:
        if int(by) < 0 or int(by) >= 8 * x.dtype.itemsize:
            return 0
        bits = x.view(f"u{x.dtype.itemsize}")
        return (bits << bits.dtype.type(by) if left else bits >> bits.dtype.type(by)).view(x.dtype)

    return shifted


def _shifted_with_sign(x: Any, by: Any, detail: Any) -> Any:
    bits = 8 * x.dtype.itemsize
    return _wrapped(int(x.view(f"i{x.dtype.itemsize}")) >> min(int(by) % (1 << bits), bits - 1), x.dtype)


OPERATIONS: dict[str, Any] = {
    "abs": lambda x, detail: np.abs(x),
    "add": lambda x, y, detail: x + y,
    "and": lambda x, y, detail: x & y,
    "bitcast_convert_type": None,
    "ceil": lambda x, detail: np.ceil(x),
    "convert_element_type": lambda x, detail: x,
    "div": _divided,
    "eq": lambda x, y, detail: x == y,
    "floor": lambda x, detail: np.floor(x),
    "fma": _fma,
    "ge": lambda x, y, detail: x >= y,
    "gt": lambda x, y, detail: x > y,
    "le": lambda x, y, detail: x <= y,
    "lt": lambda x, y, detail: x < y,
    "max": _extreme(True),
    "min": _extreme(False),
    "mul": lambda x, y, detail: x * y,
    "ne": lambda x, y, detail: x != y,
    "neg": lambda x, detail: -x,
    "not": lambda x, detail: ~x,
    "or": lambda x, y, detail: x | y,
    "rem": _rest,
    "round": lambda x, detail: np.rint(x) if detail else _away_from_zero(x),
    "select": lambda which, yes, no, detail: yes if which else no,
    "shift_left": _shift(True),
    "shift_right_arithmetic": _shifted_with_sign,
    "shift_right_logical": _shift(False),
    "sqrt": lambda x, detail: np.sqrt(x),
    "sub": lambda x, y, detail: x - y,
    "xor": lambda x, y, detail: x ^ y,
}
"""What is computed as it stands, and how it is computed where all operands are known."""
