"""What is drawn apart from what: replicates of some streams change these inputs and no other, and nothing is compiled
anew.
"""

import functools

import numpy as np
import pytest
from jax.sharding import Mesh

from engine.program import devices
from engine.program.cpu_program import CpuProgram
from engine.questions import variants
from engine.questions.independent_inputs import independent_inputs, replicates
from engine.study.components import Change
from engine.study.loading import load_study
from tests.helpers import assert_same
from tests.questions.assumed import lake
from tests.shock_study import walk


@functools.cache
def program_of(make):
    """The program of a study, and a path of it in full."""
    program = devices.program(make())
    return program, program.path(5)


def test_every_stream_of_a_study_belongs_to_one_input():
    for study in (lake(), walk(), load_study("rustbelt")):
        streams = [stream for one in independent_inputs(study) for stream in one.streams]
        assert len(set(streams)) == len(streams)
        every = {f"factor:{item.name}" for item in study.inputs}
        every |= {stream for group in study.groups.values() for stream in group.streams}
        fixed = {f"factor:{item.name}" for item in study.inputs if item.marginal.support[0] == item.marginal.support[1]}
        if study.is_path_model:
            every |= {stream for some in study.shock_draws.streams.values() for stream in some}
        assert every - fixed <= set(streams) <= every


@pytest.mark.parametrize("make", [lake, walk], ids=["factors", "shocks"])
def test_a_replicate_of_an_input_changes_it_and_leaves_the_others_bit_for_bit(make):
    program, before = program_of(make)
    study = make()
    names = [item.name for item in study.inputs]
    streams = [stream for some in study.shock_streams.values() for stream in some]
    for one in independent_inputs(study):
        after = variants.redrawn(program, replicates((one,), 3)).path(5)
        own = [names.index(member) for member in one.members if member in names]
        assert_same(np.delete(after.draws, own, 0), np.delete(before.draws, own, 0))
        assert all(np.any(after.draws[k] != before.draws[k]) for k in own)
        if study.model.shocks:
            moved = {
                s for s, row in zip(streams, np.any(after.shocks != before.shocks, axis=(0, 2)), strict=True) if row
            }
            theirs = {
                stream for shock in one.members if shock in study.shock_streams for stream in study.shock_streams[shock]
            }
            if one.kind == "shock":
                assert moved <= theirs and moved
    assert program.traces <= 1


@pytest.mark.parametrize("make", [lake, walk], ids=["factors", "shocks"])
def test_replicate_zero_is_the_study_itself_bit_for_bit(make):
    program, before = program_of(make)
    after = variants.redrawn(program, replicates(independent_inputs(make()), 0)).path(5)
    assert_same(after.outcomes, before.outcomes)
    assert_same(after.draws, before.draws)


def with_fixed(program, **values):
    """The program with some factors fixed."""
    return variants.fed(program, Change(factors={name: (0.0, value) for name, value in values.items()}))


def test_replicates_and_held_factors_are_the_same_bits_on_any_lanes_and_threads():
    study = lake()
    core, axes = devices.mesh("cpu").devices[:1], devices.mesh("cpu").axis_names
    block, one = study.block(0), independent_inputs(study)[0]
    seen = []
    for width, threads in ((16, 1), (4, 2), (1, 4)):
        program = CpuProgram(study, Mesh(np.repeat(core, threads), axes), study.dtype, width=width)
        program.prepare()
        for fed in (variants.redrawn(program, replicates((one,), 2)), with_fixed(program, inflow=2.5)):
            seen.append(fed.submit(block).of(block))
            assert fed.traces == 1
    for k, outcomes in enumerate(seen[2:]):
        assert_same(outcomes, seen[k % 2])
