"""The PTX that a card's driver is handed gives the words of the processor's lanes: shown by a machine in NumPy."""

import re
from functools import partial

import pytest

from engine.draws.sampling import SAMPLERS
from engine.lanes import ptx
from engine.study.loading import load_study
from engine.study.study import Study
from tests.program import hostile_functions
from tests.program.ptx_arithmetic import F64, NOT_A_NUMBER, U64
from tests.program.ptx_launch import BLOCKS, differing, expected, kernel_of, played, toy
from tests.shock_study import walk

CARDS = ("sm_75", "sm_90")
"""The oldest and the newest that PTX is written for."""
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


def slow(name: str) -> object:
    return pytest.param(name, marks=[pytest.mark.slow] * (name == "rustbelt"))


def assert_same_words(study: Study, card: str, first: int) -> None:
    kernel = kernel_of(study, card)
    assert not APPROXIMATE.search(kernel.text)
    given = played(kernel, study, first, ENDS)
    assert given.size and differing(given, expected(study, first, ENDS)) == 0


@pytest.mark.parametrize("name", [slow(name) for name in STUDIES])
def test_no_word_differs_from_the_processors(name):
    assert_same_words(STUDIES[name](), "sm_90", 1 << 17)


@pytest.mark.parametrize("name", [slow(name) for name in STUDIES])
def test_an_old_card_computes_paths_beyond_32_bits_of_groups(name):
    assert_same_words(STUDIES[name](), "sm_75", FAR)


@pytest.mark.parametrize("card", CARDS)
def test_functions_at_hostile_values_have_the_words_of_the_processor(monkeypatch, card):
    """Whichever bits a card gives NaN in double precision, which its manual leaves open."""
    study = hostile_functions.study(NAMES)
    kernel, blocks = kernel_of(study, card), range(4)
    wanted = expected(study, FAR, blocks)
    for not_a_number in (0x7FFFFFFFFFFFFFFF, 0xFFF8000000000000, 0x7FF8000000000001):
        monkeypatch.setitem(NOT_A_NUMBER, F64, U64.type(not_a_number))
        assert differing(played(kernel, study, FAR, blocks), wanted) == 0


def test_values_of_a_large_loop_in_memory_have_the_words_of_the_processor(monkeypatch):
    monkeypatch.setattr("engine.lanes.emit._REGISTERS", 0)
    for study in (walk(), toy()):
        assert kernel_of(study).layout.scratch
        assert_same_words(study, "sm_90", 0)


def test_ptx_is_for_the_newest_architecture_that_a_card_takes():
    capabilities = {7.5: "sm_75", 8.6: "sm_86", 8.7: "sm_87", 8.8: "sm_87", 8.9: "sm_89", 9.0: "sm_90", 12.1: "sm_90"}
    assert {one: ptx.architecture(one) for one in capabilities} == capabilities
