"""Models whose methods are no functions of what they are given are refused, with the place."""

import datetime
import random
import sys
import time
import types

import jax.numpy as jnp
import numpy as np
import pytest

from engine.errors import UserError
from engine.modelling.cells import each
from engine.modelling.contract import identified, refuse_broken
from tests.data.small_models import Bridge, Pond
from tests.refusals import refuses

CALLS = 0
SEEN: list[int] = []


def told(model) -> list[str]:
    try:
        refuse_broken(model, "m")
    except UserError as error:
        return [str(problem) for problem in error.problems]
    return []


def noise():
    return random.gauss(0, 1)


class Drawn(Bridge):
    def evaluate(self, factors, levers):
        return {"damage": factors.load * np.random.normal(), "margin": 0.0}  # noqa: NPY002


class DrawnElsewhere(Bridge):
    def evaluate(self, factors, levers):
        return {"damage": factors.load * noise(), "margin": 0.0}


class FreshGenerator(Pond):
    def step(self, state, year, factors, shocks, levers):
        state, values = super().step(state, year, factors, shocks, levers)
        return state, values | {"shortage": values["shortage"] + np.random.default_rng().normal()}


class FreshConstant(Bridge):
    def evaluate(self, factors, levers):
        return {"damage": factors.load, "margin": np.random.default_rng().normal()}


class FreshArray(Bridge):
    def evaluate(self, factors, levers):
        return {"damage": jnp.sum(factors.load * np.random.default_rng().normal(size=3)), "margin": 0.0}


class Clock(Bridge):
    def evaluate(self, factors, levers):
        return {"damage": factors.load * time.time(), "margin": 0.0}


class Today(Bridge):
    def evaluate(self, factors, levers):
        return {"damage": factors.load * datetime.date.today().year, "margin": 0.0}


@each
def by_the_clock(load):
    return load * time.time()


class ClockOfCells(Bridge):
    def evaluate(self, factors, levers):
        return {"damage": by_the_clock(factors.load), "margin": 0.0}


class ClockOfItsOwn(Bridge):
    @property
    def now(self):
        return time.monotonic_ns() % 10**9  # seconds since a start long ago would be alike in single precision

    def evaluate(self, factors, levers):
        return {"damage": factors.load * np.arange(3)[1] * self.now, "margin": 0.0}


class Counter(Pond):
    count = 0

    def step(self, state, year, factors, shocks, levers):
        self.count += 1
        state, values = super().step(state, year, factors, shocks, levers)
        return state, values | {"shortage": values["shortage"] * self.count}


class GlobalCounter(Bridge):
    def evaluate(self, factors, levers):
        global CALLS
        CALLS += 1
        return {"damage": factors.load * CALLS, "margin": 0.0}


class Growing(Bridge):
    def evaluate(self, factors, levers):
        SEEN.append(1)
        return {"damage": factors.load * len(SEEN), "margin": 0.0}


class Leaking(Pond):
    """What step keeps of one trace is no number in the next one."""

    def step(self, state, year, factors, shocks, levers):
        before = getattr(self, "before", state)
        self.before = state
        return super().step(before, year, factors, shocks, levers)


class Branching(Bridge):
    turn = iter(range(10**6))

    def evaluate(self, factors, levers):
        doubled = factors.load * 2.0 if next(self.turn) % 2 else jnp.exp(factors.load)
        return {"damage": doubled, "margin": 0.0}


IMPURE = {
    Drawn: ("model.evaluate", "test_impure_models.py, line"),
    DrawnElsewhere: ("model.evaluate", "test_impure_models.py, line"),
    FreshGenerator: ("model.step", f"test_impure_models.py, line {FreshGenerator.step.__code__.co_firstlineno + 2}"),
    FreshConstant: ("model.evaluate", "`gives"),
    FreshArray: ("model.evaluate", "float32[3]"),
    ClockOfItsOwn: ("model.evaluate", "test_impure_models.py, line"),
    Counter: ("model.step", "`mul"),
    GlobalCounter: ("model.evaluate", "1.0:float32"),
    Growing: ("model.evaluate", "1.0:float32"),
    Leaking: ("model.step", ""),
    Branching: ("model.evaluate", "exp"),
}


@pytest.mark.parametrize("model", IMPURE)
def test_what_is_no_function_of_its_arguments_is_refused(model):
    place, words = IMPURE[model]
    with refuses(place, "traced again", words):
        refuse_broken(model(), "m")


@pytest.mark.parametrize("model", [Clock, ClockOfCells, Today])
def test_a_clock_that_two_traces_do_not_tell_apart_is_part_of_what_the_model_is(model, monkeypatch):
    before = identified(model(), np.float32)
    later = types.SimpleNamespace(today=lambda: datetime.datetime(2199, 1, 1))
    monkeypatch.setattr(time, "time", lambda: 7.0)
    monkeypatch.setattr(datetime, "date", later)
    assert identified(model(), np.float32) != before


class Caching(Bridge):
    """Something that is computed once and is always the same is no memory of what came before."""

    def evaluate(self, factors, levers):
        if not hasattr(self, "table"):
            self.table = np.random.default_rng(7).normal(size=3)
        return {"damage": factors.load * self.table[0] + jnp.sum(self.table), "margin": 0.0}


def test_a_long_list_that_stays_as_it_is_passes(monkeypatch):
    monkeypatch.setitem(globals(), "SEEN", [0.5] * 1000)
    assert told(Bridge()) == told(Caching()) == []


def test_a_class_that_stands_in_no_file_is_looked_at_too(monkeypatch):
    module = types.ModuleType("a_notebook")
    monkeypatch.setitem(sys.modules, "a_notebook", module)
    for one, problems in ((Caching, 0), (FreshConstant, 1)):
        assert len(told(type(one.__name__, (one,), {"__module__": "a_notebook"})())) == problems


@pytest.mark.parametrize("model", [Bridge, Pond, Caching])
def test_pure_models_pass_however_often(model):
    one = model()
    assert told(one) == told(one) == []
