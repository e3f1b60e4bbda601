"""The one loop on processors: machine code on one thread for each core, which writes into a block's arrays."""

from __future__ import annotations

import ctypes
import functools
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from engine.draws.sampling import SAMPLERS
from engine.program.emitting import loop
from engine.program.emitting.array_forms import Forms, array_forms
from engine.program.emitting.driver import ARRAYS, Layout
from engine.program.emitting.loop import DRAWS, INPUTS, OUTCOMES, SCORES, YEARS
from engine.program.lowering.host_table import argument_words, table_inputs
from engine.program.lowering.stages import Room, words_of
from engine.program.running import cache_keys, machine_code, memory
from engine.program.running.cache_keys import Unlisted
from engine.program.running.contract import (
    FactorDraws,
    Form,
    Outcomes,
    Pass,
    Scores,
    Trace,
    YearlyValues,
    years_at_a_time,
)
from engine.program.running.object_code import CompilerEnded
from engine.program.tracing import arguments
from engine.study.study import Block, Study

_SHARE = 1 << 14
"""Most paths that a thread computes in one task."""
_PART = 1 << 27
"""Most bytes of yearly values in memory at a time: fresh memory costs more time than computing paths again."""
_WRITTEN = "outcomes", "cells", "kept", "scores"
"""Arrays that machine code writes; code for given random numbers reads "scores" instead."""
_PATHS, _BESIDE = "paths", "beside"
"""Names of two thread pools: one for blocks, always busy during a run; one for all else, which would have to wait."""
_POINTER, _WHOLE = ctypes.c_void_p, ctypes.c_int64
_LOCK = threading.RLock()
_KEYS = "factor_keys", "shock_keys"
"""Arguments of a program on which its table does not depend."""


@dataclass(frozen=True)
class Compiled:
    """A study's machine code in memory, for one kind of results.

    Args:
      layout: of the arrays that it reads and writes.
      run: function that computes batches of paths.
      engine: LLVM's execution engine, which has the function that fills the table too.
    """

    layout: Layout
    run: Callable[..., None]
    engine: Any


def lanes(dtype: type) -> int:
    """Number of values of a 32-bit or 64-bit type that a vector register of this processor holds."""
    return machine_code.width() // words_of(dtype)


