"""The equations (section 2 of the page), a function for each of its blocks, in its order and in its letters.

Each reads factors f, the base year, last year's state s, shocks e and levers, and writes this year's values into y.
"""

import math

import numpy as np
from scipy import special

from tests.rustbelt_numpy.base_2015 import NE, mean

STEEL, COAL = 0, 1
TONNE = 1e-6
"""[Mt]"""
WAGE = 0.045
"""45 thousand yuan a year: bn yuan per thousand persons."""


def environment(f, s, e, lever, y):
    y.J = np.where(e.slump < f.slump_rate, -0.20 + 0.15 * e.slump_size, 0)
    y.pace = np.maximum(1 - 0.8 * y.t / f.urbanisation_years, 0.2)
    y.urban_share = s.urban_share + 0.012 * y.pace
    pandemic = {2020: -1, 2021: 0.8, 2022: -0.65}.get(y.year, 0)
    y.g_CN = (
        np.maximum(0.067 - f.national_growth_decline * y.t, 0.03)
        + 0.009 * e.growth_noise
        + 0.1 * np.minimum(y.J, 0)
        + f.pandemic_depth * pandemic
    )
    y.X1 = s.X * np.exp(f.trade + 0.06 * e.export_noise + 0.5 * y.J)
    y.O = lever.belt_road * f.belt_road_demand_share * min(1, (y.t + 1) / 8)


def industry(f, base, s, e, lever, y):
    column = lambda *values: np.array(values, f.exit_rate.dtype)[:, None]  # noqa: E731
    sd, x_D, w_O = column(0.028, 0.022, 0.028), column(0.14, 0.01, 0.02), column(1, 0.1, 0.5)
    slump = column(0.5, 0, 1) * (2022 <= y.year <= 2025)
    y.D1 = s.D * np.exp(
        f.demand_drift
        + 0.35 * (y.g_CN - 0.067)
        + 0.012 * (y.pace - 1)
        + sd * (0.5 * e.commodity_cycle + 0.87 * e.demand_noise)
        - slump * f.property_downturn
    )
    demand = base.output.sum(0) * ((1 - x_D) * y.D1 + x_D * y.X1 + w_O * y.O)

    ordered, y.restructured = _orders(f, base, s, lever, y)
    y.c = np.minimum(ordered * base.cut_intensity * base.capacity / s.K, 0.9)
    y.x = np.minimum(f.exit_rate * np.maximum(-s.p, 0), 0.5) * (1 - s.z * y.E[:, None])
    freedom = lever.new_capacity + (1 - lever.new_capacity) * np.clip(10 * (s.q - 0.85), 0, 1)
    new = freedom * 0.10 * np.maximum(s.p, 0) * s.K * (1 - 0.4 * base.here[:, None])
    y.K1 = s.K * (1 - y.c) * (1 - y.x) + new

    use = demand / y.K1.sum(0)
    y.u1 = np.minimum(use, 0.97)
    weight = base.output / base.capacity * y.K1
    y.Q1 = np.minimum(demand * weight / weight.sum(0), 0.97 * y.K1)
    closing = 1 - 10 ** (-1 / f.recovery_years)
    target = f.price_response * (np.minimum(use, 1.2) - base.target_utilisation)
    noise = f.price_volatility * (0.6 * e.commodity_cycle + 0.8 * e.price_noise)
    p1 = s.p + closing * (target - s.p) + noise + column(1, 0.8, 0.3) * y.J
    y.p1 = np.clip(p1, -1.3, 1.0)


def _orders(f, base, s, lever, y):
    """Ordered closures as a share of national capacity [sector, path]; restructured share [region, sector, path]."""
    nation = base.capacity.sum(0)
    length = lambda years: np.maximum(1, np.rint(years / lever.closure_speed))  # noqa: E731
    ordered = lever.capacity_cut * f.compliance
    years = (length(5 + 0 * f.compliance), length(f.coal_closure_years), length(4 + 0 * f.compliance))
    totals = (f.steel_cut_total, 500, 500)
    plan = [
        ordered * total / span * ((y.since >= 0) & (y.since < span))
        for total, span in zip(totals, years, strict=True)
    ]
    follows = lever.follows_schedule
    order = (follows * lever.scheduled_cut + (1 - follows) * np.stack(plan)) / nation
    span = np.maximum(1, np.rint(f.coal_restructuring_years))
    under_way = (y.since >= years[COAL]) & (y.since < years[COAL] + span)
    restructured = np.zeros_like(s.K)
    share = (1 - follows) * ordered * 500 / span * under_way / nation[COAL]
    scale = base.cut_intensity[:, COAL] * base.capacity[:, COAL] / s.K[:, COAL]
    restructured[:, COAL] = np.minimum(share * scale, 0.6)
    return order, restructured


