"""Histograms of a row of paths, as `risk/estimation/histograms.py`, in machine code that releases the GIL."""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from jaxtyping import Float32, Int

from engine.lanes import machine_code

_BINS = 1 << 16
_COUNT = 40
"""Bit from which on a bin's 64-bit entry counts values; the bits below sum the steps of up to 2^18 values."""
_ARGUMENTS = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p]
_POOL = """  %step = and i32 %key, 65535
  %steps = zext i32 %step to i64
  %one = or i64 %steps, 1099511627776
  %at = getelementptr i64, ptr %table, i64 %bin"""
_SPREAD = """  %at_place = getelementptr i64, ptr %table, i64 %bin
  %place = load i64, ptr %at_place
  %one = add i64 0, 1
  %at = getelementptr i64, ptr %counts, i64 %place"""


class _Own(threading.local):
    """For each thread a table of one int64 for each bin, all 0 between calls."""

    def __init__(self) -> None:
        self.table: np.ndarray = np.zeros(_BINS, np.int64)


_OWN = _Own()


def counted(
    values: Float32[np.ndarray, "path"], starts: Int[np.ndarray, "group"]
) -> tuple[Int[np.ndarray, "bin"], Int[np.ndarray, "group bin"], Int[np.ndarray, "bin"]]:
    """As `histograms.counted`, for contiguous float32 values: (non-empty bins, counts, sums of steps)."""
    functions, table = _functions(), _OWN.table
    functions["pool"](values.ctypes.data, len(values), table.ctypes.data, None)
    held = np.flatnonzero(table)
    pooled = table[held]
    counts = np.zeros((len(starts), len(held)), np.int64)
    if len(starts) == 1:
        counts[0] = pooled >> _COUNT
    else:
        table[held] = np.arange(len(held))
        for of_group, (begin, end) in zip(counts, pairwise([*starts.tolist(), len(values)]), strict=True):
            part = values[begin:end]
            functions["spread"](part.ctypes.data, len(part), table.ctypes.data, of_group.ctypes.data)
    table[held] = 0
    return held, counts, pooled & ((1 << _COUNT) - 1)


@functools.cache
def _functions() -> dict[str, Callable[..., None]]:
    return machine_code.functions(
        {"pool": _function("pool", _POOL), "spread": _function("spread", _SPREAD)}, _ARGUMENTS
    )


def _function(name: str, adds: str) -> str:
    """LLVM IR of a loop over values; from a value's key `adds` computes `%one`, and the address `%at` to add it to."""
    return f"""define void @{name}(ptr %values, i64 %many, ptr noalias %table, ptr noalias %counts) {{
entry:
  br label %more
more:
  %k = phi i64 [0, %entry], [%next, %value]
  %is_one = icmp ult i64 %k, %many
  br i1 %is_one, label %value, label %end
value:
  %from = getelementptr i32, ptr %values, i64 %k
  %read = load i32, ptr %from
  %is_minus_zero = icmp eq i32 %read, -2147483648
  %bits = select i1 %is_minus_zero, i32 0, i32 %read
  %negative = ashr i32 %bits, 31
  %turn = or i32 %negative, -2147483648
  %key = xor i32 %bits, %turn
  %high = lshr i32 %key, 16
  %bin = zext i32 %high to i64
{adds}
  %before = load i64, ptr %at
  %after = add i64 %before, %one
  store i64 %after, ptr %at
  %next = add i64 %k, 1
  br label %more
end:
  ret void
}}"""
