"""Futures with weights: the unweighted estimates, closed forms under a tilt, invariance, edges, and how often intervals
hold the truth.
"""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from benchmarks.weighted_models import MODELS, Tilted, effective_tail, weighted
from engine.risk.estimation import measures
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.influences import MEASURES
from engine.risk.estimation.intervals import Units, as_units
from engine.study.study import LEVELS
from tests.helpers import assert_close, assert_plausible
from tests.risk.cells import DIFFERENCES

RNG = np.random.default_rng(26)
MOVE = 0.7
PARTS = ("estimate", "standard_error", "low", "high")


def tilted(n, move=MOVE, unit=1):
    """Normals, and the weights that move them."""
    half = RNG.standard_normal(n // unit)
    z = half if unit == 1 else np.stack([half, -half], axis=-1).ravel()
    return z, np.exp(move * z - move**2 / 2)


def assert_alike(found, expected, width=1e-9):
    """Estimates, flags and, within a part of their width, intervals."""
    assert list(found) == list(expected)
    for name, one in expected.items():
        other = found[name]
        assert [flag.reason for flag in other.flags] == [flag.reason for flag in one.flags], name
        assert_close([flag.got for flag in other.flags], [flag.got for flag in one.flags])
        assert_close(other.estimate, one.estimate)
        for part in PARTS[1:]:
            np.testing.assert_allclose(
                getattr(other, part), getattr(one, part), rtol=0, atol=width * max(one.standard_error, 0) + 1e-15
            )


@pytest.mark.parametrize("loss", [True, False])
@pytest.mark.parametrize(
    ("law", "n", "unit"),
    [
        *((law, 25_600, unit) for law in ("smooth", "whole") for unit in (1, 2, 64)),
        ("smooth", 10_240, 512),  # few runs
        ("constant", 1_000, 64),
    ],
)
def test_equal_weights_give_the_unweighted_measures(law, n, unit, loss):
    """With their intervals and their flags; bit for bit where they are order statistics."""
    a, b = RNG.standard_normal((2, n))
    x, y = np.exp(0.5 * a).astype(np.float32), 0.9 * np.exp(0.4 * a + 0.3 * b)
    if law == "whole":
        x, y = np.floor(4 * x), np.floor(4 * y)
    if law == "constant":
        x = np.full(n, 0.1)
    alike = np.full(n, 0.3)
    own = measures.summary(x, weighted(alike, unit), loss)
    assert_alike(own, measures.summary(x, unit, loss))
    for name in ("median", *(f"VaR{100 * level:g}" for level in LEVELS)):
        assert own[name].estimate == measures.summary(x, unit, loss)[name].estimate
    assert_alike(measures.difference(x, y, weighted(alike, unit), loss), measures.difference(x, y, unit, loss))
    one, two = x > 1.5, y > 1.4
    shares = (
        (measures.probability(one, weighted(alike, unit)), measures.probability(one, unit)),
        (
            measures.probability_difference(one, two, weighted(alike, unit)),
            measures.probability_difference(one, two, unit),
        ),
    )
    for found, expected in shares:
        assert_close([getattr(found, part) for part in PARTS], [getattr(expected, part) for part in PARTS])


@pytest.mark.parametrize("unit", [1, 2, 64])
def test_weights_of_zero_and_one_are_a_condition(unit):
    """A future without weight is out of everything, also where its values are not finite."""
    values = RNG.lognormal(size=64 * 300)
    given = RNG.random(64 * 300) < 0.3
    part = as_units(64 * 300, unit).take(given)
    expected = measures.summary(values[given], part, True)
    assert_alike(measures.summary(np.where(given, values, np.nan), weighted(given * 7.0, unit), True), expected)
    found, share = (
        measures.probability(values > 2, weighted(given * 1.0, unit)),
        measures.probability(values[given] > 2, part),
    )
    assert_close([getattr(found, name) for name in PARTS], [getattr(share, name) for name in PARTS])


@pytest.mark.parametrize("unit", [1, 2])
@pytest.mark.parametrize("move", [MOVE, -MOVE])
def test_closed_forms_of_a_normal_that_is_moved(unit, move):
    z, w = tilted(400_000, move, unit)
    found = measures.summary(z, weighted(w, unit), True, (0.95, 0.99))
    tails = {a: np.exp(-(ndtri(a) ** 2) / 2) / np.sqrt(2 * np.pi) / (1 - a) for a in (0.95, 0.99)}
    truths = {"mean": move, "median": move, "sd": 1.0}
    truths |= {f"VaR{100 * a:g}": move + ndtri(a) for a in tails} | {
        f"ES{100 * a:g}": move + es for a, es in tails.items()
    }
    assert set(found) == set(truths)
    for name, truth in truths.items():
        assert_plausible(found[name].estimate, truth, found[name].standard_error, 0.25)
        assert found[name].low < found[name].estimate < found[name].high
    happened = measures.probability(z > 1.5, weighted(w, unit))
    assert_plausible(happened.estimate, ndtr(move - 1.5), happened.standard_error, 0.02)
    low_side = measures.summary(-z, weighted(w, unit), False, (0.95,))["VaR95"]
    assert low_side.estimate == -found["VaR95"].estimate and low_side.low == -found["VaR95"].high


def test_closed_forms_of_differences():
    """Of z and .5 z + .5 e + 1, moved by .7."""
    z, w = tilted(400_000)
    other = 0.5 * z + 0.5 * RNG.standard_normal(len(z)) + 1
    found = measures.difference(z, other, weighted(w, 1), True, (0.95,))
    middle, sd, es = 0.5 * MOVE + 1, np.sqrt(0.5), 2.062712808
    truths = {
        "mean": MOVE - middle,
        "median": MOVE - middle,
        "sd": 1 - sd,
        "VaR95": MOVE - middle + ndtri(0.95) * (1 - sd),
        "ES95": MOVE - middle + es * (1 - sd),
        "worse": ndtr((MOVE - middle) / sd),
    }
    for name, truth in truths.items():
        assert_plausible(found[name].estimate, truth, found[name].standard_error, 0.1)
    apart = measures.summary(z, weighted(w, 1), True)["mean"], measures.summary(other, weighted(w, 1), True)["mean"]
    assert found["mean"].standard_error < np.hypot(*(one.standard_error for one in apart))
    gap = measures.probability_difference(z > 1, other > 1, weighted(w, 1))
    assert_plausible(gap.estimate, ndtr(MOVE - 1) - ndtr((middle - 1) / sd), gap.standard_error, 0.02)
    same = measures.difference(z, z, weighted(w, 1), True)
    for name in MEASURES:
        assert (same[name].estimate, same[name].low, same[name].high) == (0, 0, 0) and not same[name].flags


def test_neither_scale_nor_order_matters():
    """Of weights in another scale, and of units in another order."""
    z, w = tilted(20_000, unit=2)
    values = z + 0.5 * RNG.standard_normal(len(z))
    expected = measures.summary(values, weighted(w, 2), True), measures.difference(values, z, weighted(w, 2), True)
    order = RNG.permutation(10_000)[:, None] * 2 + np.arange(2)
    for x, y, v in ((values, z, 1e-30 * w), (values[order].ravel(), z[order].ravel(), 3e7 * w[order].ravel())):
        assert_alike(measures.summary(x, weighted(v, 2), True), expected[0])
        assert_alike(measures.difference(x, y, weighted(v, 2), True), expected[1])
        assert_close(weighted(v, 2).effective, weighted(w, 2).effective)
        assert_close(*(effective_tail(a, b, 2, True, 0.99) for a, b in ((x, v), (values, w))))


def test_effective_numbers():
    z, w = tilted(400_000)
    assert weighted(np.full(300, 0.2), 3).effective == 100
    assert_close(weighted(np.array([2.0, 1, 1, 0, 0]), 1).effective, 16 / 6)
    expected = np.exp(-(MOVE**2))
    assert 0.95 < weighted(w, 1).effective / len(z) / expected < 1.05
    assert_close(effective_tail(z, np.ones(len(z)), 1, True, 0.99), 4_000)
    beyond = z >= measures.summary(z, weighted(w, 1), True, (0.95,))["VaR95"].estimate
    kish = w[beyond].sum() ** 2 / np.square(w[beyond]).sum()
    assert 0.9 * kish < effective_tail(z, w, 1, True, 0.95) < kish / 0.95
    # twice the same path is one path
    assert_close(effective_tail(np.repeat(z, 2), np.repeat(w, 2), 2, True, 0.99), effective_tail(z, w, 1, True, 0.99))


def test_one_unit_has_no_interval():
    z, w = tilted(100)
    units = Units(100, 100)
    found = measures.summary(z, weighted(w, units), True), measures.difference(z, -z, weighted(w, units), True)
    shares = (
        measures.probability(z > 0, weighted(w, units)),
        measures.probability_difference(z > 0, z > 1, weighted(w, units)),
    )
    alone = measures.summary(z, weighted(np.eye(100)[4], 1), True)
    assert alone["mean"].estimate == alone["ES99"].estimate == z[4]
    for one in (*found[0].values(), *found[1].values(), *shares, *alone.values(), measures.mean(z, weighted(w, units))):
        assert np.isfinite(one.estimate) or one is alone["sd"]
        assert np.isnan([one.low, one.high]).all() and Reason.ONE_UNIT in [flag.reason for flag in one.flags]


def test_no_future_has_weight():
    nothing = np.zeros(10)
    found = (
        measures.summary(nothing, weighted(nothing, 1), True),
        measures.difference(nothing, nothing, weighted(nothing, 1), True),
    )
    assert list(found[0]) == list(MEASURES) and list(found[1]) == list(DIFFERENCES)
    shares = (
        measures.probability(nothing > 0, weighted(nothing, 1)),
        measures.probability_difference(nothing > 0, nothing > 1, weighted(nothing, 1)),
    )
    for one in (*found[0].values(), *found[1].values(), *shares, measures.mean(nothing, weighted(nothing, 2))):
        assert np.isnan(one.estimate) and one.flag == "no paths"
    assert weighted(nothing, 1).effective == effective_tail(nothing, nothing, 1, True, 0.95) == 0


@pytest.mark.parametrize("where", ["values", "weights"])
def test_what_is_not_finite_leaves_out_its_unit(where):
    z, w = tilted(20_000, unit=2)
    broken = {"values": z.copy(), "weights": w.copy()}
    broken[where][[4, 11]] = np.nan, np.inf
    kept = np.delete(np.arange(20_000), [4, 5, 10, 11])
    found = measures.summary(broken["values"], weighted(broken["weights"], 2), True)
    clean = measures.summary(z[kept], weighted(w[kept], 2), True)
    for name in MEASURES:
        assert Flag(Reason.NOT_FINITE, 2, 20_000) in found[name].flags
        assert_close([getattr(found[name], part) for part in PARTS], [getattr(clean[name], part) for part in PARTS])


def test_few_effective_exceedances_are_flagged():
    """Of 10,000 futures moved by one deviation some 37 are left beyond VaR95, where without weights there are 500."""
    z, w = tilted(10_000, 1.0)
    found = measures.summary(z, weighted(w, 1), True)["VaR95"]
    assert found.flags[0].reason is Reason.FEW_EFFECTIVE_EXCEEDANCES and np.isnan(found.low)
    assert_close(found.flags[0].got, effective_tail(z, w, 1, True, 0.95))
    assert 25 < found.flags[0].got < 50
    assert not measures.summary(z, 1, True)["VaR95"].flags


def test_heavy_weights_are_flagged():
    """Weights without a variance take the interval of a mean, however light the values are; those of index 2 warn."""
    z = RNG.standard_normal(50_000)
    for shape, withheld in ((1 / 1.2, True), (0.5, False), (0.2, None)):
        found = measures.summary(z, weighted(RNG.random(50_000) ** -shape, 1), True)["mean"]
        assert [flag.withholds for flag in found.flags] == ([] if withheld is None else [withheld])
        assert np.isfinite(found.low) == (not withheld)


def test_no_event_is_bounded_by_the_heaviest_future():
    """None of a thousand futures: the one that had it might weigh as much as any."""
    w = np.append(np.ones(990), np.full(10, 20.0))
    none = measures.probability(np.zeros(1_000, bool), weighted(w, 1))
    alike = measures.probability(np.zeros(round(w.sum() / 20), bool), 1)
    assert none.estimate == none.low == 0 and none.standard_error > 0
    assert 0.9 * alike.high < none.high < 1.1 * alike.high


def assert_held(found, truths):
    """Of the intervals that there are 92 to 98 % hold the truth."""
    for name, truth in truths.items():
        ends = np.array([(one[name].low, one[name].high) for one in found])
        ends = ends[np.isfinite(ends[:, 0])]
        held = float(np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])))
        assert len(ends) > 0.8 * len(found) and 0.92 <= held <= 0.98, f"{name}: {held} of {len(ends)}"


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_intervals_of_all_models_hold_the_truth(name):
    """A part of `benchmarks/coverage_weighted.py`: effective tail 130."""
    of = Tilted(MODELS[name], -0.5)
    rng, paths = np.random.default_rng(130), of.paths(130)
    names = "mean", "VaR95", "ES95", "event", "gap of mean", "gap of VaR95", "worse"
    assert_held([of.estimates(rng, paths) for _ in range(800)], {part: of.truth[part] for part in names})
