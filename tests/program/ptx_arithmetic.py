"""What the instructions of PTX give, in NumPy: those that the emitter writes, by NVIDIA's manual (PTX ISA 8.0, chapter
9).

A float operation must name its rounding: the assembler may contract one that does not. It is rounded once, and what is
not a number is always the same one, as on a card.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

BOOL, U32, U64, F32, F64 = (np.dtype(name) for name in ("bool", "u4", "u8", "f4", "f8"))
TYPES = {
    "pred": BOOL,
    "b32": U32,
    "u32": U32,
    "s32": np.dtype("i4"),
    "f32": F32,
    "b64": U64,
    "u64": U64,
    "s64": np.dtype("i8"),
    "f64": F64,
}
NOT_A_NUMBER = {F32: U32.type(0x7FFFFFFF), F64: U64.type(0x7FFFFFFFFFFFFFFF)}
"""What a card gives for whatever is not a number."""


class Fault(Exception):
    """What a card would do wrong, or otherwise than it is asked, or an instruction that is not known here."""


@dataclass(frozen=True)
class Rule:
    """What an instruction gives of its operands.

    Args:
      reads: types of its operands.
      gives: type of its result.
      apply: operands, an array each, to the result.
    """

    reads: tuple[np.dtype, ...]
    gives: np.dtype
    apply: Callable[..., Any]


def fused(a: np.ndarray, b: np.ndarray, c: np.ndarray, way: str = "rn") -> np.ndarray:
    """a b + c, rounded once: to nearest ("rn"), or in single precision towards zero ("rz").

    Two single numbers have an exact double product. The sum is rounded to odd: a bit that is lost makes the last one 1,
    so that rounding it once more is rounding once (Boldo and Melquiond, Emulation of FMA and correctly rounded sums,
    2008, doi:10.1109/TC.2007.70819).
    """
    if a.dtype == F64:
        return np.array([_FMA(*one) for one in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)])
    product, addend = a.astype(F64) * b.astype(F64), c.astype(F64)
    total = product + addend
    part = total - product
    lost = (product - (total - part)) + (addend - part)
    is_even = (total.view(U64) & U64.type(1)) == 0
    beside = np.nextafter(total, np.where(lost > 0, np.inf, -np.inf))
    odd = np.where(np.isfinite(lost) & (lost != 0) & is_even, beside, total)
    near = odd.astype(F32)
    if way == "rn":
        return near
    return np.where(np.abs(near.astype(F64)) > np.abs(odd), np.nextafter(near, F32.type(0)), near)


_FMA = ctypes.CDLL(ctypes.util.find_library("m") or "libm.so.6").fma
_FMA.restype, _FMA.argtypes = ctypes.c_double, [ctypes.c_double] * 3


def _one(a: np.ndarray) -> np.ndarray:
    return np.ones_like(a)


_ROUNDED: dict[str, dict[str, Callable[..., np.ndarray]]] = {
    "rn": {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "sqrt": np.sqrt, "fma": fused,
        "rcp": lambda a: _one(a) / a,
    },
    "rz": {
        "add": lambda a, b: fused(a, _one(a), b, "rz"),
        "sub": lambda a, b: fused(a, _one(a), -b, "rz"),
        "mul": lambda a, b: fused(a, b, -0.0 * _one(a), "rz"),
        "fma": lambda a, b, c: fused(a, b, c, "rz"),
    },
}  # fmt: skip
_WHOLES = {"rni": np.rint, "rmi": np.floor, "rpi": np.ceil, "rzi": np.trunc}


def _canonical(apply: Callable[..., np.ndarray], dtype: np.dtype) -> Callable[..., np.ndarray]:
    def applied(*operands: np.ndarray) -> np.ndarray:
        result = apply(*operands)
        bits = result.view(U32 if dtype == F32 else U64)
        return np.where(np.isnan(result), NOT_A_NUMBER[dtype], bits).view(dtype)

    return applied


def _extreme(name: str, keeps_nan: bool) -> Callable[..., np.ndarray]:
    """The greater or smaller number, of zeros the one of that sign; of a number and none the number, but where that is
    kept.
    """

    def applied(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        below = (a < b) | ((a == b) & np.signbit(a) & ~np.signbit(b))
        chosen = np.where(below == (name == "max"), b, a)
        if keeps_nan:
            return np.where(np.isnan(a) | np.isnan(b), a + b, chosen)
        return np.where(np.isnan(a), b, np.where(np.isnan(b), a, chosen))

    return applied


def _of_floats(head: str, ways: list[str], dtype: np.dtype) -> Callable[..., np.ndarray] | None:
    if head in ("neg", "abs") and not ways:
        sign = U32.type(1 << 31) if dtype == F32 else U64.type(1 << 63)
        if head == "neg":
            return lambda a: (a.view(sign.dtype) ^ sign).view(dtype)
        return lambda a: (a.view(sign.dtype) & ~sign).view(dtype)
    if head in ("max", "min") and ways in ([], ["NaN"]):
        return _canonical(_extreme(head, bool(ways)), dtype)
    apply = _ROUNDED[ways[0]].get(head) if len(ways) == 1 and ways[0] in _ROUNDED else None
    return None if apply is None or (ways == ["rz"] and dtype == F64) else _canonical(apply, dtype)


def _high(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    bits = 8 * a.dtype.itemsize
    return np.array([(x * y >> bits) for x, y in zip(a.tolist(), b.tolist(), strict=True)], a.dtype)


def _quotient(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if not b.all():
        raise Fault("a whole number is divided by zero")
    return (a - np.fmod(a, b)) // b


def _shifted(way: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """A shift by any number of bits: all of a word leave it, or its sign is left."""

    def applied(a: np.ndarray, by: np.ndarray) -> np.ndarray:
        most = 8 * a.dtype.itemsize
        moved = way(a, np.minimum(by, most - 1).astype(a.dtype))
        return moved if a.dtype.kind == "i" else np.where(by < most, moved, a.dtype.type(0))

    return applied


def _field(a: np.ndarray, first: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Some bits of a word."""
    found = [(x >> at) & ((1 << n) - 1) for x, at, n in zip(a.tolist(), first.tolist(), count.tolist(), strict=True)]
    return np.array(found, a.dtype)


