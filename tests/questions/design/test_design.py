"""The value of a lever at which a limit holds, against closed forms of y = N(mean - lever, 1)."""

import math
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from engine.answers.question import Asked
from engine.charts.kinds import chart, tables_of
from engine.errors import UserError
from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.questions.design import single
from engine.questions.design.evaluator import Evaluator
from engine.questions.design.limits import limit_of
from engine.questions.design.line import Line, measures_at
from engine.questions.design.question import Design
from engine.questions.design.single import MOST
from engine.run_folder.finding import run_folder
from engine.runs.asking import answered
from engine.study.loading import load_study
from tests.questions.design.test_evaluator import Dam, tables

MEAN = 3.0
TAIL = norm.pdf(norm.ppf(0.99)) / 0.01
"""ES99 of N(0, 1)."""


class Dike(StaticModel):
    """A damage that a dike lowers by its height; the cost of the dike; a damage that is least at some height."""

    factors = {"flood": Factor("m"), "effect": Factor("1")}
    levers = {
        "height": Lever("m", low=0.0, high=8.0), "idle": Lever("1", low=0.0, high=1.0), "free": Lever("1"),
        "at": Lever("m", dims=("side",), low=0.0, high=4.0),
    }  # fmt: skip
    dims = {"side": ("left", "right")}
    outcomes = {
        "damage": Outcome("m", loss=True), "cost": Outcome("m", loss=True), "safety": Outcome("m", loss=False),
        "either": Outcome("m", loss=True), "uncertain": Outcome("m", loss=True), "atom": Outcome("m", loss=True),
    }  # fmt: skip

    def evaluate(self, factors, levers):
        damage = MEAN + factors.flood - levers.height - levers.at["left"]
        return {
            "damage": damage,
            "cost": 0.5 * levers.height + 0.0 * damage,
            "safety": -damage,
            "either": (levers.height - 4.0) ** 2 + 0.0 * damage + 0.01 * factors.flood,
            "uncertain": jnp.exp(factors.flood) * (1.0 - levers.height * factors.effect / 10.0),
            "atom": (factors.flood > 2.0) * 1.0 - 0.1 * levers.height,
        }


def dike(paths=1 << 15, sampler="random"):
    """The study of the dike."""
    return load_study(
        {
            "name": "dike", "baseline": "low", "run": {"paths": paths, "seed": 1, "sampler": sampler},
            "factors": {"flood": {"family": "normal", "mean": 0.0, "sd": 1.0},
                        "effect": {"family": "uniform", "low": 0.5, "high": 1.0}},
            "policies": {"low": {}, "high": {"height": 1.0}}, "headline": ["cost", "damage"],
            "events": {"flooded": {"outcome": "damage", "above": 0.0}},
        },
        model=Dike(),
    )  # fmt: skip


def asked(subject, lever="height", study=None, **options):
    """The answer for a policy of the study, which has not been run."""
    study = dike() if study is None else study
    return Design("low", (lever,), (subject,), **options).answer(Asked(study, run_folder(study)))


def rows_of(answer):
    """The rows of the values that are named, by their meaning."""
    return {row["meaning"]: row for row in answer["values"].rows()}


@pytest.mark.parametrize(
    ("subject", "truth", "resolves"),
    [
        ("ES99 of damage <= 1", MEAN + TAIL - 1.0, 0.3),
        ("VaR99 of damage <= 1 m", MEAN + norm.ppf(0.99) - 1.0, 0.3),
        ("mean of damage <= 1", MEAN - 1.0, 0.1),
        ("P of flooded <= 0.05", MEAN + norm.ppf(0.95), 0.2),
        ("mean of safety >= 1", MEAN + 1.0, 0.1),
        ("ES99 of safety >= -1", MEAN + TAIL - 1.0, 0.3),
        ("mean of uncertain <= 1", 10 / 0.75 * (1 - math.exp(-0.5)), 0.6),
    ],
)
def test_a_lever_is_found_where_the_closed_form_says(subject, truth, resolves):
    answer = asked(subject)
    rows, limit = rows_of(answer), limit_of(subject, dike())
    value, holds = rows["met"]["value"], rows["holds"]["value"].estimate
    assert abs(value.estimate - truth) < 5 * value.standard_error < resolves
    assert value.high == holds and -5e-3 < limit.gap(rows["holds"]["searched"]).high <= 0
    assert limit.gap(rows["met"]["searched"]).estimate == pytest.approx(0, abs=2e-3)


