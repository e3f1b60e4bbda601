"""Lists of operations are what they must be after every pass; and what is wrong with one is seen."""

import numpy as np
import pytest

from engine.program.emitting import gpu_code, loop
from engine.program.lowering import listing, passes
from engine.program.lowering.operations import Operation
from engine.program.tracing import arguments
from engine.program.tracing.equations import Axis
from engine.program.tracing.rules import traced
from engine.study.loading import load_study
from tests.program import hostile_functions
from tests.program.test_gpu_code import STUDIES
from tests.program.verified import faults, faults_of_stage

LISTED = {
    **STUDIES,
    "hostile": lambda: hostile_functions.study([*hostile_functions.FUNCTIONS]),
    "rustbelt": lambda: load_study("rustbelt"),
}


def none_of(found):
    assert not list(found)[:5]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "rustbelt")) for name in LISTED]
)
def test_a_list_is_right_after_every_pass(name, dtype, monkeypatch):
    study, seen = LISTED[name](), set()

    def walked(named, held, aim):
        for what, one in named:
            held = one(held, aim)
            none_of(faults(held.operations))
            for stage in held.stages:
                none_of(faults_of_stage(stage))
            seen.add(what)
        return held

    for module in (listing, loop, gpu_code):
        monkeypatch.setattr(module, "walked", walked)
    inputs = arguments.of(study, dtype)
    made = listing.listed(study, traced(study, dtype), inputs)
    for gives in (loop.YEARS, loop.INPUTS):
        loop.code(study, made, inputs, 4, gives)
    expected = [*passes.OF_LIST, *passes.OF_STAGES]
    if all(one.name != "call" for one in made.operations):
        gpu_code.code(study, made, inputs, 1 << 12)
        expected += passes.OF_THREAD
    assert seen == {what for what, _ in expected}


F32, I32 = np.dtype(np.float32), np.dtype(np.int32)


def made(name, dtype, *operands):
    return Operation(name, operands, dtype, None, Axis.PATH)


X, K = made("input", F32), made("input", I32)


@pytest.mark.parametrize(
    ("operation", "found"),
    [
        (made("add", F32, X, X), None),
        (made("fma", F32, X, X, X), None),
        (made("rounded", F32, X), "no row"),
        (made("add", F32, X), "not of fiu fiu"),
        (made("add", F32, X, K), "several types"),
        (made("add", I32, X, X), "gives int32"),
        (made("shift_left", F32, X, X), "not of iu iu"),
        (made("eq", F32, X, X), "gives float32"),
        (made("neg", F32, made("neg", F32, X)), "not there yet"),
    ],
)
def test_what_is_wrong_is_seen(operation, found):
    texts = list(faults([X, K, operation]))
    assert (found is None and not texts) or any(found in text for text in texts)


def test_an_operation_that_is_there_twice_is_seen():
    one = made("neg", F32, X)
    assert list(faults([X, one, one])) == ["neg is there twice"]