def _pay(bill, lever, y):
    """What is paid of a bill [region, path]: by the centre, and by the province as far as its purse goes."""
    by_province = np.minimum((1 - lever.central_share) * bill, y.purse)
    by_centre = lever.central_share * bill
    y.bills = y.bills + bill
    y.purse = y.purse - by_province
    y.by_centre, y.by_province = y.by_centre + by_centre, y.by_province + by_province
    return by_centre + by_province


def enterprises(f, base, s, e, lever, y):
    here = base.here[:, None]
    target = base.target_utilisation
    y.R = (
        0.105
        + f.margin_response * y.p1
        + 0.08 * (y.u1 - target)
        - f.northeast_cost_gap * here
        + 0.012 * y.ramp
    )
    y.A = base.liabilities / (base.leverage * base.capacity) * y.K1
    B = y.A * s.d
    bill = lever.subsidy_rate * (1.6 * (s.z * B).sum(1) + 0.35 * s.z_O * f.other_soe_loan_share * s.N)
    y.subsidies = _pay(bill, lever, y)
    covered = np.where(bill == 0, 1, y.subsidies / np.where(bill == 0, 1, bill))
    y.relief = f.subsidy_pass_through * covered[:, None] * 1.6 * lever.subsidy_rate * s.z * s.d
    y.wages = f.overstaffing_cost * WAGE * s.kept * s.L / (y.A * s.K / y.K1)
    sound = y.R - y.wages - 0.03 * s.d - 0.045
    distance = (-np.log(s.d) + 2 * np.clip(sound, -0.1, 0.08)) / f.asset_volatility
    cash = sound + y.relief

    Z = 0.45 * e.commodity_cycle + 0.30 * e.growth_noise + 0.84 * e.credit_noise
    Z_r = math.sqrt(0.8) * Z + math.sqrt(0.2) * e.region_credit_noise + 4 * y.J
    root, rest = np.sqrt(f.asset_correlation), np.sqrt(1 - f.asset_correlation)
    distressed = special.ndtr((-distance - root * Z_r[:, None]) / rest)
    newly = np.maximum(distressed - f.default_selection * s.w, distressed / 5)
    y.w1 = np.maximum(s.w, distressed)
    i = 0.5 * newly * (1 - s.z)
    E, empty, res = y.E[:, None], y.empty[:, None], lever.resolution_rate
    settled = s.z * res + empty * (0.15 * s.z * (1 - res))
    y.recognised = i * (1 - E) + settled
    closed = 1 - (1 - y.c) * (1 - y.x)
    y.default = np.minimum(y.recognised + f.closure_default_share * closed * (1 - s.z), 0.6)
    recovered = 0.6 * s.z * np.clip(0.04 + 0.5 * y.p1, 0, 0.35)
    y.z1 = np.clip(s.z + i * E - settled - recovered, 0, 0.95)

    distance_O = 2.1 + 9 * (s.gbar - 0.045)
    distressed_O = special.ndtr((-distance_O - root * Z_r) / rest)
    newly_O = np.maximum(distressed_O - f.default_selection * s.w_O, distressed_O / 5)
    y.w_O1 = np.maximum(s.w_O, distressed_O)
    i_O = 0.5 * (newly_O + 0.15 * base.here * mean(y.default, B)) * (1 - s.z_O)
    settled_O = s.z_O * (0.7 * res + 0.10 * y.empty)
    y.default_O = i_O * (1 - y.E) + settled_O
    recovered_O = s.z_O * np.clip(0.05 + 0.8 * (s.gbar - 0.04), 0, 0.3)
    y.z_O1 = np.clip(s.z_O + i_O * y.E - settled_O - recovered_O, 0, 0.9)

    y.flow = 0.5 * mean(settled, B) + 0.5 * settled_O
    more = s.age - 0.15 * (y.p1[STEEL] + y.p1[COAL]) / 2 + f.fire_sale_effect * np.maximum(y.flow - 0.03, 0)
    LGD = f.loss_given_default
    y.LGD = np.where(more > 0, 1 - (1 - LGD) * np.exp(-more / (1 - LGD)), LGD * np.exp(more / LGD))
    y.age1 = s.age + f.loss_given_default_ageing * (y.E - 0.3)
    a, b = np.clip((1.3 - s.d) / 0.6, 0, 1), np.clip((s.d - 0.3) / 0.4, 0, 1)
    moved = s.d + 0.9 * a * np.maximum(-cash, 0) - 0.45 * b * np.maximum(cash, 0)
    y.d1 = np.clip(moved * (1 - 0.9 * y.default * y.LGD[:, None]) - b * lever.debt_swap, 0.3, 1.3)
    y.B1 = y.A * y.d1
    y.interest_cover = y.R / (0.03 * y.d1)


