"""2.2 and 2.3 Industry: demand, closures and new plants, utilisation, output, prices."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import clip, each, exp, maximum, minimum
from engine.modelling.imposing import imposed
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.environment import FIRST_YEAR, Environment, Surroundings
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import IN_NORTHEAST, SECTOR, ByCell, ByRegion, BySector, Scalar, by_cell, by_sector

LOG_TEN = math.log(10.0)
"""A recovery time is that of nine tenths of the way."""


PLANNED = {"steel": "steel_cut_total", "coal": "coal_cut", "cement": "cement_cut"}
"""What the plan closes, by sector: factor or constant."""


class Industry(NamedTuple):
    """Domestic demand [2015 = 1]; capacity and output [Mt/yr]; price gap [log]; output share over that of capacity [2015 = 1]."""

    demand: BySector
    capacity: ByCell
    output: ByCell
    price_gap: BySector
    weight: ByCell


class Activity(NamedTuple):
    """This year's shares of capacity closed and, of what is left, given up; restructured; and utilisation [1]."""

    closed: ByCell
    given_up: ByCell
    restructured: ByRegion
    utilisation: BySector


def initial() -> Industry:
    """Industry in 2015."""
    return Industry(
        by_sector(1.0, 1.0, 1.0), BASE.capacity, BASE.output, BASE.price_gap, 1.0 + 0.0 * BASE.capacity
    )


def advance(
    past: Industry, environment: Environment, surroundings: Surroundings, kept_alive: ByCell, now: Now
) -> tuple[Industry, Activity]:
    """Industry at the end of this year, and what it did. Plants come and go by last year's price.

    Args:
      kept_alive: share of a cell's capacity that belongs to zombies whose debt is rolled over, so that it does not leave.
    """
    factors = now.factors
    demand = past.demand * exp(demand_change(surroundings, now))
    exported = of_sectors(factors, "export_share")
    wanted = BASE.national_output * (
        (1.0 - exported) * demand
        + exported * environment.exports
        + of_sectors(factors, "belt_road_weight") * surroundings.belt_road_demand
    )

    wanted = imposed(now.levers, "output", wanted)

    closing = closures(now)
    closed = share_cut(closing, BASE.cut_intensity, BASE.capacity, past.capacity, factors.closed_share_high)
    restructured = share_cut(
        restructuring(now),
        BASE.cut_intensity.sel(sector="coal"),
        BASE.capacity.sel(sector="coal"),
        past.capacity.sel(sector="coal"),
        factors.restructured_share_high,
    )
    used = past.output.over("region") / past.capacity.over("region")
    free = freedom(now.levers.new_capacity, used, factors.freedom_from, factors.freedom_slope)
    here = 1.0 - (1.0 - factors.northeast_new_capacity) * IN_NORTHEAST
    added = free * factors.new_capacity_response * maximum(past.price_gap, 0.0) * here
    given_up = given_up_share(past.price_gap, kept_alive, factors.exit_rate, factors.given_up_high)
    capacity = past.capacity * (1.0 - closed) * (1.0 - given_up) + past.capacity * added
    pressure = wanted / capacity.over("region")
    utilisation = minimum(pressure, factors.full_use)
    weight = past.weight * exp(factors.share_volatility * by_cell(now.shocks.share_noise))
    part = BASE.output / BASE.capacity * capacity * weight
    output = minimum(wanted * (1.0 / part.over("region")) * part, factors.full_use * capacity)
    made = output.over("region")
    given = imposed(now.levers, "output", made)
    output = output if given is made else output * (given / made)

    price_gap = imposed(now.levers, "price_gap", next_price(past.price_gap, pressure, surroundings, now))
    return Industry(demand, capacity, output, price_gap, weight), Activity(
        closed, given_up, restructured, utilisation
    )


def demand_change(surroundings: Surroundings, now: Now) -> BySector:
    """Log change of domestic demand."""
    factors = now.factors
    growth = factors.demand_growth_elasticity * (surroundings.national_growth - factors.national_growth_2016)
    building = factors.urbanisation_pace_2016 * (surroundings.urbanisation_pace - 1.0)
    common = factors.demand_cycle_weight * surroundings.commodity_cycle
    noise = of_sectors(factors, "demand_noise") * (
        common + factors.demand_own_weight * now.shocks.demand_noise
    )
    slump = factors.property_downturn * property_slump(now.elapsed, factors)
    lost = of_sectors(factors, "property_weight") * slump
    return of_sectors(factors, "demand_drift") + (growth + building) + noise - lost


