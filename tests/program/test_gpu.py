"""The one loop on GPUs, without one: what is launched, and that the processors go on where a card fails, whenever and
however it does.
"""

import sys
import warnings
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from jax.sharding import Mesh

from engine.draws.sampling import SAMPLERS
from engine.program.emitting import gpu_code, ptx
from engine.program.running import compilation_cache, first_launch, gpu
from engine.program.running.cache_keys import Unlisted
from engine.program.running.contract import CardFailed
from engine.program.running.gpu_program import GpuProgram
from engine.program.running.hardware import processors
from engine.program.running.kernel import listing_of, program_on
from engine.program.running.reductions import Asked
from engine.study.loading import load_study
from engine.study.study import BLOCK, Block, Study
from tests import shock_study
from tests.helpers import assert_same
from tests.program.simulated_card import FAILURES, OPENED, WORDS, Card, Named, outcomes, row_of
from tests.program.test_state import study as state_of_every_type

HANGS = "hangs", "does not start"


def program(study: Study | None = None, *cards: Named) -> GpuProgram:
    """The program on cards, one if none are named."""
    made = program_on(study or state_of_every_type(), row_of(*cards or [Named()]), BLOCK)
    assert isinstance(made, GpuProgram)
    return made


def blocks(count: int) -> list[Block]:
    return [Block(k, k * BLOCK, BLOCK) for k in range(count)]


