"""The equations (section 2 of the page) of `labour.py`, `economy.py` and of help to the displaced, as in
`markets.py`."""

import numpy as np

from tests.rustbelt_numpy.base_2015 import NE, region_mean
from tests.rustbelt_numpy.firms_and_banks import THOUSANDS, pay

TONNE = 1e-6
"""[Mt]"""
PERSON = 1e-3
"""[thousand persons]"""


def layoffs(known, base, last, lever, now):
    elasticity = known.cut_labour_elasticity * base.labour_elasticity_scale
    freed = lambda share: 1 - (1 - share) ** elasticity  # noqa: E731
    missing = known.layoff_margin - (now.margin - now.wages + now.relief - now.interest * now.d)
    want = known.market_layoff_response * np.clip(missing, 0, known.layoff_margin_high)
    broke = now.broke[:, None]
    protection = lever.job_protection * (1 - broke + broke * known.broke_protection)
    unprotected = known.broke_protected_layoffs * (1 - lever.job_protection)
    per_default = known.default_layoffs + broke * known.broke_default_layoffs * (1 - unprotected)
    shares = (
        freed(now.closed_share),
        known.restructuring_effect * freed(now.restructured_share),
        freed(now.given_up_share),
        want * (1 - protection),
        per_default * now.laying_off,
        known.retirement,
    )
    left, gone = last.L, []
    for share in shares:
        gone.append(left * share)
        left = left - gone[-1]
    closures, restructuring, given_up, for_want, now.default_layoffs, now.retired = gone
    now.L = left
    now.cut_layoffs, now.market_layoffs = closures + restructuring, given_up + for_want
    now.layoffs = now.cut_layoffs + now.market_layoffs + now.default_layoffs
    now.indirect_layoffs = known.indirect_layoff_ratio * now.layoffs
    now.national_layoffs_by_cuts = (1 + known.indirect_layoff_ratio) * now.cut_layoffs.sum((0, 1))
    now.kept_share = last.kept_share + want * protection * (1 - last.kept_share)
    now.kept_workers = now.kept_share * now.L


def fund(known, last, lever, now):
    direct = now.layoffs.sum(1)
    spent = (now.since >= 0) & (now.since < known.fund_years)
    fund = lever.resettlement_fund / known.fund_years * spent
    now.fund_spending, _ = pay(fund * direct / np.maximum(direct.sum(0), 1), lever, now)
    outlay = now.fund_spending / np.maximum(direct, PERSON) / (known.full_outlay * THOUSANDS)
    now.outlay = np.minimum(known.outlay_high, outlay)


def jobs(known, base, last, drawn, lever, now):
    direct, funded = now.layoffs.sum(1), np.minimum(now.outlay, 1)
    in_the_firm = known.transfer_unfunded + (1 - known.transfer_unfunded) * funded
    early = known.retirement_unfunded + (1 - known.retirement_unfunded) * funded
    moved = np.minimum(known.internal_transfer_share * in_the_firm, 1)
    now.internal_transfer = moved * direct
    now.early_retired = np.minimum(known.early_retirement_share * early, 1 - moved) * direct
    rest = direct - now.internal_transfer - now.early_retired
    now.inflow = rest + known.indirect_in_pool * now.indirect_layoffs.sum(1)

    crunch = np.minimum(now.crunch, 1)
    urban_jobs = known.urban_jobs_per_new_job * base.new_jobs
    now.job_pace = np.clip(last.gbar - base.normal_growth, known.pace_low, known.pace_high)
    unspent = 100 * known.displaced_demand_effect * last.V / urban_jobs
    usual = base.new_jobs * known.job_creation_rate * np.exp(known.jobs_growth_response * now.job_pace - unspent)
    new = usual * (1 - known.crunch_jobs_effect * crunch) + known.spin_off_jobs * last.started[0]
    pool = last.V + now.inflow
    help_to_the_displaced(known, drawn, lever, now, pool, new)
    new = new + now.anchors
    now.started = (last.started[1], now.startups * direct)

    now.scar = 100 * known.layoff_scarring * np.maximum(pool / urban_jobs - known.unscarred, 0)
    support = (
        known.fund_search_effect * now.outlay
        + known.service_sector_effect * now.services
        + known.sme_credit_effect * lever.sme_credit * (1 - crunch)
        + known.startup_effect * now.startups
        - now.scar
    )
    crowd = (1 + pool / new) ** -known.congestion_exponent
    hazard = -np.log(1 - known.reemployment_hazard_base) * np.sqrt(new / base.new_jobs) * crowd * np.exp(support)
    away = known.out_migration_hazard * (known.migration_unhelped + known.mobility_effect * now.mobility) * base.n
    total = hazard + away + known.exit_hazard
    gone = pool * (1 - np.exp(-total))
    ways = (hazard, away, known.exit_hazard)
    now.reemployed, now.out_migrated, now.exited = (gone * way / total for way in ways)
    now.V = pool * np.exp(-total)
    now.displaced_spell = now.V / np.maximum(now.reemployed, PERSON)


