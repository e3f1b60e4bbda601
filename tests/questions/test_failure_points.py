"""Explanations where futures fail at several points, at both ends of a factor, or in its middle; and where nothing is
drawn. More points of failure: test_design_point.py.
"""

import math
import warnings

import pytest

from engine.modelling.folds import total
from engine.modelling.records import Outcome, PathModel, Shock, StaticModel, Yearly
from engine.runs.run import run
from engine.study.loading import read_study
from tests.questions.explained import branches, explained, row


@pytest.mark.parametrize(
    ("name", "text", "sampler"),
    [
        ("size", "is in its lowest tenth in {} and", "random"),
        ("middle", "is in its lowest tenth in 0 % and", "antithetic"),
        ("larger", "The difference from the prior may be as large for ", "antithetic"),
    ],
)
def test_the_first_sentence_sees_more_than_means(name, text, sampler):
    answer = explained(branches(1 << 16, sampler=sampler), f"{name}_passed")
    lowest = row(answer["inputs"], input="x1")["lowest"].estimate
    assert text.format(f"{100 * lowest:.0f} %") in " ".join(answer.findings)
    assert row(answer["inputs"], input="idle")["p_value"] > 0.05 / 3
    assert row(answer["inputs"], input="x1")["p_value"] < 1e-9
    if name == "larger":  # one of the two nearest points: (2.5, 0) and (0, 2.5)
        x1, x2 = sorted(row(answer["point_factors"], factor=factor)["score"] for factor in ("x1", "x2"))
        assert math.hypot(x1, x2 - 2.5) < 0.03 and answer["point_shares"]["share"][0] > 0.995
        assert answer["point"]["distance"][0] == pytest.approx(2.5, rel=1e-3)


class Weather(PathModel):
    """A sum of shocks, and no factor."""

    shocks = {"noise": Shock()}
    yearly = {"cost": Yearly("M/yr", loss=True)}
    outcomes = {"cost": Outcome("M", total("cost"), loss=True)}

    def init(self, factors, levers):
        return {"last": 0.0}

    def step(self, state, year, factors, shocks, levers):
        return {"last": shocks.noise}, {"cost": 1.0 * shocks.noise}


class Constant(StaticModel):
    """Nothing that is drawn."""

    outcomes = {"cost": Outcome("M", loss=True)}

    def evaluate(self, factors, levers):
        return {"cost": 2.0}


@pytest.mark.parametrize(
    ("model", "text"),
    [pytest.param(Weather, "high noise in 20", marks=pytest.mark.slow), (Constant, "The study draws no input")],
)
def test_a_study_without_factors_has_an_answer(model, text, tmp_path):
    study = {"name": "none", "run": {"paths": 1 << 14, "seed": 3}, "policies": {"old": {}}}
    study |= {"time": {"first": 2020, "last": 2021}} if model is Weather else {}
    done = run(read_study(study, "none.toml", model=model()), out=tmp_path / "run")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = done.explain("cost")
    assert text in answer.finding
    assert answer.plain()["tables"]
    assert text in done.report().read_text(encoding="utf-8")
    if model is Weather:
        assert answer["point_shares"]["share"] == (1.0,)
        assert answer["point"]["distance"][0] == pytest.approx(2.33, abs=0.1)
        assert len(answer["inputs"]) == 2
    else:
        assert not {"point", "inputs"} & {*answer}