def banks(f, base, s, lever, y):
    here, N = base.here, s.N
    exposure, other = 0.55 * f.soe_bank_exposure * y.B1, f.other_soe_loan_share * N
    W1 = base.npl_ratio * base.loans * 0.7 ** (y.t + 1)
    defaulted = (y.default * exposure).sum(1) + y.default_O * other
    ordinary = 0.0035 * N * np.exp(-10 * np.clip(s.gbar - 0.05, -0.08, 0.05))
    y.loss = (defaulted + 0.3 / 0.7 * W1) * y.LGD + ordinary
    y.hidden = ((y.z1 * exposure).sum(1) + y.z_O1 * other) * y.LGD
    absorbed = np.minimum(s.provisions, y.loss)
    y.provisions1 = s.provisions - absorbed + 0.0025 * N
    y.uncovered = y.loss - absorbed
    earned = (f.pre_provision_profit_rate - 0.0025 * here) * N * (1 - 0.4 * s.crunch)
    profit = earned - 0.0025 * N - y.uncovered
    y.kept_profit = 0.62 * np.maximum(profit, 0) + np.minimum(profit, 0)
    own, RWA = s.capital + y.kept_profit, 0.78 * N
    asked = lever.recapitalisation * np.maximum(0, 0.105 * RWA - own)
    y.bailout = np.maximum(0, lever.bailout_below * RWA - (own + asked))
    y.put_in = _pay(asked + y.bailout, lever, y)
    y.capital1 = own + y.put_in
    y.reported = y.capital1 / RWA
    y.true = (y.capital1 + y.provisions1 - y.hidden - W1 * y.LGD) / RWA
    T = lever.bank_transparency
    alone = np.clip((0.105 - (T * y.true + (1 - T) * y.reported)) / 0.105, 0, 1.2)
    spill = f.crunch_contagion * alone[NE].mean(0) * (0.1 + 0.9 * here)
    y.crunch1 = 0.5 * s.crunch + 0.5 * np.minimum(alone + spill, 1.5)
    y.npl1 = 0.70 * s.npl + 0.9 * (defaulted / N + 0.006 * np.exp(-8 * (s.gbar - 0.05))) + 0.0025 * here


