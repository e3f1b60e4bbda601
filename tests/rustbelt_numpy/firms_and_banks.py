"""The equations (section 2 of the page) of `budgets.py`, `enterprises.py` and `banks.py`, as in `markets.py`."""

import math

import numpy as np
from scipy import special

from tests.rustbelt_numpy.base_2015 import NE, mean, region_mean

STEEL, COAL = 0, 1
"""Their places among sectors."""
THOUSANDS = 1e-3
"""Thousand yuan times thousand persons [bn yuan]."""


def budgets(known, last, now):
    now.purse = np.maximum(last.F + known.overdraft, 0) * last.Y
    now.bills = now.paid_by_centre = now.belt_road_spending
    now.paid_by_provinces = 0 * last.Y


def pay(bill, lever, now):
    """What is paid of a bill, and its share of it [region, path]: by the centre, and by the province as far as its
    purse goes.
    """
    by_centre = lever.central_share * bill
    by_province = np.minimum(bill - by_centre, now.purse)
    now.bills = now.bills + bill
    now.purse = now.purse - by_province
    now.paid_by_centre = now.paid_by_centre + by_centre
    now.paid_by_provinces = now.paid_by_provinces + by_province
    paid = by_centre + by_province
    return paid, np.where(bill == 0, 1, paid / np.where(bill == 0, 1, bill))


def diversification(known, last, lever, now):
    bill = known.diversification_cost * lever.diversification * last.Y
    now.diversification_spending, now.diversification_paid_share = pay(bill, lever, now)
    built_up = np.clip((now.since + 1) / known.diversification_years, 0, 1)
    now.ramp = lever.diversification * built_up * now.diversification_paid_share


def cash(known, base, last, lever, now):
    now.margin = (
        known.margin_normal
        + known.margin_response * now.p
        + known.margin_use_response * (now.utilisation - base.target_utilisation)
        - (known.northeast_cost_gap * base.n - known.diversification_margin * now.ramp)[:, None]
    )
    now.interest = known.interest_rate * known.interest_bearing_share
    now.A = base.liabilities / (base.leverage * base.capacity) * now.K
    now.debt_before = now.A * last.d
    zombies = known.sector_subsidy_weight * (last.z * now.debt_before).sum(1)
    others = known.other_subsidy_weight * last.z_O * known.other_soe_loan_share * last.N
    now.subsidies, paid_share = pay(lever.subsidy_rate * (zombies + others), lever, now)
    arrives = known.subsidy_pass_through * paid_share * known.sector_subsidy_weight * lever.subsidy_rate
    now.relief = arrives[:, None] * last.z * last.d
    idle = known.overstaffing_cost * known.wage * THOUSANDS * last.kept_share * last.L
    now.wages = idle / (now.A * last.K / now.K)
    now.sound = now.margin - now.wages - now.interest * last.d - known.upkeep
    now.cash = now.sound + now.relief


