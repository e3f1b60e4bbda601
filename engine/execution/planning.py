"""What computes a study on this machine, and how many futures it computes in a second."""

from __future__ import annotations

import time
from dataclasses import replace

from engine.lanes import compilation_cache
from engine.program import devices
from engine.program.contract import in_a_row
from engine.program.programs import without_lanes
from engine.study.study import BLOCK, FORMS, Study

BLOCKS = 4
"""Blocks that a measurement computes: the first to warm up, the others to take the time."""


def form(study: Study, platform: str) -> str:
    """The form of the program that a study gets on a platform ("cpu", "gpu"), in words, and why where it is XLA's."""
    if study.program != FORMS[0]:
        return "XLA's, as the study asks"
    if missing := without_lanes(study, study.dtype):
        return f"XLA's, as one loop has no form of: {missing}"
    if platform != "cpu":
        return "one loop as a GPU's kernel; on processors where it fails, or its bytes are not theirs"
    return "one loop" + (", the same bits on every machine" if study.precision == "float32" else "")


def devices_of(study: Study, device: str | None) -> tuple[str, str, int]:
    """The devices that compute a study ("2 x cpu") and the reason; their platform; and blocks per launch on cards.

    Args:
      device: "cpu" or "gpu"; if not given, the GPUs where there are any and they pay.

    Raises:
      UserError: there is no such device.
    """
    found = devices.chosen(device, study)
    words = in_a_row(found.mesh) + (f" ({found.why})" if found.why else "")
    return words, found.mesh.devices.flat[0].platform, devices.blocks_of_launch(device, study)


def measured(study: Study, device: str | None) -> tuple[float, str]:
    """Futures that this machine computes in a second, compilation left out, and what computed them ("loop on 2 x cpu").

    Raises:
      UserError: there is no such device.
    """
    compilation_cache.keep_programs()
    few = replace(study, paths=BLOCKS * BLOCK, facts=None)
    program = devices.program(few, device)
    program.prepare()
    first, *others = few.blocks()
    program.submit(first).values()
    began = time.monotonic()
    for block in others:
        program.submit(block).of(block)
    rate = sum(block.count for block in others) / (time.monotonic() - began)
    return rate, ", ".join(map(str, program.forms))
