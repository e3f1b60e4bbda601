"""2.2 and 2.3 Industry: demand, closures and new plants, utilisation, output, prices."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import clip, each, exp, maximum, minimum, table
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.environment import (
    TREND_GROWTH,
    URBANISATION_PACE,
    Environment,
    Surroundings,
    in_years,
)
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import IN_NORTHEAST, SECTOR, ByCell, ByRegion, BySector, Scalar, by_sector

DEMAND_SD: BySector = table(SECTOR, [0.028, 0.022, 0.028])
EXPORT_SHARE: BySector = table(SECTOR, [0.14, 0.01, 0.02])
BELT_ROAD_WEIGHT: BySector = table(SECTOR, [1.0, 0.1, 0.5])
SLUMP_WEIGHT: BySector = table(SECTOR, [1.0, 0.8, 0.3])
NEW_CAPACITY_SCALE: ByRegion = 1.0 - 0.4 * IN_NORTHEAST
PROPERTY_SLUMP = dict.fromkeys((6.0, 7.0, 8.0, 9.0), 1.0)
"""The years 2022 to 2025, in which less is built."""
PROPERTY_WEIGHT: BySector = table(SECTOR, [0.5, 0.0, 1.0])
"""What a sector loses in them, relative to cement."""
PRICE_GAPS = (-1.3, 1.0)
"""Bounds of the log price gap."""
MOST_PRESSURE = 1.2
"""Demand over capacity that moves the price at most."""
FULL_USE = 0.97
"""Highest share of capacity that can be used."""

STEEL_CLOSURE_YEARS = 5.0
COAL_CUT = 500.0
COAL_RESTRUCTURED = 500.0
CEMENT_CUT, CEMENT_CLOSURE_YEARS = 500.0, 4.0
"""The plan where it is not drawn [Mt, yr]: coal closes and then restructures 500 Mt each, cement closes 500."""


class Industry(NamedTuple):
    """Domestic demand [2015 = 1]; capacity and output [Mt/yr]; price gap [log]."""

    demand: BySector
    capacity: ByCell
    output: ByCell
    price_gap: BySector


class Activity(NamedTuple):
    """This year's shares of capacity closed and, of what is left, given up; restructured; and utilisation [1]."""

    closed: ByCell
    given_up: ByCell
    restructured: ByRegion
    utilisation: BySector


def initial() -> Industry:
    """Industry in 2015."""
    return Industry(by_sector(1.0, 1.0, 1.0), BASE.capacity, BASE.output, BASE.price_gap)


def advance(
    past: Industry, environment: Environment, surroundings: Surroundings, kept_alive: ByCell, now: Now
) -> tuple[Industry, Activity]:
    """Industry at the end of this year, and what it did. Plants come and go by last year's price.

    Args:
      kept_alive: share of a cell's capacity that belongs to zombies whose debt is rolled over, so that it does not leave.
    """
    demand = past.demand * exp(demand_change(surroundings, now))
    wanted = BASE.national_output * (
        (1.0 - EXPORT_SHARE) * demand
        + EXPORT_SHARE * environment.exports
        + BELT_ROAD_WEIGHT * surroundings.belt_road_demand
    )

    closing = closures(now)
    closed = share_cut(closing, BASE.cut_intensity, BASE.capacity, past.capacity, 0.9)
    restructured = share_cut(
        restructuring(now),
        BASE.cut_intensity.sel(sector="coal"),
        BASE.capacity.sel(sector="coal"),
        past.capacity.sel(sector="coal"),
        0.6,
    )
    used = past.output.over("region") / past.capacity.over("region")
    added = freedom(now.levers.new_capacity, used) * 0.10 * maximum(past.price_gap, 0.0) * NEW_CAPACITY_SCALE
    given_up = given_up_share(past.price_gap, kept_alive, now.factors.exit_rate)
    capacity = past.capacity * (1.0 - closed) * (1.0 - given_up) + past.capacity * added
    pressure = wanted / capacity.over("region")
    utilisation = minimum(pressure, FULL_USE)
    weight = BASE.output / BASE.capacity * capacity
    output = minimum(wanted * weight / weight.over("region"), FULL_USE * capacity)

    price_gap = next_price(past.price_gap, pressure, surroundings, now)
    return Industry(demand, capacity, output, price_gap), Activity(
        closed, given_up, restructured, utilisation
    )


