"""A study's program on this machine's processors: compiled lanes, on one thread for each core."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from engine.draws.sampling import SAMPLERS
from engine.lanes import cpu, machine_code, nest
from engine.lanes.cpu import Compiled
from engine.lanes.llvm import NoMachineForm
from engine.lanes.nest import Traced
from engine.lanes.object_code import OPTIMISED, CompilerEnded
from engine.lanes.operations import NoScalarForm, words_of
from engine.program import arguments, cache_keys
from engine.program.contract import Form, Pass, Program, Scores, in_a_row
from engine.program.path import OUTCOMES, YEARLY, PathFunctions
from engine.study.study import Block, Study

_PATHS, _BESIDE = "paths", "beside"
"""Names of two thread pools: one for blocks, always busy during a run; one for all else, which would have to wait."""
_MANY = 8
"""Policies that are computed at once where there are more than those of the study."""
_LOCK = threading.RLock()
_MOST = 8
"""Traces that are kept, each with its study, whose identity is the key where it has no other."""
_TRACED: dict[tuple[str | int, type, bool, int], tuple[Study, Traced | str]] = {}
Kind = tuple[tuple[str, ...], bool, int]
"""Outputs of a code, whether random numbers are given, and number of policies."""


def shared_of(inputs: Any, high: int = 0) -> dict[str, Any]:
    """The shared inputs of a path function; `high` is the high word of the number of a group of paths."""
    return {"inputs": inputs, "high": np.uint32(high)}


def traced(study: Study, dtype: type, given: bool = False, policies: int | None = None) -> Traced | str:
    """The path function of a study, traced and lowered; or, as text, what in it cannot be written in scalars.

    Args:
      dtype: type of all numbers but the random words.
      given: whether the random numbers of a path are given, in place of drawn.
      policies: number of policies; the study's own if not given.
    """
    count = policies or len(study.policies)
    key = cache_keys.key_of_trace(study) or id(study), dtype, given, count
    with _LOCK:
        if key not in _TRACED:
            if len(_TRACED) == _MOST:
                del _TRACED[next(iter(_TRACED))]
            _TRACED[key] = study, _trace(study, dtype, given, count)
        return _TRACED[key][1]


def forget_traces() -> None:
    """Has every path function be traced anew, also one that was traced in this process before."""
    with _LOCK:
        _TRACED.clear()


def _trace(study: Study, dtype: type, given: bool, policies: int) -> Traced | str:
    inputs, functions = arguments.of(study, dtype), PathFunctions(study, dtype)
    rows = np.arange(policies) % len(study.policies)
    shared = shared_of(inputs | {"levers": jax.tree.map(lambda leaf: leaf[..., rows], inputs["levers"])})
    scores = jax.ShapeDtypeStruct((len(arguments.streams(study)),), dtype)
    with jax.enable_x64(dtype == np.float64):
        try:
            return nest.trace(functions.paths, shared, scores if given else None)
        except (NoScalarForm, NoMachineForm) as missing:
            return str(missing)


def lanes_of(dtype: type) -> int:
    """Number of values of a 32-bit or 64-bit type that a vector register of this processor holds."""
    return machine_code.width() // words_of(dtype)


class CpuProgram(Program):
    """A study's compiled lanes on the cores of this machine: a `Program`.

    A lane computes a group of paths, or one path where its random numbers are given.

    Args:
      study: the resolved study.
      mesh: the processor's cores, one device for each thread.
      dtype: floating-point type of all numbers.
      width: lanes of a vector; as many as this processor's registers hold if not given.
      why: the reason for these devices, as in `Form`.
      level: of code generation, as in `object_code`.
    """

    def __init__(
        self, study: Study, mesh: Mesh, dtype: type, width: int | None = None, why: str = "", level: int = OPTIMISED
    ):
        self.study, self.mesh, self.dtype = study, mesh, dtype
        self.traces, self.form = 0, Form("loop", in_a_row(mesh), why)
        self.inputs = arguments.of(study, dtype)
        self._width, self._level = width or lanes_of(dtype), level
        self._group = SAMPLERS[study.sampler].group
        self._compiled: dict[Kind, Compiled] = {}

    def under(self, levers: Any) -> CpuProgram:
        """This program under other policies, which may be more or fewer than those of the study; paths stay the same.

        Args:
          levers: as `arguments.of` gives them under "levers".

        Raises:
          ValueError: a lever has another type or another number of years than in the study.
        """
        ones = [jax.tree.map(lambda leaf: leaf[..., :1], one) for one in (levers, self.inputs["levers"])]
        arguments.must_be_alike(*ones)
        other = copy(self)
        other.inputs = {**self.inputs, "levers": levers}
        return other

    def prepare(self, years: bool = False) -> None:
        self._of_kind((YEARLY,) if years else (OUTCOMES,))

    def submit(self, block: Block) -> Pass:
        results = self._start((OUTCOMES,), block.first, block.count, threads=_PATHS)
        return Pass(block.first, lambda: results()[OUTCOMES])

    def computed(
        self, outputs: tuple[str, ...], first: int, count: int, scores: Scores | None = None, years: range | None = None
    ) -> Mapping[str, np.ndarray]:
        made = self._start(outputs, first, count, scores, years)()
        return {name: np.ascontiguousarray(array) for name, array in made.items()}

    def _start(
        self,
        outputs: tuple[str, ...],
        first: int,
        count: int,
        scores: Scores | None = None,
        years: range | None = None,
        threads: str = _BESIDE,
    ) -> Callable[[], Mapping[str, np.ndarray]]:
        """Starts the computation of paths; gives a function that waits for the arrays of their outputs.

        Args:
          threads: name of the thread pool.
          first, count, scores, years: as `Program.computed` takes them.

        Raises:
          ValueError: the high word of the number of a group of paths changes within the paths.
        """
        group = self._group if scores is None else 1
        begin, end, at = first // group, -(-(first + count) // group), first % group
        if begin >> 32 < end - 1 >> 32:
            raise ValueError(
                f"paths {first:,} to {first + count:,}: expected none beyond {(end >> 32 << 32) * group:,}."
            )
        own: np.ndarray | None = None if scores is None else np.asarray(scores, self.dtype)
        parts = None if years is None else {YEARLY: np.s_[:, years.start : years.stop]}
        pool, policies, running = cpu.threads_of(self.mesh.devices.size, threads), self.policies, []
        for levers in self._levers_of_codes():
            code = self._of_kind(outputs, scores is not None, levers["start"].shape[-1])
            shared = shared_of({**self.inputs, "levers": levers}, begin >> 32)
            running.append(code.start(shared, begin & 0xFFFFFFFF, end - begin, own, parts, pool))

        def results() -> Mapping[str, np.ndarray]:
            first_made, *rest = [wait() for wait in running]
            made = dict(first_made)
            for name in {OUTCOMES, YEARLY} & made.keys():
                made[name] = np.concatenate([made[name], *(one[name] for one in rest)]) if rest else made[name]
                made[name] = made[name][:policies]
            return {name: array[..., at : at + count] for name, array in made.items()}

        return results

    def _levers_of_codes(self) -> list[Any]:
        """The levers, cut into the numbers of policies that code is compiled for; the last is filled up."""
        own, count = len(self.study.policies), self.policies
        if count == own:
            return [self.inputs["levers"]]
        # drawing a path takes about as long as one policy
        size = min((own, _MANY), key=lambda each: -(-count // each) * (1 + each))
        rows = np.minimum(np.arange(-(-count // size) * size), count - 1).reshape(-1, size)
        return [jax.tree.map(lambda leaf, at=at: leaf[..., at], self.inputs["levers"]) for at in rows]

    def _of_kind(self, outputs: tuple[str, ...], given: bool = False, policies: int | None = None) -> Compiled:
        kind = outputs, given, policies or len(self.study.policies)
        if kind in self._compiled:  # without the lock, which another thread may hold while it compiles
            return self._compiled[kind]
        with _LOCK:
            if kind not in self._compiled:
                self._compiled[kind] = compiled(self.study, self.dtype, kind, self._width, self._level)
                self.traces += outputs == (OUTCOMES,) and not given
            return self._compiled[kind]


def key_of(study: Study, dtype: type, kind: Kind, width: int, level: int = OPTIMISED) -> str | None:
    """Cache key of a study's machine code; None for a model that has no key."""
    return cache_keys.key_of(study, "code", np.dtype(dtype).name, width, level, *kind)


def compiled(study: Study, dtype: type, kind: Kind, width: int, level: int = OPTIMISED) -> Compiled:
    """A study's machine code: from the cache, else traced and compiled.

    Raises:
      NoScalarForm: something in it cannot be written in scalars, or has no machine code; the text names it.
      CompilerEnded: LLVM crashed on the code.
    """
    outputs, given, policies = kind
    key = key_of(study, dtype, kind, width, level)
    if earlier := cache_keys.found(key):
        return earlier
    whole = traced(study, dtype, given, policies)
    if isinstance(whole, str):
        raise NoScalarForm(whole)
    wanted = whole.nest(outputs)
    try:
        made = cpu.compile_nest(wanted, 1 if given else SAMPLERS[study.sampler].group, width, level)
    except CompilerEnded as ended:
        what = f"the lanes of {type(study.model).__name__} ({', '.join(outputs)})"
        raise CompilerEnded(f"{what} cannot be compiled: {ended}. XLA's program can: --program xla.") from None
    cache_keys.note(key, made, wanted.operations // SAMPLERS[study.sampler].group)
    return made
