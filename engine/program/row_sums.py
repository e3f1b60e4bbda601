"""Sums of powers over rows of paths in one pass of machine code that releases the GIL.

Units are dealt to eight lanes and added in the order that `risk/estimation/row_statistics.py` states. LLVM splits the
eight lanes into vectors of the processor, so that the bits are the same on any.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from ctypes import c_int64, c_void_p

import numpy as np

from engine.lanes import machine_code

LANES = 8
_TYPES = {"f": ("float", "fpext"), "d": ("double", "bitcast")}
"""NumPy's type character -> LLVM's type, and the instruction that makes it double precision."""
_ARGUMENTS = [c_void_p, c_int64, c_void_p, c_int64, c_int64, c_int64, c_void_p, c_void_p, c_void_p]
_LOOP = """define void @NAME(
  ptr %x, i64 %x_step, ptr %y, i64 %y_step, i64 %rows, i64 %many, ptr %numbers, ptr %lanes, ptr %out
) {
entry:
  br label %row
row:
  %r = phi i64 [0, %entry], [%next_row, %store]
  %is_row = icmp ult i64 %r, %rows
  br i1 %is_row, label %begin, label %end
begin:
  %x_from = mul i64 %r, %x_step
  %y_from = mul i64 %r, %y_step
  %x_row = getelementptr NUMBER, ptr %x, i64 %x_from
  %y_row = getelementptr NUMBER, ptr %y, i64 %y_from
  %of_row = getelementptr [5 x double], ptr %numbers, i64 %r
  %five = load <5 x double>, ptr %of_row, align 8
  %x_scale = shufflevector <5 x double> %five, <5 x double> poison, <8 x i32> zeroinitializer
  %x_centre = shufflevector <5 x double> %five, <5 x double> poison, <8 x i32> splat (i32 1)
  %y_scale = shufflevector <5 x double> %five, <5 x double> poison, <8 x i32> splat (i32 2)
  %y_centre = shufflevector <5 x double> %five, <5 x double> poison, <8 x i32> splat (i32 3)
  %offset = shufflevector <5 x double> %five, <5 x double> poison, <8 x i32> splat (i32 4)
BEGUN  br label %more
more:
  %m = phi i64 [0, %begin], [%next, %units]
  %sum0 = phi <8 x double> [%begun0, %begin], [%added0, %units]
  %sum1 = phi <8 x double> [%begun1, %begin], [%added1, %units]
  %sum2 = phi <8 x double> [%begun2, %begin], [%added2, %units]
  %is_m = icmp ult i64 %m, %many
  br i1 %is_m, label %units, label %store
units:
  %x_at = getelementptr [PATHS x NUMBER], ptr %x_row, i64 %m
  %y_at = getelementptr [PATHS x NUMBER], ptr %y_row, i64 %m
TOTAL  %power0 = fsub <8 x double> %total, %offset
  %power1 = fmul <8 x double> %power0, %power0
  %power2 = fmul <8 x double> %power1, %power0
  %added0 = fadd <8 x double> %sum0, %power0
  %added1 = fadd <8 x double> %sum1, %power1
  %added2 = fadd <8 x double> %sum2, %power2
  %next = add i64 %m, 1
  br label %more
store:
STORED  %next_row = add i64 %r, 1
  br label %row
end:
  ret void
}"""
"""A loop over rows, and in it one over eight units at a time."""
_BEGUN = """  %lanes# = getelementptr [3 x <8 x double>], ptr %lanes, i64 %r, i64 #
  %begun# = load <8 x double>, ptr %lanes#, align 8
"""
_STORED = """  store <8 x double> %sum#, ptr %lanes#, align 8
  %all# = call double @llvm.vector.reduce.fadd.v8f64(double -0.0, <8 x double> %sum#)
  %out# = getelementptr [3 x double], ptr %out, i64 %r, i64 #
  store double %all#, ptr %out#
