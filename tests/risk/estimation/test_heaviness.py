"""Heaviness: the shape of Pareto tails, and which tails are flagged: `pytest -m slow -s
tests/risk/estimation/test_heaviness.py` prints the table of docs/method.md.
"""

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import Extremes, largest_flag, misfit, pareto_fit, tail_size
from engine.risk.estimation.measures import summary
from tests.helpers import assert_plausible, assert_same

RNG = np.random.default_rng(20160101)
SIZES = (10_000, 100_000, 1_000_000)


def tail_flag(ascending):
    return Extremes.of_sorted(ascending).upper


def levee(height: float, more: float):
    """Value that a share of floods pass in the levee of docs/writing-a-model.md: damage, and `more` that does not
    vary."""
    rates = stats.triang(2 / 7, 20, 70).ppf((np.arange(400) + 0.5) / 400)
    flood = stats.lognorm(np.log(3.4 / 1.2) / 2 / stats.norm.isf(0.05), 0, np.sqrt(1.2 * 3.4))
    damage = np.concatenate([[0.0], np.geomspace(1e-3, 1e4, 2000)])
    beyond = flood.sf(height + damage[:, None] / rates).mean(axis=1)
    return lambda share: more + np.exp(np.interp(-np.log(share), -np.log(beyond), np.log(np.maximum(damage, 1e-9))))


def mixed(usual, rare, chance: float):
    """Value that a share of paths pass, where with a small chance another law is drawn from, far beyond the usual
    one."""
    return lambda share: np.where(
        share < chance,
        rare(np.minimum(share / chance, 1.0)),
        usual(np.clip((share - chance) / (1 - chance), 1e-12, 1.0)),
    )


def pareto(index: float):
    return lambda share: share ** (-1 / index)


LIGHT = {
    "normal": stats.norm.isf,
    "lognormal, sigma 0.5": stats.lognorm(0.5).isf,
    "lognormal, sigma 1": stats.lognorm(1.0).isf,
    "exponential": stats.expon.isf,
    "Weibull, shape 0.7": stats.weibull_min(0.7).isf,
    "uniform": stats.uniform.isf,
    "beta(2, 5)": stats.beta(2, 5).isf,
    "triangular": stats.triang(0.3).isf,
    "binomial(100, 0.03)": stats.binom(100, 0.03).isf,
    "share, 0.95 at most": lambda share: np.minimum(0.95, stats.lognorm(0.6, 0, 0.37).isf(share)),
    "normal, U(20, 100) on 1 of 1,000 paths": mixed(stats.norm.isf, stats.uniform(20, 80).isf, 0.001),
    "normal, exponential from 20 on 1 of 1,000": mixed(stats.norm.isf, stats.expon(20, 30).isf, 0.001),
    "damage of the levee, 3 m, and 2": levee(3.0, 2.0),
    "damage of the levee, 4 m, and 2": levee(4.0, 2.0),
}
HEAVY = {
    "Pareto(1)": pareto(1.0),
    "Pareto(1.5)": pareto(1.5),
    "Pareto(1.5), whole numbers": lambda share: np.floor(pareto(1.5)(share)),
    "t, 1.5 degrees of freedom": stats.t(1.5).isf,
}
BETWEEN = {
    "Pareto(2)": pareto(2.0),
    "Pareto(2.5)": pareto(2.5),
    "Pareto(3)": pareto(3.0),
    "lognormal, sigma 2": stats.lognorm(2.0).isf,
    "normal, Pareto(1.5) on 1 of 100": mixed(stats.norm.isf, lambda share: 20 * pareto(1.5)(share), 0.01),
}


def largest(law, n_paths: int, rng: np.random.Generator) -> np.ndarray:
    """The largest of so many independent values that a tail is judged by, ascending, by Renyi's representation."""
    k = tail_size(n_paths) + 1
    passed = np.cumsum(rng.exponential(size=k))
    values = law(passed / (passed[-1] + rng.gamma(n_paths + 1 - k)))
    return values[::-1].astype(np.float32)


def rates(law, n_paths: int, repetitions: int) -> tuple[float, float]:
    """Shares of samples of which the tail is flagged, and of which it has no interval."""
    rng = np.random.default_rng(n_paths)
    flags = [largest_flag(largest(law, n_paths, rng)) for _ in range(repetitions)]
    return tuple(sum(map(bool, held)) / repetitions for held in (flags, [f for f in flags if f and f.withholds]))


@pytest.mark.parametrize("name", LIGHT)
def test_light_and_mixed_tails_are_not_flagged(name):
    for n_paths in SIZES:
        assert rates(LIGHT[name], n_paths, 25)[0] == 0


@pytest.mark.parametrize("name", HEAVY)
def test_heavy_tails_are_flagged(name):
    for n_paths in SIZES:
        flagged, withheld = rates(HEAVY[name], n_paths, 25)
        assert flagged == 1 and withheld >= 0.8


def test_a_tail_at_the_limit_is_mostly_flagged():
    for n_paths in SIZES:
        assert rates(pareto(2.0), n_paths, 50)[0] >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        name if k % 3 == 0 else pytest.param(name, marks=pytest.mark.sweep)
        for k, name in enumerate([*LIGHT, *HEAVY, *BETWEEN])
    ],
)
def test_rates(name):
    """Prints a line of the table: flagged, and without interval, in % of 400 samples of each size."""
    law = {**LIGHT, **HEAVY, **BETWEEN}[name]
    of = [rates(law, n_paths, 400) for n_paths in SIZES]
    print(f"| {name} | " + " | ".join(f"{100 * f:.1f} / {100 * w:.1f}" for f, w in of) + " |")
    flagged = [f for f, _ in of]
    if name in LIGHT:
        assert max(flagged) <= 0.01
    if name in HEAVY:
        assert min(flagged) >= 0.99


