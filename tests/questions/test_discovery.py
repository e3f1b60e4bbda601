"""Boxes of factors: the box of the test problems, categories, nothing where there is nothing, honest intervals, and
what is refused.
"""

from inspect import signature

import numpy as np
import pandas as pd
import pytest

from engine.errors import UserError
from engine.questions.discovery import LEAST_MASS, PART, passed_through
from tests.questions.boxed import asked, corner, drawn, square


def limits(answer, box="box 1"):
    """The limited factors of a box, with what each is worth."""
    return {row["factor"]: row for row in answer["limits"].where(box=box)}


def of_box(answer, box="box 1"):
    (row,) = answer["boxes"].where(box=box)
    return row


@pytest.mark.slow
def test_the_corner_is_the_box_and_nothing_else_is_limited():
    of = corner()
    assert [row["box"] for row in of["boxes"].rows()] == ["box 1", "any box"]
    first, rows = of_box(of), limits(of)
    assert [*rows] == ["x1", "x2"]  # without x1 three quarters more are lost to density
    assert rows["x1"]["high"] == pytest.approx(0.25, abs=0.01) and rows["x1"]["low"] is None
    assert rows["x2"]["high"] == pytest.approx(0.4, abs=0.01) and rows["x2"]["low"] is None
    assert first["coverage"].estimate > 0.95 and first["density"].estimate > 0.95
    assert first["mass"].low < 0.1 < first["mass"].high
    assert max(row["quasi_p_high"] for row in rows.values()) < 1e-50
    assert "x1 below 0.2" in said(of) and "(lowest 2" in said(of) and "x2 below " in said(of)


def said(of):
    """The sentences."""
    return " ".join(of.findings)


def test_two_corners_are_two_boxes():
    study = square(8000)
    draws = drawn(study, 4)
    both = (draws["x1"] < 0.2) & (draws["x2"] < 0.5), (draws["x4"] > 0.8) & (draws["x3"] > 0.5)
    of = asked(study, draws, both[0] | both[1])
    factors = [{*limits(of, box)} for box in ("box 1", "box 2")]
    assert factors in ([{"x4", "x3"}, {"x1", "x2"}], [{"x1", "x2"}, {"x4", "x3"}])
    first, second, every = of["boxes"].rows()
    assert every["coverage"].estimate == pytest.approx(first["coverage"].estimate + second["coverage"].estimate)
    assert every["coverage"].estimate > 0.95 and every["density"].estimate > 0.95
    assert of["limits"]["limit"][0] in said(of) and "the 2 sets of conditions found together cover" in said(of)


def test_where_factors_tell_nothing_nothing_is_claimed():
    study = square(4000)
    draws = drawn(study, 6)
    of = asked(study, draws, np.random.default_rng(7).random(4000) < 0.3)
    assert "are of this kind" not in said(of)


def test_what_is_not_finite_is_left_out_and_counted():
    study = square(2000)
    draws = drawn(study, 8)
    draws["x5"][::10] = np.nan
    of = asked(study, draws, draws["x1"] < 0.5)
    (futures,) = of["futures"].rows()
    assert futures["lost"] == 200 and futures["judged_on"] == 900
    assert limits(of).keys() == {"x1"}


def test_pairs_stay_together_and_one_replicate_has_no_interval():
    study = square(2048, "antithetic")
    draws = drawn(study, 9)
    assert np.isfinite(of_box(asked(study, draws, draws["x1"] < 0.5))["density"].low)
    one = square(8192, "sobol")
    assert one.unit == 4096  # one replicate finds the boxes, the other judges them
    of = asked(one, drawn(one, 9), drawn(one, 9)["x1"] < 0.5)
    assert np.isnan(of["futures"]["share"][0].low) and "(no interval)" in said(of)
    assert "are of this kind" not in said(of)


def test_too_few_of_a_kind_and_no_draws_are_refused():
    study = square(1000)
    draws = drawn(study, 1)
    with pytest.raises(UserError, match=r"100 futures .*got 7 of 1,000"):
        asked(study, draws, np.arange(1000) < 7)
    with pytest.raises(UserError, match="does not hold, got 0 of"):
        asked(study, draws, np.ones(1000, bool))
    with pytest.raises(UserError, match=r"keep\.draws"):
        asked(study, {}, np.ones(1000, bool))


@pytest.mark.slow  # the closed forms above stay
@pytest.mark.filterwarnings("ignore")  # of the workbench
@pytest.mark.parametrize("seed", range(3))
def test_prim_passes_through_the_boxes_of_the_workbench(seed):
    random = np.random.default_rng(seed)
    values = random.normal(size=(4, 300))
    values[0] = values[0] > 0.3  # a category
    values[1] = np.round(values[1], 1)  # with ties
    cases = values[3] + 0.7 * values[0] + 0.6 * random.normal(size=300) > 0.8
    own = passed_through(values, cases)
    prim = pytest.importorskip("ema_workbench.analysis.prim")
    more = {"threshold": 1e-9} if "threshold" in signature(prim.Prim).parameters else {}
    table = pd.DataFrame(dict(zip("abcd", values, strict=True)))
    search = prim.Prim(table, cases.astype(int), peel_alpha=PART, paste_alpha=PART, mass_min=LEAST_MASS, **more)
    boxes = search.find_box().box_lims
    assert len(boxes) > 5
    np.testing.assert_array_equal(own, [box.to_numpy(np.float64) for box in boxes])
