"""The one loop on GPUs, without one: what is launched, and what takes over where the card does not give the processor's bytes."""

import warnings

import numpy as np
import pytest

from engine.program import gpu
from engine.program.contract import Program
from engine.program.devices import mesh
from engine.program.kernel import listing_of, program_on
from engine.program.native import LoopProgram
from engine.study.study import BLOCK, Block
from tests.helpers import assert_same
from tests.program.test_state import study as state_of_every_type


def on_cards() -> gpu.GpuProgram:
    """The program for as many cards as there are processors, which stand in for them."""
    study = state_of_every_type()
    return gpu.GpuProgram(study, mesh("cpu"), study.tile, listing_of(study, study.dtype))


def outcomes(program: Program, block: Block) -> np.ndarray:
    return program.collect(block, program.submit(block)).outcomes


def card_that_gives(monkeypatch: pytest.MonkeyPatch, change: float) -> None:
    """Launches that give what the processor gives, changed by so much."""

    def on_mesh(code, text, devices):
        study, layout = state_of_every_type(), code.layout
        host = LoopProgram(study, mesh("cpu"), listing_of(study, study.dtype))

        def launch(counters, *held):
            firsts = [(int(low) + (int(high) << 32)) * layout.group for low, high in counters]
            return np.stack([outcomes(host, Block(0, first, layout.lanes)) for first in firsts]) + change

        return launch

    monkeypatch.setattr(gpu, "on_mesh", on_mesh)


def test_a_card_with_the_processors_bytes_is_used(monkeypatch):
    card_that_gives(monkeypatch, np.float32(0))
    program = on_cards()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        program.prepare()
    host = program_on(program.study, mesh("cpu"))
    for first in (0, 5 * BLOCK):
        block = Block(first // BLOCK, first, BLOCK)
        assert_same(outcomes(program, block), outcomes(host, block))
    assert_same(program.path(BLOCK + 7).outcomes, outcomes(host, Block(1, BLOCK, BLOCK))[..., 7:8])
    assert program.traces == 1


def test_a_card_with_other_bytes_is_not_used(monkeypatch):
    card_that_gives(monkeypatch, np.float32(1))
    program = on_cards()
    with pytest.warns(UserWarning, match="paths 0 to 4,095 have other bytes"):
        program.prepare()
    block = Block(0, 0, BLOCK)
    assert_same(outcomes(program, block), outcomes(program_on(program.study, mesh("cpu"), form="xla"), block))


def test_where_nothing_can_be_launched_xla_takes_over():
    program = on_cards()
    with pytest.warns(UserWarning, match="XLA's program: "):
        program.prepare()
    block = Block(0, 0, 1 << 12)
    reference = program_on(program.study, mesh("cpu"), form="xla")
    assert_same(outcomes(program, block), outcomes(reference, block))
    assert_same(program.fed(program.inputs).path(3).outcomes, reference.path(3).outcomes)


def test_a_launch_is_one_call_and_devices_never_talk():
    program = on_cards()
    run = gpu.on_mesh(program._code, "// a kernel", program.mesh)
    held = gpu.launched(program._code, program.study, program.inputs)
    counters = np.zeros((program.mesh.devices.size, 2), np.uint32)
    text = run.trace(counters, *held).lower(lowering_platforms=("cuda",)).as_text()
    assert text.count("stablehlo.custom_call @__gpu$xla.gpu.ptx") == 1
    assert not [word for word in ("all_reduce", "all_gather", "collective", "all_to_all") if word in text]
