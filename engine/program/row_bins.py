"""Counts the values of a row by bins, and selects those of some bins, in machine code that releases the GIL."""

from __future__ import annotations

import functools
from collections.abc import Callable
from ctypes import c_float, c_int64, c_void_p

import numpy as np
from jaxtyping import Bool, Float32, Int

from engine.lanes import machine_code, memory

BINS = 1 << 12
"""Number of bins of equal width."""
_COUNT = 40
"""Bit from which on the 64-bit entry of a bin of keys counts values; the bits below sum the steps of up to 2^18."""
_ARGUMENTS = [c_void_p, c_int64, c_void_p, c_void_p, c_float, c_float]
_LOOP = """define void @NAME(ptr %values, i64 %many, ptr noalias %table, ptr noalias %out, float %low, float %scale) {
entry:
  br label %more
more:
  %k = phi i64 [0, %entry], [%next, %one]
  %place = phi i64 [0, %entry], [%to, %one]
  %is_one = icmp ult i64 %k, %many
  br i1 %is_one, label %one, label %end
one:
  %from = getelementptr i32, ptr %values, i64 %k
BODY
  %next = add i64 %k, 1
  br label %more
end:
  ret void
}"""
"""A loop over values. Its body computes the `%bin` of a value, and as `%to` the `%place` of the next one."""
_OF_KEY = """  %read = load i32, ptr %from
  %is_minus_zero = icmp eq i32 %read, -2147483648
  %bits = select i1 %is_minus_zero, i32 0, i32 %read
  %negative = ashr i32 %bits, 31
  %turn = or i32 %negative, -2147483648
  %key = xor i32 %bits, %turn
  %high = lshr i32 %key, 16
  %bin = zext i32 %high to i64
"""
_OF_WIDTH = """  %value = load float, ptr %from
  %away = fsub float %value, %low
  %scaled = fmul float %away, %scale
  %is_low = fcmp olt float %scaled, LAST.0
  %most = select i1 %is_low, float %scaled, float LAST.0
  %is_high = fcmp ogt float %most, 0.0
  %least = select i1 %is_high, float %most, float 0.0
  %whole = fptosi float %least to i32
  %bin = zext i32 %whole to i64
""".replace("LAST", str(BINS - 1))
_POOL = """  %step = and i32 %key, 65535
  %steps = zext i32 %step to i64
  %one_more = or i64 %steps, 1099511627776
  %at = getelementptr i64, ptr %table, i64 %bin
  %before = load i64, ptr %at
  %to = add i64 %before, %one_more
  store i64 %to, ptr %at"""
_SPREAD = """  %at_column = getelementptr i64, ptr %table, i64 %bin
  %column = load i64, ptr %at_column
  %at = getelementptr i64, ptr %out, i64 %column
  %before = load i64, ptr %at
  %to = add i64 %before, 1
  store i64 %to, ptr %at"""
_ADD = """  %at = getelementptr i64, ptr %table, i64 %bin
  %before = load i64, ptr %at
  %to = add i64 %before, 1
  store i64 %to, ptr %at"""
_PICK = """  %at = getelementptr float, ptr %out, i64 %place
  store float %value, ptr %at
  %at_held = getelementptr i8, ptr %table, i64 %bin
  %held = load i8, ptr %at_held
  %step = zext i8 %held to i64
  %to = add i64 %place, %step"""
_BODIES = {"pool": _OF_KEY + _POOL, "spread": _OF_KEY + _SPREAD, "add": _OF_WIDTH + _ADD, "pick": _OF_WIDTH + _PICK}


def counted(
    values: Float32[np.ndarray, "path"], starts: Int[np.ndarray, "group"]
) -> tuple[Int[np.ndarray, "bin"], Int[np.ndarray, "group bin"], Int[np.ndarray, "bin"]]:
    """As `by_numpy` in `risk/estimation/histograms.py`, for contiguous values: occupied bins, counts, sums of steps."""
    table = memory.scratch(8 << 16).view(np.int64)
    table[:] = 0
    _run("pool", values, table, table)
    held = np.flatnonzero(table)
    pooled = table[held]
    counts = np.zeros((len(starts), len(held)), np.int64)
    if len(starts) == 1:
        counts[0] = pooled >> _COUNT
    elif len(held):
        table[held] = np.arange(len(held))
        for of_group, part in zip(counts, np.split(values, starts[1:]), strict=True):
            _run("spread", part, table, of_group)
    return held, counts, pooled & ((1 << _COUNT) - 1)


def binned(
    values: Float32[np.ndarray, "path"],
    low: np.float32,
    scale: np.float32,
    held: Bool[np.ndarray, "bin"] | None,
    size: int,
) -> np.ndarray:
    """As `binned_by_numpy` in `risk/estimation/row_statistics.py`, for contiguous values: counts, or values of bins."""
    if held is None:
        counts = np.zeros(BINS, np.int64)
        _run("add", values, counts, counts, low, scale)
        return counts
    # every value is written, and overwritten by the next one unless its bin is held
    found = memory.array((size + 1,), np.float32)
    _run("pick", values, held, found, low, scale)
    return found[:size]


def _run(
    name: str,
    values: np.ndarray,
    table: np.ndarray,
    out: np.ndarray,
    low: np.float32 | float = 0.0,
    scale: np.float32 | float = 0.0,
) -> None:
    """Runs one of the loops; one that has no use for `out` is given the table again."""
    _functions()[name](values.ctypes.data, len(values), table.ctypes.data, out.ctypes.data, low, scale)


@functools.cache
def _functions() -> dict[str, Callable[..., None]]:
    texts = {name: _LOOP.replace("NAME", name).replace("BODY", body) for name, body in _BODIES.items()}
    return machine_code.functions(texts, _ARGUMENTS)