def help_to_the_displaced(known, drawn, lever, now, pool, new):
    came = np.zeros_like(pool)
    came[NE] = drawn.anchor_arrival < known.anchor_chance
    anchors = lever.anchor_investment * known.anchor_jobs * came
    per_person = (
        known.service_sector_cost * lever.service_sector_support
        + known.startup_cost * lever.startup_support
        + known.mobility_cost * lever.labour_mobility
    )
    filled = np.minimum(known.reemployment_hazard_base * pool / new, 1)
    bill = (per_person * pool + known.anchor_cost * filled * anchors) * THOUSANDS
    now.help_spending, paid_share = pay(bill, lever, now)
    now.help_paid_share = paid_share
    now.services, now.startups = lever.service_sector_support * paid_share, lever.startup_support * paid_share
    now.mobility, now.anchors = lever.labour_mobility * paid_share, anchors * paid_share
    now.programme_spending = now.diversification_spending + now.help_spending + now.belt_road_spending
    now.public_cost = now.programme_spending + now.subsidies + now.recapitalisation_cost + now.fund_spending


def economy(known, base, last, drawn, now):
    n = base.n
    spent = np.minimum(now.fund_spending / last.Y, known.fund_demand_high)
    now.stimulus = known.lost_wage_multiplier * spent
    fading = known.fund_demand_fading * last.stimulus
    now.z_2015 = last.z_2015
    more = region_mean(known, now.z, now.z_O, now.B) - now.z_2015
    now.lagged = known.zombie_lag_memory * last.lagged + (1 - known.zombie_lag_memory) * more
    noise = np.zeros_like(last.Y)
    noise[NE] = known.province_growth_noise * drawn.province_growth_noise
    own = (
        known.zombie_growth_drag * now.lagged
        + known.resolution_growth_cost * now.flow * (1 + known.resolution_convexity * now.flow)
        - known.reform_growth_dividend * now.ramp
        - noise
    )
    h = base.value_added_share
    grown = np.log(np.maximum(now.Q, TONNE) / np.maximum(last.Q, TONNE))
    grown_in_all = np.log(np.maximum(now.Q.sum(0), TONNE) / np.maximum(last.Q.sum(0), TONNE))
    h_in_all = (h * base.gdp[:, None]).sum(0) / base.gdp.sum(0)
    industry = (h * grown).sum(1) - (h_in_all * grown_in_all).sum(0)
    kept = (now.kept_workers - last.kept_workers).sum(1)
    unpaid = known.lost_wage_multiplier * (now.V - last.V) + known.kept_output_loss * kept
    gap = (known.northeast_growth_gap + base.growth_gap_offset) * (1 - known.diversification_growth * now.ramp)
    now.g = (
        now.G
        + n * (known.industry_multiplier * industry - gap - own)
        - known.wage * THOUSANDS * unpaid / last.Y
        - known.crunch_growth_cost * now.crunch
        + now.stimulus
        - fading
    )
    now.Y = last.Y * np.exp(now.g)
    now.gbar = known.growth_memory * last.gbar + (1 - known.growth_memory) * now.g
    now.reported_growth = now.g.copy()
    if now.year == 2016:
        now.reported_growth[0] += known.liaoning_reporting_error
    gap = np.clip(now.g - known.fiscal_growth, -known.fiscal_gap_high, known.fiscal_gap_high)
    now.income = known.fiscal_feed * np.exp(known.fiscal_feed_response * gap)
    now.F = np.minimum(last.F + now.income - now.paid_by_provinces / now.Y, known.fiscal_space_high)
