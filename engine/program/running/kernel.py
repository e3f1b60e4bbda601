"""Builds a study's program in the fastest form that its model allows: the one loop, else XLA's."""

from __future__ import annotations

import contextlib
import platform
import threading
import warnings
import weakref
from collections.abc import Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
from jax.sharding import Mesh

from engine.modelling.code_digests import ships
from engine.modelling.loading import source_digest
from engine.program.emitting.loop import DRAWS, OUTCOMES, YEARS
from engine.program.lowering.listing import listed
from engine.program.lowering.llvm import EMITTER, NoMachineForm
from engine.program.lowering.operations import NoScalarForm
from engine.program.lowering.stages import Listing
from engine.program.running import cache_keys, machine_code, native
from engine.program.running.cache_keys import Unlisted, code_of, is_known, key_of_code
from engine.program.running.contract import Program
from engine.program.running.gpu_program import GpuProgram
from engine.program.running.hardware import processors
from engine.program.running.native import LoopProgram, lanes
from engine.program.running.object_code import CompilerEnded
from engine.program.running.posterior_program import MovedProgram
from engine.program.running.xla import XlaProgram
from engine.program.tracing import arguments
from engine.program.tracing.rules import Rules, traced
from engine.study.study import ANYWHERE, FORMS, Study
from engine.study.tables.facts import INDEPENDENT

