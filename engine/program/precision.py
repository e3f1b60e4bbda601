"""The first paths of a study in single and in double precision, from the same random numbers, to show rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from engine.draws.factors import with_single_constants
from engine.lanes.object_code import QUICK
from engine.program import arguments
from engine.program.contract import Program
from engine.program.cpu_program import CpuProgram, traced
from engine.program.hardware import processors
from engine.program.programs import program_on
from engine.program.xla import XlaProgram
from engine.study.study import Block, Study

PATHS = 256
"""Number of paths."""
Values = Mapping[str, np.ndarray]
"""`draws` [factor, path], `outcomes` [policy, outcome, path] and `yearly` [policy, year, cell, path]."""


def first_values(study: Study) -> Values:
    """Values of the first paths as a run computes them; a static model has no year."""
    return _values(program_on(_plain(study), processors()))


def in_both(study: Study) -> tuple[Values, Values]:
    """Values of the first paths as a run computes them, and in double precision from the same random numbers."""
    plain, mesh = _plain(study), processors()
    single = program_on(plain, mesh)
    in_lanes = isinstance(single, CpuProgram) and not isinstance(traced(plain, np.float64, given=True), str)
    given: Program = CpuProgram(plain, mesh, plain.dtype, level=QUICK) if in_lanes else single
    if in_lanes:
        double: Program = CpuProgram(plain, mesh, np.float64, level=QUICK)
    else:
        double = XlaProgram(plain, mesh, PATHS, np.float64, "")
    # a fixed factor is the number that is stated, so that its own rounding is none of the computation
    stated = replace(plain, inputs=with_single_constants(plain.inputs))
    trace = double.fed(arguments.of(stated, np.float64)).trace_of(given.scores(Block(0, 0, PATHS)))
    yearly = np.zeros((len(study.policies), 0, 0, PATHS)) if trace.yearly is None else trace.yearly
    return _values(single), {"draws": trace.draws, "outcomes": trace.outcomes, "yearly": yearly}


def _plain(study: Study) -> Study:
    """The study without facts; the same object where it has none, as what is traced of it is kept by it."""
    return study if study.facts is None else replace(study, facts=None)


def _values(program: Program) -> Values:
    study, block = program.study, Block(0, 0, PATHS)
    yearly = program.first_years(PATHS) if study.is_path_model else np.zeros((len(study.policies), 0, 0, PATHS))
    return {"draws": program.draws(block), "outcomes": program.submit(block).of(block), "yearly": yearly}
