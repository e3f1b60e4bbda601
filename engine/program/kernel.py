"""The program of a study in the fastest form that its model allows: the one loop on processors or GPUs, else XLA's."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import deque
from collections.abc import MutableMapping
from functools import partial

import numpy as np
from jax.sharding import Mesh

from engine.program import arguments
from engine.program.contract import Program
from engine.program.gpu import GpuProgram
from engine.program.known import Unlisted, is_known, key_of_code
from engine.program.listing import Listing, listed
from engine.program.llvm import EMITTER, NoMachineForm
from engine.program.loop import OUTCOMES
from engine.program.native import LoopProgram, lanes
from engine.program.operations import NoScalarForm
from engine.program.rules import Rules, traced
from engine.program.xla import XlaProgram
from engine.study.study import ANYWHERE, FORMS, Study

_LISTED: MutableMapping[Rules, Listing | str] = weakref.WeakKeyDictionary()
_LATEST: deque[Rules] = deque(maxlen=2)
"""Kept alive with their listings: a run asks for its own again and again, and holds nothing of them between."""
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
    """
    kind = dtype or study.dtype
    on_cpu = mesh.devices.flat[0].platform == "cpu"
    if (form or study.program) == FORMS[0]:
        if on_cpu and has_loop(study, kind):
            return LoopProgram(study, mesh, Unlisted(kind, partial(_listed, study, kind)))
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
    if not kind.startswith("cpu") or study.program != FORMS[0] or not has_loop(study, study.dtype):
        return kind
    # in double precision functions are the C library's
    return f"{ANYWHERE}, emitter {EMITTER}" if study.dtype == np.float32 else f"{kind}, emitter {EMITTER}"


def has_loop(study: Study, dtype: type) -> bool:
    """Whether the model allows the one loop; where its code is known, nothing is traced to tell."""
    known = is_known(key_of_code(study, dtype, lanes(dtype), OUTCOMES))
    return known or isinstance(listing_of(study, dtype), Listing)


def _listed(study: Study, dtype: type) -> Listing:
    listing = listing_of(study, dtype)
    assert isinstance(listing, Listing), listing
    return listing


def listing_of(study: Study, dtype: type) -> Listing | str:
    """The operations of a study's one loop; or what has no form in it."""
    rules = traced(study, dtype)
    with _LISTING:
        if rules not in _LISTED:
            try:
                _LISTED[rules] = listed(study, rules, arguments.of(study, dtype))
            except (NoScalarForm, NoMachineForm) as missing:
                _LISTED[rules] = str(missing)
        if rules not in _LATEST:
            _LATEST.append(rules)
        return _LISTED[rules]
