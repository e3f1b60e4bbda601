"""Boxes of factors: the box of the test problems, categories, nothing where there is nothing, honest intervals, and
what is refused.
"""

from inspect import signature

import numpy as np
import pandas as pd
import pytest

from engine.analyses import discovery
from engine.analyses.discover_answer import sentences, tables, words
from engine.analyses.peeling import LEAST, PASTE, PEEL, passed_through, proposed
from engine.errors import UserError
from tests.analyses.boxed import asked, corner, drawn, square


@pytest.fixture(scope="module")
def of():
    return corner()


@pytest.mark.slow
def test_the_corner_is_the_box_and_nothing_else_is_limited(of):
    (first,) = of.boxes
    assert [*first.restrictions] == ["x1", "x2"]  # without x1 three quarters more are lost to density
    limits = {name: part.limits for name, part in first.restrictions.items()}
    assert limits["x1"].high == pytest.approx(0.25, abs=0.01) and limits["x1"].low == -np.inf
    assert limits["x2"].high == pytest.approx(0.4, abs=0.01) and limits["x2"].low == -np.inf
    assert first.coverage.estimate > 0.95 and first.density.estimate > 0.95
    assert first.mass.low < 0.1 < first.mass.high
    assert max(np.nanmax(part.quasi_p) for part in first.restrictions.values()) < 1e-50


def said(of):
    """The sentences."""
    return " ".join(sentences(of))


@pytest.mark.slow
def test_the_finding_is_in_words_and_the_groups_hold_it(of):
    assert "x1 below 0.2" in said(of) and "its lower 2" in said(of) and "x2 below " in said(of)
    held = {table.name: table for table in tables(of)}
    first = of.boxes[0]
    row, every = held["boxes"].rows()
    assert [row[name] for name in ("coverage", "density", "mass")] == [first.coverage, first.density, first.mass]
    assert every["number"] == 0 and every["correlation"] == of.together.correlation
    own = [*held["limits"].rows()]
    assert [one["factor"] for one in own] == ["x1", "x2"] and all(one["low"] is None for one in own)
    assert held["steps"]["coverage"][0] > held["steps"]["coverage"][-1] - 1e-9


@pytest.mark.slow
def test_a_category_is_limited_by_its_labels():
    study = square(4000)
    draws = drawn(study, 3)
    of = asked(study, draws, (draws["rain"] != 1) & (draws["x3"] > 0.6))
    first = of.boxes[0]
    assert set(first.restrictions) == {"rain", "x3"}
    assert first.restrictions["rain"].limits.allowed == (0.0, 2.0)
    assert "dry or snow, 66 %" in said(of)  # of these draws


def test_one_factor_alone_is_limited():
    values = np.random.default_rng(6).random(2000).astype(np.float32)
    *_, last = proposed({"x1": values}, values > 0.8, {})
    assert last["x1"].low == pytest.approx(0.8, abs=0.02) and last["x1"].high == np.inf


def test_two_corners_are_two_boxes():
    study = square(8000)
    draws = drawn(study, 4)
    both = (draws["x1"] < 0.2) & (draws["x2"] < 0.5), (draws["x4"] > 0.8) & (draws["x3"] > 0.5)
    of = asked(study, draws, both[0] | both[1])
    assert [{*box.restrictions} for box in of.boxes] in ([{"x4", "x3"}, {"x1", "x2"}], [{"x1", "x2"}, {"x4", "x3"}])
    assert of.together.coverage.estimate == pytest.approx(sum(box.coverage.estimate for box in of.boxes))
    assert of.together.coverage.estimate > 0.95 and of.together.density.estimate > 0.95
    assert next(iter(words(of, of.boxes[0]).values())) in said(of) and "all 2 boxes" in said(of)


def test_where_factors_tell_nothing_nothing_is_claimed():
    study = square(4000)
    draws = drawn(study, 6)
    of = asked(study, draws, np.random.default_rng(7).random(4000) < 0.3)
    assert not (of.boxes and of.boxes[0].density.low > of.rate.high)
    assert "They are" not in said(of)


