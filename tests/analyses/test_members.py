"""What each member of a group does to the spread of an outcome, against closed forms."""

import pytest

from engine.analyses.futures import Futures, quantities
from engine.analyses.members import within
from engine.analyses.variants import unobserved
from engine.errors import UserError
from engine.modelling.records import Factor, Outcome, StaticModel
from engine.study.loading import read_study
from tests.analyses.test_sensitivity import STANDARD


class Two(StaticModel):
    """Two inputs that move together, and a third."""

    factors = {name: Factor("1") for name in ("x1", "x2", "x3")}
    outcomes = {"sum": Outcome("1", loss=True), "product": Outcome("1", loss=True)}

    def evaluate(self, factors, levers):
        return {"sum": factors.x1 + 2.0 * factors.x2 + factors.x3, "product": factors.x1 * factors.x3}


def two(correlation, **group):
    """The study of the two."""
    text = {
        "name": "two",
        "baseline": "one",
        "policies": {"one": {}},
        "run": {"paths": 1 << 16, "seed": 4, "sampler": "random"},
        "factors": {n: STANDARD | ({"group": "pair"} if n != "x3" else {}) for n in Two.factors},
        "groups": {"pair": {"correlation": correlation, **group}},
    }
    return read_study(text, "two.toml", model=Two())


@pytest.mark.parametrize("table", [{"correlation": 0.5}, {"correlation": -0.5}], ids=["along", "against"])
def test_members_of_a_group_have_the_shapley_effects_of_a_linear_sum(table):
    """Of a linear sum of normal inputs: half of their own variance and of what each shares, after what the other
    explains.

    Shapley effects of X1 + 2 X2 with correlation r: b1^2 (1 - r^2 / 2) + b1 b2 r + b2^2 r^2 / 2, and the other way
    round. Source: Owen and Prieur (2017), SIAM/ASA J. Uncertain. Quantif. 5, 986-1002, doi:10.1137/16M1097717.
    """
    r = table["correlation"]
    study = two(r)
    futures = Futures(study, ("sum",))
    (mine,) = within(futures, quantities(study, ["sum"])[:1], "pair", unobserved)
    variance = 1 + 4 + 4 * r + 1
    truths = [
        (1 * (1 - r * r / 2) + 2 * r + 4 * r * r / 2) / variance,
        (4 * (1 - r * r / 2) + 2 * r + r * r / 2) / variance,
    ]
    for one, truth in zip(mine.shapley, truths, strict=True):
        assert abs(one.estimate - truth) < 5 * one.standard_error
        assert one.standard_error < 0.01


def test_groups_that_are_not_gaussian_are_refused_by_name():
    futures = Futures(two(0.5, copula="t", df=4.0), ("sum",))
    with pytest.raises(UserError, match="its is t"):
        within(futures, quantities(futures.study, ["sum"]), "pair", unobserved)
    with pytest.raises(UserError, match="mean 'pair'"):
        within(futures, quantities(futures.study, ["sum"]), "pear", unobserved)
    with pytest.raises(UserError, match="from the others"):
        futures = Futures(two(1.0), ("sum",))
        within(futures, quantities(futures.study, ["sum"]), "pair", unobserved)