def test_what_is_printed_is_judged_on_futures_that_the_search_has_not_seen():
    study = dike()
    rows = rows_of(asked("ES99 of damage <= 1", study=study))
    evaluator = Evaluator(study, "low", "damage")
    for row in rows.values():
        (own,) = evaluator.each([{"height": row["value"].estimate}])
        (fresh,) = evaluator.each([{"height": row["value"].estimate}], evaluator.futures.anew())
        found = [evaluator.estimate(values, "damage", "ES99") for values in (own, fresh)]
        assert [row["searched"].column, row["judged"].column] == [one.column for one in found]
        assert row["searched"].estimate != row["judged"].estimate


def test_costs_are_differences_of_the_value_that_holds_from_the_policy_as_stated():
    answer = asked("ES99 of damage <= 1")
    holds = rows_of(answer)["holds"]["value"].estimate
    (cost,) = answer["outcomes"].where(variable="cost", measure="mean")
    assert (cost["stated"], cost["found"]) == (0.0, pytest.approx(holds / 2, rel=1e-5))
    assert cost["difference"].estimate == pytest.approx(holds / 2, rel=1e-5)
    (flooded,) = answer["events"].rows()
    assert flooded["difference"].estimate == pytest.approx(flooded["found"] - flooded["stated"])


def test_what_is_found_on_few_futures_is_searched_again_on_all():
    answer = asked("ES99 of damage <= 1", study=dike(1 << 18))
    value = rows_of(answer)["met"]["value"]
    few = rows_of(asked("ES99 of damage <= 1", study=dike(1 << 16)))["met"]["value"]
    assert value.standard_error == pytest.approx(few.standard_error / 2, rel=0.1)
    assert abs(value.estimate - (MEAN + TAIL - 1.0)) < 5 * value.standard_error


def test_a_search_takes_at_most_60_evaluations(monkeypatch):
    count = []
    monkeypatch.setattr(single, "measures_at", lambda *of: count.append(of[-1]) or measures_at(*of))
    for subject, options in [
        ("ES99 of damage <= 1", {}), ("P of flooded <= 0.05", {}), ("VaR99 of uncertain <= 3", {}),
        ("ES99 of atom <= 0.6", {}), ("mean of damage <= 1", {"whole": True, "bounds": (0.0, 8.0)}),
    ]:  # fmt: skip
        count.clear()
        asked(subject, study=dike(1 << 17), **options)
        assert len(count) <= MOST < 60 and count.count(1 << 17) <= 16, subject
    monkeypatch.setattr(single, "MOST", 18)
    with pytest.raises(UserError, match="expected the search to end within 18 evaluations"):
        asked("ES99 of damage <= 1")


def test_whole_numbers_and_bounds():
    rows = rows_of(asked("mean of damage <= 0.5", whole=True))
    assert [rows[name]["value"].estimate for name in ("met", "holds")] == [3.0, 3.0]
    assert rows_of(asked("mean of damage <= 1", bounds=(1.5, 2.5)))["met"]["value"].estimate == pytest.approx(
        2, abs=0.05
    )
    for options, text in [
        ({"bounds": (1.0,)}, "expected two numbers, LOW,HIGH, got 1"),
        ({"bounds": (3.0, 2.0)}, "expected two ascending finite numbers"),
        ({"bounds": (0.5, 2.0), "whole": True}, "expected whole numbers"),
        ({"lever": "free"}, "Give --bounds LOW,HIGH. 'free' is 0 as stated and has no bounds."),
    ]:
        with pytest.raises(UserError, match=text):
            asked("mean of damage <= 1", **options)


def test_never_always_and_several_crossings_are_answers_in_words():
    never, always = asked("mean of damage <= -9"), asked("mean of damage <= 9")
    assert never.finding == "The limit requires that the mean of damage is at most -9 m."
    assert never.findings[1] == "The limit is met at none of the 17 values of height from 0 to 8."
    assert "The limit is met at all 17 values" in always.findings[1]
    assert rows_of(never)["nearest"]["value"].estimate == 8.0 and rows_of(always)["nearest"]["value"].estimate == 0.0
    assert "has no effect" in " ".join(asked("mean of damage <= 1", lever="idle").findings)
    assert "at height = 8: -4.99 m on fresh futures, where the limit is broken." in never.findings[2]
    several = asked("mean of either <= 4")
    assert several.findings[1].endswith("where height is at least 2.00 m.")
    assert "The limit is broken again above a value between 5.5 and 6.5." in several.findings  # at 6 it is unclear
    unclear = asked("mean of either <= 0")
    assert "The limit is neither clearly met nor clearly broken between 3.5 and 4.5." in unclear.findings


