"""Constants of a model in a study: another number, or a prior; what is wrong with either at its place."""

import dataclasses

import pytest

from engine import Constant, Outcome, StaticModel, load_study
from engine.errors import UserError
from engine.modelling.identity import as_written
from engine.study.loading import read_study, resolved_text, study_of_text
from tests.constant_studies import LAW, WELL, model, well
from tests.refusals import at, refuses
from tests.small_files import write


def said(**more):
    with pytest.raises(UserError) as caught:
        well(**more)
    return [str(problem) for problem in caught.value.problems]


def values(study):
    return {name: one.value for name, one in study.model.constants.items()}


def test_a_study_has_the_models_numbers_but_for_those_that_it_states():
    assert values(well()) == {"leak": 0.1, "depth": 8.0, "start_share": 0.5}
    assert values(well(constants={"leak": 0.2})) == {"leak": 0.2, "depth": 8.0, "start_share": 0.5}
    assert model().constants["leak"].value == 0.1
    drawn = well(factors={"depth": LAW, "leak": LAW}, constants={"start_share": 1})
    assert values(drawn) == {"start_share": 1}
    # factors of the model first, then constants, both in its order
    assert [item.name for item in drawn.inputs] == ["inflow", "need", "leak", "depth"]


def test_bounds_of_a_yearly_value_move_with_the_constants_that_they_are(tmp_path):
    def leverage(more):
        path = write(tmp_path, f'extends = "rustbelt"\nname = "bounds"\n{more}')
        variable = load_study(path).model.yearly["leverage"]
        return variable.low, variable.high

    assert leverage("") == (0.3, 1.3)
    assert leverage("[constants]\nleverage_high = 1.5") == (0.3, 1.5)
    law = 'family = "uniform"\nlow = 1.2\nhigh = 1.4'
    assert leverage(f"[factors.leverage_high]\n{law}") == (0.3, float("inf"))


def test_a_drawn_constant_has_the_unit_and_the_words_of_the_model():
    plain = well(factors={"leak": LAW}).inputs[-1]
    assert (plain.unit, plain.about) == ("1/yr", model().constants["leak"].about)
    told = well(factors={"leak": {**LAW, "unit": "1/yr", "about": "lost", "label": "Leaks"}})
    assert told.inputs[-1].about == "lost" and told.title("factors", "leak") == "Leaks"
    assert said(factors={"leak": {**LAW, "unit": "share"}}) == [at("factors.leak.unit", "'1/yr'", "'share'")]


def test_an_assumption_of_a_drawn_constant_is_one_of_a_factor():
    (one,) = well(factors={"leak": LAW}, assumptions={"dry": {"off": {"leak": 0}}}).assumptions
    assert one.off.factors == {"leak": (0.0, 0.0)}


def test_a_prior_whose_factor_has_no_table_is_said_of_factors_alone():
    text = {**WELL, "factors": {"need": WELL["factors"]["need"]}, "constants": {"inflow": 2.0}}
    with pytest.raises(UserError) as caught:
        read_study(text, "well.toml", model=model())
    assert [problem.place for problem in caught.value.problems] == ["constants.inflow"]


class Computed(StaticModel):
    """Its table of constants is a property."""

    outcomes = {"sum": Outcome("1")}

    @property
    def constants(self):
        return {"a": Constant(1.0, "1", "one")}

    def evaluate(self, factors, levers):
        return {"sum": factors.a}


@dataclasses.dataclass(frozen=True)
class Frozen(StaticModel):
    """A model that cannot be set anything."""

    times: float = 2.0
    outcomes = {"sum": Outcome("1")}
    constants = {"a": Constant(1.0, "1", "one")}

    def evaluate(self, factors, levers):
        return {"sum": self.times * factors.a}


def test_models_that_hold_their_tables_otherwise():
    text = {"name": "s", "policies": {"p": {}}, "constants": {"a": 3.0}}
    study = read_study(text, "s.toml", model=Frozen(5.0))
    assert (study.model.times, values(study)) == (5.0, {"a": 3.0})
    with refuses("constants", "Computed"):
        read_study(text, "s.toml", model=Computed())


# ------------------------------------------------------------------------------- fingerprint, document


def test_another_number_is_another_study_and_the_models_own_is_none():
    numbers = [{}, {"leak": 0.2}, {"leak": 0.2, "depth": 9.0}, {"depth": 9.0}, {"leak": 0.2 + 1e-12}]
    prints = {well(constants=given).fingerprint for given in numbers}
    prints |= {well(factors={"leak": {"family": "fixed", "value": 0.2}}).fingerprint}
    assert len(prints) == len(numbers) + 1
    assert well(constants={"leak": 0.1}).fingerprint == well().fingerprint
    assert "constants" not in well(constants={"leak": 0.1}).document
    orders = [{"leak": 0.2, "depth": 9.0}, {"depth": 9, "leak": 0.2}]
    assert len({resolved_text(well(constants=given)) for given in orders}) == 1


@pytest.mark.parametrize("whose", ["file", "study"])
def test_a_resolved_study_is_read_again_with_the_model_or_with_that_of_the_study(whose):
    study = well(factors={"depth": LAW}, constants={"leak": 0.2})
    assert study.document["constants"] == {"leak": 0.2}
    again = study_of_text(resolved_text(study), "study.toml", model() if whose == "file" else study.model)
    assert (again.fingerprint, again.model_digest, again.model_spec) == (
        study.fingerprint,
        study.model_digest,
        study.model_spec,
    )
    assert resolved_text(again) == resolved_text(study) and values(again) == values(study)
    other = study_of_text(resolved_text(well()), "study.toml", study.model)
    assert other.fingerprint == well().fingerprint and values(other) == values(well())
    assert as_written(study.model).constants == as_written(again.model).constants == model().constants


# ------------------------------------------------------------------------------- layers, settings, schema


BASE = """
name = "base"
run = { paths = 64 }
time = { first = 2016, last = 2020 }
policies = { keep = {} }
constants = { depth = 9, start_share = 0.4 }
[factors]
inflow = { family = "fixed", value = 2 }
need = { family = "fixed", value = 5 }
leak = { family = "uniform", low = 0, high = 0.3 }
"""


def test_a_layer_or_a_setting_gives_a_number_for_a_prior_and_a_prior_for_a_number(tmp_path):
    base = write(tmp_path, BASE, "base.toml")
    above = 'extends = "base.toml"\nname = "above"\nconstants.leak = 0.2\n'
    above += 'factors.depth = { family = "fixed", value = 7 }\n'
    layered = load_study(write(tmp_path, above), model=model())
    settings = ["constants.leak=0.2", 'factors.depth={ family = "fixed", value = 7 }']
    for study in (layered, load_study(base, model=model(), settings=settings)):
        assert values(study) == {"leak": 0.2, "start_share": 0.4}
        assert [item.name for item in study.inputs] == ["inflow", "need", "depth"]
    both = write(tmp_path, above + 'factors.leak = { family = "uniform", low = 0, high = 0.3 }\n')
    with refuses("constants.leak", "prior"):
        load_study(both, model=model())
    with pytest.raises(UserError, match="unknown constant 'leek'"):
        load_study(base, model=model(), settings=["constants.leek=0.2"])
