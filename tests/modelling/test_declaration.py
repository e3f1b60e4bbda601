"""What a model states wrongly is found before it is traced."""

import pytest

from engine.errors import UserError
from engine.modelling.catalogue import SHIPPED
from engine.modelling.declaration import check_declaration
from engine.modelling.folds import at_year, lowest, peak, total, worst_spell
from engine.modelling.records import Constant, Factor, Lever, Outcome, PathModel, StaticModel, Yearly
from tests.reservoirs import Sum


def problems(model, years):
    with pytest.raises(UserError) as caught:
        check_declaration(model, years)
    return [str(problem) for problem in caught.value.problems]


class Wrong(PathModel):
    dims = {"region": ("north", "north")}
    factors = {"path": Factor("1"), "two words": Factor("1"), "x": Factor("")}
    levers = {"start": Lever("1"), "a": Lever("1", float("nan"), ("sector",))}
    yearly = {"stock": Yearly("1", ("region",)), "rate": Yearly("1")}
    outcomes = {
        "a": Outcome("1", lowest("stock", {"region": ["nort"]})),
        "b": Outcome("1", at_year("stock", 2050)),
        "c": Outcome("1"),
        "d": Outcome("1", total("rate", {"region": ["north"]})),
    }

    def init(self, factors, levers): ...


def test_a_models_own_statements_are_checked():
    assert problems(Wrong(), (2020, 2021)) == [
        "model.dims.region: names a label twice.",
        "model.factors.path: 'path' is a name of the cube's own; take another.",
        "model.factors.two words: expected a name of letters, digits, '_' and '-' (at most 100), got 'two words'.",
        'model.factors.x: expected a unit, got nothing. Write "1" where there is none.',
        "model.levers.a: unknown dimension 'sector'. Known: region.",
        "model.levers.start: is what a policy's table says itself; take another name.",
        "model.levers.a: expected a finite default, got nan.",
        "model.outcomes.a: unknown label of 'region' 'nort'. Did you mean 'north'?",
        "model.outcomes.b: year 2050 is outside the horizon 2020-2021.",
        "model.outcomes.c: expected a fold over a yearly variable or a function of the last state, got nothing.",
        "model.outcomes.d: unknown dimension 'region'.",
        "model.step: is not written.",
    ]


class Sums(PathModel):
    dims = {"region": ("north", "south")}
    yearly = {"stock": Yearly("hm3", ("region",)), "inflow": Yearly("hm3/yr"), "price": Yearly("yuan")}
    outcomes = {
        "range": Outcome("hm3", peak("stock") - lowest("stock", {"region": ["south"]})),
        "left": Outcome("hm3", total("inflow") - at_year("stock", 2021) + total("not_recorded")),
        "worth": Outcome("hm3", peak("stock") + 2 * total("price")),
        "years": Outcome("hm3", total("stock") - peak("stock")),
        "wrong": Outcome("hm3", peak("stock", {"region": ["nort"]}) - at_year("stock", 2050) - worst_spell("stock", 3)),
        "odd": Outcome("hm3", float("inf") * peak("stock", across="median")),
    }

    def init(self, factors, levers): ...
    def step(self, state, year, factors, shocks, levers): ...


def test_terms_of_a_sum_have_one_unit_and_each_is_checked():
    remedy = "Let step return what is to be added in one unit."
    assert problems(Sums(), (2020, 2021)) == [
        (
            "model.outcomes.worth: expected terms of one unit, got peak of stock [hm3], total of price [yuan yr]."
            f" {remedy}"
        ),
        f"model.outcomes.years: expected terms of one unit, got total of stock [hm3 yr], peak of stock [hm3]. {remedy}",
        "model.outcomes.wrong: unknown label of 'region' 'nort'. Did you mean 'north'?",
        "model.outcomes.wrong: year 2050 is outside the horizon 2020-2021.",
        "model.outcomes.wrong: expected a spell of 1 to 2 years, got 3.",
        "model.outcomes.odd: unknown way across cells 'median'. Did you mean 'mean'?",
        "model.outcomes.odd: expected a finite scale, got inf.",
    ]


def test_models_that_ship_state_themselves_rightly():
    for model in (entry.load() for entry in SHIPPED.values()):
        check_declaration(model(), range(2016, 2031))


def test_a_static_model_has_nothing_to_fold():
    class Folded(StaticModel):
        outcomes = {"a": Outcome("1", lowest("stock"))}

    assert problems(Folded(), ()) == [
        "model.outcomes.a: a static model has no years to fold; leave the fold out.",
        "model.evaluate: is not written.",
    ]


@pytest.mark.parametrize("limits", ["one text", ("a sentence.", ""), (3,)])
def test_limits_are_sentences(limits):
    class Mute(Sum):
        pass

    Mute.limits = limits
    with pytest.raises(UserError, match=r"model\.limits: expected a tuple of sentences"):
        check_declaration(Mute(), ())


class Ending(PathModel):
    yearly = {"stock": Yearly("hm3")}
    outcomes = {
        "before": Outcome("hm3", peak("stock").until(2019)),
        "beyond": Outcome("hm3", (peak("stock") - at_year("stock", 2022)).until(2021)),
        "spell": Outcome("hm3", worst_spell("stock", 3).until(2021) + peak("stock").until(2030)),
    }

    def init(self, factors, levers): ...
    def step(self, state, year, factors, shocks, levers): ...


def test_years_up_to_one_hold_what_a_fold_looks_at():
    assert problems(Ending(), range(2020, 2026)) == [
        "model.outcomes.before: until 2019 is before the first year, 2020.",
        "model.outcomes.beyond: year 2022 is outside the horizon 2020-2021.",
        "model.outcomes.spell: expected a spell of 1 to 2 years, got 3.",
    ]


class Constants(StaticModel):
    dims = {"region": ("north", "south")}
    factors = {"x": Factor("1")}
    constants = {
        "x": Constant(1.0, "1", "a factor too"),
        "region": Constant(1.0, "1", "a dimension too"),
        "path": Constant(1.0, "1", "a name of the cube's own"),
        "a-b": Constant(1.0, "1", "no attribute"),
        "a": Constant(float("inf"), "1", "infinite"),
        "b": Constant("1", "1", "a word"),
        "c": Constant(True, "1", "a truth"),
        "d": Constant(1.0, " ", "no unit"),
        "e": Constant(1.0, "1", "unknown", confidence="f"),
    }
    outcomes = {"sum": Outcome("1")}

    def evaluate(self, factors, levers): ...


def test_constants_are_checked_as_all_else_is():
    assert problems(Constants(), ()) == [
        "model.constants.region: is the name of a dimension; take another.",
        "model.constants.path: 'path' is a name of the cube's own; take another.",
        "model.constants.a-b: expected a Python name, as the model reads it as an attribute.",
        'model.constants.d: expected a unit, got nothing. Write "1" where there is none.',
        "model.constants.x: is a factor too; keep one of the two.",
        "model.constants.a: expected a finite number, got inf.",
        "model.constants.b: expected a finite number, got '1'.",
        "model.constants.c: expected a finite number, got True.",
        "model.constants.e: unknown confidence 'f'. Known: F, M, D.",
    ]
    Constants.constants = {"x": 1.0}
    assert problems(Constants(), ()) == ["model.constants.x: expected a Constant, got 1.0."]
