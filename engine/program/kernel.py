"""The program of a study in the fastest form that its model allows: the one loop on processors or GPUs, else XLA's."""

from __future__ import annotations

import contextlib
import threading
import warnings
import weakref
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from functools import partial

import numpy as np
from jax.sharding import Mesh

from engine.modelling.executed import ships
from engine.modelling.loading import source_digest
from engine.program import arguments, native
from engine.program.contract import Program
from engine.program.gpu import GpuProgram
from engine.program.known import Unlisted, code_of, is_known, key_of_code, note
from engine.program.listing import Listing, listed
from engine.program.llvm import EMITTER, NoMachineForm
from engine.program.loop import OUTCOMES
from engine.program.moved import MovedProgram
from engine.program.native import LoopProgram, lanes
from engine.program.object_code import CompilerEnded
from engine.program.operations import NoScalarForm
from engine.program.rules import Rules, traced
from engine.program.xla import XlaProgram
from engine.study.facts_tables import INDEPENDENT
from engine.study.study import ANYWHERE, FORMS, Study

_LISTED: MutableMapping[Rules, Listing | str] = weakref.WeakKeyDictionary()
_FORMS: MutableMapping[Rules, Listing | str] = weakref.WeakKeyDictionary()
_LISTING = threading.Lock()


def program_on(
    study: Study,
    mesh: Mesh,
    lanes: int | None = None,
    dtype: type | None = None,
    form: str | None = None,
) -> Program:
    """The program of a study on a mesh of devices.

    Args:
      lanes: paths of a tile of XLA's, a power of two; that of the study if not given.
      dtype: of all numbers but the random words; that of the study if not given.
      form: one of `FORMS`; that of the study if not given.

    Raises:
      UserError: the model ships, and has been changed in memory since the study was loaded.
    """
    if ships(study.model):
        source_digest(type(study.model))
    if study.facts is not None:
        plain = replace(study, facts=None, sampler=INDEPENDENT)
        return MovedProgram(study, program_on(plain, mesh, lanes, dtype, form))
    kind = dtype or study.dtype
    on_cpu = mesh.devices.flat[0].platform == "cpu"
    if (form or study.program) == FORMS[0]:
        loop = _loop(study, kind) if on_cpu else None
        if loop is not None:
            return LoopProgram(study, mesh, loop)
        listing = None if on_cpu else listing_of(study, kind)
        if isinstance(listing, Listing):
            with contextlib.suppress(NoMachineForm):
                return GpuProgram(study, mesh, lanes or study.tile, listing)
    return XlaProgram(study, mesh, lanes, kind)


def kind_for(study: Study, kind: str) -> str:
    """What the bits of a study's program hang on, on devices of a kind: nothing of them where it is the one loop.

    Args:
      kind: of devices, as `devices.kind` gives it.
    """
    if not kind.startswith("cpu") or study.program != FORMS[0] or _loop(study, study.dtype) is None:
        return kind
    # in double precision functions are the C library's
    return f"{ANYWHERE}, emitter {EMITTER}" if study.dtype == np.float32 else f"{kind}, emitter {EMITTER}"


@contextlib.contextmanager
def listed_once(study: Study) -> Iterator[None]:
    """Within it a study is traced and listed once, however many ask; not at all where its code is known."""
    rules = None if _is_known(study, study.dtype, code_of(study)) else traced(study, study.dtype)
    yield
    del rules


def _loop(study: Study, dtype: type) -> Unlisted | None:
    """The one loop of a study, where its model allows it; where its code is known, nothing is traced to tell."""
    code = code_of(study)
    if _is_known(study, dtype, code):
        return Unlisted(dtype, partial(_listed, study, dtype), code)
    form = form_of(study, dtype)
    return Unlisted(dtype, lambda: form, code) if isinstance(form, Listing) else None


def _is_known(study: Study, dtype: type, code: str | None) -> bool:
    return is_known(key_of_code(study, code, dtype, lanes(dtype), OUTCOMES))


def _listed(study: Study, dtype: type) -> Listing:
    listing = listing_of(study, dtype)
    assert isinstance(listing, Listing), listing
    return listing


def form_of(study: Study, dtype: type) -> Listing | str:
    """The operations of a study's one loop, once a processor's code has been made of them; or why it has none.

    So a model that ends the compiler is known before it is noted by which program its paths were computed.
    """
    rules, listing = traced(study, dtype), listing_of(study, dtype)
    with _LISTING:
        if rules not in _FORMS:
            _FORMS[rules] = listing
            if isinstance(listing, Listing):
                try:
                    code, width = code_of(study), lanes(dtype)
                    written, _ = native.code_in_memory(
                        study, listing, arguments.of(study, dtype), width, OUTCOMES
                    )
                    note(study, code, key_of_code(study, code, dtype, width, OUTCOMES), written)
                except CompilerEnded as ended:
                    _FORMS[rules] = f"what LLVM compiles. {ended}"
                    text = f"{ended} It is used here, and takes several times as long."
                    warnings.warn(text, stacklevel=2)
        return _FORMS[rules]


def listing_of(study: Study, dtype: type) -> Listing | str:
    """The operations of a study's one loop; or what has no form in it."""
    rules = traced(study, dtype)
    with _LISTING:
        if rules not in _LISTED:
            try:
                _LISTED[rules] = listed(study, rules, arguments.of(study, dtype))
            except (NoScalarForm, NoMachineForm) as missing:
                _LISTED[rules] = str(missing)
        return _LISTED[rules]
