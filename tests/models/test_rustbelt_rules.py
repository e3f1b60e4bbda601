"""The rules of the rustbelt model as plain functions of numbers, and their limits in closed form (items 7 to 11 and
15).
"""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from engine.modelling.cells import table
from engine.models.rustbelt import (
    banks,
    budgets,
    economy,
    enterprises,
    environment,
    industry,
    labour,
    programmes,
    yearly,
)
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import REGION
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
    default = enterprises.insolvent_share(everyone, 0.0, 0.0, given)
    loss = default * 0.155 * enterprises.loss_rate(0.0, 0.0, 0.0, given)
    assert_close(loss, 0.093)
    assert round(float(loss) * 0.75, 2) == 0.07


# ------------------------------------------------------------------ rules with branches and bounds


@pytest.mark.parametrize(
    ("years", "speed", "whole"), [(4, 1, 4), (5, 2, 2), (3, 2, 2), (4, 1.25, 3), (4.5, 1, 4), (1, 4, 1)]
)
def test_plans_take_whole_years_rounded_half_to_even(years, speed, whole):
    assert float(industry.whole_years(years, speed)) == whole


def test_a_plan_runs_from_its_start_for_its_years_and_sums_to_its_total():
    parts = [float(industry.planned_cut(125.0, 5.0, since)) for since in range(-2, 8)]
    assert parts == [0, 0, 25, 25, 25, 25, 25, 0, 0, 0]


def test_a_cut_is_bounded_by_what_still_stands():
    assert_close(industry.share_cut(0.05, 2.0, 100.0, 50.0, 0.9), 0.2)
    assert float(industry.share_cut(0.5, 3.0, 100.0, 50.0, 0.9)) == 0.9


def test_distance_to_default_counts_cash_only_within_bounds():
    given = known(asset_volatility=0.2)
    assert_close(enterprises.distance(0.8, 0.02, given), (-np.log(0.8) + 0.04) / 0.2)
    assert_close(enterprises.distance(0.8, 1.0, given), (-np.log(0.8) + 0.16) / 0.2)
    assert_close(enterprises.distance(0.8, -1.0, given), (-np.log(0.8) - 0.2) / 0.2)


def test_without_room_in_the_budget_support_gives_way():
    solvent, broke = jnp.asarray(True), jnp.asarray(False)
    given = known(broke_rollover=0.45, broke_recognition=0.15, default_layoffs=0.12)
    levers = SimpleNamespace(evergreening=0.8, bank_transparency=0.0)
    both = (solvent, broke)
    assert_close([enterprises.rolled_over(levers, at, given) for at in both], [0.8, 0.36])
    assert_close([enterprises.when_broke(at, given.broke_recognition) for at in both], [0.0, 0.15])
    assert_close([labour.protection(0.8, at, given) for at in both], [0.8, 0.2])
    effects = [labour.default_effect(0.75, at, given) for at in both]
    assert_close(effects, [0.12, 0.12 + 0.25 * 0.9])
    effects = [labour.default_effect(at, broke, given) for at in (0.0, 1.0)]
    assert_close(effects, [0.12 + 0.25 * 0.6, 0.37])


def test_who_is_seen_through_rolls_less_over():
    given = known(transparency_discipline=0.25)
    levers = [SimpleNamespace(evergreening=0.8, bank_transparency=at) for at in (0.0, 0.4, 1.0)]
    rolled = [enterprises.rolled_over(at, jnp.asarray(True), given) for at in levers]
    assert_close(rolled, [0.8, 0.72, 0.6])


def test_losses_given_default_rise_with_age_low_prices_and_haste():
    given = known(loss_given_default=0.6, fire_sale_effect=0.5)
    assert_close(enterprises.loss_rate(0.0, 0.0, 0.03, given), 0.6)
    raised = [1 - 0.4 * np.exp(-more / 0.4) for more in (0.05, 0.06, 0.05)]
    assert_close(enterprises.loss_rate(0.05, 0.0, 0.03, given), raised[0])
    assert_close(enterprises.loss_rate(0.0, -0.4, 0.03, given), raised[1])
    assert_close(enterprises.loss_rate(0.0, 0.0, 0.13, given), raised[2])
    assert_close(enterprises.loss_rate(-0.06, 0.0, 0.0, given), 0.6 * np.exp(-0.1))
    assert 0 < enterprises.loss_rate(-3.0, 0.0, 0.0, given) < 0.01
    assert 0.99 < enterprises.loss_rate(3.0, 0.0, 0.0, given) < 1


def test_leverage_takes_on_losses_and_repays_from_gains():
    given = known(survivor_relief=0.4)
    assert_close(enterprises.next_leverage(0.7, -0.1, 0.0, 0.0, given), 0.79)
    assert_close(enterprises.next_leverage(0.7, 0.1, 0.0, 0.0, given), 0.655)
    # of what is written off, only the relief of who goes on lowers leverage; a swap takes off what it is meant to
    assert_close(enterprises.next_leverage(0.7, 0.0, 0.1, 0.01, given), 0.7 * 0.96 - 0.01)
    # lenders and owners stop before the bounds: half way to them half as much
    assert_close(enterprises.next_leverage(1.0, -0.1, 0.0, 0.0, given), 1.045)
    assert_close(enterprises.next_leverage(0.5, 0.1, 0.0, 0.005, given), 0.5 - 0.5 * 0.045 - 0.005)
    assert_close([enterprises.owners_left(at, given) for at in (0.3, 0.5, 0.7, 0.9)], [0.0, 0.5, 1.0, 1.0])
    bounds = [enterprises.next_leverage(x, -0.1 * (x > 1), 0.0, 0.0, given) for x in (0.3, 1.3)]
    assert_close(bounds, [0.3, 1.3])


