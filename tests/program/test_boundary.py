"""What machine code is handed is of the shape, type and layout that it reads: anything else is refused before."""

import functools
from dataclasses import replace

import jax
import numpy as np
import pytest

from engine.program.emitting import driver
from engine.program.running import devices, native
from engine.program.running.kernel import program_on
from engine.program.running.native import LoopProgram
from engine.study.study import Block
from tests.helpers import assert_same
from tests.program.test_loop import STUDIES, made, outcomes

NAMES = ("cost-latin", "farms-antithetic", "walk-antithetic")
WRONG = {
    "too few rows": lambda scores: scores[:-1],
    "one row": lambda scores: scores[:1],
    "flat": lambda scores: scores[0],
    "too many rows": lambda scores: np.concatenate([scores, scores]),
    "paths first": lambda scores: np.ascontiguousarray(scores.T),
    "three axes": lambda scores: scores[None],
    "whole numbers": lambda scores: scores.astype(int),
    "texts": lambda scores: scores.astype(str),
    "complex": lambda scores: scores.astype(complex),
    "objects": lambda scores: scores.astype(object),
}


@pytest.mark.parametrize("form", ["loop", "xla"])
@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", NAMES)
def test_random_numbers_of_another_form_are_refused(name, wrong, form):
    program = made(name) if form == "loop" else by_xla(name)
    scores = made(name).scores(Block(0, 0, 7))
    given = WRONG[wrong](scores)
    rows = scores.shape[0]
    for asked in (program.outcomes_of, program.trace_of):
        with pytest.raises((ValueError, TypeError), match=rf"scores: expected .*{rows}.* got .*{given.dtype}"):
            asked(given)


def by_xla(name):
    return program_on(STUDIES[name](), devices.mesh("cpu"), form="xla")


def test_how_random_numbers_lie_in_memory_changes_no_bit():
    program = made("cost-latin")
    scores = program.scores(Block(0, 0, 200))
    expected = program.outcomes_of(scores)
    apart = np.zeros((2 * scores.shape[0], 600), np.float32)[::2, ::3]
    apart[:] = scores
    for other in (np.asfortranarray(scores), apart, scores.astype(np.float64), scores.astype(">f4"), scores.tolist()):
        assert_same(program.outcomes_of(other), expected)
    assert program.outcomes_of(scores[:, :0]).shape[-1] == 0


def changed(inputs, change):
    """Inputs with the first array of floating numbers of each kind changed."""
    leaves, form = jax.tree.flatten(inputs)
    at = next(k for k, leaf in enumerate(leaves) if np.asarray(leaf).dtype == np.float32 and np.size(leaf))
    leaves[at] = change(np.asarray(leaves[at]))
    return jax.tree.unflatten(form, leaves)


@pytest.mark.parametrize(
    "change",
    [
        lambda leaf: np.zeros((*leaf.shape, 2), np.float32),
        lambda leaf: leaf.reshape(-1)[:0],
        lambda leaf: leaf.astype(np.float64),
        lambda leaf: leaf.astype(np.int32),
    ],
    ids=["longer", "empty", "double", "whole"],
)
@pytest.mark.parametrize("form", ["loop", "xla"])
@pytest.mark.parametrize("name", NAMES)
def test_inputs_of_another_form_are_refused(name, change, form):
    program = made(name) if form == "loop" else by_xla(name)
    with pytest.raises((ValueError, TypeError), match=r"inputs\[.*expected .*float32.* got"):
        program.fed(changed(program.inputs, change))
    with pytest.raises(ValueError, match="inputs: expected"):
        program.fed({key: value for key, value in program.inputs.items() if key != "levers"})
    assert_same(program.fed(program.inputs).path(3).outcomes, program.path(3).outcomes)


OTHERWISE = {
    "one more": lambda a: np.concatenate([a.reshape(-1), a.reshape(-1)[:1], np.zeros(1, a.dtype)]),
    "another shape": lambda a: a[None],
    "another type": lambda a: np.zeros(a.shape, np.int64),
    "in pieces": lambda a: np.zeros((*a.shape[:-1], 2 * max(a.shape[-1], 1)), a.dtype)[..., ::2],
}


@pytest.mark.parametrize("otherwise", OTHERWISE)
@pytest.mark.parametrize("array", driver.ARRAYS)
@pytest.mark.parametrize("gives", ["outcomes", "years"])
def test_every_array_is_looked_at_where_it_is_handed_over(gives, array, otherwise, monkeypatch):
    """Whichever array is of another form, by whatever mistake of ours: no code runs on it."""
    program = LoopProgram(*of_farms())
    pointers, run = native._pointers, []
    held = {}

    def wrong(given, forms):
        held.update(given)
        return pointers({**given, array: OTHERWISE[otherwise](given[array])}, forms)

    program._code(gives)
    code = program._compiled[gives, False]
    program._compiled[gives, False] = replace(code, run=lambda *_: run.append(1))
    monkeypatch.setattr(native, "_pointers", wrong)
    asked = (lambda: program.first_years(64)) if gives == "years" else (lambda: outcomes(program, 0, 64))
    if otherwise == "in pieces" and array in EMPTY[gives]:  # of no number there is one layout
        asked()
        return
    with pytest.raises(ValueError, match=f"{array}: expected .* got"):
        asked()
    assert not run and held.keys() == set(driver.ARRAYS)


EMPTY = {"outcomes": ("cells", "kept", "scores"), "years": ("kept", "scores")}
"""What code of each kind neither reads nor writes."""


@functools.cache
def of_farms():
    program = made("farms-antithetic")
    return program.study, program.mesh, program._listing
