"""Models whose methods are no functions of what they are given are refused, with the place."""

import datetime
import random
import sys
import time
import types
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from engine.errors import UserError
from engine.modelling.cells import each
from engine.modelling.contract import refuse_broken
from tests.data.small_models import Bridge, Pond

CALLS = 0
SEEN: list[int] = []
FILE = Path(__file__).parents[1] / "data" / "hostile.json"


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
        return time.monotonic()

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


class Reading(Bridge):
    def evaluate(self, factors, levers):
        return {"damage": factors.load * len(FILE.read_text()), "margin": 0.0}


def line(model, method="evaluate"):
    return getattr(model, method).__code__.co_firstlineno


IMPURE = [
    (Drawn, "model.evaluate", f"draws random numbers by itself (np.random, test_purity.py, line {line(Drawn) + 1})"),
    (DrawnElsewhere, "model.evaluate", "draws random numbers by itself (random)"),
    (
        FreshGenerator,
        "model.step",
        (
            "gives another rule when it is traced again (test_purity.py, line"
            f" {line(FreshGenerator, 'step') + 2}): the number"
        ),
    ),
    (FreshConstant, "model.evaluate", "gives another number when it is traced again: the number"),
    (FreshArray, "model.evaluate", "an array of numbers of its own, shape (3,)"),
    (Clock, "model.evaluate", f"asks for the time ('time', test_purity.py, line {line(Clock) + 1})"),
    (Today, "model.evaluate", f"asks for the time ('today', test_purity.py, line {line(Today) + 1})"),
    (ClockOfCells, "model.evaluate", "asks for the time ('time', test_purity.py"),
    (ClockOfItsOwn, "model.evaluate", "asks for the time ('monotonic', test_purity.py"),
    (Counter, "model", "changes self.count each time that it is called"),
    (GlobalCounter, "model", "changes 'CALLS' each time that it is called"),
    (Growing, "model", "changes 'SEEN' (its length) each time that it is called"),
    (Leaking, "model", "changes self.before each time that it is called"),
    (Branching, "model.evaluate", "traced again"),
    (Reading, "model.evaluate", "reads a file, hostile.json. Read it where the model's file begins"),
]


@pytest.mark.parametrize(("model", "place", "message"), IMPURE, ids=[case[0].__name__ for case in IMPURE])
def test_what_is_no_function_of_its_arguments_is_refused(model, place, message):
    problems = told(model())
    assert any(problem.startswith(f"{place}: ") and message in problem for problem in problems), problems


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