def of_sectors(factors: Any, name: str) -> BySector:
    """The three factors or constants `steel_NAME`, `coal_NAME`, `cement_NAME` as one table."""
    return by_sector(*(getattr(factors, f"{sector}_{name}") for sector in SECTOR["sector"]))


def property_slump(elapsed: Scalar, factors: Any) -> Scalar:
    """One in the years of the property slump, in which less is built, else zero."""
    of_it = FIRST_YEAR + elapsed - factors.property_slump_first
    return jnp.where((of_it >= 0.0) & (of_it < factors.property_slump_years), 1.0, 0.0)


def closures(now: Now) -> BySector:
    """Share of national capacity ordered to close this year [1]: the plan as executed, or the schedule as given."""
    factors, levers, since_start = now.factors, now.levers, now.since_start
    planned = by_sector(
        *(
            planned_cut(
                getattr(factors, total),
                whole_years(getattr(factors, f"{sector}_closure_years"), levers.closure_speed),
                since_start,
            )
            for sector, total in PLANNED.items()
        )
    )
    plan = planned * (levers.capacity_cut * factors.compliance * (1.0 - levers.follows_schedule))
    return (plan + levers.follows_schedule * levers.scheduled_cut) * (1.0 / BASE.national_capacity)


def restructuring(now: Now) -> Scalar:
    """Share of national coal capacity restructured this year [1]: after the closures, without any plant leaving."""
    factors, levers = now.factors, now.levers
    after_closures = now.since_start - whole_years(factors.coal_closure_years, levers.closure_speed)
    planned = planned_cut(
        factors.coal_restructured, whole_years(factors.coal_restructuring_years, 1.0), after_closures
    )
    plan = planned * (levers.capacity_cut * factors.compliance * (1.0 - levers.follows_schedule))
    return plan * (1.0 / BASE.national_capacity["coal"])


def whole_years(years: Scalar, speed: Scalar) -> Scalar:
    """Whole years that a plan takes at this speed: max(1, years / speed rounded half to even)."""
    return jnp.maximum(jnp.round(years / speed), 1.0)


def planned_cut(total: Scalar, years: Scalar, since_start: Scalar) -> Scalar:
    """This year's part of a plan [Mt/yr]: total / years in each of the years 0 .. years - 1, else nothing."""
    running = (since_start >= 0.0) & (since_start < years)
    return jnp.where(running, total / years, 0.0)


@each
def freedom(lever: Scalar, used: Scalar, held_to: Scalar, slope: Scalar) -> Scalar:
    """Freedom to add capacity [1]: the policy's where use was at most `held_to`, full where it was 1 / `slope` above."""
    return lever + (1.0 - lever) * jnp.clip(slope * (used - held_to), 0.0, 1.0)


@each
def given_up_share(price_gap: Scalar, kept_alive: Scalar, exit_rate: Scalar, bound: Scalar) -> Scalar:
    """Share of capacity that leaves for want of a price [1]: exit_rate max(-gap, 0), at most the bound, times 1 - kept_alive."""
    return jnp.minimum(exit_rate * jnp.maximum(-price_gap, 0.0), bound) * (1.0 - kept_alive)


@each
def share_cut(ordered: Scalar, intensity: Scalar, base: Scalar, capacity: Scalar, bound: Scalar) -> Scalar:
    """Share of the cell's capacity that goes [1]: its part of the national order over what still stands."""
    return jnp.minimum(ordered * (intensity * base) * (1.0 / capacity), bound)


def next_price(gap: BySector, pressure: BySector, surroundings: Surroundings, now: Now) -> BySector:
    """Log price gap after this year: drawn to its target, moved by noise and slump, within its bounds.

    Args:
      pressure: demand over capacity; what is wanted beyond full use raises the price, up to `pressure_high`.
    """
    factors = now.factors
    years = of_sectors(factors, "recovery_years")
    target = of_sectors(factors, "price_response") * (
        minimum(pressure, factors.pressure_high) - BASE.target_utilisation
    )
    common = factors.price_cycle_weight * surroundings.commodity_cycle
    noise = factors.price_volatility * (common + factors.price_own_weight * now.shocks.price_noise)
    moved = reverted(gap, target, years) + noise + surroundings.slump * of_sectors(factors, "slump_weight")
    return clip(moved, factors.price_gap_low, factors.price_gap_high)


@each
def reverted(gap: Scalar, target: Scalar, recovery_years: Scalar) -> Scalar:
    """The gap a year on, without noise: 90 % of the way to a fixed target is made in `recovery_years`."""
    return gap + (1.0 - jnp.exp(-LOG_TEN / recovery_years)) * (target - gap)
