"""Tests of a study's kernel on a card: whether its outcomes have the processors' bits, and how long a launch takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from engine.program.emitting.gpu_code import GpuCode
from engine.program.lowering.stages import Listing
from engine.program.running import first_launch, gpu
from engine.program.running.cache_keys import Unlisted
from engine.program.running.contract import Outcomes
from engine.program.running.kernel import listing_of
from engine.program.running.native import LoopProgram
from engine.program.tracing import arguments
from engine.study.study import Study

ROUNDS = 5
"""Timed launches, of which the fastest counts."""


@dataclass(frozen=True)
class Compared:
    """Outcomes of a card compared with the processors'.

    Args:
      words: number of 32-bit words compared.
      first: the first difference as a sentence, "" where there is none.
    """

    words: int
    first: str


def kernel(study: Study, lanes: int, target: str) -> tuple[GpuCode, str]:
    """(a study's code for launches of `lanes` paths, its PTX for the architecture `target`).

    The study must have the one loop.
    """
    listing = listing_of(study, study.dtype)
    assert isinstance(listing, Listing)
    return gpu.kernel(study, Unlisted.of(listing), arguments.of(study, study.dtype), lanes, target)


def compared(study: Study, code: GpuCode, text: str, cards: Mesh, host: LoopProgram) -> Compared:
    """Compares the first and last paths of the first launches, run by another process, with the processors' outcomes.

    Raises:
      CardFailed: as `first_launch.ends_apart`.
    """
    layout, words, told = code.layout, 0, ""
    arrays = gpu.launched(code, study, host.inputs)
    for first, end in first_launch.stretches(layout, text, cards, arrays):
        given = np.ascontiguousarray(end)
        words += given.size * layout.unit
        expected = np.ascontiguousarray(first_launch.of_host(host, first, given.shape[-1]))
        told = told or _first_other(study, first, given, expected)
    return Compared(words, told)


def _first_other(study: Study, first: int, given: Outcomes, expected: Outcomes) -> str:
    """A sentence on the first outcome of the first path whose bytes differ; "" where none differ."""
    bits = np.dtype(f"u{given.dtype.itemsize}")
    differ = given.view(bits) != expected.view(bits)
    if not differ.any():
        return ""
    path = int(np.flatnonzero(differ.any(axis=(0, 1)))[0])
    policy, outcome = map(int, np.argwhere(differ[..., path])[0])
    name, place = [*study.model.outcomes][outcome], (policy, outcome, path)
    return (
        f"{name} of path {first + path:,} under {study.policy_names[policy]} is {given[place]!s}"
        f" ({given.view(bits)[place]:x}), on the processor {expected[place]!s} ({expected.view(bits)[place]:x});"
        f" {differ.mean():.1%} of these differ"
    )


def seconds(study: Study, code: GpuCode, text: str, cards: Mesh) -> tuple[float, float]:
    """Seconds of a launch, and of copying its outcomes to main memory: the least over `ROUNDS` rounds after a warm-up.

    Raises:
      CardFailed: a launch raises, or all of them take longer than `gpu.FIRST`.
    """
    counters = gpu.counters(code.layout, 0, cards.devices.size)
    arrays = gpu.launched(code, study, arguments.of(study, study.dtype))

    def round_(run: Any) -> tuple[float, float]:
        began = time.perf_counter()
        running = jax.block_until_ready(run(counters, *arrays))
        ended = time.perf_counter()
        jax.device_get(running)
        return ended - began, time.perf_counter() - ended

    def rounds() -> list[tuple[float, float]]:
        run = gpu.on_mesh(code.layout, text, cards)
        return [round_(run) for _ in range(1 + ROUNDS)]

    found = gpu.in_time(rounds, gpu.FIRST)
    launches, copies = zip(*found[1:], strict=True)
    return min(launches), min(copies)
