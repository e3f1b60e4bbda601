"""The PTX that a card's driver is handed gives the words of the processor's lanes: shown by a machine in NumPy."""

import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from engine.draws.sampling import SAMPLERS
from engine.lanes import ptx
from engine.lanes.ptx import Kernel
from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.study.loading import load_study
from engine.study.study import Study
from tests.program import hostile_functions
from tests.program.ptx_arithmetic import F64, NOT_A_NUMBER, U64, Fault
from tests.program.ptx_launch import BLOCKS, differing, expected, kernel_of, played, toy
from tests.shock_study import walk
from tests.user_models import static

FAR = 1 << 36
"""A path whose group's number has more than 32 bits, whether two paths share words or four."""
ENDS = (0, BLOCKS - 1)
STUDIES = {
    **{one: partial(walk, sampler=one) for one in SAMPLERS},
    "toy": toy,
    "rustbelt": lambda: load_study("rustbelt"),
}
OF_THE_C_LIBRARY = {"acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "lgamma"}
NAMES = [name for name in hostile_functions.FUNCTIONS if name not in OF_THE_C_LIBRARY]
APPROXIMATE = re.compile(
    r"\b(\w+(?:\.\w+)*\.(?:approx|ftz)[.\w]*|call[.\w]*|(?:add|sub|mul|fma|div|sqrt|rcp)\.f\d\d)\b"
)
"""Instructions that approximate, flush, call, or leave their rounding to the assembler, which may contract them."""


def assert_same_words(study: Study, card: str, first: int) -> None:
    kernel = kernel_of(study, card)
    assert not APPROXIMATE.search(kernel.text)
    given = played(kernel, study, first, ENDS)
    assert given.size and differing(given, expected(study, first, ENDS)) == 0


NEAR = 1 << 17
CASES = [("antithetic", "sm_90", NEAR), ("sobol", "sm_75", FAR), ("toy", "sm_90", NEAR)]
OTHERS = [(name, *of) for name in STUDIES for of in (("sm_75", FAR), ("sm_90", NEAR)) if (name, *of) not in CASES]


@pytest.mark.parametrize(
    ("name", "card", "first"), [*CASES, *(pytest.param(*one, marks=pytest.mark.slow) for one in OTHERS)]
)
def test_no_word_differs_from_the_processors(name, card, first):
    """On the oldest and the newest card, also of paths beyond 32 bits of groups."""
    assert_same_words(STUDIES[name](), card, first)


@pytest.mark.parametrize(
    ("card", "not_a_number"),
    [("sm_90", 0x7FFFFFFFFFFFFFFF), ("sm_90", 0xFFF8000000000000), ("sm_75", 0x7FF8000000000001)],
)
def test_functions_at_hostile_values_have_the_words_of_the_processor(monkeypatch, card, not_a_number):
    """Whichever bits a card gives NaN in double precision, which its manual leaves open."""
    study, blocks = hostile_functions.study(NAMES), range(4)
    monkeypatch.setitem(NOT_A_NUMBER, F64, U64.type(not_a_number))
    assert differing(played(kernel_of(study, card), study, FAR, blocks), expected(study, FAR, blocks)) == 0


@pytest.mark.parametrize("study", [walk, pytest.param(toy, marks=pytest.mark.slow)])
def test_values_of_a_large_loop_in_memory_have_the_words_of_the_processor(monkeypatch, study):
    monkeypatch.setattr("engine.lanes.emit._REGISTERS", 0)
    assert kernel_of(study()).layout.scratch
    assert_same_words(study(), "sm_90", 0)


def test_ptx_is_for_the_newest_architecture_that_a_card_takes():
    capabilities = {7.5: "sm_75", 8.6: "sm_86", 8.7: "sm_87", 8.8: "sm_87", 8.9: "sm_89", 9.0: "sm_90", 12.1: "sm_90"}
    assert {one: ptx.architecture(one) for one in capabilities} == capabilities


# ------------------------------------------------------------------------------- what the machine must see


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


def differs(kernel: Kernel, study: Study, wanted: np.ndarray) -> bool:
    """Whether a kernel is seen to be wrong: by other words, or by what a card would not survive."""
    try:
        return differing(played(kernel, study, 0), wanted) > 0
    except Fault:
        return True


def test_a_product_and_a_sum_made_one_operation_are_found():
    study = kept()
    kernel, wanted = kernel_of(study), expected(study, 0)
    assert not differs(kernel, study, wanted)
    mutants = contracted(kernel.text)
    assert mutants and all(differs(replace(kernel, text=one), study, wanted) for one in mutants)


@pytest.mark.slow
def test_another_rounding_and_a_wrong_address_of_scratch_memory_are_found():
    """The address is that of the word beside it, which is another lane's."""
    study = walk()
    kernel, wanted = kernel_of(study), expected(study, 0)
    load = re.search(r"ld\.global\.[bfu]32\s+%[fr]\d+, \[(%rd\d+)(?:\+(\d+))?\];", kernel.text)
    assert load
    place = re.sub(r"\[.*\]", f"[{load[1]}+{int(load[2] or 0) + 4}]", load[0])
    mutants = [kernel.text.replace(f"{name}.rn.f32", f"{name}.rz.f32") for name in ("add", "mul", "fma")]
    for mutant in (*mutants, kernel.text[: load.start()] + place + kernel.text[load.end() :]):
        assert mutant != kernel.text and differs(replace(kernel, text=mutant), study, wanted)
