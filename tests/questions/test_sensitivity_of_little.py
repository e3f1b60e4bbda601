"""Sensitivity where next to nothing moves, or few units show it: exact zeros, and no interval."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.questions.futures import Futures, quantities, unobserved
from engine.questions.indices import indices
from engine.risk.estimation.flags import Reason
from engine.study.loading import read_study
from tests.questions.test_sensitivity import STANDARD, of


class Alike(StaticModel):
    """A cost to which both policies add the same, a fee that never moves, and what nothing reads."""

    factors = {name: Factor("1") for name in ("common", "own", "unread", "late")}
    levers = {"open": Lever("1", low=0.0, high=1.0)}
    outcomes = {"cost": Outcome("1", loss=True), "fee": Outcome("1", loss=True)}

    def evaluate(self, factors, levers):
        f = factors
        late = jnp.maximum(f.late - 6.0, 0.0)  # on no path that is looked at
        return {"cost": 1000.0 + 3.3 * f.common + levers.open * f.own + late, "fee": 5.0 + 1e-7 * f.own}


def alike(**run):
    """The study of both policies, with an event that happens on one path in a thousand, and one that happens on
    none."""
    text = {
        "name": "alike",
        "baseline": "shut",
        "policies": {"shut": {}, "open": {"open": 1.0}},
        "factors": dict.fromkeys(Alike.factors, STANDARD),
        "run": {"paths": 1 << 14, "seed": 1, "sampler": "random", **run},
        "events": {"dear": {"outcome": "cost", "above": 1010.2}, "never": {"outcome": "cost", "above": 1030.0}},
    }
    return read_study(text, "alike.toml", model=Alike())


def shares_of(study, variables):
    """First index, total index and Shapley effect by input, and the row of all factors and shocks.

    Both by (variable, measure, policy, against).
    """
    shares, known = indices(Futures(study, ("cost", "fee")), quantities(study, variables), unobserved)
    keys = "variable", "measure", "policy", "against"
    every = {tuple(row[key] for key in keys): row for row in known}
    return {key: of(shares, **dict(zip(keys, key, strict=True))) for key in every}, every


def ends(one):
    """Estimate and interval."""
    return one.estimate, one.low, one.high


def test_what_moves_a_number_by_no_more_than_rounding_does_exactly_nothing():
    shares, known = shares_of(alike(), ["cost", "fee", "dear"])
    nothing, everything = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    for key, own in shares.items():
        assert {*map(ends, own["unread"])} == {nothing}, key
        if key[:2] == ("fee", "mean"):
            assert {ends(one) for some in own.values() for one in some} == {nothing} and known[key]["sd"] == 0.0
        assert ends(known[key]["shocks"]) == nothing, key  # there is no shock
    gap = shares["cost", "mean", "open", "shut"]
    # what both policies have alike cancels in their difference, but for its rounding; nothing else is left beside `own`
    assert {*map(ends, gap["common"])} == {nothing} and {*map(ends, gap["own"])} == {everything}
    assert ends(known["cost", "mean", "open", "shut"]["factors"]) == everything
    assert shares["cost", "mean", "open", ""]["own"][1].low > 0.0


def test_what_is_read_and_changed_no_event_may_still_do_so():
    shares, _ = shares_of(alike(), ["dear"])
    assert ends(shares["dear", "probability", "shut", ""]["late"][0]) == (0.0, 0.0, 0.0)  # it moved the cost on no path
    few = shares["dear", "probability", "open", ""]["own"]  # to whose total index too few paths contribute
    assert [(flag.reason, flag.got) for one in few for flag in one.flags] == [
        (Reason.FEW_EFFECTIVE_EXCEEDANCES, 11)
    ] * 3
    assert np.isnan([(one.low, one.high) for one in few]).all()


@pytest.mark.parametrize(("run", "count"), [({"paths": 4}, 4), ({"paths": 58, "sampler": "antithetic"}, 29)])
def test_few_units_show_no_interval(run, count):
    shares, _ = shares_of(alike(**run), ["cost"])
    for common in shares["cost", "mean", "open", ""]["common"]:
        assert [(flag.reason, flag.got, flag.limit) for flag in common.flags] == [(Reason.FEW_IN_SAMPLE, count, 30)]
        assert math.isnan(common.low) and not math.isnan(common.estimate)
