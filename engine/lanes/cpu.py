"""Compiles a function of one lane for this machine's processors, and runs it for many lanes on all cores."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import numpy as np

from engine.lanes import machine_code, memory
from engine.lanes.emit import Writer
from engine.lanes.layout import Layout, layout_of
from engine.lanes.nest import Nest, trace
from engine.lanes.object_code import OPTIMISED
from engine.lanes.scalars import as_words

_SHARE = 1 << 14
"""Most items that a thread computes in one task."""
_SMALL, _REGISTERS = 500, 4
"""Most operations of a function whose values take several registers each: more are computed while one is waited for."""
_POINTER, _WHOLE = ctypes.c_void_p, ctypes.c_int64
_ARGUMENTS = [_WHOLE, _WHOLE, _WHOLE, ctypes.c_uint32, *[_POINTER] * 3, _POINTER, _WHOLE, _POINTER, _WHOLE]
Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Compiled:
    """A function of one lane as machine code of this processor.

    Args:
      layout: of its memory.
      key: cache key of the machine code.
      engine: LLVM's execution engine, which holds the code.
    """

    layout: Layout
    key: str
    engine: Any

    @functools.cached_property
    def run(self) -> Callable[..., None]:
        """The machine code: computes a range of batches, a batch being as many lanes as a vector has."""
        return machine_code.function(self.engine, "run", _ARGUMENTS)

    def __call__(self, shared: Any, first: int, lanes: int, own: Any = None) -> Arrays:
        """The outputs of `lanes` lanes from number `first` on, by name: [..., lane], or [..., lane x item]."""
        results = self.start(shared, first, lanes, own)()
        return {name: array[..., : lanes * self.layout.items] for name, array in results.items()}

    def start(
        self,
        shared: Any,
        first: int,
        lanes: int,
        own: Any = None,
        parts: Mapping[str, Any] | None = None,
        threads: Executor | None = None,
    ) -> Callable[[], Arrays]:
        """Starts the computation; gives a function that waits for the outputs.

        The last axis of the outputs is padded to whole vectors of lanes.

        Args:
          shared: as the function was compiled with, with other numbers.
          first: number of the first lane; lanes are numbered in 32 bits.
          own: inputs of each lane, [..., lane].
          parts: output -> index of the wanted part of it, a tuple without the last axis, such as `np.s_[:, 3:5]`.
          threads: where the work is done; a thread for each core if not given.

        Raises:
          ValueError: the inputs have another number of words than those that the function was compiled with, or those
            of the lanes are not for `lanes` lanes.
        """
        layout = self.layout
        batches = -(-lanes // layout.width)
        padded = batches * layout.width
        words = shared_words(layout, shared)
        given = _rows_of(own, lanes, padded)
        if given.size != layout.own * padded:
            raise ValueError(f"own: expected {layout.own} words of 32 bits for each lane, got {given.size / padded:g}.")
        places = {name: (dtype, at[:, *(parts or {}).get(name, ())]) for name, (dtype, at) in layout.outputs.items()}
        arrays = {
            name: memory.array((*at.shape[1:], padded * layout.items), dtype) for name, (dtype, at) in places.items()
        }
        written = [(arrays[name].ctypes.data, padded * layout.items, *place) for name, place in places.items()]
        rows = [row_table(written, size) for size in (4, 8)]

        def share(begin: int, end: int) -> Arrays:
            scratch = memory.scratch(4 * layout.width * layout.scratch)
            pointers = (array.ctypes.data for array in (words, given, scratch))
            tables = (part for table in rows for part in (table.ctypes.data, len(table)))
            self.run(begin, end, padded, first, *pointers, *tables)
            return arrays  # referenced here, so that they live until all is written, also if nobody waits for it

        pool = threads or threads_of(os.cpu_count() or 1, "lanes")
        workers = getattr(pool, "_max_workers", 1)
        each = max(1, min(_SHARE // (layout.width * layout.items), -(-batches // workers)))
        running = [pool.submit(share, *ends) for ends in pairwise([*range(0, batches, each), batches])]

        def results() -> Arrays:
            for one in running:
                one.result()
            return arrays

        return results


def compile(
    function: Callable[..., Any],
    shared: Any,
    own: Any = None,
    outputs: Sequence[str] | None = None,
    items: int = 1,
    width: int | None = None,
) -> Compiled:
    """Compiles a JAX function of one lane to machine code that computes it for many lanes.

    Every `lax.scan` stays a loop, everything else becomes straight-line code on vectors of lanes. What all lanes share
    is computed in scalars, what a loop does not change before it. Every operation is rounded in one way, so the bits
    are equal on every processor and for every number of lanes.

    Args:
      function: (shared inputs, number of the lane as uint32, inputs of the lane where `own` is given) -> outputs, a
        dictionary of arrays.
      shared: inputs that are the same for all lanes, as a tree of arrays; only their shapes and types are used.
      own: inputs of one lane, as a tree of arrays or of shapes and types.
      outputs: names of the outputs that are wanted; what these do not depend on is not computed. All if not given.
      items: items that a lane computes one behind the other, such as paths that share random words: the length of the
        first axis of every output, which is joined with the lanes. 1 if outputs have no such axis.
      width: lanes of a vector; as many as a register of this processor holds if not given, four times as many for a
        small function.

    Raises:
      NoScalarForm: the function holds an operation that cannot be written in scalars; the text names it.
      NoMachineForm: an operation has no machine code.
      CompilerEnded: LLVM crashed on the code.
    """
    return compile_nest(trace(function, shared, own).nest(outputs), items, width)


def compile_nest(nest: Nest, items: int = 1, width: int | None = None, level: int = OPTIMISED) -> Compiled:
    """As `compile`, of a function that has been traced, at one of the levels of `object_code`."""
    registers = _REGISTERS if nest.size <= _SMALL else 1
    lanes = width or registers * machine_code.width() // (2 if nest.is_double else 1)
    text = text_of(nest, lanes, items)
    return Compiled(layout_of(nest, lanes, items), machine_code.key_of(text, level), machine_code.loaded(text, level))


def kept(layout: Layout, key: str) -> Compiled | None:
    """The machine code that an earlier process compiled; None where it is not in the cache."""
    engine = machine_code.kept(key)
    return engine and Compiled(layout, key, engine)


def _rows_of(own: Any, lanes: int, size: int) -> np.ndarray:
    """Inputs of the lanes as rows of 32-bit words, each padded to `size` numbers."""
    rows = [np.zeros(0, np.uint32)]
    for leaf in jax.tree.leaves(own):
        array = np.asarray(leaf)
        if array.shape[-1:] != (lanes,):
            raise ValueError(f"own: expected {lanes} lanes along the last axis, got an array of shape {array.shape}.")
        padded = np.zeros((*array.shape[:-1], size), array.dtype)
        padded[..., :lanes] = array
        rows.append(as_words(padded))
    return np.concatenate(rows)


def shared_words(layout: Layout, shared: Any) -> np.ndarray:
    """The shared inputs as 32-bit words, with the constants behind them.

    Raises:
      ValueError: they are more or fewer than those that the function was compiled with.
    """
    words = np.concatenate([*map(as_words, jax.tree.leaves(shared)), layout.pool])
    if len(words) != layout.shared:
        raise ValueError(f"shared: expected {layout.shared} words of 32 bits, got {len(words)}.")
    return words


def row_table(outputs: Iterable[tuple[int, int, np.dtype, np.ndarray]], size: int) -> np.ndarray:
    """What is copied from scratch memory: address of each row of an array, offsets of its items; int64 [row, 1 + item].

    Args:
      outputs: address of each array, numbers in its rows, type, offsets in scratch memory [item, ...].
      size: bytes of a number; rows of other sizes are left out.
    """
    tables = []
    for address, length, dtype, at in outputs:
        if dtype.itemsize == size:
            sources = at.reshape(len(at), -1).T
            tables.append(np.column_stack([address + size * length * np.arange(len(sources)), sources]))
    return np.concatenate(tables).copy() if tables else np.zeros((0, 2), np.int64)


@functools.cache
def threads_of(count: int, name: str) -> ThreadPoolExecutor:
    """A pool of threads that round to nearest and keep subnormal numbers, one for each count and name."""
    return ThreadPoolExecutor(count, thread_name_prefix=name, initializer=_round_to_nearest)


def _round_to_nearest() -> None:
    """Makes this thread round to nearest and keep subnormal numbers.

    It takes both settings from the thread that starts it, where libraries may have changed them.
    """
    library = ctypes.CDLL(None)
    apple = sys.platform == "darwin"
    plain = ctypes.byref(ctypes.c_char.in_dll(library, "_FE_DFL_ENV")) if apple else _POINTER(-1)
    library.fesetenv(plain)


_RUN = """{declared}
{copies}
define void @run(i64 %first, i64 %last, i64 %lanes, i32 %low, ptr noalias %shared, ptr noalias %own,
  ptr noalias %scratch, ptr noalias %rows4, i64 %n4, ptr noalias %rows8, i64 %n8) alignstack(64) {{
entry:
  br label %batch
batch:
  %turn = phi i64 [ %first, %entry ], [ %following, %{label} ]
  %begin = mul i64 %turn, {width}
  %begin32 = trunc i64 %begin to i32
  %begun = add i32 %begin32, %low
{body}
  call void @copy4(ptr %scratch, ptr %rows4, i64 %n4, i64 %begin)
  call void @copy8(ptr %scratch, ptr %rows8, i64 %n8, i64 %begin)
  %following = add i64 %turn, 1
  %another = icmp ult i64 %following, %last
  br i1 %another, label %batch, label %done
done:
  ret void
}}"""
"""The stack is aligned to the largest vectors: LLVM aligns it to 16 bytes otherwise, and a register that it spills may
lie across two cache lines."""


def text_of(nest: Nest, width: int, items: int = 1) -> str:
    """LLVM IR of a loop over batches of `width` lanes."""
    writer = Writer(nest, width)
    to, kind = writer.wide, np.dtype(np.uint32)
    lane = to.spread("%begun", kind)
    steps = f"<{', '.join(f'i32 {k}' for k in range(width))}>" if width > 1 else "0"
    body = writer.write(to.new(f"add {to.type(kind)} {lane}, {steps}"))
    copies = "\n".join(copy_text(size, width, items) for size in (4, 8))
    return _RUN.format(declared=writer.declared, copies=copies, body=body, label=writer.label, width=width)


def copy_text(size: int, width: int, items: int, row: int = 0) -> str:
    """LLVM IR of a function that copies rows of scratch memory to arrays in the order of lanes and items.

    Args:
      size: bytes of a number.
      row: as `Writer` takes it.
    """
    kind = f"i{8 * size}"
    moves = "\n".join(
        f"""  %p{k} = getelementptr inbounds i64, ptr %row, i64 {1 + k}
  %at{k} = load i64, ptr %p{k}
  %word{k} = mul i64 %at{k}, {row or width}
  %from{k} = getelementptr inbounds i32, ptr %scratch, i64 %word{k}"""
        for k in range(items)
    )
    each = "\n".join(
        f"""  %source{k} = getelementptr inbounds {kind}, ptr %from{k}, i64 %l
  %value{k} = load {kind}, ptr %source{k}, align {size}
  %target{k} = getelementptr inbounds {kind}, ptr %place, i64 {k}
  store {kind} %value{k}, ptr %target{k}, align {size}"""
        for k in range(items)
    )
    inlined = "alwaysinline" if row else "noinline"
    return f"""define internal void @copy{size}(ptr %scratch, ptr %rows, i64 %n, i64 %begin) {inlined} {{
entry:
  %some = icmp ult i64 0, %n
  br i1 %some, label %rows_, label %end
rows_:
  %r = phi i64 [ 0, %entry ], [ %r2, %next ]
  %of_row = mul i64 %r, {1 + items}
  %row = getelementptr inbounds i64, ptr %rows, i64 %of_row
  %start = load ptr, ptr %row
{moves}
  br label %lane
lane:
  %l = phi i64 [ 0, %rows_ ], [ %l2, %lane ]
  %number = add i64 %begin, %l
  %item = mul i64 %number, {items}
  %place = getelementptr inbounds {kind}, ptr %start, i64 %item
{each}
  %l2 = add i64 %l, 1
  %m = icmp ult i64 %l2, {width}
  br i1 %m, label %lane, label %next
next:
  %r2 = add i64 %r, 1
  %more = icmp ult i64 %r2, %n
  br i1 %more, label %rows_, label %end
end:
  ret void
}}"""
