"""What computes a study on this machine, and how many futures it computes in a second."""

from __future__ import annotations

import time
from dataclasses import replace

from engine.lanes import compilation_cache
from engine.program import devices
from engine.study.study import BLOCK, Study

BLOCKS = 4
"""Blocks that a measurement computes: the first to warm up, the others to take the time."""


def program_of(study: Study, device: str | None) -> tuple[str, int]:
    """The form and devices of the study's program ("loop on 2 x cpu"); and blocks per launch, 0 on processors.

    Args:
      device: "cpu" or "gpu"; if not given, the GPUs where there are any and they pay.

    Raises:
      UserError: there is no such device.
    """
    return str(devices.program(study, device).form), devices.blocks_of_launch(device, study)


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
