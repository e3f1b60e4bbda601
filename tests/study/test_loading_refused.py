"""Study files: what is refused, and in which words."""

import re
import tomllib

import numpy as np
import pytest

from engine.draws.distributions.scipy_catalogue import continuous_names, discrete_names, parameter_names
from engine.errors import closest
from engine.modelling.records import Factor, Lever
from engine.study.loading import load_study, read_study
from engine.study.schema import FactorTable, LawTable, ShockTable
from tests.helpers import assert_same
from tests.refusals import at, refuses
from tests.reservoirs import STATIC, STUDY, Sum, read, said


def test_no_parameter_of_a_law_is_taken_for_another_key():
    named = (*continuous_names(), *discrete_names())
    keys = {key for name in named for key in parameter_names(name)} | LawTable.model_fields.keys()
    beside = {"family", "source"} | (FactorTable.model_fields.keys() | ShockTable.model_fields.keys())
    beside -= LawTable.model_fields.keys() - {"family", "source"}
    assert not [key for key in keys - LawTable.model_fields.keys() if closest(key, beside)]


@pytest.mark.parametrize(("n", "low"), [(1, -1.0), (2, -1.0), (3, -0.5)])
def test_the_range_of_a_correlation_depends_on_the_members(n, low):
    members = "\n".join(f'[factors.x{k}]\nfamily = "normal"\nmean = 0\nsd = 1\ngroup = "g"' for k in range(n))
    text = f'name = "s"\ngroups.g.correlation = -1.01\n{members}'

    class Many(Sum):
        factors = {f"x{k}": Factor("1") for k in range(n)}

    message = f"groups.g.correlation: expected {low:g} to 1, what {n} factors can have, got -1.01."
    assert said(text, Many) == [message]
    assert read(text.replace("-1.01", str(low)), Many).groups["g"].copula.correlation == low


def test_a_static_study_knows_no_years():
    class WithLever(Sum):
        levers = {"shift": Lever("1")}

    study = read(STATIC + "[policies.a]\n[policies.b]\nshift = 2\nimplementation = 0.5\n", WithLever)
    assert_same(study.policies[1].levers["shift"], np.array([2.0]))
    assert study.policies[1].before is study.policies[0] or study.policies[1].before.name == "a"


def test_one_year_is_a_horizon():
    text = re.sub(
        r"\[policies.full\].*?\[events", "[events", STUDY.replace("last = 2023", "last = 2020"), flags=re.DOTALL
    )
    assert read(text).years == (2020,)


def test_policies_asked_for():
    assert read(STUDY, policies=["full"]).policy_names == ("keep", "full")
    assert read(STUDY, policies=["full", "keep"]).policy_names == ("full", "keep")
    assert at("--policies", "policy 'fulll'", "'full'") in said(STUDY, policies=["fulll"])


def test_the_model_of_a_study():
    text = 'model = "rustbet"\n' + STUDY
    with refuses("model", "model 'rustbet'", "'rustbelt'", "--model FILE:CLASS"):
        read_study(tomllib.loads(text), "s")
    with refuses("model", "missing"):
        read_study(tomllib.loads(STUDY), "s")
    assert read(text).model_name == "Reservoir"


def test_tables_in_python_hold_plain_values():
    with refuses("compare", "expected a list", "dict_keys"):
        load_study({"extends": "rustbelt", "compare": {}.keys()})
