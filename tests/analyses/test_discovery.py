"""Boxes of factors: the box of the test problems, categories, nothing where there is nothing, honest intervals, and
what is refused.
"""

import sys
from inspect import signature

import numpy as np
import pandas as pd
import pytest

from engine.analyses import box_search, discovery
from engine.analyses.box_search import LEAST_MASS
from engine.analyses.discover_answer import tables
from engine.analyses.discovery_sentence import because, sentences, words
from engine.analyses.peeling import passed_through
from engine.errors import UserError
from tests.analyses.boxed import asked, corner, drawn, square


@pytest.fixture(scope="module")
def of():
    return corner()


@pytest.fixture(autouse=True)
def few_resamples(request, monkeypatch):
    """Where it is not about them."""
    if "of" not in request.fixturenames:
        monkeypatch.setattr(discovery, "RESAMPLES", 2)


@pytest.mark.slow
def test_the_corner_is_the_box_and_nothing_else_is_limited(of):
    for method in ("prim", "cart"):
        first, *others = of.boxes[method]
        assert not others and set(first.restrictions) == {"x1", "x2"}
        limits = {name: part.limits for name, part in first.restrictions.items()}
        assert limits["x1"].high == pytest.approx(0.25, abs=0.01) and limits["x1"].low == -np.inf
        assert limits["x2"].high == pytest.approx(0.4, abs=0.01) and limits["x2"].low == -np.inf
        assert first.coverage.estimate > 0.95 and first.density.estimate > 0.95
        assert first.mass.low < 0.1 < first.mass.high
        assert max(np.nanmax(part.quasi_p) for part in first.restrictions.values()) < 1e-50
        assert [*first.restrictions] == ["x1", "x2"]  # without x1 three quarters more are lost to density
    assert {name for name, share in of.stability.items() if share > 0.9} == {"x1", "x2"}
    assert max(share for name, share in of.stability.items() if name not in ("x1", "x2")) < 0.2


def said(of):
    """The sentences."""
    return " ".join(sentences(of))


@pytest.mark.slow
def test_the_finding_is_in_words_and_the_groups_hold_it(of):
    assert "x1 below 0.2" in said(of) and "lower quarter" in said(of) and "x2 below " in said(of)
    held = {table.name: table for table in tables(of)}
    first = of.boxes["prim"][0]
    (row,) = held["boxes"].where(search="prim", number=1)
    assert [row[name] for name in ("coverage", "density", "mass")] == [first.coverage, first.density, first.mass]
    own = [one for one in held["limits"].where(search="prim")]
    assert [one["factor"] for one in own] == ["x1", "x2"] and all(one["low"] is None for one in own)
    assert held["steps"]["coverage"][0] > held["steps"]["coverage"][-1] - 1e-9


@pytest.mark.slow
def test_a_category_is_limited_by_its_labels():
    study = square(4000)
    draws = drawn(study, 3)
    of = asked(study, draws, (draws["rain"] != 1) & (draws["x3"] > 0.6))
    for method in ("prim", "cart"):
        first = of.boxes[method][0]
        assert set(first.restrictions) == {"rain", "x3"}
        assert first.restrictions["rain"].limits.allowed == (0.0, 2.0)
    assert "dry or snow, 66 %" in said(of)  # of these draws


def test_one_factor_alone_is_limited():
    values = np.random.default_rng(6).random(2000).astype(np.float32)
    for method in discovery.METHODS:
        *_, last = box_search.proposed(method, {"x1": values}, values > 0.8, {})
        assert last["x1"].low == pytest.approx(0.8, abs=0.02) and last["x1"].high == np.inf


def test_two_corners_are_two_boxes():
    """Of CART: PRIM, which takes away ends, is stopped by a factor of which both ends matter."""
    study = square(8000)
    draws = drawn(study, 4)
    both = (draws["x1"] < 0.2) & (draws["x2"] < 0.5), (draws["x1"] > 0.8) & (draws["x3"] > 0.5)
    of = asked(study, draws, both[0] | both[1])
    boxes, together = of.boxes["cart"], of.together["cart"]
    assert [{*box.restrictions} for box in boxes] in ([{"x1", "x3"}, {"x1", "x2"}], [{"x1", "x2"}, {"x1", "x3"}])
    assert together.coverage.estimate == pytest.approx(sum(box.coverage.estimate for box in boxes))
    assert together.coverage.estimate > 0.95 and together.density.estimate > 0.95


def test_the_method_whose_boxes_tell_better_leads():
    """Two corners at either end of a factor: PRIM, which peels ends, ends up in one of them; a tree cuts both out."""
    study = square(8000)
    draws = drawn(study, 4)
    low, high = draws["x1"] < 0.2, draws["x1"] > 0.8
    of = asked(study, draws, (low & (draws["x2"] < 0.5)) | (high & (draws["x3"] > 0.5)))
    assert [*of.boxes] == ["cart", "prim"] and of.lead.first == "cart"
    one, two = (of.lead.correlations[method] for method in ("cart", "prim"))
    assert one.low > 0.9 > two.high and of.lead.gap.low > 0.1 * one.estimate
    assert because(of).startswith("CART leads") and len(of.boxes["cart"]) == 2
    limits = next(iter(words(of, of.boxes["cart"][0]).values()))
    assert limits in said(of) and "all 2 boxes" in said(of)
    boxes = next(table for table in tables(of) if table.name == "boxes")
    assert list(dict.fromkeys(boxes["search"])) == ["cart", "prim"]
    (row,) = boxes.where(search="cart", number=0)
    assert row["correlation"].estimate == one.estimate