def test_a_crunch_begins_where_perceived_capital_falls_short():
    assert float(banks.crunch_alone(0.12, KNOWN)) == 0.0
    assert_close(banks.crunch_alone(0.0525, KNOWN), 0.5)
    assert_close(banks.crunch_alone(-0.5, KNOWN), 1.2)


def test_the_shortfall_is_what_is_missing_to_the_requirement():
    assert float(banks.shortfall(0.11, 1000.0, KNOWN)) == 0.0
    assert_close(banks.shortfall(0.055, 1000.0, KNOWN), 0.05 * 0.78 * 1000)


@pytest.mark.parametrize("missing", [-0.05, -0.01, 0.0, 0.02])
def test_each_bank_of_a_province_is_brought_up_to_the_ratio_of_a_rescue(missing):
    spread = 0.03
    # banks' gaps to it are normal around the province's: the mean of those that are positive
    gaps = np.linspace(-9, 9, 100_001)
    mean = np.trapezoid(np.maximum(missing + spread * gaps, 0.0) * norm.pdf(gaps), gaps)
    rescued = float(banks.rescue(missing, spread))
    assert_close(rescued, mean, dtype=np.float32)
    assert rescued > max(missing, 0.0)


def test_everyday_losses_grow_as_growth_falls():
    assert_close(banks.everyday_loss(1000.0, 0.05, KNOWN), 3.5)
    assert_close(banks.everyday_loss(1000.0, -1.0, KNOWN), 3.5 * np.exp(0.8))
    assert_close(banks.everyday_loss(1000.0, 1.0, KNOWN), 3.5 * np.exp(-0.5))


def test_market_layoffs_begin_below_a_margin_of_three_percent_after_interest():
    assert float(labour.market_share(0.051, 0.7, KNOWN)) == 0.0
    assert_close(labour.market_share(0.031, 0.7, KNOWN), 1.2 * 0.02)
    assert_close(labour.market_share(-1.0, 0.7, KNOWN), 1.2 * 0.12)


def test_protection_keeps_of_those_who_were_not_kept_before():
    assert_close(labour.kept_share(0.0, 0.1), 0.1)
    assert_close(labour.kept_share(0.5, 0.1), 0.55)
    assert float(labour.kept_share(1.0, 0.1)) == 1.0


def test_a_crowd_leaves_a_scar_beyond_a_fifth_of_a_percent_of_urban_jobs():
    jobs, given = 1000 / KNOWN.urban_jobs_per_new_job, known(layoff_scarring=0.3)
    assert float(labour.scar(2.0, jobs, given)) == 0.0
    assert_close(labour.scar(12.0, jobs, given), 0.3)


def test_plants_are_given_up_by_price_unless_zombies_keep_them():
    bound = KNOWN.given_up_high
    assert float(industry.given_up_share(0.2, 0.0, 0.1, bound)) == 0.0
    assert_close(industry.given_up_share(-0.4, 0.0, 0.1, bound), 0.04)
    assert_close(industry.given_up_share(-0.4, 0.25, 0.1, bound), 0.03)
    assert float(industry.given_up_share(-0.4, 0.0, 0.0, bound)) == 0.0
    assert_close(industry.given_up_share(-1.3, 0.0, 3.0, bound), 0.5)


def test_no_ban_on_plants_outlasts_full_use():
    used = (0.5, 0.85, 0.9, 0.95, 1.0)
    free = [industry.freedom(0.35, at, KNOWN.freedom_from, KNOWN.freedom_slope) for at in used]
    assert_close(free, [0.35, 0.35, 0.675, 1, 1])


def test_survivors_of_a_bad_year_are_not_felled_by_the_like_of_it():
    proof = {selection: known(default_selection=selection) for selection in (0.0, 0.6, 1.0)}
    assert_close(enterprises.insolvent_share(0.2, 0.0, 0.0, proof[0.6]), 0.1)
    assert_close(enterprises.insolvent_share(0.2, 0.2, 0.0, proof[0.6]), 0.5 * 0.08)
    # a fifth is felled in any case
    assert_close(enterprises.insolvent_share(0.2, 0.2, 0.0, proof[1.0]), 0.5 * 0.04)
    assert_close(enterprises.insolvent_share(0.2, 0.2, 0.5, proof[0.0]), 0.05)


