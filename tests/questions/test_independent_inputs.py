"""What is drawn apart from what: replicates of some streams change these inputs and no other, and nothing is compiled
anew.
"""

import functools

import numpy as np
import pytest

from engine.program import devices
from engine.questions import variants
from engine.questions.independent_inputs import independent_inputs, replicates
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
