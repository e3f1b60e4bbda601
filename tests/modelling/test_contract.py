"""A model's contract, checked before anything runs."""

import jax.numpy as jnp
import pytest

from engine.errors import UserError
from engine.modelling.catalogue import SHIPPED
from engine.modelling.cells import Cells
from engine.modelling.contract import refuse_broken
from engine.modelling.folds import lowest
from engine.modelling.records import Outcome
from tests.data.small_models import REGION, Bridge, Pond
from tests.refusals import at
from tests.user_models import Farms


def told(model) -> list[str]:
    try:
        refuse_broken(model, "m")
    except UserError as error:
        return [*map(str, error.problems)]
    return []


@pytest.mark.parametrize("model", [Bridge, Pond, Farms, *(entry.load() for entry in SHIPPED.values())])
def test_models_that_keep_their_contract_pass(model):
    assert told(model()) == []


def line(model) -> int:
    """The first line of the body of `evaluate`."""
    return model.evaluate.__code__.co_firstlineno + 1


class Raises(Bridge):
    def evaluate(self, factors, levers):
        return {"damage": factors.loda}


class Branches(Bridge):
    def evaluate(self, factors, levers):
        return {"damage": 0 if factors.load < levers.strength else 1, "margin": 0}


class Forgets(Bridge):
    def evaluate(self, factors, levers):
        return {"damages": factors.load, "margin": 0}


class GivesAnArray(Bridge):
    def evaluate(self, factors, levers):
        return {"damage": jnp.ones(3) * factors.load, "margin": "much"}


class GivesNoNames(Bridge):
    def evaluate(self, factors, levers):
        return factors.load


class ForgetsYearly(Pond):
    def step(self, state, year, factors, shocks, levers):
        state, values = super().step(state, year, factors, shocks, levers)
        return state, {"stock": values["stock"], "shortages": values["shortage"]}


class OtherCells(Pond):
    def step(self, state, year, factors, shocks, levers):
        state, values = super().step(state, year, factors, shocks, levers)
        return state, {"stock": values["stock"].over("region"), "shortage": values["stock"]}


class OtherLabels(Pond):
    def step(self, state, year, factors, shocks, levers):
        state, values = super().step(state, year, factors, shocks, levers)
        return state, values | {"stock": Cells({"region": ("east", "west")}, values["stock"].values)}


class OtherState(Pond):
    def step(self, state, year, factors, shocks, levers):
        _, values = super().step(state, year, factors, shocks, levers)
        return {"water": values["stock"]}, values


class FlatState(Pond):
    def step(self, state, year, factors, shocks, levers):
        _, values = super().step(state, year, factors, shocks, levers)
        return {"stock": values["shortage"]}, values


class ArrayState(Pond):
    def init(self, factors, levers):
        return {"stock": jnp.ones(2) * factors.depth}


class OnlyState(Pond):
    def step(self, state, year, factors, shocks, levers):
        return state


class FoldsNothing(Pond):
    outcomes = {"lowest_level": Outcome("m", lowest("level"))}


class FoldRaises(Pond):
    outcomes = {"end": Outcome("hm3", lambda state: state["water"])}


class FoldGivesCells(Pond):
    outcomes = {"end": Outcome("hm3", lambda state: state["stock"])}


@pytest.mark.parametrize(
    ("model", "problems"),
    [
        (Raises, [at("model.evaluate", "AttributeError", "'loda'", f"(test_contract.py, line {line(Raises)})")]),
        (Branches, [at("model.evaluate", "TracerBoolConversionError", "jnp.where", f"line {line(Branches)})")]),
        (Forgets, [at("model.outcomes.damage", "evaluate", "'damages'")]),
        (GivesAnArray, [at("model.outcomes.damage", "scalar", "(3,)"), at("model.outcomes.margin", "a str")]),
        (GivesNoNames, [at("model.evaluate", "by name", "a number")]),
        (ForgetsYearly, [at("model.yearly.shortage", "step", "'shortages'")]),
        (
            OtherCells,
            [at("model.yearly.stock", "(north, south),", "one scalar."), at("model.yearly.shortage", "one scalar,")],
        ),
        (OtherLabels, [at("model.yearly.stock", "(north, south),", "(east, west).")]),
        (
            OtherState,
            [
                at("model.step", "state['stock']", "(north, south),", "got nothing"),
                at("model.step", "state['water']", "expected nothing,"),
            ],
        ),
        (FlatState, [at("model.step", "state['stock']", "(north, south),", "one scalar.")]),
        (ArrayState, [at("model.step", "state['stock']", "scalar", "(2,)")]),
        (OnlyState, [at("model.step", "by name", "a dict.")]),
        (FoldsNothing, [at("model.outcomes.lowest_level", "step", "'level'")]),
        (FoldRaises, [at("model.outcomes.end", "KeyError", "'water'")]),
        (FoldGivesCells, [at("model.outcomes.end", "scalar", "(north, south).")]),
    ],
)
def test_what_breaks_the_contract_is_told_with_its_place(model, problems):
    said = told(model())
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