def test_a_bill_is_paid_by_the_centre_and_by_the_province_as_far_as_it_can():
    def purse(left):
        return budgets.Purse(table(REGION, [left] * 4), table(REGION, [0.0] * 4), table(REGION, [0.0] * 4))

    bill = table(REGION, [10.0] * 4)
    whole, after = budgets.paid(purse(100.0), bill, 0.3)
    assert_close(whole.values, [10.0] * 4)
    assert_close([after.left.values[0], after.province.values[0], after.centre.values[0]], [93, 7, 3])
    part, after = budgets.paid(purse(2.0), bill, 0.3)
    assert_close([part.values[0], after.left.values[0]], [5, 0])
    assert_close([budgets.covered(5.0, 10.0), budgets.covered(0.0, 0.0)], [0.5, 1.0])


def test_the_pandemic_and_the_property_slump_come_in_their_years():
    years = [float(environment.pandemic(float(t), KNOWN)) for t in range(8)]
    assert_close(years, [0, 0, 0, 0, -1, 0.8, -0.65, 0])
    fewer = [float(industry.property_slump(float(t), KNOWN)) for t in range(12)]
    assert fewer == [0.0] * 6 + [1.0] * 4 + [0.0] * 2


def test_resettlement_costs_money_and_never_takes_more_than_all():
    shares = known(internal_transfer_share=0.4, early_retirement_share=0.2)
    assert_close(labour.resettled(1.5, shares), (0.4, 0.2))
    assert_close(labour.resettled(0.0, shares), (0.18, 0.1))
    many = known(internal_transfer_share=0.8, early_retirement_share=0.3)
    assert_close(labour.resettled(1.0, many), (0.8, 0.2))


def test_an_outlay_is_what_the_fund_pays_for_each_and_is_bounded():
    assert_close(labour.outlay_share(4.1, 100.0, KNOWN), 1.0)
    assert_close(labour.outlay_share(1.025, 100.0, KNOWN), 0.25)
    assert_close([labour.outlay_share(1e3, 100.0, KNOWN), labour.outlay_share(1.0, 0.0, KNOWN)], [1.5, 1.5])
    assert float(labour.outlay_share(0.0, 0.0, KNOWN)) == 0.0


def test_jobs_follow_growth_and_the_crunch():
    fewer, all_jobs = known(job_creation_rate=0.9), known(job_creation_rate=1.0)
    assert_close(labour.created_jobs(400.0, 0.0, 0.0, fewer), 360.0)
    wanted = KNOWN.jobs_growth_response * 0.05
    assert_close(labour.created_jobs(400.0, wanted, 2.0, all_jobs), 400 * np.exp(0.3) * 0.6)


def test_what_the_displaced_do_not_spend_nobody_is_hired_to_make():
    given = known(job_creation_rate=1.0, displaced_demand_effect=0.2)
    nobody = table(REGION, [0.0] * 4)
    past = labour.initial()._replace(displaced=BASE.new_jobs * (KNOWN.urban_jobs_per_new_job * 0.03))
    helped = programmes.Help(nobody, nobody, nobody, nobody)
    jobs = labour.accessible_jobs(past, nobody, nobody, helped, given)
    assert_close(jobs.values, [base * np.exp(-0.2 * 3) for base in BASE.new_jobs.values])


def test_an_anchor_comes_in_half_of_the_years():
    now = Now(known(anchor_jobs=8.0), None, None, 0.0, 0.0)
    assert_close([programmes.arrivals(u, now) for u in (0.49, 0.5)], [8.0, 0.0])


def test_the_hazard_is_the_base_one_where_nothing_helps_or_hinders():
    assert_close(labour.reemployment_hazard(0.0, 400.0, 400.0, 0.0, 0.4, 0.5), -np.log(0.6))
    crowded = labour.reemployment_hazard(400.0, 400.0, 400.0, 0.0, 0.4, 0.5)
    assert_close(crowded, -np.log(0.6) / np.sqrt(2))
    assert_close(labour.reemployment_hazard(0.0, 100.0, 400.0, 0.3, 0.4, 0.5), -np.log(0.6) * np.exp(0.3) / 2)


def test_a_purse_is_empty_when_the_budget_is_two_percent_below_zero():
    purse = [
        budgets.opened(table(REGION, [room] * 4), table(REGION, [2021.0] * 4), 0.001, KNOWN)
        for room in (0.01, -0.01, -0.02, -0.03)
    ]
    assert_close([float(at.left.values[0]) for at in purse], [2021.0 * 0.03, 2021.0 * 0.01, 0.0, 0.0])
    assert_close([[float(part.values[0]) for part in (at.centre, at.province)] for at in purse], [[2.021, 0]] * 4)


def test_fiscal_space_is_fed_by_growth_drained_by_subsidies_and_bounded():
    assert_close(economy.next_fiscal_space(0.03, 0.04, 0.01, KNOWN), 0.024)
    assert_close(economy.next_fiscal_space(0.03, 9.0, 0.0, KNOWN), 0.03 + 0.004 * np.exp(0.6))
    assert float(economy.next_fiscal_space(0.2, 0.04, 0.0, KNOWN)) == 0.12


def test_the_spell_is_pool_over_reemployed_and_finite_when_nobody_is():
    assert_close(yearly.spell(10.0, 4.0), 2.5)
    assert float(yearly.spell(0.0, 0.0)) == 0.0
