"""Counts and selects the values of a row by equal-width bins, in machine code that releases the GIL.

Results are those of `by_numpy` in `risk/estimation/order_statistics.py`.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float32

from engine.lanes import machine_code, memory

BINS = 1 << 12
_ARGUMENTS = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_float, ctypes.c_float] + [ctypes.c_void_p] * 2
_COUNT = """  %at = getelementptr i64, ptr %table, i64 %bin
  %before = load i64, ptr %at
  %after = add i64 %before, 1
  store i64 %after, ptr %at
  %to = add i64 %k, 1"""
_PICK = """  %at = getelementptr float, ptr %out, i64 %place
  store float %value, ptr %at
  %from_table = getelementptr i8, ptr %table, i64 %bin
  %held = load i8, ptr %from_table
  %step = zext i8 %held to i64
  %to = add i64 %place, %step"""


def binned(
    values: Float32[np.ndarray, "path"],
    low: np.float32,
    scale: np.float32,
    held: Bool[np.ndarray, "bin"] | None,
    size: int,
) -> np.ndarray:
    """As `order_statistics.by_numpy`, for contiguous values: counts, int64 [bin], or the values of the held bins.

    Args:
      low, scale: the bin of a value is (value - low) scale, clipped to the bins.
      held: the bins whose values are wanted; None to count.
      size: number of values in the held bins.
    """
    of_row, functions = (values.ctypes.data, len(values), low, scale), _functions()
    if held is None:
        counts = np.zeros(BINS, np.int64)
        functions["count"](*of_row, counts.ctypes.data, None)
        return counts
    # every value is written, and overwritten by the next one unless its bin is held
    found = memory.array((size + 1,), np.float32)
    functions["pick"](*of_row, held.ctypes.data, found.ctypes.data)
    return found[:size]


@functools.cache
def _functions() -> dict[str, Callable[..., None]]:
    return machine_code.functions({"count": _function("count", _COUNT), "pick": _function("pick", _PICK)}, _ARGUMENTS)


def _function(name: str, does: str) -> str:
    """LLVM IR of a loop over values and their bins; `does` is its body, and `%to` what it carries to the next value."""
    arguments = "ptr %values, i64 %many, float %low, float %scale, ptr noalias %table, ptr noalias %out"
    return f"""define void @{name}({arguments}) {{
entry:
  br label %more
more:
  %k = phi i64 [0, %entry], [%next, %one]
  %place = phi i64 [0, %entry], [%to, %one]
  %is_one = icmp ult i64 %k, %many
  br i1 %is_one, label %one, label %end
one:
  %from = getelementptr float, ptr %values, i64 %k
  %value = load float, ptr %from
  %away = fsub float %value, %low
  %scaled = fmul float %away, %scale
  %is_low = fcmp olt float %scaled, {BINS - 1}.0
  %most = select i1 %is_low, float %scaled, float {BINS - 1}.0
  %is_high = fcmp ogt float %most, 0.0
  %least = select i1 %is_high, float %most, float 0.0
  %whole = fptosi float %least to i32
  %bin = zext i32 %whole to i64
{does}
  %next = add i64 %k, 1
  br label %more
end:
  ret void
}}"""
