"""Models whose methods are no functions of what they are given are refused, with the place."""

import datetime
import itertools
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

SEEN: list[int] = []


def told(model) -> list[str]:
    try:
        refuse_broken(model, "m")
    except UserError as error:
        return [str(problem) for problem in error.problems]
    return []


def bridge(damage, margin=lambda: 0.0):
    """A bridge whose damage is a function of the load, and whose margin one of nothing."""

    class Made(Bridge):
        def evaluate(self, factors, levers):
            return {"damage": damage(factors.load), "margin": margin()}

    return Made


def normal():
    return np.random.default_rng().normal()


class FreshGenerator(Pond):
    def step(self, state, year, factors, shocks, levers):
        state, values = super().step(state, year, factors, shocks, levers)
        return state, values | {"shortage": values["shortage"] + np.random.default_rng().normal()}


@each
def by_the_clock(load):
    return load * time.time()


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


def grown(load):
    SEEN.append(1)
    return load * len(SEEN)


class Leaking(Pond):
    """What step keeps of one trace is no number in the next one."""

    def step(self, state, year, factors, shocks, levers):
        before = getattr(self, "before", state)
        self.before = state
        return super().step(before, year, factors, shocks, levers)


TURNS = itertools.count()
HERE = "test_impure_models.py, line"
IMPURE = {
    "drawn by NumPy": (bridge(lambda load: load * np.random.normal()), "model.evaluate", HERE),  # noqa: NPY002
    "drawn elsewhere": (bridge(lambda load: load * random.gauss(0, 1)), "model.evaluate", HERE),
    "a fresh generator": (FreshGenerator, "model.step", f"{HERE} {FreshGenerator.step.__code__.co_firstlineno + 2}"),
    "a fresh constant": (bridge(lambda load: load, normal), "model.evaluate", "`gives"),
    "a clock of its own": (ClockOfItsOwn, "model.evaluate", HERE),
    "a counter": (Counter, "model.step", "`mul"),
    "a list that grows": (bridge(grown), "model.evaluate", "1.0:float32"),
    "a state that leaks": (Leaking, "model.step", ""),
    "branches in turn": (
        bridge(lambda load: load * 2.0 if next(TURNS) % 2 else jnp.exp(load)),
        "model.evaluate",
        "exp",
    ),
}
CLOCKS = [
    bridge(lambda load: load * time.time()),
    bridge(by_the_clock),
    bridge(lambda load: load * datetime.date.today().year),
]


@pytest.mark.parametrize("name", IMPURE)
def test_what_is_no_function_of_its_arguments_is_refused(name):
    model, place, words = IMPURE[name]
    with refuses(place, "traced again", words):
        refuse_broken(model(), "m")


@pytest.mark.parametrize("model", CLOCKS)
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


def test_a_class_that_stands_in_no_file_is_looked_at_too(monkeypatch):
    module = types.ModuleType("a_notebook")
    monkeypatch.setitem(sys.modules, "a_notebook", module)
    for one, problems in ((Caching, 0), (Counter, 1)):
        assert len(told(type(one.__name__, (one,), {"__module__": "a_notebook"})())) == problems


@pytest.mark.parametrize("model", [Bridge, Pond, Caching])
def test_pure_models_pass_however_often(model):
    one = model()
    assert told(one) == told(one) == []
