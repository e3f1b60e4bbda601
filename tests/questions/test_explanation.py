"""What the worst futures have in common: closed forms, parts that add up, several points of failure, refusals."""

import math
import warnings

import numpy as np
import pytest

from engine import UserError
from engine.modelling.folds import total
from engine.modelling.records import Outcome, PathModel, Shock, StaticModel, Yearly
from engine.program import devices
from engine.questions import tail_futures
from engine.risk.estimation.measures import summary
from engine.runs.run import run
from engine.study.loading import read_study
from tests.helpers import assert_plausible
from tests.questions.explained import (
    BEYOND,
    COVARIANCE,
    EDGE,
    LEVEL,
    MEAN,
    SD,
    SHARES,
    branches,
    explained,
    row,
    run_of,
    total_cost,
)


@pytest.fixture(scope="module")
def given():
    return explained(total_cost(), "cost")


def tenths(answer, name):
    """The density of an input over the tenths of its prior."""
    return [one["density"] for one in answer["densities"].where(input=name)]


def assert_shifted(answer, name, truth):
    shift = row(answer["inputs"], input=name)["shift"]
    assert_plausible(shift.estimate, truth, shift.standard_error, resolves=0.2)


def test_factors_and_shocks_shift_as_they_weigh(given):
    assert len(given["inputs"]) == 4 + 3 * 2
    for name, covariance in COVARIANCE.items():
        assert_shifted(given, name, covariance / SD * BEYOND)
        one = row(given["inputs"], input=name)
        mean = one["prior_mean"] + one["prior_sd"] * one["shift"].estimate
        assert one["mean"].estimate == pytest.approx(mean, rel=1e-6)
    for place, weight in SHARES.items():
        for year in (2020, 2021):
            assert_shifted(given, f"noise[{place}] in {year}", weight / SD * BEYOND)
    assert_shifted(given, "luck in 2020", 0.0)


def test_the_tail_lies_over_the_prior_as_it_must(given):
    for name in ("idle", "luck in 2021"):
        for tenth in tenths(given, name):
            assert_plausible(tenth.estimate, 1.0, tenth.standard_error, resolves=0.7)
    of_a = tenths(given, "a")
    assert sum(tenth.estimate for tenth in of_a) == pytest.approx(10.0)
    assert of_a[-1].low > 5.0
    assert row(given["inputs"], input="a")["highest"].estimate == pytest.approx(of_a[-1].estimate / 10)


def var(answer):
    return row(answer["measured"], measure="VaR99")["value"].estimate


def distance(answer):
    return answer["point"]["distance"][0]


def test_the_likeliest_future_is_the_foot_of_the_perpendicular(given):
    assert distance(given) == pytest.approx((var(given) - MEAN) / SD, rel=1e-4)
    assert distance(given) == pytest.approx(EDGE, rel=0.02)
    for name, covariance in COVARIANCE.items():
        score = row(given["point_factors"], factor=name)["score"]
        assert score == pytest.approx(covariance / SD * distance(given), abs=0.03)
    share = row(given["point_shares"], input="pair")["share"]
    assert share == pytest.approx((8**2 + 2**2 + 2 * 0.5 * 16) / SD**2, abs=0.01)
    assert row(given["point_outcomes"], outcome="cost")["value"] == pytest.approx(var(given), rel=1e-5)


def test_where_low_is_worse_it_is_the_mirror(given):
    mirrored = explained(total_cost(), "gain")
    for name in given["inputs"]["input"]:
        one, other = (row(answer["inputs"], input=name)["shift"] for answer in (given, mirrored))
        assert other.estimate == pytest.approx(one.estimate, abs=1e-6)
    assert distance(mirrored) == pytest.approx(distance(given), rel=1e-4)
    assert mirrored["worst"]["path"] == given["worst"]["path"]


@pytest.mark.parametrize("name", ["ruin", "both"])
def test_an_event_is_explained_by_the_futures_in_which_it_happens(name):
    study = total_cost(1 << 16)
    tail = tail_futures.tail_futures(run_of(study), name, "aided")
    assert (tail.margins(tail.values) > 0).sum() == len(tail.tail)
    assert tail.measures["probability"].estimate == len(tail.tail) / (1 << 16)
    given = explained(study, name, "aided")
    assert given["measured"]["value"] == (tail.measures["probability"],)
    assert row(given["inputs"], input="a")["shift"].low > 1.0
    assert distance(given) > 1


def test_it_says_of_the_run_what_the_run_says(given):
    study = total_cost()
    (block,) = study.blocks()
    values = devices.program(study, "cpu").submit(block).of(block)[0, 0]
    assert row(given["measured"], measure="ES99")["value"] == summary(values, study.unit, True, (LEVEL,))["ES99"]
    order = np.argsort(-values)[:10]
    assert [*given["worst"]["path"]] == order.tolist() and [*given["worst"]["value"]] == values[order].tolist()
    stored = explained(study, "cost", stored={"cost": values[None].repeat(2, 0)})
    assert stored["inputs"]["shift"] == given["inputs"]["shift"]
    assert given["replays"]["command"][0].startswith("rustbelt replay run ")


def test_an_event_that_never_happens_has_nothing_to_explain():
    with pytest.raises(UserError, match="nothing to explain"):
        explained(total_cost(1024), "never")


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
    [pytest.param(Weather, "the mean of noise in 20", marks=pytest.mark.slow), (Constant, "The study draws no input")],
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
