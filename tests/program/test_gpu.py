"""A study's program on cards that processors stand in for: where a card fails, the processors go on."""

import warnings
from itertools import pairwise

import numpy as np
import pytest

from engine.program.gpu_program import GpuProgram
from engine.program.hardware import processors
from engine.program.programs import program_on
from engine.study.study import BLOCK, Block, Study
from tests.helpers import assert_same
from tests.program.simulated_card import FAILURES, WORDS, Card, Named, outcomes, row_of
from tests.shock_study import walk


def program(study: Study | None = None, *cards: Named) -> GpuProgram:
    """The program on cards, one if none are named."""
    made = program_on(study or walk(), row_of(*cards or [Named()]), BLOCK)
    assert isinstance(made, GpuProgram)
    return made


def blocks(count: int) -> list[Block]:
    return [Block(k, k * BLOCK, BLOCK) for k in range(count)]


def test_a_card_with_the_processors_bytes_is_used(monkeypatch):
    card, host = Card(monkeypatch, walk()), program_on(walk(), processors())
    on_cards = program(None, Named(), Named(id=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        on_cards.prepare()
        for block in blocks(4):
            assert_same(outcomes(on_cards, block), outcomes(host, block))
        far = Block(1 << 20, 1 << 37, BLOCK)  # groups have numbers beyond 32 bits
        assert_same(outcomes(on_cards, far), outcomes(host, far))
        assert_same(on_cards.path(BLOCK + 7).outcomes, outcomes(host, Block(1, BLOCK, BLOCK))[..., 7:8])
    assert on_cards.traces == 1 and on_cards.ahead == 2 and card.launches == 5
    assert [(form.name, form.on, form.why) for form in on_cards.forms] == [("kernel", "2 x NVIDIA H100", "")]


def test_a_call_of_several_launches_has_the_processors_bytes(monkeypatch):
    monkeypatch.setattr("engine.program.gpu.AT_ONCE", 1 << 13)
    Card(monkeypatch, walk())
    assert_same(outcomes(program(), blocks(2)[1]), outcomes(program_on(walk(), processors()), blocks(2)[1]))


@pytest.mark.parametrize("what, launch", [*((what, 1) for what in FAILURES), ("raises", 3)])
def test_where_a_card_fails_the_processors_go_on_with_the_same_bytes(monkeypatch, what, launch):
    study = walk()
    card, host = Card(monkeypatch, study, what, launch), program_on(study, processors())
    on_card = program()
    with pytest.warns(UserWarning, match="the CPU continues") as told:
        found, ahead = [], on_card.submit(blocks(1)[0])
        for block, later in pairwise(blocks(4)):  # as a run has them, one ahead
            running, ahead = ahead, on_card.submit(later)
            found.append(running.of(block))
    for block, values in zip(blocks(3), found, strict=True):
        assert_same(values, outcomes(host, block))
    assert len(told) == 1 and WORDS[what] in str(told[0].message)
    *before, now = on_card.forms
    assert [form.name for form in before] == ["kernel"] * (launch > 1)
    assert (now.name, now.on) == ("loop", f"{processors().devices.size} x cpu") and "NVIDIA H100 not used: " in now.why
    assert on_card.ahead == 1 and card.launches <= launch + 2  # nothing is launched once it is known


def test_one_card_of_several_with_other_bytes_ends_the_use_of_all(monkeypatch):
    Card(monkeypatch, walk(), "gives other bytes", 2)
    on_cards = program(None, Named(), Named(id=1))
    with pytest.warns(UserWarning, match=f"{BLOCK:,} to .* other bytes"):
        on_cards.prepare()
    assert [form.name for form in on_cards.forms] == ["loop"]


def test_programs_of_a_process_that_has_given_up_its_cards_do_not_try(monkeypatch):
    card = Card(monkeypatch, walk(), "raises", 2)
    one = program()
    other = one.fed(one.inputs)
    one.prepare()
    with pytest.warns(UserWarning, match="ILLEGAL_ADDRESS"):
        outcomes(one, blocks(2)[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for made in (other, program()):  # the context of this process there may be dead
            assert_same(outcomes(made, blocks(2)[1]), outcomes(one, blocks(2)[1]))
            assert made.forms[-1].name == "loop" and "ILLEGAL_ADDRESS" in made.forms[-1].why
    assert card.launches == 2


def test_in_double_precision_processors_compute():
    (form,) = program_on(walk(), row_of(Named()), BLOCK, dtype=np.float64).forms
    assert form.name == "loop" and "single precision" in form.why
