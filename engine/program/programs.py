"""Builds a study's program in the fastest form that its model allows: compiled lanes, else XLA's."""

from __future__ import annotations

import contextlib
import platform
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from jax.sharding import Mesh

from engine.draws.sampling import SAMPLERS
from engine.lanes import machine_code
from engine.lanes.llvm import EMITTER
from engine.lanes.object_code import CompilerEnded
from engine.program import cache_keys
from engine.program.cache_keys import is_known, key_of_code
from engine.program.contract import Program
from engine.program.cpu_program import CpuProgram, Kind, compiled, key_text, lanes_of
from engine.program.gpu_program import GpuProgram
from engine.program.hardware import processors
from engine.program.path import DRAWS, OUTCOMES, YEARLY
from engine.program.posterior.program import MovedProgram
from engine.program.tracing import traced
from engine.program.xla import XlaProgram
from engine.study.study import ANYWHERE, FORMS, Study
from engine.study.tables.facts import INDEPENDENT


def program_on(
    study: Study,
    mesh: Mesh,
    lanes: int | None = None,
    dtype: type | None = None,
    form: str | None = None,
    why: str = "",
) -> Program:
    """The program of a study on a mesh of devices.

    Args:
      lanes: paths of a tile of XLA's program, or of a launch on a card, a power of two; the study's tile if not given.
      dtype: floating-point type of the program; that of the study if not given.
      form: one of `FORMS`; that of the study if not given.
      why: the reason for the devices, as in `Form`.
    """
    if study.facts is not None:
        plain = replace(study, facts=None, sampler=INDEPENDENT)
        if mesh.devices.flat[0].platform != "cpu" and has_lanes(plain):
            mesh, why = processors(), "moved futures are made of given numbers, which cards do not take"
        return MovedProgram(study, program_on(plain, mesh, lanes, dtype, form, why))
    lanes, dtype = lanes or study.tile, dtype or study.dtype
    if (form or study.program) != FORMS[0]:
        return XlaProgram(study, mesh, lanes, dtype, _joined("as was asked", why))
    if missing := without_lanes(study, dtype):
        return XlaProgram(study, mesh, lanes, dtype, _joined(f"lanes have no form of {missing}", why))
    if mesh.devices.flat[0].platform == "cpu":
        return CpuProgram(study, mesh, dtype, why=why)
    if dtype != np.float32:
        return CpuProgram(study, processors(), dtype, why="cards compute in single precision alone")
    return GpuProgram(study, mesh, CpuProgram(study, processors(), dtype), lanes, why)


def _joined(*reasons: str) -> str:
    return "; ".join(filter(None, reasons)).rstrip(".")


def processor() -> str:
    """The kind of this machine's processor, as far as rounding depends on it, such as "cpu x86_64".

    Processors of one architecture give the same bits (verified with AVX2 and AVX-512), except those without fused
    multiply-add, which round a product and its sum separately; their kind ends in "without fma".
    """
    return f"cpu {platform.machine()}{'' if machine_code.has_fma() else ' without fma'}"


def has_lanes(study: Study) -> bool:
    """Whether a study is computed by compiled lanes, by its own setting and as its model allows it."""
    return study.program == FORMS[0] and not without_lanes(study, study.dtype)


def without_lanes(study: Study, dtype: type) -> str:
    """What in a study's model has no form in lanes, as text; "" where it has, which is not traced if it is known."""
    if _is_known(study, dtype):
        return ""
    found = traced(study, dtype)
    return found if isinstance(found, str) else _refused_by_compiler(study, dtype)


def operations(study: Study) -> int | None:
    """Operations of a path under all policies, without what all paths share; None where the study has no lanes."""
    if study.program != FORMS[0] or without_lanes(study, study.dtype):
        return None
    noted = cache_keys.operations(_key(study, study.dtype))
    if noted:
        return noted
    found = traced(study, study.dtype)
    assert not isinstance(found, str)
    return found.nest((OUTCOMES,)).operations // SAMPLERS[study.sampler].group


def kind_for(study: Study, kind: str) -> str:
    """The kind of devices by which two runs of a study are known to have the same bits.

    For XLA's program it is `kind` itself. Compiled lanes give the same bits on all processors, and on cards, whose
    bytes are compared; in double precision only on processors of one kind, as functions are the C library's. Its kind
    also names the version of the code that writes it.

    Args:
      kind: kind of the devices, as `devices.kind` gives it.
    """
    if not has_lanes(study):
        return kind
    return f"{ANYWHERE if study.dtype == np.float32 else processor()}, emitter {EMITTER}"


def compile_ahead(study: Study, blocks: bool, yearly: bool) -> None:
    """Compiles in parallel the lanes that a run needs and the cache does not hold, if it is several.

    Args:
      blocks: whether outcomes of blocks (and draws, where the study keeps them) are needed.
      yearly: whether yearly values are needed.
    """
    dtype = study.dtype
    wanted = {OUTCOMES: blocks, YEARLY: yearly, DRAWS: blocks and study.keep.draws}
    todo = [name for name, is_so in wanted.items() if is_so and not _is_known(study, dtype, name)]
    if len(todo) < 2 or study.program != FORMS[0] or study.facts is not None or isinstance(traced(study, dtype), str):
        return
    with ThreadPoolExecutor(len(todo)) as threads:
        for one in [threads.submit(compiled, study, dtype, _kind(study, name), lanes_of(dtype)) for name in todo]:
            with contextlib.suppress(CompilerEnded):  # it is raised again where the code is asked for
                one.result()


def _kind(study: Study, output: str) -> Kind:
    return (output,), False, len(study.policies)


def _key(study: Study, dtype: type, output: str = OUTCOMES) -> str | None:
    return key_of_code(study, dtype, lanes_of(dtype), key_text(_kind(study, output)))


def _is_known(study: Study, dtype: type, output: str = OUTCOMES) -> bool:
    return is_known(_key(study, dtype, output))


def _refused_by_compiler(study: Study, dtype: type) -> str:
    """Why LLVM does not compile a study's lanes, as text; "" where it does.

    They are compiled here so that a model that crashes LLVM is known before a run records which form computes its
    paths.
    """
    try:
        compiled(study, dtype, _kind(study, OUTCOMES), lanes_of(dtype))
    except CompilerEnded as ended:
        warnings.warn(f"{ended} It is used here, and takes several times as long.", stacklevel=2)
        return f"what LLVM compiles. {ended}"
    return ""
