"""What is in memory decides what a program is kept by: every way to change it is seen, nothing else is."""

import os
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

from engine import load_study
from engine.modelling import cells, code_digests, folds
from engine.models.rustbelt import Rustbelt, base_2015, environment, inputs, labour, outcomes
from engine.program.lowering import listing, scalars
from engine.program.running import devices, machine_code
from engine.program.running.kernel import program_on
from engine.study.study import Block

MODULES = ("engine.program.lowering.listing", "engine.program.emitting.loop")


def code():
    return code_digests.code_of(Rustbelt(), *MODULES)


def closed_over():
    """A cell of a function of the model's that `each` has wrapped."""
    wrapped = (one for one in vars(labour).values() if getattr(one, "__closure__", None))
    return next(cell for one in wrapped for cell in one.__closure__ if callable(cell.cell_contents))


CHANGES = {
    "a constant": lambda patch: patch.setattr(environment, "FIRST_YEAR", 2017),
    "a name that was not there": lambda patch: patch.setattr(outcomes, "MORE", 1, raising=False),
    "a function": lambda patch: patch.setattr(labour, "paid", labour.northeast),
    "the code of a function": lambda patch: patch.setattr(labour.northeast, "__code__", labour.coal_only.__code__),
    "a default": lambda patch: patch.setattr(labour.northeast, "__defaults__", (1,)),
    "what a function closes over": lambda patch: patch.setattr(closed_over(), "cell_contents", max),
    "a method": lambda patch: patch.setattr(Rustbelt, "step", Rustbelt.init),
    "an entry of a table": lambda patch: patch.setitem(Rustbelt.levers, "more", 1),
    "a class of the engine": lambda patch: patch.setattr(folds.Fold, "unit", folds.Fold.update, raising=False),
    "a function of the engine": lambda patch: patch.setattr(listing, "listed", scalars.__name__),
    "a function of another package": lambda patch: patch.setattr(jnp, "minimum", jnp.maximum),
    "a constant of another package": lambda patch: patch.setattr(np, "float32", np.float64),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_memory_is_seen_and_its_end_too(change, monkeypatch):
    before = code()
    with monkeypatch.context() as patch:
        CHANGES[change](patch)
        assert code() not in (before, None)
    assert code() == before


def test_nothing_hangs_on_where_it_is_installed():
    parts, roots = list[str](), (Rustbelt.__module__, *MODULES, machine_code.__name__)
    code_digests.Walk(code_digests.PACKAGE, cells.__name__)._write([cells.exp, cells.log, cells.sqrt], parts)
    assert not [text for text in (*parts, *code_digests.state(roots).values()) if sys.prefix in text]


def test_an_object_that_was_changed_is_seen():
    before, first = code(), base_2015.BASE.capacity
    object.__setattr__(base_2015.BASE, "capacity", base_2015.BASE.output)
    try:
        assert code() not in (before, None)
    finally:
        object.__setattr__(base_2015.BASE, "capacity", first)
    assert code() == before


def test_an_array_that_was_changed_is_seen(monkeypatch):
    array = np.zeros(3)
    monkeypatch.setattr(labour, "MORE", array, raising=False)
    before = code()
    array[1] = 1
    assert code() not in (before, None)


def test_code_of_ones_own_that_was_put_in_hangs_on_what_nobody_sees(monkeypatch):
    for place, name in ((labour, "paid"), (Rustbelt, "step"), (jnp, "minimum")):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, lambda *args: None)
            assert code() is None
    assert code() is not None


def test_a_model_that_was_changed_by_hand_hangs_on_what_nobody_sees():
    model = Rustbelt()
    model.step = model.init
    assert code_digests.code_of(model) is None


def test_nothing_that_is_computed_changes_what_is_in_memory(monkeypatch):
    before = code()
    study = load_study("rustbelt", paths=64)
    program, block = program_on(study, devices.mesh("cpu")), Block(0, 0, 64)
    program.submit(block).of(block)
    monkeypatch.setattr(code_digests, "_WALKS", code_digests.Cache())
    assert code() == before


def test_what_a_cache_holds_does_not_count_but_that_it_is_one_does(monkeypatch):
    monkeypatch.setattr(labour, "MORE", code_digests.Cache(), raising=False)
    before = code()
    labour.MORE["one"] = 1
    assert code() == before
    monkeypatch.setattr(labour, "MORE", dict(labour.MORE))
    assert code() not in (before, None)


@pytest.mark.slow
def test_what_leads_to_the_same_values_too_often_is_refused(monkeypatch):
    many = []
    for _ in range(60):
        many = [many, many]
    monkeypatch.setattr(labour, "MORE", many, raising=False)
    with pytest.raises(OverflowError, match=r"labour.* Cache"):
        code()


def test_a_module_that_is_as_it_was_is_not_walked_through_again(monkeypatch):
    before, walked = code(), []
    go = code_digests.Walk.go
    monkeypatch.setattr(code_digests.Walk, "go", lambda walk: (walked.append(walk.held["__name__"]), go(walk)))
    monkeypatch.setattr(inputs, "MORE", 1, raising=False)
    assert code_digests.state([Rustbelt.__module__]) != before
    assert set(walked) == {inputs.__name__}


@pytest.mark.slow
def test_every_process_sees_the_same():
    text = (
        "from engine.models.rustbelt import Rustbelt; import engine.program.emitting.loop; from engine.modelling"
        f" import code_digests; print(code_digests.code_of(Rustbelt(), *{MODULES}))"
    )

    def printed(seed, first=""):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        words = [sys.executable, "-c", first + text]
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout

    same = printed("1")
    assert len(same.strip()) == 32
    assert same == printed("2", "import engine.report.page, engine.plots.kinds, engine.cli.check; ")