def demand_change(surroundings: Surroundings, now: Now) -> BySector:
    """Log change of domestic demand."""
    factors = now.factors
    drift = by_sector(factors.steel_demand_drift, factors.coal_demand_drift, factors.cement_demand_drift)
    growth = 0.35 * (surroundings.national_growth - TREND_GROWTH)
    building = URBANISATION_PACE * (surroundings.urbanisation_pace - 1.0)
    noise = DEMAND_SD * (0.5 * surroundings.commodity_cycle + 0.87 * now.shocks.demand_noise)
    slump = factors.property_downturn * in_years(now.elapsed, PROPERTY_SLUMP)
    return drift + (growth + building) + noise - PROPERTY_WEIGHT * slump


def closures(now: Now) -> BySector:
    """Share of national capacity ordered to close this year [1]: the plan as executed, or the schedule as given."""
    factors, levers, since_start = now.factors, now.levers, now.since_start
    planned = by_sector(
        planned_cut(
            factors.steel_cut_total, whole_years(STEEL_CLOSURE_YEARS, levers.closure_speed), since_start
        ),
        planned_cut(COAL_CUT, whole_years(factors.coal_closure_years, levers.closure_speed), since_start),
        planned_cut(CEMENT_CUT, whole_years(CEMENT_CLOSURE_YEARS, levers.closure_speed), since_start),
    )
    plan = planned * (levers.capacity_cut * factors.compliance * (1.0 - levers.follows_schedule))
    return (plan + levers.follows_schedule * levers.scheduled_cut) / BASE.national_capacity


def restructuring(now: Now) -> Scalar:
    """Share of national coal capacity restructured this year [1]: after the closures, without any plant leaving."""
    factors, levers = now.factors, now.levers
    after_closures = now.since_start - whole_years(factors.coal_closure_years, levers.closure_speed)
    planned = planned_cut(
        COAL_RESTRUCTURED, whole_years(factors.coal_restructuring_years, 1.0), after_closures
    )
    plan = planned * (levers.capacity_cut * factors.compliance * (1.0 - levers.follows_schedule))
    return plan / BASE.national_capacity["coal"]


def whole_years(years: Scalar, speed: Scalar) -> Scalar:
    """Whole years that a plan takes at this speed: max(1, years / speed rounded half to even)."""
    return jnp.maximum(jnp.round(years / speed), 1.0)


def planned_cut(total: Scalar, years: Scalar, since_start: Scalar) -> Scalar:
    """This year's part of a plan [Mt/yr]: total / years in each of the years 0 .. years - 1, else nothing."""
    running = (since_start >= 0.0) & (since_start < years)
    return jnp.where(running, total / years, 0.0)


@each
def freedom(lever: Scalar, used: Scalar) -> Scalar:
    """Freedom to add capacity [1]: the policy's where use was 85 % or less, full from 95 % on."""
    return lever + (1.0 - lever) * jnp.clip(10.0 * (used - 0.85), 0.0, 1.0)


@each
def given_up_share(price_gap: Scalar, kept_alive: Scalar, exit_rate: Scalar) -> Scalar:
    """Share of capacity that leaves for want of a price [1]: exit_rate max(-gap, 0) (1 - kept_alive), at most half."""
    return jnp.minimum(exit_rate * jnp.maximum(-price_gap, 0.0), 0.5) * (1.0 - kept_alive)


@each
def share_cut(ordered: Scalar, intensity: Scalar, base: Scalar, capacity: Scalar, bound: float) -> Scalar:
    """Share of the cell's capacity that goes [1]: its part of the national order over what still stands."""
    return jnp.minimum(ordered * (intensity * base) * (1.0 / capacity), bound)


def next_price(gap: BySector, pressure: BySector, surroundings: Surroundings, now: Now) -> BySector:
    """Log price gap after this year: drawn to its target, moved by noise and slump, within its bounds.

    Args:
      pressure: demand over capacity; what is wanted beyond full use raises the price, up to a fifth beyond capacity.
    """
    factors = now.factors
    response = by_sector(
        factors.steel_price_response, factors.coal_price_response, factors.cement_price_response
    )
    years = by_sector(
        factors.steel_recovery_years, factors.coal_recovery_years, factors.cement_recovery_years
    )
    target = response * (minimum(pressure, MOST_PRESSURE) - BASE.target_utilisation)
    noise = factors.price_volatility * (0.6 * surroundings.commodity_cycle + 0.8 * now.shocks.price_noise)
    return clip(reverted(gap, target, years) + noise + surroundings.slump * SLUMP_WEIGHT, *PRICE_GAPS)


@each
def reverted(gap: Scalar, target: Scalar, recovery_years: Scalar) -> Scalar:
    """The gap a year on, without noise: 90 % of the way to a fixed target is made in `recovery_years`."""
    return gap + (1.0 - jnp.exp(-math.log(10.0) / recovery_years)) * (target - gap)
