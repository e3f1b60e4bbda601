"""Risk functionals against closed forms, hand cases, and conventions of others."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri

from benchmarks.weighted_models import weighted
from engine.risk.estimation import influences
from engine.risk.estimation.flags import Reason
from engine.risk.estimation.influences import MEASURES, levels_of, measures
from engine.risk.estimation.intervals import as_units
from engine.risk.estimation.measures import (
    Variables,
    difference,
    measure as alone,
    probability,
    probability_difference,
    summary,
)
from engine.risk.estimation.tails import Measured
from tests.helpers import assert_close, assert_plausible, assert_same
from tests.risk.estimation.test_histograms import binned_by_value, difference_of, summary_of

RNG = np.random.default_rng(2016)
N = 1 << 20
LAWS = {
    "normal": lambda u: ndtri(u),
    "lognormal": lambda u: np.exp(ndtri(u)),
    "exponential": lambda u: -np.log1p(-u),
    "pareto3": lambda u: (1 - u) ** (-1 / 3),
}
CLOSED_FORMS = {  # mean, median, deviation, VaR and ES at .95, .99, .999
    "normal": (0, 0, 1, 1.644853627, 2.326347874, 3.090232306, 2.062712808, 2.66521422, 3.367090077),
    "lognormal": (
        1.6487212707,
        1,
        2.161197416,
        5.180251602,
        10.24047366,
        21.98218398,
        8.557226867,
        15.2279603,
        30.16907408,
    ),
    "exponential": (1, 0.693147181, 1, 2.995732274, 4.605170186, 6.907755279, 3.995732274, 5.605170186, 7.907755279),
    "pareto3": (1.5, 1.25992105, 0.866025404, 2.714417617, 4.641588834, 10, 4.071626425, 6.96238325, 15),
}


def uniforms(unit):
    """Paths as uniforms, in antithetic pairs for unit 2."""
    u = RNG.random(N // unit)
    return u if unit == 1 else np.stack([u, 1 - u], axis=-1).ravel()


@pytest.mark.parametrize("unit", [1, 2])
@pytest.mark.parametrize("law", LAWS)
def test_closed_forms(law, unit):
    losses = LAWS[law](uniforms(unit)).astype(np.float32)
    found = summary(losses, unit, True)
    for measure, truth in zip(MEASURES, CLOSED_FORMS[law], strict=True):
        estimate = found[measure]
        if measure == "sd" and law in ("lognormal", "pareto3"):  # no fourth moment, or none to be seen
            assert estimate.flags[0].reason in (Reason.NO_FOURTH_MOMENT, Reason.HEAVY_TAIL)
        else:
            assert estimate.flag == ""
            assert estimate.low <= estimate.estimate <= estimate.high
        # the nearest wrong measure: VaR for ES and the like
        others = [abs(truth - other) for other in CLOSED_FORMS[law] if other != truth]
        assert_plausible(estimate.estimate, truth, estimate.standard_error, min(others))


def test_low_tail_is_the_high_tail_of_the_negative():
    values = RNG.lognormal(size=20_000).astype(np.float32)
    losses, gains = summary(values, 2, True), summary(-values, 2, False)
    for measure in MEASURES:
        a, b = losses[measure], gains[measure]
        if measure == "sd":
            assert_same([a.estimate, a.standard_error, a.low, a.high], [b.estimate, b.standard_error, b.low, b.high])
            assert a.flags == b.flags
            continue
        assert_same([a.estimate, a.standard_error], [-b.estimate, b.standard_error])
        assert_same([a.low, a.high, a.flag == ""], [-b.high, -b.low, b.flag == ""])


def test_the_median_is_that_of_numpy_and_the_deviation_too():
    for n in (2, 7, 1000, 1001):
        values = RNG.lognormal(size=n)
        for loss in (True, False):
            found = summary(values, 1, loss)
            assert_close(found["median"].estimate, np.median(values))
            assert_close(found["sd"].estimate, values.std(ddof=1))


def test_any_level_is_measured():
    values, other = RNG.standard_normal((2, 40_000))
    for found in (
        summary(values, 1, True, (0.975,)),
        summary_of(binned_by_value(values.astype(np.float32), 20), True, (0.975,)),
    ):
        assert [*found] == ["mean", "median", "sd", "VaR97.5", "ES97.5"]
        assert_plausible(found["VaR97.5"].estimate, 1.959963985, found["VaR97.5"].standard_error, 0.3)
        assert_plausible(found["ES97.5"].estimate, 2.337802792, found["ES97.5"].standard_error, 0.3)
        assert found["ES97.5"].low < 2.337802792 < found["ES97.5"].high
    assert [*difference(values, other, 1, True, (0.95, 0.975))][-3:] == ["ES95", "ES97.5", "worse"]


@pytest.mark.parametrize("n", [10, 1000, 1001, 12_345])
def test_es_is_the_mean_of_the_worst(n):
    """With ceil(n (1 - a)) worst, the last one counted for the fraction that is left of it."""
    values = np.sort(RNG.standard_normal(n))
    found = summary(RNG.permutation(values), 1, True)
    for name, level in (("95", 0.95), ("99", 0.99), ("99.9", 0.999)):
        share = n * (1 - level)
        worst = int(np.ceil(share - 1e-9))
        weights = np.append(share - worst + 1, np.ones(worst - 1))
        assert found[f"VaR{name}"].estimate == values[n - worst]
        assert_close(found[f"ES{name}"].estimate, weights @ values[n - worst :] / share)


def test_var_interval_is_made_of_order_statistics():
    """Of 1000 values the VaR 95 lies between the 65th and the 37th largest: Bin(1000, 0.05)."""
    values = RNG.standard_normal(1000)
    found = summary(values, 1, True)["VaR95"]
    descending = np.sort(values)[::-1]
    assert_same([found.low, found.high], [descending[65 - 1], descending[37 - 1]])
    assert_close(found.standard_error, (found.high - found.low) / (2 * 1.959963984540054))


@pytest.mark.parametrize("n", [2500, 3001, 20_000])
def test_duplicated_paths_tell_nothing_new(n):
    """Each path twice, as units of two: the intervals are those of the paths once, and those of VaR in every bit."""
    values = RNG.standard_normal(n)
    once, twice = summary(values, 1, True), summary(np.repeat(values, 2), 2, True)
    for measure in ("mean", "ES95", "ES99"):
        assert_close([twice[measure].low, twice[measure].high], [once[measure].low, once[measure].high])
    assert_same([twice["VaR95"].low, twice["VaR95"].high], [once["VaR95"].low, once["VaR95"].high])
    happens = values > 1
    assert_close(probability(np.repeat(happens, 2), 2).low, probability(happens, 1).low)


@pytest.mark.parametrize("bad", [False, True])
@pytest.mark.parametrize("loss", [True, False])
def test_policies_together_are_as_each_alone(loss, bad):
    values = RNG.lognormal(size=(3, 12_000)).astype(np.float32)
    values[2] = 0.5 * values[1] + 0.5 * values[2]
    if bad:
        values[1, 17] = np.nan
    together = Variables(values, 2, loss)
    for p in range(3):
        # by their texts: an end that is NaN equals nothing, itself neither
        assert repr(together.summary(p)) == repr(summary(values[p], 2, loss))
        assert repr(together.difference(p, 1)) == repr(difference(values[p], values[1], 2, loss))


def test_regret_and_the_share_of_worse_paths_by_hand():
    """Costs A = (1, 4, 9), B = (2, 3, 5): regrets (0, 1, 4) and (1, 0, 0); as gains (1, 0, 0) and (0, 1, 4)."""
    values, baseline = np.array([1.0, 2, 3, 4]), np.array([2.0, 2, 2, 2])
    assert difference(values, baseline, 1, True)["worse"].estimate == 0.5
    assert difference(values, baseline, 1, False)["worse"].estimate == 0.25
    assert difference(values, baseline, 1, False)["mean"].estimate == 0.5
    costs = np.array([[1.0, 4, 9], [2, 3, 5]])
    assert_close([found.estimate for found in Variables(costs, 1, True).regrets()], [5 / 3, 1 / 3])
    assert_close([found.estimate for found in Variables(costs, 1, False).regrets()], [1 / 3, 5 / 3])


def test_probabilities_of_none_and_all():
    none, every = probability(np.zeros(1000, bool), 1), probability(np.ones(1000, bool), 1)
    assert (none.estimate, none.low, every.estimate, every.high) == (0, 0, 1, 1)
    assert 0 < none.high < 0.004 and 0.996 < every.low < 1
    assert none.standard_error > 0 and none.flag == every.flag == ""
    gap = probability_difference(np.ones(1000, bool), np.zeros(1000, bool), 1)
    assert gap.estimate == 1 and 0.994 < gap.low < gap.high <= 1


def test_difference_of_probabilities_knows_the_pairing():
    a, b = RNG.standard_normal((2, 50_000))
    gap = probability_difference(a > 1, a + 0.1 * b > 1.1, 1)
    apart = probability_difference(a > 1, b > 1.1, 1)
    assert gap.high - gap.low < 0.5 * (apart.high - apart.low)
    assert_close(gap.standard_error, ((a > 1) * 1.0 - (a + 0.1 * b > 1.1)).std(ddof=1) / np.sqrt(50_000))


@pytest.fixture
def semi(monkeypatch):
    """The example of docs/method.md, a semi-deviation, is one of the measures."""
    page = (Path(__file__).parents[3] / "docs" / "method.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.setattr(influences, "ROWS", [*influences.ROWS])
    exec(compile(code, "method.md", "exec"), {**vars(influences)})


def test_a_measure_is_one_function_and_one_row(semi):
    """Of a normal law s^2 = 1 / 2, and the influence has variance 5 / 8 - 1 / pi."""
    x = RNG.standard_normal((2, 65_536)).astype(np.float32)
    error = np.sqrt((5 / 8 - 1 / np.pi) / 65_536)
    bins, equal = [binned_by_value(row, 64) for row in x], weighted(np.ones(65_536), 1)
    for own, gap, units in (
        (summary(x[0], 2, True), difference(*x, 2, True), 32_768),
        (summary(x[0], equal, True), difference(*x, equal, True), 65_536),
        (summary_of(bins[0], True), difference_of(*bins, True), 64),
    ):
        found, apart = own["semi"], gap["semi"]
        assert_plausible(found.estimate, np.sqrt(0.5), error, 0.02)
        for one in (found.standard_error, apart.standard_error / np.sqrt(2)):
            assert_plausible(one, error, error / np.sqrt(units / 2), error)
        assert found.low < found.estimate < found.high and apart.low < 0 < apart.high


def test_a_measure_of_many_cells_is_that_of_each(semi):
    """As tables by year have it; equal values have none, and low values that are worse do not make it negative."""
    x = RNG.standard_normal((3, 8192)).astype(np.float32)
    x[1] = 3.0
    columns = Measured(x, as_units(8192, 2)).measures[-1].column
    for cell, row in enumerate(x):
        assert_close([of[cell] for of in columns], summary(row, 2, True)["semi"].column)
    assert [of[1] for of in columns] == [0.0] * 4
    assert_same(summary(x[0], 2, False)["semi"].column, summary(-x[0], 2, True)["semi"].column)


def test_equal_values_are_exact():
    for found in (
        *summary(np.full(1000, 0.1, np.float32), 1, True).values(),
        Variables(np.ones((2, 10)), 1, True).regrets()[0],
    ):
        assert found.flag == "" and found.standard_error == 0
        assert found.low == found.estimate == found.high
    same = RNG.standard_normal(100)
    for measure, found in difference(same, same, 1, True).items():
        assert found.flag == "" and found.estimate == 0
        assert measure == "worse" or found.low == found.high == 0


def test_one_path_has_a_mean_and_no_interval():
    for found in (summary(np.array([3.0]), 1, True), difference(np.array([4.0]), np.array([1.0]), 1, True)):
        assert found["mean"].estimate == 3 and "one independent unit" in found["mean"].flag
        assert np.isnan([found["mean"].standard_error, found["mean"].low, found["VaR95"].low]).all()
    assert probability(np.array([True]), 1).flag == ""
    assert summary(np.zeros(0), 1, True)["mean"].flag == "no paths"


def test_point_masses():
    """Three atoms: VaR 95 and ES 99 are the top one exactly, ES mixes where the level cuts an atom."""
    values = RNG.permutation(np.repeat([0.0, 1.0, 2.0], [9000, 980, 20]))
    found = summary(values, 1, True)
    assert found["VaR95"].estimate == found["VaR95"].low == found["VaR95"].high == 1
    assert_close(found["ES99"].estimate, 1.2)
    assert_close(found["ES95"].estimate, 1.04)
    assert found["ES95"].low < 1.04 < found["ES95"].high
    gap = difference(values, values[::-1].copy(), 1, True)
    assert gap["VaR95"].estimate == gap["VaR95"].standard_error == 0


@pytest.mark.parametrize("unit", [1, 2])
@pytest.mark.parametrize("loss", [True, False])
def test_regrets_of_two_policies_are_those_of_two_of_three(unit, loss):
    """Of two, tails are judged by the extremes of their difference; of three, of which two are alike, by their own."""
    rng, reasons = np.random.default_rng(7), set()
    for values in (rng.standard_t(freedom, (2, 4000)) for freedom in (1, 1.5, 9)):
        x, y = values.astype(np.float32)
        two, three = (Variables(np.stack(rows), unit, loss).regrets() for rows in ((x, y), (x, y, y)))
        for one, other in zip(two, three[:2], strict=True):
            assert_same([one.estimate, one.standard_error, one.low], [other.estimate, other.standard_error, other.low])
            assert [flag.reason for flag in one.flags] == [flag.reason for flag in other.flags]
            assert_close([flag.got for flag in one.flags], [flag.got for flag in other.flags], np.float32)
            reasons |= {flag.reason for flag in one.flags}
    assert {Reason.HEAVY_TAIL, Reason.NO_VARIANCE} <= reasons


ALONE = {
    "heavy": np.random.default_rng(2).standard_cauchy(4000),
    "few": np.arange(40.0),
    "constant": np.ones(30),
    "not finite": np.full(50, np.nan),
}


@pytest.mark.parametrize("values", ALONE.values(), ids=ALONE)
def test_one_measure_by_its_name_is_that_of_the_summary_to_the_bit(values):
    for name, loss, unit in itertools.product((*measures(), "ES97.5"), (True, False), (1, 2)):
        one, every = alone(values, unit, loss, name), summary(values, unit, loss, levels_of(name))
        assert repr(one) == repr(every[name])  # NaN is not equal to NaN
