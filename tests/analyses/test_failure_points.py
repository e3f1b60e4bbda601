"""The likeliest future of an explanation where futures fail at several points, at both ends of a factor, or in its
middle; and where nothing is drawn.
"""

import functools
import warnings

import numpy as np
import pytest

from engine.analyses.explain_answer import of_explanation
from engine.analyses.explain_sentences import findings, unusual
from engine.analyses.explanation import explain
from engine.modelling.folds import total
from engine.modelling.records import Outcome, PathModel, Shock, StaticModel, Yearly
from engine.runs.run import run
from engine.study.loading import read_study
from tests.analyses.explained import branches, total_cost

SQUARE = 1.5 * np.sqrt(2)
POINTS = {
    "larger": [(2.5, 0), (0, 2.5)],
    "size": [(2.5, 0), (-2.5, 0)],
    "branches": [(SQUARE, SQUARE), (-SQUARE, -SQUARE)],
    "sum": [(2.5 / np.sqrt(2), 2.5 / np.sqrt(2))],
}


@functools.cache
def explained(name):
    """The explanation of one of the events."""
    return explain(branches(), f"{name}_passed")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (k % 2)) for k, name in enumerate(POINTS)]
)
def test_the_likeliest_future_is_one_of_the_nearest_points(name):
    point = explained(name).likeliest
    away = [np.hypot(point.scores["x1"] - x, point.scores["x2"] - y) for x, y in POINTS[name]]
    assert min(away) < 0.03
    assert point.distance == pytest.approx(np.linalg.norm(POINTS[name][0]), rel=1e-3)


def test_what_is_unusual_in_it_is_named():
    assert unusual(explained("larger").likeliest) in ("x1 +2.50 (100 %)", "x2 +2.50 (100 %)")


@pytest.mark.parametrize("sampler", ["random", "antithetic"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("size", "at its ends: {} "),
        ("middle", "near its middle: 0 % "),
        ("larger", " is open: "),
    ],
)  # fmt: skip
def test_the_first_sentence_sees_more_than_means(name, text, sampler):
    given = explain(branches(1 << 16, sampler=sampler), f"{name}_passed")
    by_name = {one.name: one for one in given.drivers}
    lowest = f"{10 * by_name['x1'].density[0].estimate:.0f} %"
    assert text.format(lowest) in " ".join(findings(given))
    assert by_name["idle"].p_value > 0.05 / 3
    assert by_name["x1"].p_value < 1e-9


def test_the_likeliest_future_is_stored_and_in_plain_data(tmp_path):
    given = explained("branches")
    answer, point = of_explanation(given, tmp_path), given.likeliest
    (own,) = answer["point"].rows()
    assert own["distance"] == point.distance and own["unusual"] == unusual(point)
    assert float(answer.tree["point_factors"]["score"].sel(factor="x2")) == point.scores["x2"]
    factors = [*answer["point_factors"].rows()]
    assert {row["factor"]: row["score"] for row in factors} == point.scores
    draws = dict(zip([item.name for item in given.study.inputs], point.trace.draws[:, 0], strict=True))
    assert {row["factor"]: row["draw"] for row in factors} == draws
    assert {row["input"]: row["share"] for row in answer["point_shares"].rows()} == point.share
    assert [*answer["point_outcomes"]["value"]] == point.trace.outcomes[given.watched.at, :, 0].tolist()


def test_shocks_and_years_of_a_likeliest_future_stand_at_their_labels(tmp_path):
    given = explain(total_cost(1 << 14), "cost", "aided")
    answer = of_explanation(given, tmp_path)
    point = given.likeliest
    streams = [stream for of in given.study.shock_streams.values() for stream in of]
    cells = given.study.model.dims["place"]
    for y, year in enumerate(given.study.years):
        for k, stream in enumerate(streams):
            (own,) = answer["point_shocks"].where(shock=stream, year=year)
            prior = next(one.prior for one in given.drivers if (one.name, one.year) == (stream, year))
            assert own["value"] == float(point.trace.shocks[y, k, 0])
            assert own["away"] == pytest.approx((own["value"] - prior[0]) / prior[1])
        for k, place in enumerate(cells):
            (own,) = answer["point_years"].where(cell=f"cost[{place}]", year=year)
            assert own["value"] == float(point.trace.yearly[given.watched.at, y, k, 0]) and own["unit"] == "M/yr"


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
    [pytest.param(Weather, "high noise in 20", marks=pytest.mark.slow), (Constant, "Nothing is drawn")],
)
def test_a_study_without_factors_has_an_answer(model, text, tmp_path):
    study = {"name": "none", "run": {"paths": 1 << 14, "seed": 3}, "policies": {"old": {}}}
    study |= {"time": {"first": 2020, "last": 2021}} if model is Weather else {}
    done = run(read_study(study, "none.toml", model=model()), out=tmp_path / "run")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = done.explain("cost")
    given = answer.of
    assert text in answer.finding
    assert answer.plain()["tables"]
    assert text in done.report().read_text(encoding="utf-8")
    if model is Weather:
        point = given.likeliest
        assert point.share == {"noise": 1.0} and point.distance == pytest.approx(2.33, abs=0.1)
        assert len(given.drivers) == 2
    else:
        assert given.likeliest is None and not given.drivers
