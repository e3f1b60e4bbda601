"""Sentences call what questions are asked about by its label: groups of levers and of factors, shocks, assumptions."""

import re

import pytest

from engine.answers.answer import Answer
from engine.answers.question import Asked
from engine.run_folder.finding import run_folder
from engine.runs.asking import answered
from engine.runs.run import run
from engine.study.loading import read_study
from tests.questions.assumed import BILL, bill
from tests.questions.explained import SUM, Sum
from tests.questions.test_flip import CORRELATION, wager

LABELS = {
    "groups": {"pair": {**SUM["groups"]["pair"], "label": "Twins"}},
    "shocks": {"noise": {"label": "Weather"}},
    "lever_groups": {"hands": {"label": "Aid in need", "levers": ["aid"]}},
}


def summed(paths=4096, **changes):
    """The study of a sum with labels."""
    text = {**SUM, "run": {**SUM["run"], "paths": paths}, "keep": {"outcomes": ["cost"]}, **LABELS}
    return read_study({**text, **changes}, "sum.toml", model=Sum())


def asked(name, study, **options) -> Answer:
    """The answer of a study that has not been run."""
    return answered(name, options, Asked(study, run_folder(study)))


def test_a_group_of_levers():
    given = asked("attribute", summed(1 << 14), start="old", end="aided", outcome=("dear",))
    assert re.search(r"lowers the chance of dear by .*aid in need \(100 %\)\.$", given.finding)


def test_a_group_of_factors_and_a_shock_that_carry_the_spread():
    given = asked("sensitivity", summed(policies={"old": {}}), outcome=("cost",))
    assert " from twins: " in given.finding
    given = asked("sensitivity", summed(policies={"old": {}}, factors=calm()), outcome=("cost",))
    assert " from weather: " in given.finding


@pytest.mark.slow
def test_a_shock_of_a_place_in_a_year_and_what_is_unusual_in_the_likeliest_future(tmp_path):
    done = run(summed(1 << 15, factors=calm()), out=tmp_path / "shocks")
    text = " ".join(done.explain("cost").findings)
    assert re.search(r" high weather \((south|north)\) in 20", text)
    assert "unusual weather" in text and "noise" not in text
    done = run(summed(), out=tmp_path / "factors")
    assert "unusual twins" in " ".join(done.explain("cost").findings)


def test_an_assumption():
    stated = BILL["assumptions"]
    study = bill(assumptions=stated | {"exit": {**stated["exit"], "label": "Plant exit"}})
    text = " ".join(asked("challenge", study, only="assumptions").findings)
    assert "By the chance of ruin, the worse policy is old, but reform with plant exit doubled." in text


def test_a_group_whose_correlation_turns_a_ranking():
    study = wager(1 << 14, groups={"pair": {"correlation": CORRELATION, "label": "Twins"}})
    answer = asked("flip", study, outcome="cost", policies=("risky", "sure"))
    assert re.search(r" also change [^.]*correlation of twins", " ".join(answer.findings))
    # where no prior turns the ranking
    idle = {"policies": {"sure": {}, "risky": {"risky": 0.1, "added": 2.0}}}
    text = " ".join(asked("flip", wager(1 << 12, **idle), outcome="cost", policies=("risky", "sure")).findings)
    assert text.startswith("No single prior") and "up to 3 " in text and " also " not in text


def calm():
    """Factors that move next to nothing."""
    return {name: {**table, **({"sd": 0.001} if "sd" in table else {})} for name, table in SUM["factors"].items()}
