"""What holds among the worst paths: closed forms of a linear Gaussian sum, parts that add up to ES, coverage."""

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import norm

from engine.questions.prior_scores import in_tenths
from engine.risk.drivers.worst_share import of_event, of_outcome
from engine.risk.estimation.intervals import Units, as_units
from engine.risk.estimation.measures import summary
from tests.helpers import assert_plausible

LEVEL = 0.99
WEIGHTS = np.array([3.0, 2.0, 1.0, 0.0])
SIZE = float(np.linalg.norm(WEIGHTS))
EDGE = norm.ppf(LEVEL)
BEYOND = norm.pdf(EDGE) / (1 - LEVEL)
"""E[Z | Z > z]."""


def drawn(seed, paths=100_000, pairs=False):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((len(WEIGHTS), paths // (2 if pairs else 1)))
    z = np.stack([z, -z], axis=-1).reshape(len(WEIGHTS), paths) if pairs else z
    return z, WEIGHTS @ z


def share_of(x, unit=1, loss=True):
    return of_outcome(x if loss else -x, as_units(len(x), unit), LEVEL, loss)


@pytest.mark.parametrize("unit", [1, 2])
@pytest.mark.parametrize("loss", [True, False])
def test_factors_shift_as_their_share_of_the_sum(unit, loss):
    z, x = drawn(1, 400_000, unit == 2)
    share = share_of(x, unit, loss)
    for one, truth in zip(share.means(z[:, share.path], z[:, share.near]), WEIGHTS / SIZE * BEYOND, strict=True):
        assert_plausible(one.estimate, truth, one.standard_error, resolves=0.1)
        assert one.low < one.estimate < one.high


def test_parts_add_up_to_es_exactly():
    z, x = drawn(2, 12_345)
    share = share_of(x)
    parts = WEIGHTS[:, None] * z
    found = share.means(parts[:, share.path], parts[:, share.near])
    es = summary(x, 1, True, (LEVEL,))["ES99"]
    assert sum(one.estimate for one in found) == pytest.approx(es.estimate, rel=1e-12)
    (whole,) = share.means(x[None, share.path], x[None, share.near])
    assert whole.standard_error == pytest.approx(es.standard_error, rel=1e-6)


def test_paths_of_an_event_have_equal_weights():
    """The mean on them is E[Z | Z > z]."""
    z, _ = drawn(4, 400_000)
    share = of_event(z[0] > EDGE, as_units(z.shape[1], 1))
    (mean,) = share.means(z[:1, share.path], z[:1, share.near])
    assert_plausible(mean.estimate, BEYOND, mean.standard_error, resolves=0.03)


def test_paths_alike_share_what_is_left_of_the_weight():
    x = np.array([5.0] * 3 + [4.0] * 3 + [0.0] * 294)
    share = share_of(x)
    assert share.weight.sum() == pytest.approx(1.0)
    x = np.zeros(300)
    share = share_of(x)
    assert share.weight.sum() == pytest.approx(1.0)
    x[:2] = 1.0  # the tail is of 3
    share = share_of(x)
    assert (x[share.path] @ share.weight) == pytest.approx(2 / 3)


def test_few_of_the_worst_have_no_interval():
    z, x = drawn(5, 5_000)
    share = share_of(x)
    (one,) = share.means(z[:1, share.path], z[:1, share.near])
    assert np.isfinite(one.estimate) and np.isnan(one.low) and "50 exceedances" in one.flag


@pytest.mark.slow
@pytest.mark.parametrize(
    ("paths", "unit"),
    [pytest.param(50_000, 1, marks=pytest.mark.sweep), (50_000, 2), pytest.param(131_072, 1, marks=pytest.mark.sweep)],
)
def test_intervals_cover(paths, unit):
    """600 samples of each factor's shift; the truths are closed forms."""
    truths = WEIGHTS / SIZE * BEYOND
    inside = np.zeros(len(truths))
    runs = 600
    for seed in range(runs):
        z, x = drawn((paths, unit, seed), paths, unit == 2)
        share = share_of(x, unit)
        found = share.means(z[:, share.path], z[:, share.near])
        inside += [one.low <= truth <= one.high for one, truth in zip(found, truths, strict=True)]
    assert np.all(inside / runs >= 0.92) and np.all(inside / runs <= 0.98), inside / runs


@pytest.mark.parametrize(("kind", "unit"), [("sum", 1), ("sum", 2), ("either", 1), ("ends", 2)])
def test_distances_from_priors_hold_the_truth_and_idle_inputs_are_as_their_priors(kind, unit):
    """A part of `benchmarks/coverage_cases.py distances`: of 40 samples with 5 idle inputs, misses beyond what chance
    allows once in 10^4.
    """
    rng, units = np.random.default_rng(8), Units(10_000, unit)
    missed = distinguished = 0
    for _ in range(40):
        x = rng.standard_normal((7, units.paths // unit))
        x = x if unit == 1 else np.stack([x, -x], axis=-1).reshape(7, -1)
        if kind == "sum":
            share, truth = of_outcome(x[0] + x[1], units, 0.98, True), 4.45952
        else:
            happens = np.abs(x[0]) > 2 if kind == "ends" else np.maximum(x[0], x[1]) > 2
            share, truth = of_event(happens, units), 4.0 if kind == "ends" else 2.19852
        u = ndtr(x)
        tail, near = u[:, share.path], u[:, share.near]
        (own, p_value), *idle = (
            share.distance(in_tenths(tail[k], tail[k]), in_tenths(near[k], near[k])) for k in (0, *range(2, 7))
        )
        missed += not own.low <= truth <= own.high
        distinguished += sum(p < 0.01 for _, p in idle)
        assert p_value < 1e-6
    assert missed <= 9 and distinguished <= 10  # binomial: 40 at 5 %, 200 at 1 %
