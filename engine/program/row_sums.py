"""Sums of powers over rows of paths in one pass of machine code that releases the GIL.

Units are dealt to eight lanes and added in the order that `risk/estimation/sums.py` states. LLVM splits the eight lanes
into vectors of the processor, so that the bits are the same on any.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterable

import numpy as np

from engine.lanes import machine_code

LANES = 8
_TYPES = {"f": "float", "d": "double"}
"""NumPy's type character -> LLVM's type."""
_LINES, _POWERS = "xy", "012"
_NUMBERS = "scale_x", "centre_x", "scale_y", "centre_y", "off"
"""The five numbers of each row, in the order of the array `numbers`."""
_ARGUMENTS = [ctypes.c_void_p, ctypes.c_int64] * 2 + [ctypes.c_int64] * 2 + [ctypes.c_void_p] * 2


def sums(
    kind: str, size: int, x: np.ndarray, y: np.ndarray, units: int, block: int, numbers: np.ndarray, out: np.ndarray
) -> None:
    """Writes to `out` [row, 3] the sums over units of r, r^2 and r^3, r being the total of a unit minus an offset.

    Args:
      kind: what is computed of each path, as `Made.kind` in `risk/estimation/sums.py`.
      size: paths of a unit, 1 or 2, whose values are added to the unit's total.
      x, y: float32 or float64 [row, path], the paths of a row contiguous.
      units: number of units of each row.
      block: number of units that are summed by lanes; the sums of blocks are then added in order.
      numbers: [row, 5]: scale and centre of x, scale and centre of y, the offset.
      out: float64, overwritten.
    """
    run, part, each = _functions(x.dtype.char)[f"{kind}_{size}"], np.empty(out.shape), x.itemsize
    (at_x, step_x), (at_y, step_y) = ((of.ctypes.data, of.strides[0] // each) for of in (x, y))
    of_numbers, to = numbers.ctypes.data, part.ctypes.data
    out[:] = 0
    for first in range(0, units, block):
        before = first * size * each
        run(at_x + before, step_x, at_y + before, step_y, len(x), min(block, units - first), of_numbers, to)
        out += part


@functools.cache
def _functions(dtype: str) -> dict[str, Callable[..., None]]:
    kinds = [(kind, size) for kind in ("difference", "squares", "beyond", "excess") for size in (1, 2)]
    texts = {f"{kind}_{size}": _function(_TYPES[dtype], kind, size) for kind, size in kinds}
    return machine_code.functions(texts, _ARGUMENTS)


def _function(number: str, kind: str, size: int) -> str:
    """LLVM IR of a loop over rows.

    In it are a loop over eight units at a time, one over the units that are left, and the sum of the lanes.
    """
    wide = f"<{LANES} x double>"
    rows = f"""  %at_# = mul i64 %r, %#_step
  %row_# = getelementptr {number}, ptr %#, i64 %at_#"""
    numbers = f"""  %p_# = getelementptr double, ptr %numbers, i64 %i_#
  %#_f = load <1 x double>, ptr %p_#, align 8
  %#_m = shufflevector <1 x double> %#_f, <1 x double> poison, <{LANES} x i32> zeroinitializer"""
    each = [f"  %i_{name} = add i64 %at_numbers, {k}\n{_of_each([name], numbers)}" for k, name in enumerate(_NUMBERS)]
    kept = [
        f"  %keep{k} = getelementptr double, ptr %lanes, i64 {k * LANES}\n  store {wide} %sum{k}, ptr %keep{k}"
        for k in range(3)
    ]
    taken = "ptr %x, i64 %x_step, ptr %y, i64 %y_step, i64 %rows, i64 %units, ptr %numbers, ptr %out"
    return f"""define void @{kind}_{size}({taken}) {{
entry:
  %lanes = alloca [{3 * LANES} x double], align 64
  %whole = udiv i64 %units, {LANES}
  %done = mul i64 %whole, {LANES}
  br label %row
row:
  %r = phi i64 [0, %entry], [%next_row, %summed]
  %is_row = icmp ult i64 %r, %rows
  br i1 %is_row, label %begin, label %end
begin:
{_of_each(_LINES, rows)}
  %at_numbers = mul i64 %r, {len(_NUMBERS)}
{_joined(each)}
  br label %many
many:
  %m = phi i64 [0, %begin], [%next_m, %more]
{_of_each(_POWERS, f"  %sum# = phi {wide} [zeroinitializer, %begin], [%added#, %more]")}
  %is_m = icmp ult i64 %m, %whole
  br i1 %is_m, label %more, label %store
more:
  %first_m = mul i64 %m, {LANES * size}
{_loaded(number, size, LANES, "m")}
{_residual(number, kind, size, LANES, "m")}
{_of_each(_POWERS, f"  %added# = fadd {wide} %sum#, %power#_m")}
  %next_m = add i64 %m, 1
  br label %many
store:
{_joined(kept)}
  br label %few
few:
  %f = phi i64 [%done, %store], [%next_f, %single]
  %is_f = icmp ult i64 %f, %units
  br i1 %is_f, label %single, label %sum
single:
  %first_f = mul i64 %f, {size}
{_loaded(number, size, 1, "f")}
{_residual(number, kind, size, 1, "f")}
  %lane = sub i64 %f, %done
{_of_each(_POWERS, _ADDED)}
  %next_f = add i64 %f, 1
  br label %few
sum:
  %at_out = mul i64 %r, 3
{_of_each(_POWERS, _summed())}
  br label %summed
summed:
  %next_row = add i64 %r, 1
  br label %row
end:
  ret void
}}"""


