"""What a GPU would be given computes the bytes of the CPU: shown without a card."""

import re

import numpy as np
import pytest

from engine.program.emitting import gpu_code
from engine.program.lowering.llvm import NoMachineForm
from engine.program.running.cache_keys import Unlisted
from engine.program.running.devices import mesh
from engine.program.running.kernel import listing_of
from engine.program.running.native import LoopProgram
from engine.program.tracing import arguments
from engine.study.loading import load_study
from engine.study.study import Block, Study
from tests import shock_study
from tests.helpers import assert_same
from tests.program import gpu_block
from tests.program.test_kernel import POLICIES
from tests.program.test_lowering import dose
from tests.program.test_state import study as state_of_every_type
from tests.user_models import echo

PATHS = 128
FIRST = 1 << 20


def code_of(study: Study, lanes: int, paths: int = 32, each: int = 1) -> gpu_code.GpuCode:
    listing = listing_of(study, study.dtype)
    return gpu_code.code(study, listing, arguments.of(study, study.dtype), lanes, paths, each)


def on_cpu(study: Study, count: int) -> np.ndarray:
    program = LoopProgram(study, mesh("cpu"), Unlisted.of(listing_of(study, study.dtype)))
    block = Block(0, FIRST, count)
    return program.submit(block).of(block)


def assert_same_on_threads(study: Study, each: int = 1, count: int = PATHS) -> None:
    code = code_of(study, count, each=each)
    assert_same(gpu_block.outcomes(code, study, arguments.of(study, study.dtype), FIRST), on_cpu(study, count))


STUDIES = {
    "all shocks": shock_study.walk,
    "latin": lambda: shock_study.walk(sampler="latin"),
    "antithetic": lambda: shock_study.walk({}, sampler="antithetic"),
    "state": state_of_every_type,
    "static": dose,
    "policies": lambda: echo(POLICIES),
    "sobol": lambda: shock_study.walk(sampler="sobol"),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (k % 2)) for k, name in enumerate(STUDIES)]
)
def test_a_cards_threads_compute_the_bytes_of_the_cpu(name):
    assert_same_on_threads(STUDIES[name]())


def test_all_policies_in_one_thread_are_the_same_bytes():
    assert_same_on_threads(state_of_every_type(), each=2)
    assert_same_on_threads(echo(POLICIES), each=5)


@pytest.mark.parametrize("name", ["all shocks", "state", "policies"])
def test_what_registers_have_no_room_for_lies_in_the_memory_of_the_block(monkeypatch, name):
    monkeypatch.setattr(gpu_code, "_CARRIED", 0)
    study = STUDIES[name]()
    assert code_of(study, PATHS).layout.carried > 0
    assert_same_on_threads(study)


@pytest.mark.slow
def test_the_shipped_model_carries_more_than_registers_hold_and_finds_room_for_it():
    layout = code_of(load_study("rustbelt"), PATHS, paths=64).layout
    assert layout.paths == 32
    assert layout.carried > 80
    assert 4 * layout.shared <= 48 << 10


@pytest.mark.slow
def test_the_shipped_model_on_a_cards_threads():
    assert_same_on_threads(load_study("rustbelt"))


def unwanted(text: str) -> set[str]:
    """Operations of a PTX text that round otherwise than IEEE 754 to nearest, that the assembler may contract or flush,
    or that call a function.
    """
    operations = set(re.findall(r"^\s+(?:@!?%\w+ )?([a-z][\w.]*)", text, re.MULTILINE))
    found = {name for name in operations if {"approx", "ftz", "full", "sat"} & {*name.split(".")}}
    rounded = re.compile(r"(add|sub|mul|fma|mad|div|sqrt|rcp)\.(.*\.)?f\d\d")
    found |= {name for name in operations if (one := rounded.fullmatch(name)) and one[2] != "rn."}
    return found | {
        name for name in operations if name.split(".")[0] in ("call", "ex2", "lg2", "sin", "cos", "tanh", "rsqrt")
    }


def test_what_rounds_otherwise_is_seen():
    wrong = {"mul.f32", "div.approx.f32", "add.rn.ftz.f32", "fma.rz.f64", "sub.f64", "ex2.approx.f32", "call.uni"}
    text = "\n".join(
        f"\t{name} \t%r1, %r2;" for name in ("add.rn.f32", "@%p1 fma.rn.f64", "mul.lo.s32", *sorted(wrong))
    )
    assert unwanted(text) == wrong


def test_blocks_take_fewer_paths_where_these_share_more_memory_than_there_is(monkeypatch):
    study = state_of_every_type()
    usual = code_of(study, PATHS, paths=64).layout
    monkeypatch.setattr(gpu_code, "_SHARED_MEMORY", 4 * usual.shared - 1)
    assert code_of(study, PATHS, paths=64).layout.paths == 32
    monkeypatch.setattr(gpu_code, "_SHARED_MEMORY", 0)
    with pytest.raises(NoMachineForm, match="numbers"):
        code_of(study, PATHS, paths=64)


def test_double_precision_asks_for_functions_that_a_card_has_not():
    study = dose()
    listing = listing_of(study, np.float64)
    with pytest.raises(NoMachineForm):
        gpu_code.code(study, listing, arguments.of(study, np.float64), PATHS)
