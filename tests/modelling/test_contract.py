"""A model's contract, checked before anything runs."""

import jax.numpy as jnp
import pytest

from engine.errors import UserError
from engine.modelling.cells import Cells
from engine.modelling.contract import refuse_broken
from engine.modelling.folds import lowest
from engine.modelling.records import Outcome
from tests.data.small_models import REGION, Bridge, Pond
from tests.refusals import at


def told(model) -> list[str]:
    try:
        refuse_broken(model, "m")
    except UserError as error:
        return [*map(str, error.problems)]
    return []


def static(evaluate):
    """The bridge with another method `evaluate`."""
    return type("Broken", (Bridge,), {"evaluate": evaluate})()


def path(**members):
    """The pond with other members."""
    return type("Broken", (Pond,), members)()


def stepping(change):
    """The pond, with its state and its values of a year changed."""

    def step(self, state, year, factors, shocks, levers):
        return change(*Pond.step(self, state, year, factors, shocks, levers))

    return path(step=step)


def raises(self, factors, levers):
    return {"damage": factors.loda}


def branches(self, factors, levers):
    return {"damage": 0 if factors.load < levers.strength else 1, "margin": 0}


def line(method) -> str:
    """Where the body of a method of one line stands, as a problem says it."""
    return f"(test_contract.py, line {method.__code__.co_firstlineno + 1})"


CELLS = "(north, south)"
ELSEWHERE = {"region": ("east", "west")}
BROKEN = [
    (static(raises), [at("model.evaluate", "AttributeError", "'loda'", line(raises))]),
    (static(branches), [at("model.evaluate", "TracerBoolConversionError", "jnp.where", line(branches)[1:])]),
    (
        static(lambda self, f, levers: {"damages": f.load, "margin": 0}),
        [at("model.outcomes.damage", "evaluate", "'damages'")],
    ),
    (
        static(lambda self, f, levers: {"damage": jnp.ones(3) * f.load, "margin": "much"}),
        [at("model.outcomes.damage", "scalar", "(3,)"), at("model.outcomes.margin", "a str")],
    ),
    (static(lambda self, f, levers: f.load), [at("model.evaluate", "by name", "a number")]),
    (
        stepping(lambda state, values: (state, {"stock": values["stock"], "shortages": values["shortage"]})),
        [at("model.yearly.shortage", "step", "'shortages'")],
    ),
    (
        stepping(lambda state, values: (state, {"stock": values["stock"].over("region"), "shortage": values["stock"]})),
        [at("model.yearly.stock", f"{CELLS},", "one scalar."), at("model.yearly.shortage", "one scalar,")],
    ),
    (
        stepping(lambda state, values: (state, values | {"stock": Cells(ELSEWHERE, values["stock"].values)})),
        [at("model.yearly.stock", f"{CELLS},", "(east, west).")],
    ),
    (
        stepping(lambda state, values: ({"water": values["stock"]}, values)),
        [
            at("model.step", "state['stock']", f"{CELLS},", "got nothing"),
            at("model.step", "state['water']", "expected nothing,"),
        ],
    ),
    (
        stepping(lambda state, values: ({"stock": values["shortage"]}, values)),
        [at("model.step", "state['stock']", f"{CELLS},", "one scalar.")],
    ),
    (
        path(init=lambda self, factors, levers: {"stock": jnp.ones(2) * factors.depth}),
        [at("model.step", "state['stock']", "scalar", "(2,)")],
    ),
    (stepping(lambda state, values: state), [at("model.step", "by name", "a dict.")]),
    (
        path(outcomes={"lowest_level": Outcome("m", lowest("level"))}),
        [at("model.outcomes.lowest_level", "step", "'level'")],
    ),
    (
        path(outcomes={"end": Outcome("hm3", lambda state: state["water"])}),
        [at("model.outcomes.end", "KeyError", "'water'")],
    ),
    (
        path(outcomes={"end": Outcome("hm3", lambda state: state["stock"])}),
        [at("model.outcomes.end", "scalar", f"{CELLS}.")],
    ),
]


@pytest.mark.parametrize(("model", "problems"), BROKEN)
def test_what_breaks_the_contract_is_told_with_its_place(model, problems):
    said = told(model)
    for problem in problems:
        assert problem in said


def test_dimensions_may_come_in_another_order():
    class Turned(Pond):
        dims = {**REGION, "use": ("town", "field")}
        yearly = Pond.yearly

        def init(self, factors, levers):
            return {**super().init(factors, levers), "flow": Cells(self.dims, [0.0] * 4)}

        def step(self, state, year, factors, shocks, levers):
            after, values = super().step(state, year, factors, shocks, levers)
            return after | {"flow": state["flow"].in_order(("use", "region"))}, values

    assert told(Turned()) == []