_LISTED: MutableMapping[Rules, Listing | str] = weakref.WeakKeyDictionary()
_FORMS: MutableMapping[Rules, Listing | str] = weakref.WeakKeyDictionary()
_LISTING = threading.Lock()


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

    Raises:
      UserError: the model ships, and has been changed in memory since the study was loaded.
    """
    if ships(study.model):
        source_digest(type(study.model))
    if study.facts is not None:
        plain = replace(study, facts=None, sampler=INDEPENDENT)
        if mesh.devices.flat[0].platform != "cpu" and has_loop(plain):
            mesh, why = processors(), "moved futures are made of given numbers, which cards do not take"
        return MovedProgram(study, program_on(plain, mesh, lanes, dtype, form, why))
    lanes, dtype = lanes or study.tile, dtype or study.dtype
    if (form or study.program) != FORMS[0]:
        return XlaProgram(study, mesh, lanes, dtype, _joined("as was asked", why))
    loop = _loop(study, dtype)
    if isinstance(loop, str):
        return XlaProgram(study, mesh, lanes, dtype, _joined(f"one loop has no form of {loop}", why))
    if mesh.devices.flat[0].platform == "cpu":
        return LoopProgram(study, mesh, loop, why=why)
    return GpuProgram(study, mesh, LoopProgram(study, processors(), loop), loop, lanes, why)


def _joined(*reasons: str) -> str:
    return "; ".join(filter(None, reasons)).rstrip(".")


def processor() -> str:
    """The kind of this machine's processor, as far as rounding depends on it, such as "cpu x86_64".

    Processors of one architecture give the same bits (verified with AVX2 and AVX-512), except those without fused
    multiply-add, which round a product and its sum separately; their kind ends in "without fma".
    """
    return f"cpu {platform.machine()}{'' if machine_code.has_fma() else ' without fma'}"


def has_loop(study: Study) -> bool:
    """Whether a study is computed by the one loop, by its own setting and as its model allows it."""
    return study.program == FORMS[0] and isinstance(_loop(study, study.dtype), Unlisted)


def operations(study: Study) -> int | None:
    """Operations of a path in the one loop, as `Listing.of_future`; None where the study does not have that form."""
    loop = _loop(study, study.dtype) if study.program == FORMS[0] else ""
    if isinstance(loop, str):
        return None
    noted = cache_keys.operations(key_of_code(study, loop.code, study.dtype, lanes(study.dtype), OUTCOMES))
    return noted or loop.listing().of_future(len(study.policies), len(study.years))


def kind_for(study: Study, kind: str) -> str:
    """The kind of devices by which two runs of a study are known to have the same bits.

    For XLA's program it is `kind` itself. The one loop gives the same bits on all processors, and on cards, whose bytes
    are compared; in double precision only on processors of one kind, as functions are the C library's. Its kind also
    names the version of the code that writes it.

    Args:
      kind: kind of the devices, as `devices.kind` gives it.
    """
    if not has_loop(study):
        return kind
    return f"{ANYWHERE if study.dtype == np.float32 else processor()}, emitter {EMITTER}"


@contextlib.contextmanager
def listed_once(study: Study) -> Iterator[None]:
    """Context manager within which a study is traced once for all calls; not at all if its code is in the cache."""
    rules = None if _is_known(study, study.dtype, code_of(study)) else traced(study, study.dtype)
    yield
    del rules


def compile_ahead(study: Study, blocks: bool, yearly: bool) -> None:
    """Compiles in parallel the code that a run of the one loop needs and the cache does not hold, if it is several.

    Args:
      blocks: whether outcomes of blocks (and draws, where the study keeps them) are needed.
      yearly: whether yearly values are needed.
    """
    code, dtype = code_of(study), study.dtype
    wanted = {OUTCOMES: blocks, YEARS: yearly, DRAWS: blocks and study.keep.draws}
    todo = [gives for gives, is_so in wanted.items() if is_so and not _is_known(study, dtype, code, gives)]
    if len(todo) < 2 or study.program != FORMS[0] or study.facts is not None:
        return
    listing = listing_of(study, dtype)
    if not isinstance(listing, Listing):
        return

    with ThreadPoolExecutor(len(todo)) as threads:
        for one in [threads.submit(_compile, study, listing, gives) for gives in todo]:
            with contextlib.suppress(CompilerEnded):  # it is raised again where the code is asked for
                one.result()


def _compile(study: Study, listing: Listing, gives: str) -> None:
    unlisted, dtype = Unlisted.of(listing, code_of(study)), listing.dtype
    native.code_in_memory(study, unlisted, arguments.of(study, dtype), lanes(dtype), gives)


def _loop(study: Study, dtype: type) -> Unlisted | str:
    """The one loop of a study, or why it has none; traces nothing where the code is in the cache."""
    code = code_of(study)
    if _is_known(study, dtype, code):
        return Unlisted(dtype, partial(_listed, study, dtype), code)
    form = form_of(study, dtype)
    return Unlisted.of(form, code) if isinstance(form, Listing) else form


def _is_known(study: Study, dtype: type, code: str | None, gives: str = OUTCOMES) -> bool:
    return is_known(key_of_code(study, code, dtype, lanes(dtype), gives))


def _listed(study: Study, dtype: type) -> Listing:
    listing = listing_of(study, dtype)
    assert isinstance(listing, Listing), listing
    return listing


def form_of(study: Study, dtype: type) -> Listing | str:
    """The list of a study's one loop, once it has been compiled for the processor; or why it has none, as text.

    It is compiled here so that a model that crashes LLVM is known before a run records which form computes its paths.
    """
    rules, listing = traced(study, dtype), listing_of(study, dtype)
    with _LISTING:
        if rules not in _FORMS:
            _FORMS[rules] = listing
            if isinstance(listing, Listing):
                try:
                    _compile(study, listing, OUTCOMES)
                except CompilerEnded as ended:
                    _FORMS[rules] = f"what LLVM compiles. {ended}"
                    text = f"{ended} It is used here, and takes several times as long."
                    warnings.warn(text, stacklevel=2)
        return _FORMS[rules]


def listing_of(study: Study, dtype: type) -> Listing | str:
    """The list of a study's one loop; or, as text, what in the model cannot be written in scalar operations."""
    rules = traced(study, dtype)
    with _LISTING:
        if rules not in _LISTED:
            try:
                _LISTED[rules] = listed(study, rules, arguments.of(study, dtype))
            except (NoScalarForm, NoMachineForm) as missing:
                _LISTED[rules] = str(missing)
        return _LISTED[rules]