_OF_BITS: dict[str, Callable[..., np.ndarray]] = {
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "not": np.invert,
}  # fmt: skip
_OF_WHOLES: dict[str, Callable[..., np.ndarray]] = {
    **_OF_BITS,
    "add": np.add,
    "sub": np.subtract,
    "mul.lo": np.multiply,
    "mul.hi": _high,
    "neg": np.negative,
    "abs": np.abs,
    "mad.lo": lambda a, b, c: a * b + c,
    "min": np.minimum,
    "max": np.maximum,
    "div": _quotient,
    "rem": np.fmod,
}
_COMPARED: dict[str, Callable[..., np.ndarray]] = {
    "eq": np.equal,
    "ne": lambda a, b: (a < b) | (a > b),
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "num": lambda a, b: (a == a) & (b == b),
}


def _compared(ways: list[str], dtype: np.dtype) -> Rule:
    """A comparison; of floats also those that hold where one is not a number, which end in u."""
    way, *joined = ways
    opposite = {"nan": "num", "equ": "ne", "neu": "eq", "ltu": "ge", "leu": "gt", "gtu": "le", "geu": "lt"}
    same = {"lo": "lt", "ls": "le", "hi": "gt", "hs": "ge"}
    if way in opposite and dtype.kind == "f":
        apply = lambda a, b: ~_COMPARED[opposite[way]](a, b)  # noqa: E731
    else:
        apply = _COMPARED[same.get(way, way)]
    if not joined:
        return Rule((dtype, dtype), BOOL, apply)
    return Rule((dtype, dtype, BOOL), BOOL, lambda a, b, also: _OF_BITS[joined[0]](apply(a, b), also))


def _converted(ways: list[str], to: np.dtype, source: np.dtype) -> Rule:
    """A conversion: floats to whole numbers keep to the range of these, and what is not a number gives 0, or of doubles
    2^31 or 2^63.
    """
    if to.kind != "f" and source.kind != "f":
        return Rule((source,), to, lambda a: a.astype(to))
    if to.kind == source.kind == "f":
        if to == source:
            return Rule((source,), to, _canonical(_WHOLES[ways[0]], to))
        return Rule((source,), to, _canonical(lambda a: a.astype(to), to))
    if to.kind == "f":
        return Rule((source,), to, lambda a: a.astype(to))
    least, most = int(np.iinfo(to).min), int(np.iinfo(to).max)
    none = 0 if source == F32 and to.itemsize == 4 else 1 << (8 * to.itemsize - 1)
    none = none if to.kind == "u" else -none

    def whole(value: float) -> int:
        if value != value:
            return none
        return int(min(max(value, least), most)) if abs(value) != np.inf else most if value > 0 else least

    return Rule((source,), to, lambda a: np.array([whole(one) for one in _WHOLES[ways[0]](a).tolist()], to))


@functools.cache
def rule(name: str) -> Rule:
    """The rule of an instruction, by its whole name.

    Raises:
      Fault: it has none, as no operation has whose rounding is not named, or that is flushed or approximated.
    """
    head, *ways, last = name.split(".")
    kind, known = TYPES.get(last), None
    if kind is None:
        raise Fault(f"{name} is not known")
    if head == "cvt":
        return _converted(ways, TYPES[ways[-1]], kind)
    if head == "setp":
        return _compared(ways, kind)
    if head == "selp":
        return Rule((kind, kind, BOOL), kind, lambda a, b, which: np.where(which, a, b))
    if head in ("shl", "shr"):
        return Rule((kind, U32), kind, _shifted(np.left_shift if head == "shl" else np.right_shift))
    if head == "bfe" and kind.kind == "u":
        return Rule((kind, U32, U32), kind, _field)
    if head == "shf" and ways[1:] == ["wrap"]:

        def turned(low: np.ndarray, high: np.ndarray, by: np.ndarray) -> np.ndarray:
            both, by = (high.astype(U64) << U64.type(32)) | low, (by & U32.type(31)).astype(U64)
            return ((both << by) >> U64.type(32) if ways[0] == "l" else both >> by).astype(U32)

        return Rule((U32, U32, U32), U32, turned)
    if ways == ["wide"] and kind.itemsize == 4:
        wide = np.dtype(f"{kind.kind}8")
        if head == "mul":
            return Rule((kind, kind), wide, lambda a, b: a.astype(wide) * b.astype(wide))
        return Rule((kind, kind, wide), wide, lambda a, b, c: a.astype(wide) * b.astype(wide) + c)
    if head == "mov":
        return Rule((kind,), kind, np.array)
    if kind == BOOL:
        known = _OF_BITS.get(head)
    elif kind.kind == "f":
        known = _of_floats(head, ways, kind)
    else:
        known = _OF_WHOLES.get(".".join([head, *ways]))
    if known is None:
        raise Fault(f"{name} is not known")
    return Rule((kind,) * 3, kind, known)