"""
"""Stores the sums of each lane, and their sum, which LLVM adds from the first to the last; # stands for the power."""
_LOADED = {
    1: "  %#0 = load <8 x NUMBER>, ptr %#_at, align 4\n",
    2: """  %#_pairs = load <16 x NUMBER>, ptr %#_at, align 4
  %#0 = shufflevector <16 x NUMBER> %#_pairs, <16 x NUMBER> poison,
    <8 x i32> <i32 0, i32 2, i32 4, i32 6, i32 8, i32 10, i32 12, i32 14>
  %#1 = shufflevector <16 x NUMBER> %#_pairs, <16 x NUMBER> poison,
    <8 x i32> <i32 1, i32 3, i32 5, i32 7, i32 9, i32 11, i32 13, i32 15>
""",
}
"""Loads the paths of eight units of 1 or 2 paths; # stands for x and for y."""
_SIDE = """  %#_wide@ = WIDENED <8 x NUMBER> %#@ to <8 x double>
  %#_away@ = fsub <8 x double> %#_wide@, %#_centre
SHAPED
  %#_side@ = fmul <8 x double> %#_shaped@, %#_scale
"""
"""Computes the term of x or y of a path; @ stands for the number of the path in its unit."""
_SHAPED = {
    "difference": "  %#_shaped@ = bitcast <8 x double> %#_away@ to <8 x double>",
    "squares": "  %#_shaped@ = fmul <8 x double> %#_away@, %#_away@",
    "beyond": """  %#_below@ = fcmp ole <8 x double> %#_away@, zeroinitializer
  %#_shaped@ = select <8 x i1> %#_below@, <8 x double> zeroinitializer, <8 x double> %#_away@""",
    "above": """  %#_over@ = fcmp ogt <8 x double> %#_away@, zeroinitializer
  %#_shaped@ = select <8 x i1> %#_over@, <8 x double> splat (double 1.0), <8 x double> zeroinitializer""",
}
_DIFFERENCE = {
    "x": "  %value@ = bitcast <8 x double> %x_side@ to <8 x double>\n",
    "xy": "  %value@ = fsub <8 x double> %x_side@, %y_side@\n",
}
_EXCESS = """  %apart@ = fsub <8 x NUMBER> %x@, %y@
  %below@ = fcmp ole <8 x NUMBER> %apart@, zeroinitializer
  %over@ = select <8 x i1> %below@, <8 x NUMBER> zeroinitializer, <8 x NUMBER> %apart@
  %value@ = WIDENED <8 x NUMBER> %over@ to <8 x double>
"""
_TOTAL = {
    1: "  %total = bitcast <8 x double> %value0 to <8 x double>\n",
    2: "  %total = fadd <8 x double> %value0, %value1\n",
}


def sums(
    kind: str, size: int, x: np.ndarray, y: np.ndarray, units: int, block: int, numbers: np.ndarray, out: np.ndarray
) -> None:
    """Writes to `out` [row, 3] the sums over units of r, r^2 and r^3, r being the total of a unit minus an offset.

    Args:
      kind: what is computed of each path, as `Made.kind` in `risk/estimation/row_statistics.py`.
      size: paths of a unit, 1 or 2, whose values are added to the unit's total.
      x, y: float32 or float64 [row, path], the paths of a row contiguous.
      units: number of units of each row.
      block: number of units that are summed by lanes; the sums of blocks are then added in order.
      numbers: [row, 5]: scale and centre of x, scale and centre of y, the offset.
      out: float64, overwritten.
    """
    form = f"{kind}_{size}_of_{'x' if x is y and not numbers[:, 2].any() else 'xy'}"
    run, rows, part, lanes = _functions(x.dtype.char)[form], len(x), np.empty((len(x), 3)), np.empty((len(x), 3, LANES))
    to = numbers.ctypes.data, lanes.ctypes.data, part.ctypes.data
    starts, steps = zip(*((of.ctypes.data, of.strides[0] // of.itemsize) for of in (x, y)), strict=True)
    out[:] = 0
    for first in range(0, units, block):
        count, before = min(block, units - first), first * size * x.itemsize
        lanes[:] = 0
        run(starts[0] + before, steps[0], starts[1] + before, steps[1], rows, count // LANES, *to)
        if left := count % LANES:  # one more eight, of which some lanes are meant
            eights = np.zeros((2, rows, LANES * size), x.dtype)
            for eight, of in zip(eights, (x, y), strict=True):
                eight[:, : left * size] = of[:, (units - left) * size : units * size]
            whole, where = lanes.copy(), [at for eight in eights for at in (eight.ctypes.data, LANES * size)]
            run(*where, rows, 1, *to)
            lanes[..., left:] = whole[..., left:]
            run(*where, rows, 0, *to)
        out += part


@functools.cache
def _functions(dtype: str) -> dict[str, Callable[..., None]]:
    kinds = [(kind, size, of) for kind in _SHAPED for size in (1, 2) for of in ("x", "xy")]
    kinds += [("excess", size, "xy") for size in (1, 2)]
    texts = {f"{kind}_{size}_of_{of}": _function(*_TYPES[dtype], kind, size, of) for kind, size, of in kinds}
    return machine_code.functions(texts, _ARGUMENTS)


def _function(number: str, widened: str, kind: str, size: int, of: str) -> str:
    """LLVM IR of the sums of a kind, of x alone or of x and y."""
    of_path = _EXCESS if kind == "excess" else _of_each(of, _SIDE.replace("SHAPED", _SHAPED[kind])) + _DIFFERENCE[of]
    of_paths = [of_path.replace("@", str(member)) for member in range(size)]
    words = {
        "BEGUN": _of_each("012", _BEGUN),
        "TOTAL": "".join([_of_each(of, _LOADED[size]), *of_paths, _TOTAL[size]]),
        "STORED": _of_each("012", _STORED),
        "NAME": f"{kind}_{size}_of_{of}",
        "NUMBER": number,
        "WIDENED": widened,
        "PATHS": str(LANES * size),
    }
    text = _LOOP
    for word, meant in words.items():
        text = text.replace(word, meant)
    return text


def _of_each(marks: str, text: str) -> str:
    """A text once for each mark, which stands in it in place of every #."""
    return "".join(text.replace("#", mark) for mark in marks)