class LoopProgram:
    """A study's one loop on the cores of this machine: a `Program`.

    Args:
      study: the resolved study.
      mesh: the processor's cores, one device for each thread.
      listing: makes the study's list of operations, where the cache does not hold the code.
      width: lanes of a vector; as many as this processor's registers hold if not given.
      why: the reason for these devices, as in `Form`.
    """

    def __init__(self, study: Study, mesh: Mesh, listing: Unlisted, width: int | None = None, why: str = ""):
        self.study, self.mesh, self.dtype = study, mesh, listing.dtype
        self.traces, self.forms = 0, (Form.of("loop", mesh, why),)
        self.inputs = arguments.of(study, self.dtype)
        self._n_arguments = argument_words(self.inputs)
        self._listing = listing
        self._width = width or lanes(self.dtype)
        self._batch = self._width * SAMPLERS[study.sampler].group
        self._compiled: dict[tuple[str, bool], Compiled] = {}
        self._tables: dict[tuple[str, bool], Mapping[str, np.ndarray]] = {}

    def fed(self, inputs: Any) -> LoopProgram:
        arguments.must_be_alike(inputs, self.inputs)
        return self._with(inputs)

    def under(self, levers: Any) -> LoopProgram:
        """This program under other policies, which may be more or fewer than those of the study; paths stay the same.

        Args:
          levers: as `arguments.of` gives them under "levers".

        Raises:
          ValueError: a lever has another type or another number of years than in the study.
        """
        ones = [jax.tree.map(lambda leaf: leaf[..., :1], one) for one in (levers, self.inputs["levers"])]
        arguments.must_be_alike(*ones)
        return self._with({**self.inputs, "levers": levers})

    def _with(self, inputs: Any) -> LoopProgram:
        other, own = copy(self), self.inputs
        other.inputs = inputs
        if any(inputs[name] is not own[name] for name in own if name not in _KEYS):
            other._tables = {}
        return other

    def prepare(self, years: bool = False) -> None:
        self._table(YEARS if years else OUTCOMES)

    def submit(self, block: Block) -> Pass:
        results = self._start(OUTCOMES, block.first, block.count, threads=_PATHS)
        return Pass(block.first - block.first % self._batch, lambda: results()["outcomes"])

    def path(self, number: int) -> Trace:
        return self._in_full(number, 1)

    def trace(self, first_path: int) -> Trace:
        return self._in_full(first_path, self.study.tile * self.mesh.devices.size, with_shocks=False)

    def first_years(self, count: int) -> YearlyValues:
        return self._computed(YEARS, 0, count)["cells"]

    def years_in_parts(self, count: int) -> Iterator[YearlyValues]:
        policies = self.inputs["levers"]["start"].shape[-1]
        for years in years_at_a_time(self.study, policies, count, self.dtype, _PART):
            yield self._computed(YEARS, 0, count, years=years)["cells"]

    def draws(self, block: Block) -> FactorDraws:
        return self._computed(DRAWS, block.first, block.count)["kept"]

    def scores(self, block: Block) -> Scores:
        return self._computed(SCORES, block.first, block.count)["scores"]

    def outcomes_of(self, scores: Scores) -> Outcomes:
        scores = arguments.checked_scores(scores, self.study)
        return self._computed(OUTCOMES, 0, scores.shape[-1], scores)["outcomes"]

    def trace_of(self, scores: Scores) -> Trace:
        scores = arguments.checked_scores(scores, self.study)
        return self._in_full(0, scores.shape[-1], scores)

    def _in_full(self, first: int, count: int, scores: Scores | None = None, with_shocks: bool = True) -> Trace:
        with_shocks = with_shocks and self.study.is_path_model and bool(self.study.model.shocks)
        years = self._computed(YEARS, first, count, scores)
        kept = self._computed(INPUTS if with_shocks else DRAWS, first, count, scores)["kept"]
        n_draws = len(self.study.inputs)
        shocks = kept[n_draws:].reshape(len(self.study.years), -1, count) if with_shocks else None
        yearly = years["cells"] if self.study.is_path_model else None
        return Trace(years["outcomes"], yearly, kept[:n_draws], shocks)

    def _computed(
        self, gives: str, first: int, count: int, scores: Scores | None = None, years: range | None = None
    ) -> dict[str, np.ndarray]:
        """Results, as `gives` names them, of the paths from `first` on; arguments as of `_start`."""
        results, at = self._start(gives, first, count, scores, years), first % self._batch
        return {name: np.ascontiguousarray(array[..., at : at + count]) for name, array in results().items()}

    def _start(
        self,
        gives: str,
        first: int,
        count: int,
        scores: Scores | None = None,
        years: range | None = None,
        threads: str = _BESIDE,
    ) -> Callable[[], dict[str, np.ndarray]]:
        """Starts the computation of paths; gives a function that waits for the arrays of their results.

        The arrays begin with the first path of the batch that contains path `first`, and hold whole batches.

        Args:
          scores: random numbers to be read in place of drawn, [stream, path]; `first` is then 0.
          years: years, from 0, whose yearly values are wanted; all if not given.
          threads: name of the thread pool.
        """
        code, table = self._table(gives, scores is not None)
        layout = code.layout
        first, before = first - first % layout.batch, first % layout.batch
        batches = -(-(before + count) // layout.batch)
        paths = batches * layout.batch
        policies = len(table["table_lasting"])
        wanted = range(layout.years) if years is None else years
        if scores is not None:
            table = {**table, "scores": self._as_read(scores, layout.normals + layout.uniforms, paths)}
        forms = array_forms(layout, self._n_arguments, policies, paths, len(wanted), scores is not None)
        arrays = {name: memory.array(*forms[name]) for name in _WRITTEN if name not in table}
        held = {**arrays, **table}
        counter = first // layout.group

        def share(begin: int, end: int) -> None:
            pointers = _pointers({**held, "scratch": memory.scratch(layout.scratch)}, forms)
            high = np.array([counter + begin * layout.width >> 32], np.uint32)
            low = counter & 0xFFFFFFFF
            code.run(begin, end, low, high.ctypes.data, paths, wanted.start, len(wanted), policies, *pointers)

        each = max(1, min(_SHARE // layout.batch, -(-batches // self.mesh.devices.size)))
        # code increments the low word of a counter alone, so a task ends where that overflows
        edge = (-counter % (1 << 32)) // layout.width
        cuts = sorted({*range(0, batches, each), batches} | {min(edge, batches)})
        pool = _threads(self.mesh.devices.size, threads)
        running = [pool.submit(share, begin, end) for begin, end in pairwise(cuts)]

        def results() -> dict[str, np.ndarray]:
            for one in running:
                one.result()
            return arrays

        return results

    def _as_read(self, scores: Scores, rows: int, paths: int) -> Scores:
        """Random numbers as machine code reads them, [row, path]; code for draws reads the first rows alone."""
        if scores.shape == (rows, paths) and scores.dtype == self.dtype and scores.flags.c_contiguous:
            return scores
        given: np.ndarray = np.zeros((rows, paths), self.dtype)
        given[:, : scores.shape[-1]] = scores[:rows]
        return given

    def _code(self, gives: str, of_scores: bool = False) -> Compiled:
        kind = gives, of_scores
        if kind in self._compiled:  # without the lock, which another thread may hold while it compiles
            return self._compiled[kind]
        with _LOCK:
            if kind not in self._compiled:
                given = self.study, self._listing, self.inputs, self._width, gives, of_scores
                layout, engine = code_in_memory(*given)
                self.traces += gives == OUTCOMES and not of_scores
                kinds = [_WHOLE, _WHOLE, ctypes.c_uint32, _POINTER, *[_WHOLE] * 4, *[_POINTER] * len(ARRAYS)]
                self._compiled[kind] = Compiled(layout, machine_code.function(engine, "run", kinds), engine)
            return self._compiled[kind]

    def _table(self, gives: str, of_scores: bool = False) -> tuple[Compiled, Mapping[str, np.ndarray]]:
        """Code, and what is the same for all paths: arguments and the table, computed once, and the keys."""
        code, kind = self._code(gives, of_scores), (gives, of_scores)
        layout = code.layout
        if kind not in self._tables:
            with _LOCK:
                if kind not in self._tables:
                    self._tables[kind] = filled(self.study, self.inputs, code.engine, layout.table, layout.years)
        return code, {**self._tables[kind], **arguments.keys_as_read(self.inputs, layout.years)}


def _pointers(held: Mapping[str, np.ndarray], forms: Forms) -> list[int]:
    """Addresses of the arrays in the order in which machine code takes them.

    Raises:
      ValueError: an array has another shape, type or layout in memory than the code expects. The code would read or
        write past its end.
    """
    for name, (shape, dtype) in forms.items():
        array = held[name]
        if array.shape != shape or array.dtype != dtype or not array.flags.c_contiguous:
            layout = "" if array.flags.c_contiguous else ", not in one piece"
            raise ValueError(
                f"{name}: expected an array of {np.dtype(dtype)} {shape} in one piece, "
                f"got one of {array.dtype} {array.shape}{layout}."
            )
    return [held[name].ctypes.data for name in ARRAYS]


def code_in_memory(
    study: Study, unlisted: Unlisted, inputs: Any, width: int, gives: str, of_scores: bool = False
) -> tuple[Layout, Any]:
    """(layout of a study's machine code, execution engine that holds it): from the cache, else written and compiled.

    Args:
      inputs, width, gives, of_scores: as `loop.code` takes them.

    Raises:
      CompilerEnded: LLVM crashed on the code.
    """
    what = f"{gives} of scores" if of_scores else gives
    key = cache_keys.key_of_code(study, unlisted.code, unlisted.dtype, width, what)
    if earlier := cache_keys.found(key):
        return earlier
    listing = unlisted.listing()
    written = loop.code(study, listing, inputs, width, gives, of_scores)
    try:
        engine = machine_code.loaded(written.text)
    except CompilerEnded as ended:
        loop_of = f"the one loop of {type(study.model).__name__} ({gives})"
        raise CompilerEnded(f"{loop_of} cannot be compiled: {ended}. XLA's program can: --program xla.") from None
    cache_keys.note(study, unlisted.code, key, written, listing)
    return written.layout, engine


def filled(study: Study, inputs: Any, engine: Any, room: Room, years: int, each: int = 1) -> dict[str, np.ndarray]:
    """The arrays "arguments", "table_lasting" and "table_each", which are the same for all paths.

    Args:
      inputs: as `arguments.of` gives them.
      engine: LLVM's execution engine with the function that fills the table of one policy.
      room: size of the table.
      years: number of years; the table has `room.each` words for each of them.
      each: policies that one thread computes, which share a row of the table.
    """
    table = machine_code.function(engine, "table", [_POINTER] * 4 + [_WHOLE])
    given, levers = table_inputs(study, inputs)
    levers = levers.reshape(len(levers) // each, -1)
    lasting = np.zeros((len(levers), room.lasting), np.uint32)
    yearly = np.zeros((len(levers), years * room.each), np.uint32)

    def fill() -> None:
        for rows in zip(levers, lasting, yearly, strict=True):
            table(given.ctypes.data, *(row.ctypes.data for row in rows), years)

    _threads(1, _BESIDE).submit(fill).result()
    return {"arguments": given, "table_lasting": lasting, "table_each": yearly}


@functools.cache
def _threads(count: int, name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix=name, initializer=_round_by_the_book)


def _round_by_the_book() -> None:
    """Makes this thread round to nearest and keep subnormal numbers.

    It takes both settings from the thread that starts it, where libraries may have changed them.
    """
    library = ctypes.CDLL(None)
    apple = sys.platform == "darwin"
    plain = ctypes.byref(ctypes.c_char.in_dll(library, "_FE_DFL_ENV")) if apple else _POINTER(-1)
    library.fesetenv(plain)
