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
from engine.lanes.operations import NoScalarForm
from engine.program import cache_keys
from engine.program.contract import Program
from engine.program.cpu_program import CpuProgram, Kind, compiled, key_of, lanes_of, traced
from engine.program.gpu_program import GpuProgram
from engine.program.hardware import processors
from engine.program.path import DRAWS, OUTCOMES, YEARLY
from engine.program.posterior.program import MovedProgram
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
    asked = (form or study.program) != FORMS[0]
    if missing := "as was asked" if asked else without_lanes(study, dtype):
        reason = missing if asked else f"lanes have no form of {missing}"
        return XlaProgram(study, mesh, lanes, dtype, "; ".join(filter(None, (reason, why))).rstrip("."))
    if mesh.devices.flat[0].platform == "cpu":
        return CpuProgram(study, mesh, dtype, why=why)
    if dtype != np.float32:
        return CpuProgram(study, processors(), dtype, why="cards compute in single precision alone")
    return GpuProgram(study, mesh, CpuProgram(study, processors(), dtype), lanes, why)


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
    """What in a study's model has no form in lanes, as text; "" where it has.

    The lanes are compiled here so that a model that crashes LLVM is known before a run records which form computes its
    paths.
    """
    try:
        compiled(study, dtype, _kind(study, OUTCOMES), lanes_of(dtype))
    except NoScalarForm as missing:
        return str(missing)
    except CompilerEnded as ended:
        warnings.warn(f"{ended} It is used here, and takes several times as long.", stacklevel=2)
        return f"what LLVM compiles. {ended}"
    return ""


def operations(study: Study) -> int | None:
    """Operations of a path under all policies, without what all paths share; None where the study has no lanes."""
    dtype = study.dtype
    if not has_lanes(study):
        return None
    noted = cache_keys.operations(key_of(study, dtype, _kind(study, OUTCOMES), lanes_of(dtype)))
    if noted:
        return noted
    found = traced(study, dtype)
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
    """Compiles in parallel the lanes that a run needs, where its model has them.

    Args:
      blocks: whether outcomes of blocks (and draws, where the study keeps them) are needed.
      yearly: whether yearly values are needed.
    """
    if study.program != FORMS[0] or study.facts is not None:
        return
    wanted = {OUTCOMES: blocks, YEARLY: yearly, DRAWS: blocks and study.keep.draws}
    kinds = [_kind(study, name) for name, is_so in wanted.items() if is_so]
    dtype = study.dtype
    with ThreadPoolExecutor(len(wanted)) as threads:
        for one in [threads.submit(compiled, study, dtype, kind, lanes_of(dtype)) for kind in kinds]:
            with contextlib.suppress(NoScalarForm, CompilerEnded):  # found again where the code is asked for
                one.result()


def _kind(study: Study, output: str) -> Kind:
    return (output,), False, len(study.policies)
