"""The rules of the rustbelt model as plain functions of numbers, and their limits in closed form (items 7 to 11 and
15).
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from engine.models.rustbelt import banks, enterprises, industry, labour
from tests.helpers import assert_close, assert_same
from tests.rustbelt_paths import KNOWN, known


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


# ------------------------------------------------------------------ closed forms


@pytest.mark.parametrize(("q", "published"), [(0.95, 0.1679), (0.99, 0.2811), (0.999, 0.4403)])
def test_vasicek_quantiles_of_the_default_share(q, published):
    pd, rho = 0.05, 0.24
    # the share falls with the cycle, so its q-quantile is its value at the cycle's (1 - q)-quantile
    share = enterprises.distress_share(-norm.ppf(pd), norm.ppf(1 - q), rho)
    closed = norm.cdf((norm.ppf(pd) + np.sqrt(rho) * norm.ppf(q)) / np.sqrt(1 - rho))
    assert_close(share, closed)
    assert round(float(share), 4) == published


@pytest.mark.parametrize("rho", [0.05, 0.24, 0.6])
def test_vasicek_mean_is_the_default_probability(rho):
    # the probability that sqrt(rho) Z + sqrt(1 - rho) e falls below the threshold, by quadrature over Z
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    shares = enterprises.distress_share(-norm.ppf(0.05), jnp.asarray(nodes), rho)
    assert_close(np.sum(weights * np.asarray(shares)) / np.sqrt(2 * np.pi), 0.05, dtype=np.float32)


def test_without_correlation_the_default_share_is_the_probability():
    cycles = np.linspace(-4, 4, 9)
    assert_close(enterprises.distress_share(-norm.ppf(0.03), cycles, 0.0), np.full(9, 0.03))


def test_with_full_correlation_all_default_or_none():
    threshold = norm.ppf(0.03)
    cycles = np.array([-4.0, -2.0, -1.8, 0.0, 2.0])
    shares = enterprises.distress_share(-threshold, cycles, 1 - 1e-12)
    assert_same(np.asarray(shares), np.where(cycles < threshold, 1.0, 0.0))


def test_labour_freed_by_no_cut_by_a_full_cut_and_in_proportion():
    assert float(labour.labour_freed(0.0, 1.7)) == 0.0
    assert float(labour.labour_freed(1.0, 1.7)) == 1.0
    assert_close(labour.labour_freed(0.3, 1.0), 0.3)


def test_the_price_gap_closes_by_nine_tenths_in_the_recovery_time():
    start, target, years = -0.4, 0.1, 5
    gap = start
    for t in range(1, 2 * years + 1):
        gap = industry.reverted(gap, target, years)
        assert_close(gap, target + (start - target) * 10 ** (-t / years))
    assert_close((gap - target) / (start - target), 0.01)


def test_the_pool_decays_exponentially_at_a_constant_hazard():
    pool, hazard, migration = 100.0, 0.3, 0.05
    total = hazard + migration + KNOWN.exit_hazard
    for t in range(1, 6):
        before = pool
        pool, *gone = (float(part) for part in labour.after_a_year(before, hazard, migration, KNOWN.exit_hazard))
        assert_close(pool, 100 * np.exp(-total * t))
        assert_close(before, pool + sum(gone))
        assert_close(gone[0] / gone[1], hazard / migration)


def test_the_chain_of_the_imf_from_exposure_to_gdp():
    everyone = enterprises.distress_share(-np.inf, 0.0, 0.24)
    # all of it, not the half of one year
    given = known(insolvent_part=1.0, default_selection=0.0, loss_given_default=0.6, fire_sale_effect=0.0)
    default = enterprises.insolvent_share(everyone, 0.0, 1.0, given)
    loss = default * 0.155 * enterprises.loss_rate(0.0, 0.0, 0.0, given)
    assert_close(loss, 0.093)
    assert round(float(loss) * 0.75, 2) == 0.07


# ------------------------------------------------------------------ rules with branches and bounds


@pytest.mark.parametrize(
    ("years", "speed", "whole"), [(4, 1, 4), (5, 2, 2), (3, 2, 2), (4, 1.25, 3), (4.5, 1, 4), (1, 4, 1)]
)
def test_plans_take_whole_years_rounded_half_to_even(years, speed, whole):
    assert float(industry.whole_years(years, speed)) == whole


@pytest.mark.parametrize("missing", [-0.05, -0.01, 0.0, 0.02])
def test_each_bank_of_a_province_is_brought_up_to_the_ratio_of_a_rescue(missing):
    spread = 0.03
    # banks' gaps to it are normal around the province's: the mean of those that are positive
    gaps = np.linspace(-9, 9, 100_001)
    mean = np.trapezoid(np.maximum(missing + spread * gaps, 0.0) * norm.pdf(gaps), gaps)
    rescued = float(banks.rescue(missing, spread))
    assert_close(rescued, mean, dtype=np.float32)
    assert rescued > max(missing, 0.0)
