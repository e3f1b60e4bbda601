"""Lines of text about GPUs, a study's program and its rates, for a report."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from importlib import metadata

from engine.errors import UserError
from engine.execution.anew import rate
from engine.formatting import size_as_text
from engine.lanes import machine_code
from engine.program import devices, gpu, hardware
from engine.program.contract import CardFailed, in_a_row
from engine.program.gpu_program import GpuProgram
from engine.program.programs import program_on
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK

Line = tuple[str, str]
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
    packages += [machine_code.compiler(), f"Python {platform.python_version()}, {platform.system()}"]
    yield "versions", f"{', '.join(packages)} {platform.release()} {platform.machine()}"
    knows = hardware.cuda_of_driver()
    yield "driver", f"CUDA {hardware.as_cuda(knows)}" if knows else "none"
    found = devices.chosen("gpu")
    row = f"{in_a_row(found.mesh)} (capability {hardware.capability(found.mesh.devices.flat[0])})"
    yield "cards", "; ".join(filter(None, [row, found.why]))
    yield "memory", size_as_text(hardware.memory(found.mesh))
    program = program_on(study, found.mesh, devices.lanes_for(study, found.mesh), why=found.why)
    if not isinstance(program, GpuProgram):
        raise UserError(study.source, [f"expected what cards can compute, got {program.forms[0]}."])
    with warnings.catch_warnings(), suppress(CardFailed):
        warnings.simplefilter("ignore")  # the failure is told below
        program.prepare()
        if not gpu.failure():
            words = len(study.policies) * len(study.model.outcomes) * BLOCK
            yield "words", f"{found.mesh.devices.size * words:,} compared, none differs"
            fast = rate(program)
            if not gpu.failure():
                yield "rate", f"{fast:,.0f} paths/s, with all outcomes copied to main memory"
    yield "form", str(program.forms[-1])
    if gpu.failure():
        raise CardFailed(gpu.failure())
