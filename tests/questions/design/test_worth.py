"""What a trigger is worth, where the best fixed value, the rule and foresight have closed forms."""

import numpy as np
import pytest

from engine.answers.question import Asked
from engine.errors import UserError
from engine.modelling.folds import at_year
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, Yearly
from engine.questions.design.evaluator import Evaluator
from engine.questions.design.question import Design
from engine.run_folder.finding import run_folder
from engine.study.loading import load_study
from tests.helpers import assert_plausible

AIM = float(np.sqrt(2 / np.pi))
"""E|s| of a standard normal s, which is E[s | s > 0]."""


class Gate(PathModel):
    """A gate that is to stand at s; a gauge reads s, and another one reads noise."""

    factors = {"s": Factor("m")}
    shocks = {"noise": Shock()}
    levers = {"gate": Lever("m", AIM, low=-2.0, high=2.0), "other": Lever("m")}
    yearly = {"height": Yearly("m", observed=True), "noise": Yearly("m", observed=True)}
    outcomes = {
        "miss": Outcome("m2", at_year("miss", 2021), loss=True),
        "fit": Outcome("m2", at_year("fit", 2021), loss=False),
    }

    def init(self, factors, levers):
        return {"nothing": 0.0 * levers.other}

    def step(self, state, year, factors, shocks, levers):
        miss = (levers.gate - factors.s) ** 2
        return state, {"height": factors.s, "noise": shocks.noise, "miss": miss, "fit": -miss}


def study(reads="height", gate=-AIM, **policies):
    """The study of the gate, with a trigger that reads a gauge and sets the gate while it is below 0."""
    watch = {"when": {"low": {"gate": gate}}}
    return load_study(
        {
            "name": "gate", "baseline": "keep", "time": {"first": 2020, "last": 2021},
            "run": {"paths": 1 << 14, "seed": 1, "sampler": "random", "precision": "float64"},
            "factors": {"s": {"family": "normal", "mean": 0.0, "sd": 1.0}},
            "triggers": {"low": {"reads": reads, "below": 0.0}},
            "policies": {"keep": {}, "watch": watch, **policies},
            "events": {"missed": {"outcome": "miss", "above": 1.0}},
        },
        model=Gate(),
    )  # fmt: skip


def asked(of, worth="mean of miss", policy="watch", **options):
    """The answer, and its rows by plan."""
    answer = Design(policy, worth=worth, **options).answer(Asked(of, run_folder(of)))
    return answer, {row["plan"]: row for row in answer["worth"].rows()}


@pytest.mark.parametrize(
    ("reads", "gate", "worth", "words"),
    [
        ("height", -AIM, AIM**2, "is better than"),
        ("noise", -AIM, -(AIM**2), "is worse than"),
        ("height", AIM, -(AIM**2), "is worse than"),
    ],
)
def test_a_rule_is_worth_what_the_closed_form_says(reads, gate, worth, words):
    """The best fixed gate is 0, where the mean of the squared miss is 1; with the rule it is 1 - or + 2 / pi."""
    answer, rows = asked(study(reads, gate))
    assert abs(rows["plan"]["value"]) <= 1 / 16
    assert_plausible(rows["rule"]["worth"].estimate, worth, rows["rule"]["worth"].standard_error, 0.1)
    assert_plausible(rows["rule"]["judged"].estimate, 1 - worth, rows["rule"]["judged"].standard_error, 0.1)
    assert f"The rule of the policy “watch” {words} the best fixed plan, gate = " in answer.finding
    assert rows["rule"]["worth"].low > 0 or worth < 0
    # foresight takes the nearest of gates that are 1/8 m apart
    assert 0 < rows["foresight"]["judged"].estimate < 0.05 < 0.9 < rows["foresight"]["worth"].low


def test_a_rule_that_sets_the_best_fixed_value_cannot_be_distinguished_from_it():
    answer, rows = asked(study("noise", 0.0, watch={"gate": 0.0, "when": {"low": {"gate": 0.0}}}))
    assert rows["rule"]["worth"].estimate == 0.0
    assert "cannot be distinguished from" in answer.finding


def test_better_is_lower_of_losses_and_probabilities_and_higher_of_gains():
    of = study()
    loss, gain = asked(of)[1], asked(of, "mean of fit")[1]
    assert gain["rule"]["worth"].estimate == pytest.approx(loss["rule"]["worth"].estimate, rel=1e-12)
    # P(|s - a| > 1) with a on the side of s, and P(|s| > 1)
    rows = asked(of, "P of missed")[1]
    assert_plausible(rows["plan"]["judged"].estimate, 0.317, rows["plan"]["judged"].standard_error, 0.05)
    assert rows["rule"]["worth"].low > 0 and rows["foresight"]["judged"].estimate < rows["rule"]["judged"].estimate


def test_all_three_are_judged_on_futures_that_the_search_has_not_seen():
    of = study()
    answer, rows = asked(of)
    evaluator, value = Evaluator(of, "watch", ["miss"]), rows["plan"]["value"]
    searched = {row["value"]: row["searched"].column for row in answer["plans"].rows()}
    settings = [{}, {"gate": value, "when.low.gate": value}, {"gate": 2.0, "when.low.gate": 2.0}]
    (plan,) = evaluator.each(settings[1:2])
    assert searched[value] == evaluator.estimate(plan, "miss", "mean").column
    rule, plan, other = evaluator.each(settings, evaluator.futures.anew())
    for name, one in (("rule", rule), ("plan", plan)):
        assert rows[name]["judged"].column == evaluator.estimate(one, "miss", "mean").column
    assert rows["rule"]["worth"].column == evaluator.difference(plan, rule, "miss", "mean").column
    known = [evaluator.values("miss", one) for one in (rule, plan, other)]
    assert rows["foresight"]["judged"].estimate <= np.minimum.reduce(known).mean()


def test_policies_whose_triggers_do_not_set_one_lever_are_refused():
    both = {"when": {"low": {"gate": 0.0, "other": 1.0}}}
    for policy, got in (("keep", "none"), ("both", "gate and other")):
        with pytest.raises(UserError, match=f"expected a policy whose triggers set one lever, got '{policy}'.* {got}"):
            asked(study(both=both), policy=policy)
    with pytest.raises(UserError, match="expected a measure of which"):
        asked(study(), "sd of miss")
    with pytest.raises(UserError, match=r"--lever: expected a lever, or --worth(?s:.)*--subject: expected a limit"):
        asked(study(), None)
    with pytest.raises(UserError, match="expected no option of a search, got --lever and --since"):
        asked(study(), lever=("gate",), since=2021)
