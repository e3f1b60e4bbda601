"""What the PTX machine must see: code for a card with one thing wrong in it."""

import re
from dataclasses import replace

import numpy as np
import pytest

from engine.lanes.ptx import Kernel
from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.study.study import Study
from tests.program.ptx_arithmetic import Fault
from tests.program.ptx_launch import differing, expected, kernel_of, played
from tests.shock_study import walk
from tests.user_models import static


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


def found(kernel: Kernel, study: Study, wanted: np.ndarray) -> bool:
    """Whether a kernel is seen to be wrong: by other words, or by what a card would not survive."""
    try:
        return differing(played(kernel, study, 0), wanted) > 0
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
    kernel, wanted = kernel_of(study), expected(study, 0)
    assert not found(kernel, study, wanted)
    mutants = contracted(kernel.text)
    assert mutants and all(found(replace(kernel, text=mutant), study, wanted) for mutant in mutants)


def test_a_wrong_address_of_scratch_memory_is_found():
    """That of the word beside it, which is another lane's."""
    study = walk()
    kernel = kernel_of(study)
    wanted = expected(study, 0)
    loads = list(re.finditer(r"ld\.global\.[bfu]32\s+%[fr]\d+, \[(%rd\d+)(?:\+(\d+))?\];", kernel.text))
    assert loads
    for one in (loads[0], loads[-1]):
        place = f"[{one[1]}+{int(one[2] or 0) + 4}]"
        mutant = kernel.text[: one.start()] + re.sub(r"\[.*\]", place, one[0]) + kernel.text[one.end() :]
        assert found(replace(kernel, text=mutant), study, wanted), f"{one[0]} at {place}"


@pytest.mark.parametrize("operation", ["add", "mul", "fma"])
def test_another_rounding_is_found(operation):
    study = walk()
    kernel = kernel_of(study)
    mutant = kernel.text.replace(f"{operation}.rn.f32", f"{operation}.rz.f32")
    assert mutant != kernel.text and found(replace(kernel, text=mutant), study, expected(study, 0))
