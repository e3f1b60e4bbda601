"""The equations (section 2 of the page) of `environment.py` and `industry.py`, in its order, letters and names.

Each reads what is known (factors and constants), the base year, last year's values, this year's draws and levers, and
writes this year's values into `now`.
"""

import numpy as np

from tests.rustbelt_numpy.base_2015 import NE

COAL = 1
"""Its place among sectors."""


def environment(known, last, drawn, lever, now):
    now.J = np.where(drawn.slump < known.slump_rate, known.slump_mean + known.slump_sd * drawn.slump_size, 0)
    fading = known.urbanisation_fading * now.t / known.urbanisation_years
    usual = np.maximum(1 - fading, known.urbanisation_floor)
    now.pace = usual * np.exp(known.urbanisation_noise * drawn.urbanisation_noise)
    now.urban_share = last.urban_share + known.urbanisation_pace_2016 * now.pace
    into = now.year - known.pandemic_first
    pandemic = np.where(into == 1, known.pandemic_rebound, np.where(into == 2, known.pandemic_relapse, 0))
    pandemic = np.where(into == 0, -1, pandemic)
    trend = known.national_growth_2016 - known.national_growth_decline * now.t
    now.G = (
        np.maximum(trend, known.national_growth_floor)
        + known.national_growth_noise * drawn.growth_noise
        + known.slump_growth_effect * np.minimum(now.J, 0)
        + known.pandemic_depth * pandemic
    )
    noise = known.export_noise * drawn.export_noise
    now.X = last.X * np.exp(known.trade + noise + known.slump_export_effect * now.J)
    built = lever.belt_road * np.minimum(1, (now.t + 1) / known.belt_road_years)
    now.belt_road_demand = built * known.belt_road_demand_share
    now.belt_road_spending = built * known.belt_road_cost * last.Y


def industry(known, base, last, drawn, lever, now):
    first = known.property_slump_first
    slump = (now.year >= first) & (now.year < first + known.property_slump_years)
    weights = known.demand_cycle_weight, known.demand_own_weight
    now.D = last.D * np.exp(
        known.demand_drift
        + known.demand_growth_elasticity * (now.G - known.national_growth_2016)
        + known.urbanisation_pace_2016 * (now.pace - 1)
        + known.demand_noise * (weights[0] * drawn.commodity_cycle + weights[1] * drawn.demand_noise)
        - known.property_weight * known.property_downturn * slump
    )
    abroad = known.export_share * now.X + known.belt_road_weight * now.belt_road_demand
    wanted = base.output.sum(0) * ((1 - known.export_share) * now.D + abroad)

    order, restructured = _orders(known, base, lever, now)
    scale = base.cut_intensity * base.capacity / last.K
    now.closed_share = np.minimum(order * scale, known.closed_share_high)
    now.restructured_share = np.minimum(restructured * scale, known.restructured_share_high)
    unpaid = np.minimum(known.exit_rate * np.maximum(-last.p, 0), known.given_up_high)
    now.given_up_share = unpaid * (1 - last.z * now.E[:, None])
    now.stays = (1 - now.closed_share) * (1 - now.given_up_share)
    used = last.Q.sum(0) / last.K.sum(0)
    pressed = np.clip(known.freedom_slope * (used - known.freedom_from), 0, 1)
    free = lever.new_capacity + (1 - lever.new_capacity) * pressed
    new = free * known.new_capacity_response * np.maximum(last.p, 0) * last.K
    new = new * (1 - base.n[:, None] * (1 - known.northeast_new_capacity))
    now.K = last.K * now.stays + new

    pressure = wanted / now.K.sum(0)
    now.utilisation = np.minimum(pressure, known.full_use)
    now.w = last.w.copy()
    now.w[NE] = last.w[NE] * np.exp(known.share_volatility * drawn.share_noise)
    part = base.output / base.capacity * now.K * now.w
    now.Q = np.minimum(wanted * part / part.sum(0), known.full_use * now.K)
    target = known.price_response * (np.minimum(pressure, known.pressure_high) - base.target_utilisation)
    own = known.price_cycle_weight * drawn.commodity_cycle + known.price_own_weight * drawn.price_noise
    moved = last.p + (1 - 10 ** (-1 / known.recovery_years)) * (target - last.p)
    p = moved + known.price_volatility * own + known.slump_weight * now.J
    now.p = np.clip(p, known.price_gap_low, known.price_gap_high)


def _orders(known, base, lever, now):
    """What is ordered to close and to be restructured, as shares of national capacity [sector, path]."""
    nation = base.capacity.sum(0)
    planned = (1 - lever.follows_schedule) * lever.capacity_cut * known.compliance

    def plan(total, years, begins=0):
        return planned * total / years * ((now.since >= begins) & (now.since < begins + years))

    def sped_up(years):
        return np.maximum(1, np.rint(years / lever.closure_speed))

    coal_years = sped_up(known.coal_closure_years)
    plans = (
        plan(known.steel_cut_total, sped_up(known.steel_closure_years)),
        plan(known.coal_cut, coal_years),
        plan(known.cement_cut, sped_up(known.cement_closure_years)),
    )
    order = (lever.follows_schedule * lever.scheduled_cut + np.stack(plans)) / nation
    restructured = np.zeros_like(order)
    years = np.maximum(1, np.rint(known.coal_restructuring_years))
    restructured[COAL] = plan(known.coal_restructured, years, begins=coal_years) / nation[COAL]
    return order, restructured
