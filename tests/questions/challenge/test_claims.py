"""What futures say of a claim: both numbers and their difference, each with the error that the engine gives it
elsewhere.
"""

import numpy as np
import pytest

from engine.modelling.records import Outcome
from engine.questions.challenge.challenge import challenge
from engine.questions.challenge.choices import HORIZON, SPECIFICATION, Choice, of_measures
from engine.questions.challenge.claims import Measured, estimates, implied, what
from engine.questions.challenge.question import evidence
from engine.questions.challenge.worlds import Worlds
from engine.risk.estimation.measures import summary
from engine.risk.estimation.tails import share_interval
from engine.study.loading import read_study
from engine.study.tables.challenge import claim_of
from tests.helpers import assert_close
from tests.questions.challenge.models import Balance, balance, text

EVENTS = {"ruin": {"outcome": "cost", "above": 2.0}, "dear": {"outcome": "cost", "above": 3.5}}
PAIRED = {"paths": 512, "sampler": "antithetic"}


@pytest.mark.parametrize("run", [{"paths": 4096}, PAIRED], ids=["random", "antithetic"])
@pytest.mark.parametrize("measure", ["mean", "VaR95", "ES95"])
def test_each_number_of_an_outcome_has_its_own_error(measure, run):
    study = balance(run=run)
    claim = claim_of(f"new better than old in {measure} of cost", study.policy_names, (), study.model.outcomes)
    values = Worlds(study).values(())
    one = estimates(study, claim, what(study, claim, ()), values)
    for name, value, error in (("new", one.policy, one.policy_error), ("old", one.against, one.against_error)):
        own = summary(values["cost"][study.row(name)].astype(float), study.unit, True, (0.95,))[measure]
        assert_close(np.array([value, error]), np.array([own.estimate, own.standard_error]), np.float32)


@pytest.mark.parametrize("event", EVENTS)
def test_each_chance_has_the_interval_of_a_chance(event):
    """Of 4,096 independent futures; that of what happens on none reaches from nothing up."""
    study = balance(run={"paths": 4096}, events=EVENTS)
    _, results = challenge(study, [f"new better than old in {event}"])
    rows = [evidence(one.case, world.estimates) for one in results for world in one.case.worlds]
    assert rows and (event == "ruin" or 0.0 in {row["policy_value"].estimate for row in rows})
    for one in (row[name] for row in rows for name in ("policy_value", "against_value")):
        low, high = share_interval(np.array(one.estimate), np.array(4096.0))
        assert abs(one.low - low) + abs(one.high - high) < 1e-5
        assert low < high and (one.estimate > 0.0 or one.low == 0.0)


def test_a_reading_applies_before_the_horizon_in_whatever_order_they_are_chosen():
    study = balance()
    claim = claim_of("new better than old in mean of cost", study.policy_names, (), study.model.outcomes)
    reading = Choice(SPECIFICATION, "reading", "harm", "", instead={"cost": "harm"})
    horizon = Choice(SPECIFICATION, HORIZON, "soon", "", instead={"cost": "cost_soon", "harm": "harm_soon"})
    assert what(study, claim, (horizon,)).name == "cost_soon"
    assert what(study, claim, (reading, horizon)).name == what(study, claim, (horizon, reading)).name == "harm_soon"


def test_a_reading_may_put_a_combination_of_an_event_in_its_place():
    events = {**EVENTS, "either": {"any": ["ruin", "harmed"]}, "harmed": {"outcome": "late", "above": 1.0}}
    study = balance(events=events)
    claim = claim_of("new better than old in ruin", study.policy_names, events, study.model.outcomes)
    reading = Choice(SPECIFICATION, "reading", "either", "", instead={"ruin": "either"})
    ruin, harmed = (study.events_by_name[name] for name in ("ruin", "harmed"))
    assert what(study, claim, (reading,)) == Measured("either", "probability", ((ruin, harmed),))


@pytest.mark.parametrize("kind", ["VaR", "ES"])
def test_another_tail_level_gives_the_estimates_of_a_claim_at_that_level(kind):
    study = balance(run={"paths": 4096}, challenge={"tails": [95]}, events=EVENTS)
    values = Worlds(study).values(())
    (tail,) = [one for one in of_measures(study) if one.tail is not None]
    claims = {
        level: claim_of(f"new better than old in {level} of cost", study.policy_names, (), study.model.outcomes)
        for level in (f"{kind}99", f"{kind}95", "mean")
    }
    at_tail, of_95, of_99 = (
        estimates(study, claim, what(study, claim, choices), values)
        for claim, choices in ((claims[f"{kind}99"], (tail,)), (claims[f"{kind}95"], ()), (claims[f"{kind}99"], ()))
    )
    assert at_tail == of_95 != of_99
    assert what(study, claims["mean"], (tail,)) == what(study, claims["mean"], ())
    ruin = claim_of("new better than old in ruin", study.policy_names, EVENTS, study.model.outcomes)
    assert what(study, ruin, (tail,)) == what(study, ruin, ())


class Sized(Balance):
    """The bill, whose size is also recorded as an outcome of which neither high nor low values are worse."""

    outcomes = {**Balance.outcomes, "size": Outcome("1", loss=None)}

    def evaluate(self, factors, levers):
        found = super().evaluate(factors, levers)
        return {**found, "size": found["cost"]}


def test_an_outcome_of_which_no_side_is_worse_implies_no_claim():
    study = read_study(text(headline=["size", "cost"], challenge={}), "balance.toml", model=Sized())
    claims = [*implied(study, "new", "old", Worlds(study).values(()))]
    assert {(one.variable, one.measure, one.worse) for one in claims} == {
        ("cost", "mean", False),
        ("cost", "ES99", False),
    }
