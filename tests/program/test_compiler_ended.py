"""A model that crashes LLVM is computed by XLA's program, or refused with the remedy, and the user is told."""

import warnings

import numpy as np
import pytest

from engine.lanes import cpu
from engine.lanes.object_code import CompilerEnded
from engine.program.cpu_program import CpuProgram
from engine.program.devices import mesh
from engine.program.path import OUTCOMES, YEARLY
from engine.program.programs import kind_for, program_on, without_lanes
from engine.program.xla import XlaProgram
from tests.helpers import assert_same
from tests.lanes.test_object_code import FATAL
from tests.user_models import farms


def with_crash(monkeypatch, output):
    """Has LLVM crash on the code of an output."""
    write_text = cpu.text_of
    monkeypatch.setattr(
        cpu, "text_of", lambda nest, *of: write_text(nest, *of) + (FATAL if output in nest.outputs else "")
    )


def outcomes(program, study):
    block = study.block(0)
    return program.submit(block).of(block)


def test_a_study_that_crashes_the_compiler_runs_by_xla_and_the_user_is_told(monkeypatch):
    with_crash(monkeypatch, OUTCOMES)
    study = farms(paths=64)
    with pytest.warns(UserWarning, match=r"Farms.*outcomes.*SIGABRT.*--program xla") as seen:
        program = program_on(study, mesh("cpu"))
    assert isinstance(program, XlaProgram) and len(seen) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert kind_for(study, "cpu") == "cpu"
        assert "SIGABRT" in without_lanes(study, np.float32)
    assert_same(outcomes(program, study), outcomes(program_on(study, mesh("cpu"), form="xla"), study))


def test_code_that_is_compiled_later_and_crashes_the_compiler_is_an_error_with_its_remedy(monkeypatch):
    with_crash(monkeypatch, YEARLY)
    study = farms(paths=64)
    program = program_on(study, mesh("cpu"))
    assert isinstance(program, CpuProgram)
    outcomes(program, study)
    with pytest.raises(CompilerEnded, match=r"Farms.*yearly.*SIGABRT.*--program xla"):
        program.first_years(64)
