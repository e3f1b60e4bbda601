"""One block of text about cards, programs and rates, to be pasted into a report; what cannot be found without a card is left out of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jax.sharding import Mesh

from engine.errors import UserError
from engine.execution.planning import measure
from engine.formatting import size_as_text
from engine.program import card_needs, card_test, devices, hardware
from engine.program.card_test import Kernel, Launches
from engine.program.kernel import program_on
from engine.program.llvm import NoMachineForm
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK, Study

Line = tuple[str, str]


class CardUnfit(Exception):
    """A card that is there does not give the processors' bytes, or nothing."""


def lines(folder: RunFolder) -> Iterator[Line]:
    """Labels and texts, each as soon as it is known: the machine, the program, rates of the processors, those of the cards.

    Raises:
      UserError: there is no card, or the study has no kernel; what is missing, a sentence each.
      CardUnfit: a card gives other words than the processors, or fails.
    """
    study = replace(folder.study, facts=None)
    yield "versions", card_needs.versions()
    yield "driver", card_needs.driver()
    missing, cards = card_needs.missing(), None
    if not missing:
        try:
            cards = devices.mesh("gpu")
        except UserError as none:  # JAX finds no card though all seems to be there
            missing = [str(problem) for problem in none.problems]
    yield "cards", "none" if cards is None else _named(cards)
    yield "memory", _memory(cards)
    lanes = devices.GPU_LANES if cards is None else max(devices.lanes_for(study, cards), BLOCK)
    target = card_test.target(cards)
    try:
        kernel = card_test.kernel(study, lanes, target)
    except NoMachineForm as form:
        yield "form", f"XLA's: a card has no form of {form}"
        raise UserError(study.source, [f"has no kernel, as a card has no form of {form}."]) from None
    yield "program", _program(study, kernel)
    yield from _of_processors(replace(folder, study=study))
    if cards is None:
        yield "form", f"one loop on {os.cpu_count()} processors, as there is no card"
        raise UserError("--device gpu", missing)
    yield from _of_cards(study, cards, kernel)


def _named(cards: Mesh) -> str:
    """How many cards of each kind there are."""
    kinds = Counter(
        (card.device_kind, getattr(card, "compute_capability", "unknown")) for card in cards.devices.flat
    )
    return ", ".join(
        f"{count} x {name} (capability {capability})" for (name, capability), count in kinds.items()
    )


def _memory(cards: Mesh | None) -> str:
    free = devices.memory_free()
    main = f"{size_as_text(free)} of main memory free" if free else "main memory unknown"
    room = None if cards is None else hardware.memory(cards)
    return f"{size_as_text(room)} on each card, {main}" if room else main


def _program(study: Study, kernel: Kernel) -> str:
    layout = kernel.code.layout
    block = f"{layout.threads} threads and {size_as_text(4 * layout.shared)} a block"
    return f"{study.name} {study.fingerprint}, PTX {kernel.digest} for {kernel.target}, {layout.lanes:,} paths a launch, {block}"


def _of_processors(folder: RunFolder) -> Iterator[Line]:
    """Rates of this machine without its cards, by a few blocks."""
    found = measure(folder, "cpu")
    yield "loop", f"{BLOCK / found.compute:,.0f} paths/s on {found.worker}"
    yield "writer", f"{BLOCK / found.write:,.0f} paths/s, {size_as_text(round(found.size / found.write))}/s"
    yield "tables", f"{BLOCK / found.estimate:,.0f} paths/s"


def _of_cards(study: Study, cards: Mesh, kernel: Kernel) -> Iterator[Line]:
    """Words that differ, rates by lanes, and the form that the study gets."""
    form = f"one loop on {os.cpu_count()} processors"
    try:
        launches = Launches(study, cards, kernel)
        compared = launches.compared(program_on(study, devices.mesh("cpu")))
        yield "words", f"{compared.words:,} compared, {compared.first or 'none differs'}"
        if not compared.first:
            yield from _rates(study, cards, kernel, launches)
    except Exception as failure:  # whatever a compiler, a driver or a card may raise
        why = f"{type(failure).__name__}: {str(failure).strip().partition(chr(10))[0]}"
        yield "form", f"{form}, as the card fails"
        raise CardUnfit(why) from failure
    if compared.first:
        yield "form", f"{form}, as the card gives other words"
        raise CardUnfit(compared.first)
    yield "form", f"kernel on {_named(cards)}"


def _rates(study: Study, cards: Mesh, kernel: Kernel, launches: Launches) -> Iterator[Line]:
    lanes, whole = BLOCK, kernel.code.layout.lanes
    while lanes <= whole:
        smaller = lanes < whole
        asked = Launches(study, cards, card_test.kernel(study, lanes, kernel.target)) if smaller else launches
        launch, copy = asked.seconds()
        yield "kernel", f"{asked.reach / launch:,.0f} paths/s, {lanes:,} a launch, {1000 * launch:.3g} ms"
        lanes *= 2
    layout = kernel.code.layout
    size = launches.reach * layout.policies * layout.outcomes * np.dtype(layout.dtype).itemsize
    yield "copy", f"{size_as_text(round(size / copy))}/s, {size_as_text(size)} in {1000 * copy:.3g} ms"
