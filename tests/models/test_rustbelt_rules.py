"""The rules of the rustbelt model as plain functions of numbers, and their limits in closed form (items 7 to 11 and
15).
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from engine.models.rustbelt import enterprises, industry
from tests.helpers import assert_close
from tests.rustbelt_paths import known


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