def distress(known, base, last, drawn, lever, now):
    Z = (
        known.credit_cycle_weight * drawn.commodity_cycle
        + known.credit_growth_weight * drawn.growth_noise
        + known.credit_own_weight * drawn.credit_noise
    )
    systemic, own = np.sqrt(known.credit_systemic_share), np.sqrt(1 - known.credit_systemic_share)
    Z = systemic * Z + own * drawn.region_credit_noise + known.slump_credit_effect * now.J
    E, broke, rate = now.E[:, None], now.broke[:, None], lever.resolution_rate

    counted = known.cash_weight * np.clip(now.sound, known.cash_low, known.cash_high)
    distance = (counted - np.log(last.d)) / known.asset_volatility
    newly, now.worst = _newly(known, distance, Z[:, None], last.worst)
    healthy, most = last.undefaulted - last.z, known.default_high * last.undefaulted
    now.insolvent = known.insolvent_part * newly * healthy
    now.rolled_over = now.insolvent * E
    now.settled = last.z * rate + broke * known.broke_recognition * last.z * (1 - rate)
    now.recognised = now.insolvent * (1 - E) + now.settled
    left = known.closure_default_share * (1 - now.stays) * (healthy - now.insolvent)
    now.laying_off, now.soe_default_share = np.minimum(now.recognised, most), np.minimum(now.recognised + left, most)
    now.default_is_bounded = now.soe_default_share == most
    now.undefaulted = last.undefaulted - now.soe_default_share
    cured = np.clip(known.cure_base + known.cure_price_response * now.p, 0, known.cure_high)
    now.cured = last.z * known.cure_speed * cured
    now.z = np.maximum(last.z + now.rolled_over - now.settled - now.cured, 0)

    slow = last.gbar - known.other_growth_normal
    distance_O = known.other_distance + known.other_growth_response * slow
    newly_O, now.worst_O = _newly(known, distance_O, Z, last.worst_O)
    spill = known.supplier_spill * base.n * mean(now.soe_default_share, now.debt_before)
    insolvent_O = known.insolvent_part * (newly_O + spill) * (1 - last.z_O)
    now.settled_O = last.z_O * (known.other_resolution * rate + now.broke * known.broke_recognition)
    now.default_O = insolvent_O * (1 - now.E) + now.settled_O
    cured_O = known.other_cure_base + known.other_cure_response * (last.gbar - known.other_cure_growth)
    cured_O = last.z_O * np.clip(cured_O, 0, known.other_cure_high)
    now.z_O = np.clip(last.z_O + insolvent_O * now.E - now.settled_O - cured_O, 0, known.other_zombie_high)


def _newly(known, distance, Z, worst):
    """Share of firms newly distressed, those that the worst year so far has left; and the worst year from now on."""
    common, own = np.sqrt(known.asset_correlation), np.sqrt(1 - known.asset_correlation)
    distressed = special.ndtr((-distance - common * Z) / own)
    newly = np.maximum(distressed - known.default_selection * worst, known.distressed_least * distressed)
    return newly, np.maximum(worst, distressed)


def losses(known, last, lever, now):
    now.flow = region_mean(known, now.settled, now.settled_O, now.debt_before)
    dear = known.loss_price_response * (now.p[STEEL] + now.p[COAL]) / 2
    more = last.ageing - dear + known.fire_sale_effect * np.maximum(now.flow - known.orderly_resolution, 0)
    of_2015 = known.loss_given_default
    higher, lower = 1 - (1 - of_2015) * np.exp(-more / (1 - of_2015)), of_2015 * np.exp(more / of_2015)
    now.LGD = np.where(more > 0, higher, lower)
    now.ageing = last.ageing + known.loss_given_default_ageing * (now.E - known.ageing_from)

    low, normal, high = known.leverage_low, known.leverage_normal, known.leverage_high
    lent, owners = (np.clip((high - last.d) / (high - normal), 0, 1), np.clip((last.d - low) / (normal - low), 0, 1))
    now.swapped = lever.debt_swap * owners
    borrowed = known.losses_lent * lent * np.maximum(-now.cash, 0)
    repaid = known.gains_repaid * owners * np.maximum(now.cash, 0)
    relieved = known.survivor_relief * now.soe_default_share * now.LGD[:, None]
    now.d = np.clip((last.d + borrowed - repaid) * (1 - relieved) - now.swapped, low, high)
    now.B = now.A * now.d
    now.interest_cover = now.margin / (now.interest * now.d)


