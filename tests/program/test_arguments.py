"""Arguments and random numbers that a program is given: checked before code runs; of its own numbers a path is made."""

import jax
import numpy as np
import pytest

from engine.program import arguments, devices
from engine.program.programs import program_on
from engine.study.study import Block
from tests.helpers import assert_same
from tests.program.test_cpu_program import STUDIES, made, outcomes

NAMES = ("cost-antithetic", "farms-antithetic", "walk-antithetic")
CASES = [*((name, "loop") for name in NAMES), (NAMES[0], "xla")]
"""Studies, and the form of their program."""
SOME = Block(0, 37, 300)
WRONG = {
    "too few rows": lambda scores: scores[:-1],
    "one row": lambda scores: scores[:1],
    "paths first": lambda scores: np.ascontiguousarray(scores.T),
    "complex": lambda scores: scores.astype(complex),
}


def program_of(name, form):
    return made(name) if form == "loop" else program_on(STUDIES[name](), devices.mesh("cpu"), form=form)


@pytest.mark.parametrize(("name", "form"), CASES)
def test_random_numbers_of_another_form_are_refused(name, form):
    program, scores = program_of(name, form), made(name).scores(Block(0, 0, 7))
    for wrong in WRONG.values():
        given = wrong(scores)
        for asked in (program.outcomes_of, program.trace_of):
            with pytest.raises(
                (ValueError, TypeError), match=rf"scores: expected .*{len(scores)}.* got .*{given.dtype}"
            ):
                asked(given)


def test_how_random_numbers_lie_in_memory_changes_no_bit():
    program = made("cost-antithetic")
    scores = program.scores(Block(0, 0, 200))
    expected = program.outcomes_of(scores)
    apart = np.zeros((2 * scores.shape[0], 600), np.float32)[::2, ::3]
    apart[:] = scores
    for other in (np.asfortranarray(scores), apart, scores.astype(np.float64), scores.astype(">f4"), scores.tolist()):
        assert_same(program.outcomes_of(other), expected)
    assert program.outcomes_of(scores[:, :0]).shape[-1] == 0


def changed(inputs, change):
    """Inputs with the first array of floating numbers changed."""
    leaves, form = jax.tree.flatten(inputs)
    at = next(k for k, leaf in enumerate(leaves) if np.asarray(leaf).dtype == np.float32 and np.size(leaf))
    leaves[at] = change(np.asarray(leaves[at]))
    return jax.tree.unflatten(form, leaves)


@pytest.mark.parametrize(("name", "form"), CASES)
def test_inputs_of_another_form_are_refused(name, form):
    program = program_of(name, form)
    for change in (
        lambda leaf: np.zeros((*leaf.shape, 2), np.float32),
        lambda leaf: leaf.reshape(-1)[:0],
        lambda leaf: leaf.astype(np.float64),
        lambda leaf: leaf.astype(np.int32),
    ):
        with pytest.raises(ValueError, match=r"inputs\[.*expected .*float32.* got"):
            program.fed(changed(program.inputs, change))
    with pytest.raises(ValueError, match=r"inputs\[.levers.*: expected .* got None"):
        program.fed({key: value for key, value in program.inputs.items() if key != "levers"})
    assert_same(outcomes(program.fed(program.inputs), 0, 7), outcomes(program, 0, 7))


# ------------------------------------------------------------------------------- given random numbers


@pytest.mark.parametrize(
    ("name", "width"), [("cost-antithetic", 1), ("farms-antithetic", None), ("walk-antithetic", None)]
)
def test_of_a_paths_own_numbers_lanes_make_the_path(name, width):
    program = made(name, width)
    scores = program.scores(SOME)
    assert len(scores) == len(arguments.streams(program.study))
    block = program.submit(SOME).of(SOME)
    assert_same(program.outcomes_of(scores), block)
    found, path = program.trace_of(scores), program.path(SOME.first + 5)
    assert_same(found.outcomes, block)
    for field in ("outcomes", "yearly", "draws", "shocks"):
        whole, one = getattr(found, field), getattr(path, field)
        assert (whole is None) == (one is None)
        if one is not None:
            assert_same(np.ascontiguousarray(whole[..., 5:6]), one)


def test_scores_of_streams_are_where_they_are_named():
    """A path with one number changed differs in that factor, or in that year's shock, alone."""
    program = made("walk-antithetic")
    scores = program.scores(Block(0, 0, 1))
    own = program.trace_of(scores)
    streams = arguments.streams(program.study)
    at = next(k for k, one in enumerate(streams) if one.name == "shock:plain[b]" and one.year == 2)
    other = program.trace_of(np.where(np.arange(len(scores))[:, None] == at, 1.25, scores))
    (year,), (stream,), _ = np.nonzero(own.shocks != other.shocks)
    assert year == 2 and other.shocks[year, stream, 0] == 1.25
    assert_same(own.draws, other.draws)