def test_a_card_with_the_processors_bytes_is_used(monkeypatch):
    card = Card(monkeypatch, state_of_every_type())
    on_card = program(None, Named(), Named(id=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        on_card.prepare()
        host = program_on(on_card.study, processors())
        for first in (0, 5 * BLOCK):
            block = Block(first // BLOCK, first, BLOCK)
            assert_same(outcomes(on_card, block), outcomes(host, block))
        assert_same(on_card.path(BLOCK + 7).outcomes, outcomes(host, Block(1, BLOCK, BLOCK))[..., 7:8])
    assert on_card.traces == 1 and card.launches == OPENED + 2
    assert [(form.name, form.on, form.why) for form in on_card.forms] == [("kernel", "2 x NVIDIA H100", "")]


@pytest.mark.parametrize("what", FAILURES)
@pytest.mark.parametrize("launch", [1, OPENED, OPENED + 3], ids=["trial", "first", "later"])
def test_where_a_card_fails_the_processors_go_on_with_the_same_bytes(monkeypatch, what, launch):
    study = state_of_every_type()
    card = Card(monkeypatch, study, what, launch)
    monkeypatch.setattr(gpu, "FIRST", 0.2)
    if what in HANGS and launch == 1:  # what waits for the other process is tested by itself
        monkeypatch.setattr(first_launch, "ends_apart", _never)
    on_card, host = program(), program_on(study, processors())
    with pytest.warns(UserWarning, match="processors go on") as told:
        found, ahead = [], on_card.submit(blocks(1)[0])
        for block, later in pairwise(blocks(6)):  # as a run has them, one ahead
            running, ahead = ahead, on_card.submit(later)
            found.append(running.of(block))
    for block, values in zip(blocks(5), found, strict=True):
        assert_same(values, outcomes(host, block))
    assert len(told) == 1 and (what in HANGS or WORDS[what] in str(told[0].message))
    *before, now = on_card.forms
    assert [form.name for form in before] == ["kernel"] * (launch > OPENED)
    assert (now.name, now.on) == ("loop", f"{processors().devices.size} x cpu") and "NVIDIA H100 not used: " in now.why
    assert card.launches <= launch + 2  # nothing is launched once it is known


def _never(*_: object) -> np.ndarray:
    raise CardFailed("its first launch had not ended after 180 s")


@pytest.mark.parametrize("what", FAILURES)
def test_a_card_that_fails_at_the_hundredth_pass_is_replaced_from_there_on(monkeypatch, what):
    study = state_of_every_type()
    card = Card(monkeypatch, study, what, OPENED + 100)
    on_card, host = program(), program_on(study, processors())
    on_card.prepare()
    for k in range(99):  # of three passes none is held any more when it is asked for again
        block = Block(k % 3, k % 3 * BLOCK, 64)
        assert_same(outcomes(on_card, block), outcomes(host, block))
    with pytest.warns(UserWarning, match=WORDS[what]):
        for block in blocks(3):
            assert_same(outcomes(on_card, block), outcomes(host, block))
    assert [form.name for form in on_card.forms] == ["kernel", "loop"]
    assert card.launches == OPENED + 100


def test_a_block_whose_values_are_not_all_finite_is_not_reduced(monkeypatch):
    study = state_of_every_type()
    card = Card(monkeypatch, study)
    on_card = program()
    on_card.prepare()
    card.held[0] = outcomes(program_on(study, processors()), blocks(1)[0])
    card.held[0][0, 0, BLOCK // 2] = np.nan
    asked = Asked(BLOCK, (0,), (), (0,), (True,), 0, ())
    for block, is_reduced in zip(blocks(2), (False, True), strict=True):
        running = on_card.submit(block)
        reduced = on_card.reduce(block, running, asked)()
        assert (reduced is not None) == is_reduced
    assert_same(outcomes(on_card, blocks(1)[0]), card.held[0])


def test_a_card_without_room_for_counts_reduces_nothing(monkeypatch):
    Card(monkeypatch, state_of_every_type())
    on_card = program(None, Named(memory_limit=16 << 20))
    on_card.prepare()
    block, asked = blocks(1)[0], Asked(BLOCK, (0,), (), (0,), (True,), 0, ())
    assert on_card.launches.spare < asked.bytes_needed(1)
    assert on_card.reduce(block, on_card.submit(block), asked)() is None and not on_card.launches.failure


def test_programs_that_share_a_card_give_it_up_together_and_others_do_not_try(monkeypatch):
    study = state_of_every_type()
    card = Card(monkeypatch, study, "raises", OPENED + 1)
    one = program()
    other = one.fed(one.inputs)
    one.prepare()
    with pytest.warns(UserWarning, match="ILLEGAL_ADDRESS"):
        outcomes(one, Block(0, 0, BLOCK))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        third = program()  # the context of this process there may be dead
        for made in (other, third):
            assert_same(outcomes(made, Block(1, BLOCK, BLOCK)), outcomes(one, Block(1, BLOCK, BLOCK)))
            assert made.forms[-1].name == "loop" and "ILLEGAL_ADDRESS" in made.forms[-1].why
    assert card.launches == OPENED + 1


def test_a_card_that_is_too_old_or_too_full_or_lacks_what_a_study_asks_for_is_not_launched_on(monkeypatch):
    card = Card(monkeypatch, state_of_every_type())
    for named, words in (
        (Named("NVIDIA GeForce GTX 1080", "6.1"), "GTX 1080 .* 6.1, .* 7.5"),
        (Named(memory_limit=1 << 20), "H100 .* 1 MiB"),
    ):
        on_card = program(None, named)
        with pytest.warns(UserWarning, match=words):
            on_card.prepare()
        assert on_card.forms[0].name == "loop"
    monkeypatch.setattr(gpu_code, "_SHARED_MEMORY", 0)
    with warnings.catch_warnings():  # of what a model is, nobody need be warned
        warnings.simplefilter("error")
        on_card = program()
        on_card.prepare()
    assert on_card.forms[0].name == "loop" and "numbers of a path" in on_card.forms[0].why
    assert card.launches == 0


# ------------------------------------------------------------------------------- the first launch, apart


TRIED = {"state": state_of_every_type} | {sampler: partial(shock_study.walk, sampler=sampler) for sampler in SAMPLERS}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (k > 0)) for k, name in enumerate(TRIED)]
)
def test_the_trial_looks_at_both_ends_of_several_launches_and_at_counters_of_two_words(monkeypatch, name):
    study = TRIED[name]()
    Card(monkeypatch, study)
    on_card = program(study, Named(), Named(id=1))
    on_card.prepare()
    code = on_card.launches.code
    firsts = first_launch.firsts_of(code.layout, on_card.reach)
    assert firsts[:2] == (0, on_card.reach) and firsts[2] // code.layout.group > 1 << 32
    assert not [first for first in firsts if first % on_card.reach]
    assert first_launch.ends_of(code.layout) == (0, on_card.lanes - first_launch.COMPARED)


def test_a_program_that_was_found_fit_is_not_tried_again_on_the_same_card(monkeypatch, tmp_path):
    card = Card(monkeypatch, state_of_every_type())
    monkeypatch.setenv("RUSTBELT_CACHE", str(tmp_path / "programs"))
    for named, trials in ((Named(), 1), (Named(), 1), (Named("NVIDIA A100", "8.0"), 2)):
        program(None, named).prepare()
        assert card.trials == trials


def ends() -> np.ndarray:
    """As another process gives them, which knows one processor."""
    study, all_of_them = state_of_every_type(), processors()
    row = Mesh(all_of_them.devices[:1], all_of_them.axis_names)
    inputs = program_on(study, row).inputs
    code, _ = gpu.kernel(study, _listing(), inputs, BLOCK, "sm_90")
    held = gpu.launched(code, study, inputs)
    return first_launch.ends_apart(code.layout, "// no kernel", row, held, (0, 1 << 40))


def _listing():
    study = state_of_every_type()
    return Unlisted.of(listing_of(study, study.dtype))


def test_what_the_other_process_raises_is_told_and_nothing_ends_here():
    with pytest.raises(CardFailed, match=r"first launch.* \w+Error: .*gpu.ptx") as told:
        ends()
    assert "\n" not in str(told.value)


PLAYED = """
import atexit
import time
import numpy as np
from engine.program.running import child_process, first_launch, gpu

def on_mesh(layout, text, mesh):
    shape = mesh.devices.size, layout.policies, layout.outcomes, 1
    paths = np.arange(layout.lanes, dtype=layout.dtype)
    print(text)
    return lambda counters, *held: np.zeros(shape, layout.dtype) + paths + counters[:, 1].astype(layout.dtype)

atexit.register(time.sleep, 600)  # as JAX's end on a card that failed
gpu.on_mesh, child_process.ENDING = on_mesh, 1
first_launch.main()
"""


def test_the_other_process_gives_both_ends_of_each_launch(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "plays.py").write_text(PLAYED)
    monkeypatch.setattr(first_launch, "_MODULE", "plays")
    found, group = ends(), SAMPLERS[state_of_every_type().sampler].group
    assert found.shape[:3] == (2, 1, 2) and found.shape[-1] == first_launch.COMPARED
    assert_same(found[..., 0], np.broadcast_to(found[:, :, :, :1, :1, 0], found.shape[:-1]))
    assert found[0, 0, :, 0, 0, 0].tolist() == [0, BLOCK - first_launch.COMPARED]
    assert (found[1] - found[0]).max() == (found[1] - found[0]).min() == (1 << 40) // group >> 32


STAYS = """
import time
from engine.program.running import first_launch, gpu

gpu.FIRST, gpu.on_mesh = 0, lambda *_: time.sleep(600)
first_launch.main()
"""
"""As a process does that hangs, and whose asker was killed."""


def test_another_process_that_dies_or_hangs_ends_nothing_here(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "dies.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    (tmp_path / "hangs.py").write_text("import time; time.sleep(600)")
    (tmp_path / "stays.py").write_text(STAYS)
    monkeypatch.setattr(first_launch, "_MODULE", "dies")
    with pytest.raises(CardFailed, match="ended by SIGSEGV"):
        ends()
    monkeypatch.setattr(first_launch, "_MODULE", "hangs")
    monkeypatch.setattr(gpu, "FIRST", 0.5)
    with pytest.raises(CardFailed, match="not ended"):
        ends()
    monkeypatch.setattr(first_launch, "_MODULE", "stays")
    monkeypatch.setattr(gpu, "FIRST", 60)
    with pytest.raises(CardFailed, match="ended by SIGALRM"):
        ends()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    with pytest.raises(CardFailed, match="no process"):
        ends()


# ------------------------------------------------------------------------------- what is launched


def test_a_launch_is_one_call_and_devices_never_talk():
    study = state_of_every_type()
    on_card = program_on(study, processors())
    code, _ = gpu.kernel(study, _listing(), on_card.inputs, BLOCK, "sm_90")
    run = gpu.on_mesh(code.layout, "// a kernel", on_card.mesh)
    held = gpu.launched(code, study, on_card.inputs)
    counters = gpu.counters(code.layout, 0, on_card.mesh.devices.size)
    text = run.trace(counters, *held).lower(lowering_platforms=("cuda",)).as_text()
    assert text.count("stablehlo.custom_call @__gpu$xla.gpu.ptx") == 1
    assert not [word for word in ("all_reduce", "all_gather", "collective", "all_to_all") if word in text]


def test_ptx_is_for_the_newest_processor_that_a_card_takes():
    capabilities = {7.5: "sm_75", 8.6: "sm_86", 8.7: "sm_87", 8.8: "sm_87", 8.9: "sm_89", 9.0: "sm_90", 12.1: "sm_90"}
    assert {capability: ptx.processor(capability) for capability in capabilities} == capabilities


def test_ptx_is_for_the_oldest_card_of_a_row():
    cards = [Named(compute_capability=one) for one in ("8.9", "12.0", "7.5")]
    targets = [gpu.target(row_of(*cards[:count])) for count in (1, 2, 3)]
    assert targets == ["sm_89", "sm_89", "sm_75"] and gpu.target(row_of(cards[1])) == ptx.NEWEST


def test_a_kernel_of_a_model_that_ships_is_found_by_the_next_process(monkeypatch, tmp_path):
    monkeypatch.setenv("RUSTBELT_CACHE", str(tmp_path / "programs"))
    study = load_study("warming")
    loop = program_on(study, processors())
    kernel = gpu.kernel(study, loop._listing, loop.inputs, BLOCK, "sm_75")

    def refuse() -> None:
        raise AssertionError("listed again")

    known = Unlisted(study.dtype, refuse)
    assert gpu.kernel(study, known, loop.inputs, BLOCK, "sm_75") == kernel
    with pytest.raises(AssertionError, match="listed again"):
        gpu.kernel(study, known, loop.inputs, 2 * BLOCK, "sm_75")
    (file,) = (tmp_path / "programs" / "programs").glob("*.kernel")
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(AssertionError, match="listed again"):  # it is sealed
        gpu.kernel(study, known, loop.inputs, BLOCK, "sm_75")
    assert compilation_cache.held("kernel", file.name.partition(".")[0]) is None