def labour(f, base, s, e, lever, y):
    elasticity = f.cut_labour_elasticity * base.labour_elasticity_scale
    empty, protection = y.empty[:, None], lever.job_protection
    left = s.L
    by_cut = left * (1 - (1 - y.c) ** elasticity)
    left = left - by_cut
    by_restructuring = left * 0.35 * (1 - (1 - y.restructured) ** elasticity)
    left = left - by_restructuring
    by_exit = left * (1 - (1 - y.x) ** elasticity)
    left = left - by_exit
    want = 1.2 * np.clip(-(y.R - y.wages + y.relief - 0.03 * y.d1 - 0.03), 0, 0.12)
    P = protection * (1 - 0.75 * empty)
    by_want = left * want * (1 - P)
    left = left - by_want
    xi = 0.12 + 0.25 * empty * (0.6 + 0.4 * protection)
    y.by_default = left * xi * np.minimum(y.recognised, 0.6)
    left = left - y.by_default
    y.retired = 0.028 * left
    y.L1 = left - y.retired
    y.by_cut, y.by_market = by_cut + by_restructuring, by_exit + by_want
    y.kept1 = s.kept + want * P * (1 - s.kept)
    direct = y.by_cut + y.by_market + y.by_default
    y.indirect = f.indirect_layoff_ratio * direct
    y.layoffs = direct.sum(1)

    fund = lever.resettlement_fund / 2 if y.since in (0, 1) else 0
    y.fund_paid = _pay(fund * y.layoffs / np.maximum(y.layoffs.sum(0), 1), lever, y)
    y.f = np.minimum(1.5, y.fund_paid / np.maximum(y.layoffs, 0.001) * 1000 / 41)
    moved = np.minimum(f.internal_transfer_share * (0.45 + 0.55 * np.minimum(y.f, 1)), 1)
    retired = np.minimum(f.early_retirement_share * (0.5 + 0.5 * np.minimum(y.f, 1)), 1 - moved)
    y.moved, y.retired_early = moved * y.layoffs, retired * y.layoffs
    y.inflow = y.layoffs - y.moved - y.retired_early + 0.6 * y.indirect.sum(1)

    y.job_pace = np.clip(s.gbar - base.normal_growth, -0.12, 0.06)
    crunch = np.minimum(y.crunch1, 1)
    anchors = np.vstack([e.anchor_arrival < 0.5, np.zeros((1, len(f.anchor_jobs)), bool)])
    y.startup = lever.startup_support
    J = (
        base.new_jobs * f.job_creation_rate * np.exp(6 * y.job_pace) * (1 - 0.4 * crunch)
        + f.spin_off_jobs * s.layoffs_before[0]
        + anchors * f.anchor_jobs * lever.anchor_investment
    )
    V = s.V + y.inflow
    scar = 100 * f.layoff_scarring * np.maximum(V / (30.8 * base.new_jobs) - 0.002, 0)
    psi = (
        -np.log(1 - f.reemployment_hazard_base)
        * np.sqrt(J / base.new_jobs)
        * (1 + V / J) ** -f.congestion_exponent
        * np.exp(
            f.fund_search_effect * y.f
            + f.service_sector_effect * lever.service_sector_support
            + f.sme_credit_effect * lever.sme_credit * (1 - crunch)
            + f.startup_effect * lever.startup_support
            - scar
        )
    )
    away = f.out_migration_hazard * (0.5 + 1.5 * lever.labour_mobility) * base.here
    hazard = psi + away + 0.06
    gone = V * (1 - np.exp(-hazard))
    y.reemployed, y.out_migrated, y.exited = (gone * one / hazard for one in (psi, away, 0.06))
    y.V1 = V - gone


def economy(f, base, s, e, y):
    here = base.here
    y.S1 = f.lost_wage_multiplier * np.minimum(y.fund_paid / s.Y, 0.02)
    region_z = 0.5 * mean(y.z1, y.B1) + 0.5 * y.z_O1
    y.lagged_z1 = 0.72 * s.lagged_z + 0.28 * (region_z - s.region_z_2015)
    noise = np.vstack([e.province_growth_noise, 0 * e.province_growth_noise[:1]])
    own = (
        f.zombie_growth_drag * y.lagged_z1
        + f.resolution_growth_cost * y.flow * (1 + 4 * y.flow)
        - f.reform_growth_dividend * y.ramp
        - 0.012 * noise
    )
    y.g1 = (
        y.g_CN
        - (f.northeast_growth_gap + base.growth_gap_offset) * here * (1 - 0.15 * y.ramp)
        + 0.8 * (base.value_added_share * np.log(np.maximum(y.Q1, TONNE) / np.maximum(s.Q, TONNE))).sum(1)
        - f.lost_wage_multiplier * WAGE * (y.V1 - s.V) / s.Y
        - f.crunch_growth_cost * y.crunch1
        + (y.S1 - 0.75 * s.S)
        - here * own
    )
    y.Y1 = s.Y * np.exp(y.g1)
    y.gbar1 = 0.5 * s.gbar + 0.5 * y.g1
    y.reported_growth = y.g1.copy()
    if y.year == 2016:
        y.reported_growth[0] += f.liaoning_reporting_error
    y.income = 0.004 * np.exp(6 * np.clip(y.g1 - 0.04, -0.1, 0.1))
    y.F1 = np.minimum(s.F + y.income - y.by_province / y.Y1, 0.12)
    y.loan_growth = np.clip(0.75 * y.g1 + 0.025 - 0.06 * y.crunch1, -0.1, 0.12)
    y.N1 = s.N * np.exp(y.loan_growth)
    y.shortfall = np.maximum(0, 0.105 - y.true) * 0.78 * y.N1
