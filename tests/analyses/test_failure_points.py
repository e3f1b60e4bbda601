"""What an explanation names where futures fail at several points, at both ends of a factor, or in its middle; and where
nothing is drawn.
"""

import functools
import warnings

import numpy as np
import pytest

from engine.analyses.explain_answer import findings, of_explanation
from engine.analyses.explanation import explain
from engine.analyses.likeliest_tables import unusual
from engine.modelling.folds import total
from engine.modelling.records import Outcome, PathModel, Shock, StaticModel, Yearly
from engine.runs.run import run
from engine.study.loading import read_study
from tests.analyses.explained import branches, four_branches, total_cost
from tests.helpers import assert_plausible

SQUARE = 1.5 * np.sqrt(2)
CORNER = 3.5 / np.sqrt(2)
POINTS = {
    "larger": [(2.5, 0), (0, 2.5)],
    "size": [(2.5, 0), (-2.5, 0)],
    "branches": [(SQUARE, SQUARE), (-SQUARE, -SQUARE), (CORNER, -CORNER), (-CORNER, CORNER)],
    "sum": [(2.5 / np.sqrt(2), 2.5 / np.sqrt(2))],
}
FAILS = {
    "larger": lambda a, b: np.maximum(a, b) > 2.5,
    "size": lambda a, b: np.abs(a) > 2.5,
    "branches": lambda a, b: four_branches(np, a, b) < 0,
    "sum": lambda a, b: a + b > 2.5 * np.sqrt(2),
}


@functools.cache
def explained(name):
    """The explanation of one of the events."""
    return explain(branches(), f"{name}_passed")


def by_integration(name):
    """Probability, and share of what fails that each point is the nearest to: sums over a fine grid."""
    axis = np.arange(-7.0, 7.0, 0.01) + 0.005
    a, b = np.meshgrid(axis, axis, indexing="ij")
    mass = np.where(FAILS[name](a, b), np.exp(-(a**2 + b**2) / 2) / (2 * np.pi) * 1e-4, 0.0)
    closest = np.argmin([(a - x) ** 2 + (b - y) ** 2 for x, y in POINTS[name]], axis=0)
    shares = np.bincount(closest.ravel(), mass.ravel(), len(POINTS[name]))
    return mass.sum(), shares / mass.sum()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (k % 2)) for k, name in enumerate(POINTS)]
)
def test_every_point_that_is_about_as_near_is_named_with_its_share(name):
    given = explained(name)
    probability, shares = by_integration(name)
    if name == "branches":
        assert probability == pytest.approx(0.0022228, rel=1e-2)
    points = given.reverse.points
    assert len(points) == len(POINTS[name])
    assert [one.distance for one in points] == sorted(one.distance for one in points)
    for point in points:
        at = np.array([point.scores["x1"], point.scores["x2"]])
        away = [np.linalg.norm(at - np.array(own)) for own in POINTS[name]]
        k = int(np.argmin(away))
        assert away[k] < 0.03
        assert point.distance == pytest.approx(np.linalg.norm(POINTS[name][k]), rel=1e-3)
        if len(points) > 1:
            assert_plausible(point.nearest.estimate, shares[k], point.nearest.standard_error, resolves=0.25)
            assert point.nearest.low < point.nearest.estimate < point.nearest.high
        else:
            assert point.nearest.estimate == pytest.approx(1.0)
    assert sum(one.nearest.estimate for one in points) == pytest.approx(1.0)


def test_what_is_unusual_in_each_point_is_named():
    assert {unusual(one) for one in explained("larger").reverse.points} == {
        "x1 +2.50 (100 %)", "x2 +2.50 (100 %)",
    }  # fmt: skip
    assert {unusual(one) for one in explained("size").reverse.points} == {
        "x1 +2.50 (100 %)", "x1 -2.50 (100 %)",
    }  # fmt: skip


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


def test_every_likeliest_future_is_stored_and_in_plain_data(tmp_path):
    given = explained("branches")
    answer = of_explanation(given, tmp_path)
    assert "; 3 others" in answer.findings[-1]
    points, held = answer["points"], answer.tree["point_factors"]
    assert len(points) == 4 and answer.tree["point_shares"].sizes["point"] == 4
    for k, point in enumerate(given.reverse.points):
        (own,) = points.where(point=f"future {k + 1}")
        assert own["distance"] == point.distance and own["nearest"] == point.nearest
        assert own["unusual"] == unusual(point)
        assert float(held["score"].sel(point=own["point"], factor="x2")) == point.scores["x2"]
        factors = [*answer["point_factors"].where(point=own["point"])]
        assert {row["factor"]: row["score"] for row in factors} == point.scores
        assert [row["draw"] for row in factors] == [
            float(point.trace.draws[[item.name for item in given.study.inputs].index(row["factor"]), 0])
            for row in factors
        ]
        shares = {row["input"]: row["share"] for row in answer["point_shares"].where(point=own["point"])}
        assert shares == point.share
        values = [row["value"] for row in answer["point_outcomes"].where(point=own["point"])]
        assert values == point.trace.outcomes[given.watched.at, :, 0].tolist()


def test_shocks_and_years_of_a_likeliest_future_stand_at_their_labels(tmp_path):
    given = explain(total_cost(1 << 14), "cost", "aided")
    answer = of_explanation(given, tmp_path)
    (point,) = given.reverse.points
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
        (point,) = given.reverse.points
        assert point.share == {"noise": 1.0} and point.distance == pytest.approx(2.33, abs=0.1)
        assert len(given.drivers) == 2
    else:
        assert not given.reverse.points and not given.drivers