@pytest.mark.slow
def test_of_two_that_tell_alike_the_one_with_fewer_limits_leads(of):
    """Of the corner both find the one box, PRIM is named first; of noise about it, whoever needs fewer limits."""
    assert [*of.boxes] == ["prim", "cart"] and of.lead.limits == {"prim": 2, "cart": 2}
    study = square(4000)
    draws = drawn(study, 3)
    inner = (draws["x1"] < 0.3) & (draws["x2"] < 0.5)
    noisy = asked(study, draws, np.random.default_rng(3).random(4000) < np.where(inner, 0.6, 0.05))
    first, second = noisy.boxes
    least, most = noisy.lead.limits[first], noisy.lead.limits[second]
    best = max(one.estimate for one in noisy.lead.correlations.values())
    assert least <= most and noisy.lead.correlations[first].estimate > 0.9 * best
    assert because(noisy).startswith(f"{first.upper()} leads")


def test_where_factors_tell_nothing_nothing_is_claimed():
    study = square(4000)
    draws = drawn(study, 6)
    of = asked(study, draws, np.random.default_rng(7).random(4000) < 0.3)
    assert not any(boxes and boxes[0].density.low > of.rate.high for boxes in of.boxes.values())
    assert "leads" not in said(of)


def test_what_is_not_finite_is_left_out_and_counted():
    study = square(2000)
    draws = drawn(study, 8)
    draws["x5"][::10] = np.nan
    of = asked(study, draws, draws["x1"] < 0.5)
    assert of.lost == 200 and of.judged_on == 900
    assert set(of.boxes["cart"][0].restrictions) == {"x1"}


def test_pairs_stay_together_and_one_replicate_has_no_interval():
    study = square(2048, "antithetic")
    draws = drawn(study, 9)
    assert np.isfinite(asked(study, draws, draws["x1"] < 0.5).boxes["cart"][0].density.low)
    one = square(8192, "sobol")
    assert one.unit == 4096  # one replicate finds the boxes, the other judges them
    of = asked(one, drawn(one, 9), drawn(one, 9)["x1"] < 0.5)
    assert np.isnan(of.rate.low) and not of.stability and "without an interval" in said(of)
    assert not any(boxes and boxes[0].density.low > of.rate.high for boxes in of.boxes.values())


def test_the_same_question_has_the_same_answer():
    study = square(800)
    draws = drawn(study, 2)
    cases = draws["x1"] < 0.5
    one, other = (asked(study, draws, cases) for _ in range(2))
    assert said(one) == said(other) and one.stability == other.stability
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


def test_without_the_workbench_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ema_workbench", None)
    monkeypatch.delitem(sys.modules, "ema_workbench.analysis", raising=False)
    study = square(1000)
    draws, cases = drawn(study, 1), np.arange(1000) < 500
    with pytest.raises(UserError, match=r"CART .*pip install 'ema.workbench>="):
        asked(study, draws, cases)
    assert box_search.proposed(box_search.PRIM, draws, cases, {})


def test_of_many_factors_those_whose_laws_differ_are_searched():
    study = square(4000)
    rng = np.random.default_rng(3)
    draws = {f"y{k}": rng.random(4000) for k in range(40)}
    part = discovery._Part(draws, draws["y33"] + draws["y7"] < 0.8, discovery.as_units(4000, study.unit))
    names = discovery._searched(part)
    assert len(names) == discovery.FACTORS and {"y7", "y33"} <= {*names}


@pytest.mark.slow
@pytest.mark.parametrize("runs", [100, pytest.param(400, marks=pytest.mark.sweep)])
def test_intervals_on_other_futures_cover_what_a_box_truly_holds(monkeypatch, runs):
    """Cases are 80 % of a corner and 5 % of the rest, 2,000 paths a run: coverage and density of whatever box CART
    found.
    """
    monkeypatch.setattr(discovery, "proposed", lambda _, *args: box_search.proposed("cart", *args), raising=True)
    monkeypatch.setattr(discovery, "RESAMPLES", 1)
    study, hits = square(2000), {"coverage": 0, "density": 0}
    for seed in range(runs):
        draws, rng = drawn(study, seed), np.random.default_rng(10_000 + seed)
        corner = (draws["x1"] < 0.25) & (draws["x2"] < 0.4)
        of = asked(study, draws, rng.random(2000) < np.where(corner, 0.8, 0.05))
        box = of.boxes["cart"][0]
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
        assert 0.92 <= count / runs <= 0.98, (name, count / runs)


@pytest.mark.filterwarnings("ignore")  # of the workbench
@pytest.mark.parametrize(("peel", "paste"), [(0.05, 0.05), (0.1, 0.5)])
@pytest.mark.parametrize("seed", range(3))
def test_prim_passes_through_the_boxes_of_the_workbench(seed, peel, paste):
    random = np.random.default_rng(seed)
    values = random.normal(size=(4, 300))
    values[0] = values[0] > 0.3  # a category
    values[1] = np.round(values[1], 1)  # with ties
    cases = values[3] + 0.7 * values[0] + 0.6 * random.normal(size=300) > 0.8
    own = passed_through(values, cases, peel, paste, LEAST_MASS)
    prim = pytest.importorskip("ema_workbench.analysis.prim")
    more = {"threshold": 1e-9} if "threshold" in signature(prim.Prim).parameters else {}
    table = pd.DataFrame(dict(zip("abcd", values, strict=True)))
    search = prim.Prim(table, cases.astype(int), peel_alpha=peel, paste_alpha=paste, mass_min=LEAST_MASS, **more)
    boxes = search.find_box().box_lims
    assert len(boxes) > 5
    np.testing.assert_array_equal(own, [box.to_numpy(np.float64) for box in boxes])
