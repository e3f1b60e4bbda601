"""Counts by bin of a row of paths in machine code, as `risk/estimation/histograms.py` states them; other threads run meanwhile."""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from jaxtyping import Float32, Int

from engine.program.running import machine_code

_BINS = 1 << 16
_COUNT = 40
"""The bit of a bin's number from which its values are counted; their steps, of 2^18 values at most, are added up below."""
_ARGUMENTS = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p]
_POOL = """  %step = and i32 %key, 65535
  %steps = zext i32 %step to i64
  %one = or i64 %steps, 1099511627776
  %at = getelementptr i64, ptr %table, i64 %bin"""
_SPREAD = """  %at_place = getelementptr i64, ptr %table, i64 %bin
  %place = load i64, ptr %at_place
  %one = add i64 0, 1
  %at = getelementptr i64, ptr %counts, i64 %place"""
_OWN = threading.local()


def counted(
    values: Float32[np.ndarray, "path"], starts: Int[np.ndarray, "group"]
) -> tuple[Int[np.ndarray, "bin"], Int[np.ndarray, "group bin"], Int[np.ndarray, "bin"]]:
    """As `risk.histograms.counted` of values of single precision that lie side by side."""
    functions, table = _functions(), _table()
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


def _table() -> Int[np.ndarray, "bin"]:
    """A number for each bin, 0 between calls, for this thread alone."""
    if not hasattr(_OWN, "table"):
        _OWN.table = np.zeros(_BINS, np.int64)
    table: np.ndarray = _OWN.table
    return table


@functools.cache
def _functions() -> dict[str, Callable[..., None]]:
    kinds = {"pool": _POOL, "spread": _SPREAD}
    engine = machine_code.loaded("\n".join(_function(*kind) for kind in kinds.items()))
    return {name: machine_code.function(engine, name, _ARGUMENTS) for name in kinds}


def _function(name: str, adds: str) -> str:
    """Its text: a loop over values that adds `%one` at `%at`, which follow from the value's key."""
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
