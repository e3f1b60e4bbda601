"""What the PTX machine must see: code for a card with one thing wrong in it."""

import re

import numpy as np
import pytest

from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.program.emitting import gpu_code, ptx
from engine.program.emitting.gpu_code import GpuCode
from engine.study.loading import load_study
from engine.study.study import Study
from tests.program.ptx_arithmetic import Fault
from tests.program.ptx_launch import code_of, differing, expected, played, toy
from tests.program.ptx_machine import Machine
from tests.program.test_gpu_code import STUDIES
from tests.user_models import static

BARRIER = re.compile(r"^\s+bar\.sync.*\n", re.MULTILINE)


class Kept(StaticModel):
    """A product that is an outcome and part of a sum: two operations, each rounded."""

    factors = {"price": Factor("1"), "share": Factor("1")}
    levers = {"scale": Lever("1", default=1.0)}
    outcomes = {"product": Outcome("1"), "total": Outcome("1"), "scaled": Outcome("1")}

    def evaluate(self, factors, levers):
        product = factors.price * factors.share
        return {"product": product, "total": product + factors.share, "scaled": levers.scale * product}


def kept() -> Study:
    anywhere = {"family": "uniform", "low": 0.5, "high": 2.0}
    return static(Kept(), {"price": anywhere, "share": anywhere}, 1000, {"plain": {}, "other": {"scale": 3.0}})


def found(text: str, code: GpuCode, study: Study, wanted: np.ndarray) -> bool:
    """Whether a text is seen to be wrong: by other words, or by what a card would not survive."""
    try:
        return differing(played(Machine(text), code, study, 0), wanted) > 0
    except Fault:
        return True


def contracted(text: str) -> list[str]:
    """The text with one product and sum made one operation, for each such pair; a product that an infinite number is
    added to is none.
    """
    products = {one[1]: (one[2], one[3]) for one in re.finditer(r"mul\.rn\.f32\s+(%[rf]\d+), (\S+), (\S+);", text)}
    made = []
    for one in re.finditer(r"add\.rn\.f32\s+(%[rf]\d+), (\S+), (\S+);", text):
        for product, other in ((one[2], one[3]), (one[3], one[2])):
            if product in products and other.startswith("%"):
                a, b = products[product]
                made.append(f"{text[: one.start()]}fma.rn.f32 {one[1]}, {a}, {b}, {other};{text[one.end() :]}")
    return made


def test_a_product_and_a_sum_made_one_operation_are_found():
    study = kept()
    code = code_of(study)
    text, wanted = ptx.text(code), expected(code, study, 0)
    assert not found(text, code, study, wanted)
    mutants = contracted(text)
    assert mutants and all(found(mutant, code, study, wanted) for mutant in mutants)


def without_each_barrier(study: Study, code: GpuCode) -> tuple[list[bool], list[bool]]:
    """Of each barrier of the text whether it is missed where it is left out, and whether it parts accesses of shared
    memory from others.
    """
    text, wanted = ptx.text(code), expected(code, study, 0)
    machine = Machine(text)
    assert differing(played(machine, code, study, 0), wanted) == 0
    touched = [was for _, was in machine.passed]
    parts = {place: False for place, _ in machine.passed}
    for turn, (place, before) in enumerate(machine.passed):
        parts[place] |= before and (turn + 1 == len(touched) or touched[turn + 1])
    barriers = list(BARRIER.finditer(text))
    assert len(parts) == len(barriers)
    missed = [found(text[: one.start()] + text[one.end() :], code, study, wanted) for one in barriers]
    return missed, [parts[place] for place in sorted(parts)]


@pytest.mark.parametrize(
    "name", ["static", "policies", "antithetic", pytest.param("all shocks", marks=pytest.mark.slow)]
)
def test_every_barrier_that_parts_accesses_of_shared_memory_is_missed(name):
    study = STUDIES[name]()
    missed, parts = without_each_barrier(study, code_of(study))
    assert any(parts) and missed == parts


@pytest.mark.slow
@pytest.mark.parametrize("name, count", [("toy", 3), ("rustbelt", 4)])
def test_every_barrier_of_toy_and_rustbelt_that_is_needed_is_missed(name, count):
    study = toy() if name == "toy" else load_study("rustbelt")
    missed, parts = without_each_barrier(study, code_of(study, gpu_code.PATHS, None))
    assert missed == parts and sum(missed) == count


@pytest.mark.parametrize("name", ["antithetic", "state", "policies"])
def test_a_wrong_address_of_shared_memory_is_found(name):
    """That of another number, or of the same one of the path beside it."""
    study = STUDIES[name]()
    code = code_of(study)
    text, wanted = ptx.text(code), expected(code, study, 0)
    loads = list(re.finditer(r"ld\.shared\.[bf]32\s+%[rf]\d+, (\[(\S+?)(?:\+(\d+))?\]);", text))
    (a, b), (c, d) = loads[0].span(1), loads[-1].span(1)
    swapped = text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]
    assert swapped != text and found(swapped, code, study, wanted)
    for one in loads:
        beside = f"[{one[2]}+{int(one[3] or 0) + 4}]"
        mutant = text[: one.start(1)] + beside + text[one.end(1) :]
        assert found(mutant, code, study, wanted), f"{one[0]} at {beside}"


@pytest.mark.parametrize("operation", ["add", "sub", "mul", "fma"])
def test_another_rounding_is_found(operation):
    study = STUDIES["static"]()
    code = code_of(study)
    text = ptx.text(code)
    mutant = text.replace(f"{operation}.rn.f32", f"{operation}.rz.f32")
    assert mutant != text and found(mutant, code, study, expected(code, study, 0))
