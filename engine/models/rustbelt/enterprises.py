"""2.4 State-owned enterprises: margins, distress, zombies, recognised defaults, leverage."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import clip, each, minimum, normal_cdf
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.environment import Surroundings
from engine.models.rustbelt.industry import Activity, Industry
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import IN_NORTHEAST, ByCell, ByRegion, Scalar, by_sector

INTEREST = 0.05 * 0.6
"""Interest per unit of leverage: 5 % on the 60 % of liabilities that bear it [1/yr]."""


class Enterprises(NamedTuple):
    """Leverage and zombie share of sector debt [1]; zombie share of other state firms [1]; ageing of losses [1]."""

    leverage: ByCell
    zombie: ByCell
    zombie_other: ByRegion
    loss_ageing: ByRegion


class Distress(NamedTuple):
    """What this year did to the balance sheets; shares of sector debt unless said otherwise.

    `margin` is EBITDA over assets, `default` what is recognised, `layoff_default` the part of it that costs jobs
    (closed plants lay off by themselves), `debt` in bn yuan, `resolved` the yearly flow of debt resolved or forced.
    """

    solvent_budget: ByRegion
    ramp: Scalar
    margin: ByCell
    default: ByCell
    layoff_default: ByCell
    debt: ByCell
    default_other: ByRegion
    resolved: ByRegion
    loss_given_default: ByRegion


def initial(factors: Any) -> Enterprises:
    """Balance sheets of 2015."""
    zombie, other = zombie_shares(factors)
    return Enterprises(BASE.leverage, zombie, other, 0.0 * BASE.gdp)


def zombie_shares(factors: Any) -> tuple[ByCell, ByRegion]:
    """Zombie shares of 2015: of sector debt, and of the debt of other state firms."""
    return (
        factors.zombie_share_initial * BASE.zombie_scale,
        factors.zombie_share_initial * BASE.zombie_scale_other,
    )


def advance(
    past: Enterprises,
    surroundings: Surroundings,
    industry: Industry,
    activity: Activity,
    fiscal_space: ByRegion,
    growth_average: ByRegion,
    now: Now,
) -> tuple[Enterprises, Distress]:
    """Balance sheets after this year. Budget and growth are last year's, prices this year's."""
    factors, levers = now.factors, now.levers
    solvent = fiscal_space > 0.0
    ramp = clip((now.since_start + 1.0) / 5.0, 0.0, 1.0) * levers.diversification
    margin = margins(industry, activity, ramp, factors)
    cash = margin - INTEREST * past.leverage - 0.045
    cycle = credit_cycle(surroundings, now.shocks)
    distressed = distress_share(
        distance(past.leverage, cash, factors.asset_volatility), cycle, factors.asset_correlation
    )

    rolled = rolled_over(levers.evergreening, solvent)
    forced = forced_recognition(solvent) * (1.0 - levers.resolution_rate)
    cured = 0.6 * clip(0.04 + 0.5 * industry.price_gap, 0.0, 0.35)
    settled = past.zombie * levers.resolution_rate + past.zombie * forced
    alive = 1.0 - past.zombie
    closing = activity.closed * factors.closure_default_share * alive
    default = minimum(recognised(distressed, past.zombie, rolled, settled) + closing, 0.6)
    zombie = clip(past.zombie + distressed * alive * rolled - settled - past.zombie * cured, 0.0, 0.95)

    # other state firms
    distance_other = 2.1 + 9.0 * (growth_average - 0.045)
    distressed_other = distress_share(distance_other, cycle, factors.asset_correlation)
    distressed_other = distressed_other + 0.15 * default.mean("sector") * IN_NORTHEAST
    settled_other = past.zombie_other * (levers.resolution_rate * 0.7 + hasty_resolution(solvent))
    default_other = recognised(distressed_other, past.zombie_other, rolled, settled_other)
    cured_other = clip(0.05 + 0.8 * (growth_average - 0.04), 0.0, 0.3)
    added_other = 0.5 * distressed_other * (1.0 - past.zombie_other) * rolled
    zombie_other = clip(
        past.zombie_other + added_other - settled_other - past.zombie_other * cured_other, 0.0, 0.9
    )

    resolved = 0.5 * settled.mean("sector") + 0.5 * settled_other
    loss = loss_rate(
        factors.loss_given_default,
        past.loss_ageing,
        hard_prices(industry),
        resolved,
        factors.fire_sale_effect,
    )
    leverage = next_leverage(past.leverage, cash, default * loss, levers.debt_swap)
    debt = BASE.liabilities * (leverage / BASE.leverage) * (industry.capacity / BASE.capacity)
    ageing = past.loss_ageing + factors.loss_given_default_ageing * (rolled - 0.3)
    return Enterprises(leverage, zombie, zombie_other, ageing), Distress(
        solvent_budget=solvent,
        ramp=ramp,
        margin=margin,
        default=default,
        layoff_default=minimum(recognised(distressed, zombie, rolled, settled), 0.6),
        debt=debt,
        default_other=default_other,
        resolved=resolved,
        loss_given_default=loss,
    )


def margins(industry: Industry, activity: Activity, ramp: Scalar, factors: Any) -> ByCell:
    """EBITDA over assets [1/yr]."""
    response = by_sector(
        factors.steel_margin_response, factors.coal_margin_response, factors.cement_margin_response
    )
    use = 0.08 * (activity.utilisation - BASE.target_utilisation)
    return (
        response * industry.price_gap
        + use
        + (0.105 + 0.012 * ramp)
        - factors.northeast_cost_gap * IN_NORTHEAST
    )


def hard_prices(industry: Industry) -> Scalar:
    """Mean log price gap of steel and coal: what the assets of a failed firm are worth."""
    return industry.price_gap.sel(sector=("steel", "coal")).mean("sector")


def credit_cycle(surroundings: Surroundings, shocks: Any) -> ByRegion:
    """Regional credit factor [standard score]; a slump comes on top of the mixture."""
    systemic = 0.45 * surroundings.commodity_cycle + 0.30 * shocks.growth_noise + 0.84 * shocks.credit_noise
    mixed = math.sqrt(0.8) * systemic + math.sqrt(0.2) * shocks.region_credit_noise
    return mixed + 0.8 / 0.2 * surroundings.slump


@each
def distance(leverage: Scalar, cash: Scalar, volatility: Scalar) -> Scalar:
    """Distance to default [standard deviations]: (-ln d + 2 clip(cash, -.1, .08)) / volatility."""
    return (-jnp.log(leverage) + 2.0 * jnp.clip(cash, -0.1, 0.08)) / volatility


@each
def distress_share(distance: Scalar, cycle: Scalar, correlation: Scalar) -> Scalar:
    """Share of firms in distress given the cycle: Phi((-DD - sqrt(rho) Z) / sqrt(1 - rho)).

    Vasicek, O. (2002), The distribution of loan portfolio value, Risk 15(12), 160-162.
    """
    return normal_cdf((-distance - jnp.sqrt(correlation) * cycle) / jnp.sqrt(1.0 - correlation))


@each
def rolled_over(evergreening: Scalar, solvent: Scalar) -> Scalar:
    """Share of newly insolvent debt that is rolled over; under half of it once the budget has no room."""
    return evergreening * jnp.where(solvent, 1.0, 0.45)


@each
def forced_recognition(solvent: Scalar) -> Scalar:
    """Share of zombie debt that must be recognised when support money has run out [1/yr]."""
    return jnp.where(solvent, 0.0, 0.15)


@each
def hasty_resolution(solvent: Scalar) -> Scalar:
    """Share of other firms' zombie debt resolved for want of support money [1/yr]."""
    return jnp.where(solvent, 0.0, 0.10)


@each
def recognised(distressed: Scalar, zombie: Scalar, rolled: Scalar, settled: Scalar) -> Scalar:
    """Recognised default share: half of the new distress that is not rolled over, and what is settled."""
    return 0.5 * distressed * (1.0 - zombie) * (1.0 - rolled) + settled


@each
def loss_rate(base: Scalar, ageing: Scalar, prices: Scalar, resolved: Scalar, fire_sale: Scalar) -> Scalar:
    """Loss given default [1]: rises with age, low prices and the pace of resolution; within [.2, .95]."""
    hurry = jnp.clip(resolved - 0.03, 0.0, 0.4)
    return jnp.clip(base + ageing - 0.15 * prices + fire_sale * hurry, 0.2, 0.95)


@each
def next_leverage(leverage: Scalar, cash: Scalar, written_off: Scalar, swapped: Scalar) -> Scalar:
    """Leverage after this year [1]: losses add 90 % of themselves, gains repay 45 %; within [.3, 1.3]."""
    financed = jnp.where(cash < 0.0, -0.9 * cash, -0.45 * cash)
    return jnp.clip((leverage + financed) * (1.0 - 0.9 * written_off) - swapped, 0.3, 1.3)
