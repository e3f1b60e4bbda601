"""Lines of text about cards, programs and rates, to be pasted into a report.

Where there is no card, lines that need one are left out.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from importlib import metadata

import numpy as np

from engine.errors import UserError
from engine.execution.planning import form, measure
from engine.formatting import size_as_text
from engine.program.emitting import ptx
from engine.program.emitting.gpu_code import GpuCode
from engine.program.lowering.llvm import NoMachineForm
from engine.program.running import card_test, devices, gpu, hardware, machine_code
from engine.program.running.contract import CardFailed, Form, in_a_row
from engine.program.running.devices import Chosen
from engine.program.running.hardware import processors
from engine.program.running.kernel import has_loop, program_on
from engine.program.running.native import LoopProgram
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK, Study

Line = tuple[str, str]
_PACKAGES = "rustbelt", "jax", "jaxlib", "jax-cuda12-plugin", "jax-cuda13-plugin", "numpy"


def lines(folder: RunFolder) -> Iterator[Line]:
    """Labels and texts, each as soon as it is known: the machine, the program, rates of processors and of cards.

    Raises:
      UserError: there is no card that can be used, or the study has no kernel; the message says what is missing.
      CardFailed: a card gives other words than the processors, fails, or hangs.
    """
    study = replace(folder.study, facts=None)
    yield "versions", _versions()
    yield "driver", hardware.driver() or "none"
    found: Chosen | UserError
    try:
        found = devices.chosen("gpu")
        hardware.refuse_too_old(found.mesh)
    except UserError as none:
        found = none
    except CardFailed as old:
        found = UserError("--device", [f"expected a newer card: {old}."])
    yield "cards", _cards_as_text(found) if isinstance(found, Chosen) else "none"
    yield "memory", _memory(found)
    if not has_loop(study):
        yield "form", form(study, "gpu")
        raise UserError(study.source, [f"expected one loop, which cards run, got {form(study, 'gpu')}."])
    lanes, target = devices.GPU_LANES, ptx.NEWEST
    if isinstance(found, Chosen):
        lanes, target = max(devices.lanes_for(study, found.mesh), BLOCK), gpu.target(found.mesh)
    try:
        code, text = card_test.kernel(study, lanes, target)
    except NoMachineForm as missing:
        yield "form", _loop(f"a card has no {missing}")
        raise UserError(study.source, [f"has no kernel, as a card has no {missing}."]) from None
    yield "program", _program(study, code, text, target)
    yield from _of_processors(replace(folder, study=study))
    if isinstance(found, UserError):
        yield "form", _loop("there is no card that can be used")
        raise found
    try:
        yield from _of_cards(study, found, code, text)
    except CardFailed:
        yield "form", _loop("the card failed")
        raise


def _versions() -> str:
    """Versions of the packages and compilers that a program for a card needs, and of the system; no machine's name."""
    packages = []
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            packages.append(f"{name} {metadata.version(name)}")
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return ", ".join([*packages, machine_code.compiler(), f"Python {platform.python_version()}", system])


def _cards_as_text(cards: Chosen) -> str:
    """The cards that take part, and why others do not."""
    row = cards.mesh.devices.flat
    return "; ".join(filter(None, [f"{in_a_row(cards.mesh)} (capability {hardware.capability(row[0])})", cards.why]))


def _memory(found: Chosen | UserError) -> str:
    free = devices.memory_free()
    main = f"{size_as_text(free)} of main memory free" if free else "main memory unknown"
    room = hardware.memory(found.mesh) if isinstance(found, Chosen) else None
    return f"{size_as_text(room)} on each card, {main}" if room else main


def _loop(why: str) -> str:
    return str(Form.of("loop", processors(), why))


def _program(study: Study, code: GpuCode, text: str, target: str) -> str:
    layout, digest = code.layout, hashlib.sha256(text.encode()).hexdigest()[:16]
    block = f"{layout.threads} threads and {size_as_text(4 * layout.shared)} a block"
    return f"{study.name} {study.fingerprint}, PTX {digest} for {target}, {layout.lanes:,} paths a launch, {block}"


def _of_processors(folder: RunFolder) -> Iterator[Line]:
    """Rates of this machine's processors, measured on a few blocks."""
    found = measure(folder, "cpu")
    yield "loop", f"{BLOCK / found.compute:,.0f} paths/s, {found.worker}"
    yield "writer", f"{BLOCK / found.write:,.0f} paths/s, {size_as_text(round(found.size / found.write))}/s"
    yield "tables", f"{BLOCK / found.estimate:,.0f} paths/s"


def _of_cards(study: Study, cards: Chosen, code: GpuCode, text: str) -> Iterator[Line]:
    """Words compared and the first that differs, rates by number of lanes, and the form that the study gets.

    Raises:
      CardFailed: a card fails, hangs, or gives other words.
    """
    host = program_on(study, processors())
    assert isinstance(host, LoopProgram)
    compared = card_test.compared(study, code, text, cards.mesh, host)
    yield "words", f"{compared.words:,} compared, {compared.first or 'none differs'}"
    if compared.first:
        raise CardFailed(compared.first)
    lanes, whole, size = BLOCK, code.layout.lanes, cards.mesh.devices.size
    while lanes <= whole:
        smaller = card_test.kernel(study, lanes, gpu.target(cards.mesh)) if lanes < whole else (code, text)
        launch, copy = card_test.seconds(study, *smaller, cards.mesh)
        yield "kernel", f"{lanes * size / launch:,.0f} paths/s, {lanes:,} a launch, {1000 * launch:.3g} ms"
        lanes *= 2
    layout = code.layout
    copied = whole * size * layout.policies * layout.outcomes * np.dtype(layout.dtype).itemsize
    yield "copy", f"{size_as_text(round(copied / copy))}/s, {size_as_text(copied)} in {1000 * copy:.3g} ms"
    yield "form", str(Form.of("kernel", cards.mesh, cards.why))