@pytest.mark.parametrize("shape", [-0.5, 0.0, 1 / 3, 2 / 3, 1.5])
@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_pareto_shape_is_found_wherever_zero_lies(shape, shift):
    u = RNG.random(5000)
    excesses = np.sort((u**-shape - 1) / shape if shape else -np.log(u))
    estimate, scale = pareto_fit((excesses + shift) - shift)
    assert_plausible(estimate, shape, max(1 + shape, 0.6) / np.sqrt(5000), 0.25)
    assert abs(scale - 1) < 0.2
    assert misfit(excesses, estimate, scale) < 2 < misfit(np.sort(excesses % 0.5), estimate, scale)


def test_heavy_tails_are_flagged_and_light_ones_not():
    """Out of 200 samples of 20,000: none of normal, exponential, lognormal, Pareto(3); all of Pareto(1.5)."""
    u = RNG.random((200, 20_000))
    z = RNG.standard_normal((200, 20_000))
    for values in (z, -np.log(u), np.exp(z), u ** (-1 / 3)):
        assert sum(bool(tail_flag(row)) for row in np.sort(values)) == 0
    reasons = Counter(tail_flag(row).reason for row in np.sort(u ** (-1 / 1.5)))
    assert reasons[Reason.NO_VARIANCE] > 190 and {*reasons} <= {Reason.NO_VARIANCE, Reason.HEAVY_TAIL}


@pytest.mark.parametrize("size", [2.0**70, 2.0**150, 2.0**-150])
def test_a_tail_is_judged_alike_whatever_its_unit(size):
    values = pareto(1.5)(np.random.default_rng(4).random(4_000))
    found = summary(size * values, 1, True)
    for measure, own in summary(values, 1, True).items():
        assert [flag.reason for flag in found[measure].flags] == [flag.reason for flag in own.flags], measure


def test_a_tail_of_a_few_paths_is_flagged():
    values = np.zeros(10_000)
    assert tail_flag(values) is None
    values[-5:] = 1
    assert tail_flag(values) == Flag(Reason.FEW_TAIL_PATHS, 5, 10)
    values[-5000:] = 1
    assert tail_flag(values) is None


def test_a_few_paths_that_carry_no_error_take_no_interval():
    """Whole numbers from 0 to 10, and 11 on five paths of a hundred thousand; a share that ends in rounding."""
    values = RNG.integers(0, 11, 100_000).astype(np.float64)
    values[:5] = 11
    found = summary(values, 1, True)
    assert not found["mean"].flags and found["mean"].low < found["mean"].high
    assert found["ES95"].flags == (Flag(Reason.FEW_TAIL_PATHS, 5, 10),)
    share = np.minimum(RNG.lognormal(-1, 0.6, 100_000), 0.95).astype(np.float32)
    share[np.flatnonzero(share == share.max())[:5]] -= np.float32(6e-8)
    for sign in (1, -1):
        for estimate in summary(sign * share, 1, sign > 0).values():
            assert not estimate.flags and np.isfinite(estimate.low)


def test_shapes_of_the_widest_spreads_are_finite():
    excesses = 10.0 ** np.linspace(-200, 200, 500)
    with np.errstate(over="raise", invalid="raise"):
        shape, scale = pareto_fit(excesses)
    assert np.isfinite(shape) and scale > 0


@pytest.mark.parametrize("count", [100, 250, 5_000, 300_000])
@pytest.mark.parametrize(
    "kind", ["normal", "counts", "constant", "half of them zero", "ascending", "a few", "only at first"]
)
def test_extremes_are_the_ends_of_what_is_sorted(count, kind):
    rng = np.random.default_rng(count)
    values = rng.standard_normal(count).astype(np.float32)
    match kind:
        case "counts":
            values = rng.poisson(0.3, count).astype(np.float64)
        case "constant":
            values[:] = 2
        case "half of them zero":
            values = np.maximum(values, 0)
        case "ascending":
            values.sort()
        case "a few":
            values = np.where(np.arange(count) % 1000 == 1, values, 0)
        case "only at first":
            values[:128] += 100
            values[::128] += 50
    found, ascending = Extremes.of(values), np.sort(values)
    held = tail_size(count) + 1
    assert_same(found.least, ascending[:held])
    assert_same(found.largest, ascending[count - held :])
    assert found.count == count


def test_an_end_that_paths_reach_is_no_heavy_tail():
    endless = RNG.random(50_000) ** (-1 / 1.5)
    assert tail_flag(np.sort(endless)).withholds
    assert tail_flag(np.sort(np.minimum(endless, np.sort(endless)[-3]))) is None


def test_an_estimate_is_always_shown_and_a_warning_leaves_its_interval():
    u = (np.arange(50_000) + 0.5) / 50_000
    for index, reason in ((0.9, Reason.NO_MEAN), (1.5, Reason.NO_VARIANCE), (2.0, Reason.HEAVY_TAIL)):
        found = summary(u ** (-1 / index), 1, True)
        for name in ("mean", "ES95", "ES99"):
            estimate = found[name]
            assert [flag.reason for flag in estimate.flags] == [reason]
            assert np.isfinite(estimate.estimate) and np.isfinite(estimate.standard_error)
            assert np.isfinite([estimate.low, estimate.high]).all() == (index == 2.0)
        assert not found["VaR99"].flags and np.isfinite(found["VaR99"].low)


@pytest.mark.parametrize("index", [0.9, 2.0, 30.0])
@pytest.mark.parametrize("count", [150, 4_000, 40_000])
def test_a_tail_is_judged_alike_whatever_the_order_of_its_values(count, index):
    values = RNG.pareto(index, count).astype(np.float32)
    assert Extremes.of(values).upper == tail_flag(np.sort(values))