def test_a_limit_without_an_interval_is_answered_in_words():
    exact = rows_of(asked("mean of damage <= 1", study=dike(sampler="antithetic")))
    assert exact["met"]["value"].low == pytest.approx(exact["met"]["value"].high, abs=1e-2)
    atom = asked("ES99 of atom <= 0.6", study=dike(1 << 10))
    assert "no value is known to meet the limit" in " ".join(atom.findings) and "holds" not in rows_of(atom)


def test_an_interval_without_an_end_within_the_bounds_is_answered_in_words():
    study = dike(1 << 10)
    (own,) = Evaluator(study, "low", "damage").measures({"height": 2.0}, ["mean"])["damage"].values[:, 0, 0]
    findings = asked(f"mean of damage <= {float(own)!r}", study=study, bounds=(1.99, 2.02)).findings
    assert (
        "The 95 % interval of the measure is within the limit at no evaluated value from 1.99 to 2.02, so"
        in findings[2]
    )
    assert findings[3].startswith(
        "The limit is clearly broken at no evaluated value from 1.99 to 2.02, so the interval of the lever"
    )


def test_a_lever_is_set_at_one_label_or_from_a_year_on():
    left = rows_of(asked("mean of damage <= 1", "at", where={"side": "left"}))
    assert left["met"]["value"].estimate == pytest.approx(2.0, abs=0.05)
    assert "has no effect" in " ".join(asked("mean of damage <= 1", "at", where={"side": "right"}).findings)
    evaluator = Evaluator(load_study(tables(), model=Dam()), "reform", "shortage")
    limit = limit_of("mean of shortage <= 1", evaluator.study)
    assert Line(evaluator, "release", (), 2023, 0.0, 1.0).setting(0.25) == {
        "release": {"2020": "drawn_release", "2023": 0.25}
    }
    quota = Line(evaluator, "quota", (1,), 2022, 0.0, 3.0).setting(0.75)
    assert quota == {"quota": {"farm": 1.0, "town": {"2020": 0.5, "2022": 0.75}}}
    (one,) = measures_at([Line(evaluator, "release", (), 2023, 0.0, 1.0)], [0.25], [limit], 4096)
    assert np.isfinite(one.estimate)


def test_what_is_not_known_is_refused():
    for subject, options, text in [
        ("damage at most 1", {}, "expected MEASURE of VARIABLE <= NUMBER"),
        ("mean of damge <= 1", {}, "unknown outcome or event 'damge'"),
        ("ES99 of flooded <= 1", {}, "unknown measure of 'flooded'"),
        ("P of flooded <= 2", {}, "expected a probability between 0 and 1"),
        ("mean of damage <= 1 km", {}, "expected 'm', its unit, after the number, got 'km'"),
        ("mean of damage <= x", {}, "expected a number"),
        ("mean of damage <= 1", {"lever": "heigt"}, "unknown lever 'heigt'"),
        ("mean of damage <= 1", {"where": {"side": "left"}}, "expected no label, as 'height' has no dimensions"),
        ("mean of damage <= 1", {"since": 2020}, "expected a year of the study, none"),
        ("mean of damage <= 1", {"lever": "at", "where": {"side": "up"}}, "unknown label of 'side' 'up'"),
    ]:
        with pytest.raises(UserError, match=text):
            asked(subject, **options)


def test_the_figure_shows_the_measure_along_the_lever():
    study = dike()
    options = {"policy": "low", "lever": "height", "subject": "P of flooded <= 0.05"}
    answer = answered("design", options, Asked(study, run_folder(study)))
    (data,) = tables_of("lever", {"study": study, "design": answer}, {})
    (earlier,) = tables_of(
        "lever", {"study": study, "design": replace(answer, asked=options)}, {}
    )  # texts in place of lists
    pd.testing.assert_frame_equal(earlier, data)
    assert len(data) == 17 and data.limit.eq(5.0).all() and data.estimate.max() > 90
    drawn = chart("lever", (data,)).to_dict()
    assert [layer["mark"]["type"] for layer in drawn["layer"]] == ["area", "line", "line"]