_joined = "\n".join
_ADDED = """  %lane# = getelementptr double, ptr %keep#, i64 %lane
  %held# = load <1 x double>, ptr %lane#, align 8
  %more# = fadd <1 x double> %held#, %power#_f
  store <1 x double> %more#, ptr %lane#, align 8"""
"""Adds a power of one unit to its lane."""


def _summed() -> str:
    """Instructions that add the lanes of a power in order, and write their sum to `out`."""
    totals = [
        """  %q#_0 = getelementptr double, ptr %keep#, i64 0
  %l#_0 = load double, ptr %q#_0"""
    ]
    for lane in range(1, LANES):
        before = f"%t#_{lane - 1}" if lane > 1 else "%l#_0"
        totals.append(f"""  %q#_{lane} = getelementptr double, ptr %keep#, i64 {lane}
  %l#_{lane} = load double, ptr %q#_{lane}
  %t#_{lane} = fadd double {before}, %l#_{lane}""")
    totals.append(f"""  %i_out# = add i64 %at_out, #
  %p_out# = getelementptr double, ptr %out, i64 %i_out#
  store double %t#_{LANES - 1}, ptr %p_out#""")
    return _joined(totals)


def _of_each(marks: Iterable[str], text: str) -> str:
    """A text once for each mark, which stands in it in place of every #."""
    return _joined(text.replace("#", mark) for mark in marks)


def _loaded(number: str, size: int, lanes: int, mark: str) -> str:
    """Instructions that load the paths of some units: `%x0_m` holds the first path of each unit, `%x1_m` the second."""
    count = size * lanes
    read = f"<{count} x {number}>"
    text = f"""  %p_#_{mark} = getelementptr {number}, ptr %row_#, i64 %first_{mark}
  %#{"" if size > 1 else 0}_{mark} = load {read}, ptr %p_#_{mark}, align {4 if number == "float" else 8}"""
    for member in range(size if size > 1 else 0):
        at = ", ".join(f"i32 {k}" for k in range(member, count, size))
        text += f"\n  %#{member}_{mark} = shufflevector {read} %#_{mark}, {read} poison, <{lanes} x i32> <{at}>"
    return _of_each(_LINES, text)


def _residual(number: str, kind: str, size: int, lanes: int, mark: str) -> str:
    """Instructions that compute a unit's total minus the offset, `%power0_m`, its square, `%power1_m`, and its cube."""
    wide, narrow = f"<{lanes} x double>", f"<{lanes} x {number}>"
    lines: list[str] = []

    def new(name: str, text: str) -> str:
        lines.append(f"  %{name}_{mark} = {text}")
        return f"%{name}_{mark}"

    def as_double(name: str, value: str) -> str:
        return value if number == "double" else new(name, f"fpext {narrow} {value} to {wide}")

    def positive(name: str, value: str, kind: str) -> str:
        below = new(f"below{name}", f"fcmp ole {kind} {value}, zeroinitializer")
        return new(f"over{name}", f"select <{lanes} x i1> {below}, {kind} zeroinitializer, {kind} {value}")

    made = []
    for k in range(size):
        if kind == "excess":
            apart = new(f"apart{k}", f"fsub {narrow} %x{k}_{mark}, %y{k}_{mark}")
            made.append(as_double(f"far{k}", positive(str(k), apart, narrow)))
            continue
        sides = []
        for line in _LINES:
            value = as_double(f"d{line}{k}", f"%{line}{k}_{mark}")
            away = new(f"a{line}{k}", f"fsub {wide} {value}, %centre_{line}_{mark}")
            away = new(f"s{line}{k}", f"fmul {wide} {away}, {away}") if kind == "squares" else away
            away = positive(f"{line}{k}", away, wide) if kind == "beyond" else away
            sides.append(new(f"v{line}{k}", f"fmul {wide} {away}, %scale_{line}_{mark}"))
        made.append(new(f"v{k}", f"fsub {wide} {sides[0]}, {sides[1]}"))
    total = made[0] if size == 1 else new("total", f"fadd {wide} {made[0]}, {made[1]}")
    first = new("power0", f"fsub {wide} {total}, %off_{mark}")
    second = new("power1", f"fmul {wide} {first}, {first}")
    new("power2", f"fmul {wide} {second}, {first}")
    return _joined(lines)
