"""What a model states wrongly is found before it is traced."""

import pytest

from engine.modelling.declaration import check_declaration
from engine.modelling.folds import at_year, lowest, peak, total, worst_spell
from engine.modelling.records import Constant, Factor, Lever, Outcome, PathModel, StaticModel, Yearly
from tests.refusals import at, problems_of, refuses
from tests.reservoirs import Sum


def problems(model, years):
    return [*map(str, problems_of(check_declaration, model, years))]


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
        at("model.dims.region", "twice"),
        at("model.factors.path", "a name that the cube uses"),
        at("model.factors.two words", "letters", 100, "'two words'"),
        at("model.factors.x", "unit", "nothing"),
        at("model.levers.start", "key of policies"),
        at("model.levers.a", "dimension 'sector'", "region"),
        at("model.levers.a", "default", "nan"),
        at("model.outcomes.a", "label", "'region'", "'nort'", "'north'"),
        at("model.outcomes.b", 2050, "2020-2021"),
        at("model.outcomes.c", "fold", "got nothing"),
        at("model.outcomes.d", "dimension 'region'"),
        at("model.step", "not written"),
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
    assert problems(Sums(), (2020, 2021)) == [
        at("model.outcomes.worth", "one unit", "stock [hm3],", "price [yuan yr]."),
        at("model.outcomes.years", "one unit", "stock [hm3 yr],", "stock [hm3]."),
        at("model.outcomes.wrong", "label", "'nort'", "'north'"),
        at("model.outcomes.wrong", 2050, "2020-2021"),
        at("model.outcomes.wrong", "spell", "1 to 2", 3),
        at("model.outcomes.odd", "'median'", "'mean'"),
        at("model.outcomes.odd", "scale", "inf"),
    ]


def test_a_static_model_has_nothing_to_fold():
    class Folded(StaticModel):
        outcomes = {"a": Outcome("1", lowest("stock"))}

    assert problems(Folded(), ()) == [at("model.outcomes.a", "static", "fold"), at("model.evaluate", "not written")]


@pytest.mark.parametrize("of", [("town",), ("town", 1), "town", 5])
def test_a_factor_of_a_dimension_is_refused_with_what_to_declare(of):
    class ByTown(Sum):
        dims = {"town": ("north", "south")}
        factors = {"own": Factor("1", dims=of)}

    with refuses("model.factors.own", "removed", "Declare one factor for each label."):
        check_declaration(ByTown(), ())


@pytest.mark.parametrize("limits", ["one text", ("a sentence.", ""), (3,)])
def test_limits_are_sentences(limits):
    class Mute(Sum):
        pass

    Mute.limits = limits
    with refuses("model.limits", "tuple"):
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
        at("model.outcomes.before", 2019, "before", 2020),
        at("model.outcomes.beyond", 2022, "2020-2021"),
        at("model.outcomes.spell", "1 to 2", 3),
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
        at("model.constants.x", "factor too"),
        at("model.constants.region", "dimension"),
        at("model.constants.path", "a name that the cube uses"),
        at("model.constants.a-b", "Python name"),
        at("model.constants.a", "finite number", "inf"),
        at("model.constants.b", "finite number", "'1'"),
        at("model.constants.c", "finite number", "True"),
        at("model.constants.d", "unit", "nothing"),
        at("model.constants.e", "confidence 'f'", "F, M, D"),
    ]
    Constants.constants = {"x": 1.0}
    assert problems(Constants(), ()) == [at("model.constants.x", "Constant", "1.0")]