def bank_losses(known, base, last, lever, now):
    N = last.N
    held = known.bank_debt_share * known.soe_bank_exposure
    exposure, other = held * now.B, known.other_soe_loan_share * N
    in_default, in_default_O = (now.soe_default_share * exposure).sum(1), now.default_O * other
    left = 1 - known.worked_out
    W = base.npl_ratio * base.loans * left ** (now.t + 1)
    gap = np.clip(last.gbar - known.everyday_growth, known.everyday_gap_low, known.everyday_gap_high)
    everyday = known.everyday_loss * N * np.exp(-known.everyday_loss_response * gap)
    swaps = known.swap_loss * held * (now.A * now.swapped * now.undefaulted).sum(1)
    small_firms = known.sme_credit_loss * THOUSANDS * lever.sme_credit * last.V * (1 - np.minimum(last.crunch, 1))
    now.bank_loss_on_sectors = in_default * now.LGD + swaps
    now.bank_loss_on_state_firms = in_default_O * now.LGD
    now.bank_loss_on_others = known.worked_out / left * W * now.LGD + everyday + small_firms
    now.bank_loss = now.bank_loss_on_sectors + now.bank_loss_on_state_firms + now.bank_loss_on_others
    now.hidden_on_sectors = (now.z * exposure).sum(1) * now.LGD
    now.hidden_on_state_firms = now.z_O * other * now.LGD
    now.hidden_loss = now.hidden_on_sectors + now.hidden_on_state_firms
    now.old_loss = W * now.LGD
    growth_effect = np.exp(-known.everyday_bad_response * (last.gbar - known.everyday_growth))
    flow = (in_default + in_default_O) / N + known.everyday_bad_loans * growth_effect
    now.npl_ratio = left * last.npl_ratio + known.bad_loan_part * flow + known.northeast_bad_loans * base.n


def bank_capital(known, base, last, lever, now):
    N, seen_through = last.N, lever.bank_transparency
    now.absorbed, now.provided = np.minimum(last.provisions, now.bank_loss), known.provision_rate * N
    now.provisions = last.provisions - now.absorbed + now.provided
    rate = known.pre_provision_profit_rate - known.northeast_profit_gap * base.n
    earned = rate * N * (1 - known.crunch_profit_effect * last.crunch) - now.provided
    funding = known.transparency_funding_cost * seen_through * now.hidden_loss
    profit = earned - funding - (now.bank_loss - now.absorbed)
    now.kept_profit = known.after_tax * np.maximum(profit, 0) + np.minimum(profit, 0)

    RWA, required = known.risk_weight * N, known.required_capital
    own = last.capital + now.kept_profit
    fill = lever.recapitalisation * np.maximum(0, required * RWA - own)
    truth = own + fill + now.provisions - now.hidden_loss - now.old_loss
    seen = (known.bailout_sight * truth + (1 - known.bailout_sight) * (own + fill)) / RWA
    missing, spread = lever.bailout_below - seen, known.bank_spread
    phi = np.exp(-((missing / spread) ** 2) / 2) / math.sqrt(2 * math.pi)
    now.rescue = RWA * np.maximum(spread * phi + missing * special.ndtr(missing / spread), 0)
    now.recapitalisation_cost, _ = pay(fill + now.rescue, lever, now)
    now.capital = own + now.recapitalisation_cost
    now.capital_ratio = now.capital / RWA
    now.weakest_capital_ratio = now.capital_ratio[NE].min(0)
    now.true_capital_ratio = (now.capital + now.provisions - now.hidden_loss - now.old_loss) / RWA

    gone_by = seen_through * now.true_capital_ratio + (1 - seen_through) * now.capital_ratio
    now.crunch_alone = np.clip((required - gone_by) / required, 0, known.crunch_alone_high)
    reach = base.n + (1 - base.n) * known.outside_contagion
    spilt = known.crunch_contagion * reach * now.crunch_alone[NE].mean(0)
    new = np.minimum(now.crunch_alone + spilt, known.crunch_high)
    now.crunch = known.crunch_memory * last.crunch + (1 - known.crunch_memory) * new


def lending(known, last, now):
    growth = known.loan_growth_elasticity * now.g + known.loan_growth_base
    growth = growth - known.crunch_lending_effect * now.crunch
    now.loan_growth = np.clip(growth, known.loan_growth_low, known.loan_growth_high)
    now.N = last.N * np.exp(now.loan_growth)
    short = np.maximum(0, known.required_capital - now.true_capital_ratio)
    now.capital_shortfall = short * known.risk_weight * now.N
