"""The PTX that a card's driver would be handed gives the words of the one loop on this processor: proved by a machine
in NumPy.
"""

import pytest

from engine.program.emitting import gpu_code, ptx
from engine.study.loading import load_study
from engine.study.study import Study
from tests.program import hostile_functions
from tests.program.ptx_arithmetic import F64, NOT_A_NUMBER, U64
from tests.program.ptx_launch import code_of, differing, expected, played, toy
from tests.program.ptx_machine import Machine
from tests.program.test_gpu_code import STUDIES, unwanted

CARDS = ("sm_75", "sm_90")
"""The oldest and the newest that PTX is written for."""
FAR = 1 << 36
"""A path whose counter has more than 32 bits, whether two paths share it or four."""
QUICK = ("antithetic", "state", "static", "policies")


def assert_same_words(study: Study, code: gpu_code.GpuCode, card: str, first: int, blocks=(0, -1)) -> None:
    """No word of some blocks of a launch differs from the loop's, and nothing is done that a card would not survive."""
    machine = Machine(ptx.text(code, card))
    given, wanted = played(machine, code, study, first, blocks), expected(code, study, first, blocks)
    assert given.size and differing(given, wanted) == 0


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK)) for name in STUDIES]
)
def test_first_and_last_block_of_a_launch_have_the_words_of_the_loop(name, card):
    study = STUDIES[name]()
    code = code_of(study)
    assert FAR // code.layout.group > 1 << 32
    for first in (0, FAR):
        assert_same_words(study, code, card, first)


def test_policies_in_one_thread_and_states_in_the_blocks_memory_have_the_words_of_the_loop(monkeypatch):
    for name, each in (("state", 2), ("policies", 5)):
        study = STUDIES[name]()
        assert_same_words(study, code_of(study, each=each), "sm_90", 0)
    monkeypatch.setattr(gpu_code, "_CARRIED", 0)
    study = STUDIES["state"]()
    code = code_of(study)
    assert code.layout.carried
    assert_same_words(study, code, "sm_90", 0)


LARGE = {"toy": toy, "rustbelt": lambda: load_study("rustbelt")}


@pytest.mark.slow
@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("name", LARGE)
def test_toy_and_rustbelt_have_the_words_of_the_loop(name, card):
    study = LARGE[name]()
    code = code_of(study, gpu_code.PATHS, None)
    for first in (0, FAR):
        assert_same_words(study, code, card, first)


NAMES = list(hostile_functions.FUNCTIONS)


@pytest.mark.parametrize("card", CARDS)
def test_functions_at_hostile_values_have_the_words_of_the_loop(monkeypatch, card):
    """Whichever bits a card gives what is not a number in double precision: its manual leaves that open."""
    study = hostile_functions.study(NAMES)
    code, blocks = code_of(study), range(40)
    assert code.layout.outcomes == len(NAMES)
    machine, wanted = Machine(ptx.text(code, card)), expected(code, study, FAR, blocks)
    for not_a_number in (0x7FFFFFFFFFFFFFFF, 0xFFF8000000000000, 0x7FF8000000000001):
        monkeypatch.setitem(NOT_A_NUMBER, F64, U64.type(not_a_number))
        assert differing(played(machine, code, study, FAR, blocks), wanted) == 0


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name not in (*QUICK, "hostile")))
        for name in (*STUDIES, "hostile", *LARGE)
    ],
)
def test_every_operation_on_floats_is_rounded_to_nearest_and_none_is_approximated(name):
    study = hostile_functions.study(NAMES) if name == "hostile" else {**STUDIES, **LARGE}[name]()
    for card in CARDS:
        assert unwanted(ptx.text(code_of(study), card)) == set()
