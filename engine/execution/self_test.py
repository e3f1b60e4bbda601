"""Lines of text about cards, a study's program and its rates, to be pasted into a report."""

from __future__ import annotations

import platform
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from importlib import metadata

import numpy as np

from engine.errors import UserError
from engine.formatting import size_as_text
from engine.lanes import machine_code
from engine.program import devices, hardware
from engine.program.contract import CardFailed, in_a_row
from engine.program.gpu_program import CardPass, GpuProgram
from engine.program.programs import program_on
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK, Block

Line = tuple[str, str]
ROUNDS = 5
"""Timed passes, of which the fastest counts."""
_PACKAGES = "rustbelt", "jax", "jaxlib", "jax-cuda12-plugin", "jax-cuda13-plugin", "cuda-core", "numpy"


def lines(folder: RunFolder) -> Iterator[Line]:
    """Labels and texts, each as soon as it is known: the machine, the words compared, rates, and what computes.

    Raises:
      UserError: there is no card that can be used, or the study has no program for cards.
      CardFailed: a card gives other words than the processors, fails, or hangs.
    """
    study, packages = replace(folder.study, facts=None), []
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            packages.append(f"{name} {metadata.version(name)}")
    system = f"Python {platform.python_version()}, {platform.system()} {platform.release()} {platform.machine()}"
    yield "versions", ", ".join([*packages, machine_code.compiler(), system])
    yield "driver", hardware.driver() or "none"
    found = devices.chosen("gpu")
    row, capability = in_a_row(found.mesh), hardware.capability(found.mesh.devices.flat[0])
    yield "cards", "; ".join(filter(None, [f"{row} (capability {capability})", found.why]))
    yield "memory", size_as_text(hardware.memory(found.mesh) or 0)
    try:
        hardware.refuse_too_old(found.mesh)
    except CardFailed as old:
        raise UserError("--device", [f"expected a newer card: {old}."]) from None
    program = program_on(study, found.mesh, devices.lanes_for(study, found.mesh), why=found.why)
    if not isinstance(program, GpuProgram):
        raise UserError(study.source, [f"expected compiled lanes, which cards run, got {program.forms[0]}."])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the failure is told below
        program.prepare()
        if not program.cards.failure:
            block = len(study.policies) * len(study.model.outcomes) * BLOCK * np.dtype(study.dtype).itemsize
            yield "words", f"{found.mesh.devices.size * block // 4:,} compared, none differs"
            yield from _rates(program, block)
    yield "form", str(program.forms[-1])
    if program.cards.lacks:
        raise UserError(study.source, [f"expected what cards can compute, got {program.cards.lacks}."])
    if program.cards.failure:
        raise CardFailed(program.cards.failure)


def _rates(program: GpuProgram, size: int) -> Iterator[Line]:
    """Rates of passes on one card, and of copying a block of `size` bytes to main memory; none where the card fails."""
    passes, copies = [], []
    with suppress(CardFailed):
        for number in range(1, ROUNDS + 1):
            first = number * program.reach * program.mesh.devices.size
            began = time.perf_counter()
            running = program.submit(Block(first // BLOCK, first, BLOCK))
            assert isinstance(running, CardPass)
            program.cards.result(running.running)
            computed = time.perf_counter()
            running.fetched(slice(BLOCK))
            passes.append(computed - began)
            copies.append(time.perf_counter() - computed)
        each = f"{program.reach:,} a pass, {1000 * min(passes):.3g} ms"
        yield "kernel", f"{program.reach / min(passes):,.0f} paths/s, {each}"
        yield "copy", f"{size_as_text(round(size / min(copies)))}/s, {size_as_text(size)}"
