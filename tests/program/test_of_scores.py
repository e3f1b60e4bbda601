"""Futures made of random numbers that are handed in: of a path's own they are the path, bit for bit in the one loop."""

import numpy as np
import pytest

from engine.program.running import devices, native
from engine.program.running.kernel import program_on
from engine.program.tracing import arguments
from engine.study.study import Block
from tests.helpers import assert_same
from tests.pairs import in_turn
from tests.program.test_loop import STUDIES, looped

SOME = Block(0, 37, 300)


@pytest.mark.parametrize(("name", "width"), in_turn((name for name in STUDIES if name != "rustbelt"), [None, 1]))
def test_of_a_paths_own_numbers_the_loop_makes_the_path(name, width):
    study = STUDIES[name]()
    program = looped(study, width)
    scores = program.scores(SOME)
    assert len(scores) == len(arguments.streams(study))
    block = program.submit(SOME).of(SOME)
    assert_same(program.outcomes_of(scores), block)
    found, path = program.trace_of(scores), program.path(SOME.first + 5)
    assert_same(found.outcomes, block)
    for field in ("outcomes", "yearly", "draws", "shocks"):
        whole, one = getattr(found, field), getattr(path, field)
        assert (whole is None) == (one is None)
        if one is not None:
            assert_same(np.ascontiguousarray(whole[..., 5:6]), one)


def test_code_that_draws_is_not_compiled_where_numbers_are_handed_in(monkeypatch):
    study, compiled, asked = STUDIES["walk-antithetic"](), native.code_in_memory, list[tuple[str, bool]]()
    monkeypatch.setattr(native, "code_in_memory", lambda *of: (asked.append(of[-2:]), compiled(*of))[1])
    program = looped(study)
    scores = np.zeros((len(arguments.streams(study)), 3), np.float32)
    assert_same(program.trace_of(scores).outcomes, program.outcomes_of(scores))
    assert sorted(asked) == [("inputs", True), ("outcomes", True), ("years", True)]


def test_scores_of_streams_are_where_they_are_named():
    """A path with one number changed differs in that factor, or in that year's shock, alone."""
    study = STUDIES["walk-antithetic"]()
    program = looped(study)
    scores = program.scores(Block(0, 0, 1))
    own = program.trace_of(scores)
    streams = arguments.streams(study)
    at = next(k for k, one in enumerate(streams) if one.name == "shock:plain[b]" and one.year == 2)
    other = program.trace_of(np.where(np.arange(len(scores))[:, None] == at, 1.25, scores))
    (year,), (stream,), _ = np.nonzero(own.shocks != other.shocks)
    assert year == 2 and other.shocks[year, stream, 0] == 1.25
    assert_same(own.draws, other.draws)


@pytest.mark.parametrize(
    "name",
    [
        "cost-antithetic",
        pytest.param("walk-antithetic", marks=pytest.mark.slow),
        *(pytest.param(name, marks=[pytest.mark.slow, pytest.mark.sweep]) for name in ("cost-latin", "farms-random")),
    ],
)
def test_xla_makes_of_them_what_it_makes_of_the_path(name):
    study = STUDIES[name]()
    program = program_on(study, devices.mesh("cpu"), form="xla")
    scores = program.scores(SOME)
    assert_same(scores[:, :9], looped(study).scores(Block(0, SOME.first, 9)))
    block = program.submit(SOME).of(SOME)
    np.testing.assert_allclose(program.outcomes_of(scores), block, rtol=2e-5, atol=1e-5)
    path, found = program.path(SOME.first + 5), program.trace_of(scores)
    for field in ("yearly", "draws", "shocks"):
        whole, one = getattr(found, field), getattr(path, field)
        assert (whole is None) == (one is None)
        if one is not None:
            np.testing.assert_allclose(whole[..., 5:6], one, rtol=2e-5, atol=1e-5)