def test_what_is_not_finite_is_left_out_and_counted():
    study = square(2000)
    draws = drawn(study, 8)
    draws["x5"][::10] = np.nan
    of = asked(study, draws, draws["x1"] < 0.5)
    assert of.lost == 200 and of.judged_on == 900
    assert set(of.boxes[0].restrictions) == {"x1"}


def test_pairs_stay_together_and_one_replicate_has_no_interval():
    study = square(2048, "antithetic")
    draws = drawn(study, 9)
    assert np.isfinite(asked(study, draws, draws["x1"] < 0.5).boxes[0].density.low)
    one = square(8192, "sobol")
    assert one.unit == 4096  # one replicate finds the boxes, the other judges them
    of = asked(one, drawn(one, 9), drawn(one, 9)["x1"] < 0.5)
    assert np.isnan(of.rate.low) and "without an interval" in said(of)
    assert not (of.boxes and of.boxes[0].density.low > of.rate.high)


def test_the_same_question_has_the_same_answer():
    study = square(800)
    draws = drawn(study, 2)
    cases = draws["x1"] < 0.5
    one, other = (asked(study, draws, cases) for _ in range(2))
    assert said(one) == said(other)
    assert one.boxes == other.boxes or repr(one.boxes) == repr(other.boxes)  # NaN is not itself


def test_too_few_of_a_kind_and_no_draws_are_refused():
    study = square(1000)
    draws = drawn(study, 1)
    with pytest.raises(UserError, match=r"100 futures .*got 7 of 1,000"):
        asked(study, draws, np.arange(1000) < 7)
    with pytest.raises(UserError, match="does not hold, got 0 of"):
        asked(study, draws, np.ones(1000, bool))
    with pytest.raises(UserError, match=r"keep\.draws"):
        asked(study, {}, np.ones(1000, bool))


def test_of_many_factors_those_whose_laws_differ_are_searched():
    study = square(4000)
    rng = np.random.default_rng(3)
    draws = {f"y{k}": rng.random(4000) for k in range(40)}
    part = discovery._Part(draws, draws["y33"] + draws["y7"] < 0.8, discovery.as_units(4000, study.unit))
    names = discovery._searched(part)
    assert len(names) == discovery.FACTORS and {"y7", "y33"} <= {*names}


@pytest.mark.slow
@pytest.mark.parametrize("runs", [100, pytest.param(400, marks=pytest.mark.sweep)])
def test_intervals_on_other_futures_cover_what_a_box_truly_holds(runs):
    """Cases are 80 % of a corner and 5 % of the rest, 2,000 paths a run: coverage and density of
    whatever box is found.
    """
    study, hits, found = square(2000), {"coverage": 0, "density": 0}, 0
    for seed in range(runs):
        draws, rng = drawn(study, seed), np.random.default_rng(10_000 + seed)
        corner = (draws["x1"] < 0.25) & (draws["x2"] < 0.4)
        of = asked(study, draws, rng.random(2000) < np.where(corner, 0.8, 0.05))
        if not of.boxes:
            continue
        box, found = of.boxes[0], found + 1
        mass = inner = 1.0
        for name, part in box.restrictions.items():
            if name == "rain":
                mass, inner = (value * len(part.limits.allowed) / 3 for value in (mass, inner))
                continue
            low, high = max(part.limits.low, 0.0), min(part.limits.high, 1.0)
            end = {"x1": 0.25, "x2": 0.4}.get(name, 1.0)
            mass, inner = mass * (high - low), inner * max(min(high, end) - low, 0.0) / end
        cases = 0.05 * mass + 0.75 * 0.1 * inner
        true = {"coverage": cases / (0.05 + 0.075), "density": cases / mass}
        for name, value in true.items():
            estimate = getattr(box, name)
            hits[name] += estimate.low <= value <= estimate.high
    for name, count in hits.items():
        assert found > 0.98 * runs and 0.92 <= count / found <= 0.98, (name, count, found)


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
    search = prim.Prim(table, cases.astype(int), peel_alpha=PEEL, paste_alpha=PASTE, mass_min=LEAST, **more)
    boxes = search.find_box().box_lims
    assert len(boxes) > 5
    np.testing.assert_array_equal(own, [box.to_numpy(np.float64) for box in boxes])
