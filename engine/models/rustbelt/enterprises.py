"""2.5 State-owned enterprises: margins, distress, zombies, recognised defaults, leverage."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import clip, each, maximum, minimum, normal_cdf
from engine.models.rustbelt.base_2015 import BASE, WAGE
from engine.models.rustbelt.budgets import Purse, covered, paid
from engine.models.rustbelt.environment import Surroundings
from engine.models.rustbelt.industry import Activity, Industry
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import IN_NORTHEAST, ByCell, ByRegion, Scalar, by_sector

INTEREST = 0.05 * 0.6
"""Interest per unit of leverage: 5 % on the 60 % of liabilities that bear it [1/yr]."""
SUBSIDISED = 1.6
"""Subsidy to the zombies of a sector, in units of the subsidy rate: tax, power and land beside cash."""
SUBSIDISED_OTHER = 0.35
"""The same of other state firms."""
ASSETS: ByCell = BASE.liabilities / (BASE.leverage * BASE.capacity)
"""Assets over capacity [bn yuan per Mt/yr]."""
ZOMBIES = 0.95
"""The largest zombie share of sector debt."""
LEVERAGE = (0.3, 1.3)
"""Bounds of leverage."""


class Enterprises(NamedTuple):
    """Leverage and zombie share of sector debt [1]; zombie share of other state firms [1]; ageing of losses [1].

    `worst` and `worst_other` are the largest distressed shares so far: what the survivors are proof against.
    """

    leverage: ByCell
    zombie: ByCell
    zombie_other: ByRegion
    loss_ageing: ByRegion
    worst: ByCell
    worst_other: ByRegion


class Distress(NamedTuple):
    """What this year did to the balance sheets; shares of sector debt unless said otherwise.

    `margin` is EBITDA over assets, `margin_in_hand` the same with subsidies and the wages of kept workers, `default` what is
    recognised, `layoff_default` the part of it that costs jobs (plants that go lay off by themselves), `debt` in bn yuan,
    `resolved` the yearly flow of debt resolved or forced, `subsidies` in bn yuan.
    """

    solvent_budget: ByRegion
    ramp: Scalar
    margin: ByCell
    margin_in_hand: ByCell
    default: ByCell
    layoff_default: ByCell
    debt: ByCell
    default_other: ByRegion
    resolved: ByRegion
    loss_given_default: ByRegion
    subsidies: ByRegion


def initial(factors: Any) -> Enterprises:
    """Balance sheets of 2015."""
    zombie, other = zombie_shares(factors)
    return Enterprises(BASE.leverage, zombie, other, 0.0 * BASE.gdp, 0.0 * BASE.leverage, 0.0 * BASE.gdp)


def zombie_shares(factors: Any) -> tuple[ByCell, ByRegion]:
    """Zombie shares of 2015: of sector debt, and of the debt of other state firms."""
    return (
        factors.zombie_share_initial * BASE.zombie_scale,
        factors.zombie_share_initial * BASE.zombie_scale_other,
    )


def kept_alive(past: Enterprises, fiscal_space: ByRegion, levers: Any) -> ByCell:
    """Share of capacity that does not leave, as its firm is a zombie whose debt is rolled over [1].

    Caballero, Hoshi and Kashyap (2008), Zombie lending and depressed restructuring in Japan, AER 98(5), 1943-1977.
    """
    return past.zombie * rolled_over(levers.evergreening, fiscal_space > 0.0)


def advance(
    past: Enterprises,
    surroundings: Surroundings,
    industry: Industry,
    activity: Activity,
    plants: Industry,
    kept_workers: ByCell,
    other_loans: ByRegion,
    fiscal_space: ByRegion,
    growth_average: ByRegion,
    purse: Purse,
    now: Now,
) -> tuple[Enterprises, Distress, Purse]:
    """Balance sheets and purse after this year. Budget, growth, kept workers and their plants are last year's, prices this year's."""
    factors, levers = now.factors, now.levers
    solvent = fiscal_space > 0.0
    ramp = clip((now.since_start + 1.0) / 5.0, 0.0, 1.0) * levers.diversification
    margin = margins(industry, activity, ramp, factors)
    assets = ASSETS * industry.capacity
    standing = assets * past.leverage
    weights = standing / standing.over("sector")

    # subsidies go to zombies, by debt; what the budget pays of them, and what of that arrives, is their cash
    by_cell = levers.subsidy_rate * SUBSIDISED * past.zombie
    bill = (by_cell * standing).over("sector") + levers.subsidy_rate * SUBSIDISED_OTHER * (
        past.zombie_other * other_loans
    )
    subsidies, purse = paid(purse, bill, levers.central_share)
    relief = by_cell * past.leverage * (factors.subsidy_pass_through * covered(subsidies, bill))
    kept_wages = (factors.overstaffing_cost * WAGE) * kept_workers * (1.0 / ASSETS) * (1.0 / plants.capacity)
    of_the_living = margin - kept_wages - INTEREST * past.leverage - 0.045
    cash = of_the_living + relief

    cycle = credit_cycle(surroundings, now.shocks)
    share = distress_share(
        distance(past.leverage, of_the_living, factors.asset_volatility), cycle, factors.asset_correlation
    )
    insolvent = insolvent_share(share, past.worst, past.zombie, factors.default_selection)

    rolled = rolled_over(levers.evergreening, solvent)
    forced = forced_recognition(solvent) * (1.0 - levers.resolution_rate)
    cured = 0.6 * clip(0.04 + 0.5 * industry.price_gap, 0.0, 0.35)
    settled = past.zombie * levers.resolution_rate + past.zombie * forced
    recognised = insolvent * (1.0 - rolled) + settled
    gone = 1.0 - (1.0 - activity.closed) * (1.0 - activity.given_up)
    closing = gone * factors.closure_default_share * (1.0 - past.zombie)
    default = minimum(recognised + closing, 0.6)
    zombie = clip(past.zombie + insolvent * rolled - settled - past.zombie * cured, 0.0, ZOMBIES)

    # other state firms, on the same footing
    share_other = distress_share(2.1 + 9.0 * (growth_average - 0.045), cycle, factors.asset_correlation)
    spilled = 0.15 * (default * weights).over("sector") * IN_NORTHEAST
    insolvent_other = insolvent_share(
        share_other, past.worst_other, past.zombie_other, factors.default_selection
    ) + 0.5 * spilled * (1.0 - past.zombie_other)
    settled_other = past.zombie_other * (levers.resolution_rate * 0.7 + hasty_resolution(solvent))
    default_other = insolvent_other * (1.0 - rolled) + settled_other
    cured_other = clip(0.05 + 0.8 * (growth_average - 0.04), 0.0, 0.3)
    zombie_other = clip(
        past.zombie_other + insolvent_other * rolled - settled_other - past.zombie_other * cured_other,
        0.0,
        0.9,
    )

    resolved = 0.5 * (settled * weights).over("sector") + 0.5 * settled_other
    loss = loss_rate(
        factors.loss_given_default,
        past.loss_ageing,
        hard_prices(industry),
        resolved,
        factors.fire_sale_effect,
    )
    leverage = next_leverage(past.leverage, cash, default * loss, levers.debt_swap)
    debt = assets * leverage
    ageing = past.loss_ageing + factors.loss_given_default_ageing * (rolled - 0.3)
    firms = Enterprises(
        leverage,
        zombie,
        zombie_other,
        ageing,
        maximum(past.worst, share),
        maximum(past.worst_other, share_other),
    )
    return (
        firms,
        Distress(
            solvent_budget=solvent,
            ramp=ramp,
            margin=margin,
            margin_in_hand=margin - kept_wages + relief,
            default=default,
            layoff_default=minimum(recognised, 0.6),
            debt=debt,
            default_other=default_other,
            resolved=resolved,
            loss_given_default=loss,
            subsidies=subsidies,
        ),
        purse,
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
def insolvent_share(distressed: Scalar, worst: Scalar, zombie: Scalar, selection: Scalar) -> Scalar:
    """Debt that turns insolvent: half of the newly distressed among what is no zombie yet.

    Newly distressed are max(x - selection worst, x / 5): who has lived through a year as bad is not felled by the next.
    """
    newly = jnp.maximum(distressed - selection * worst, 0.2 * distressed)
    return 0.5 * newly * (1.0 - zombie)


@each
def loss_rate(base: Scalar, ageing: Scalar, prices: Scalar, resolved: Scalar, fire_sale: Scalar) -> Scalar:
    """Loss given default [1]: base + more at first, and never all or nothing.

    more = ageing - 0.15 price + fire_sale max(resolved - 3 %, 0); 1 - (1 - base) exp(-more / (1 - base)) where it is above zero,
    base exp(more / base) where it is below.
    """
    more = ageing - 0.15 * prices + fire_sale * jnp.maximum(resolved - 0.03, 0.0)
    room = jnp.where(more > 0.0, 1.0 - base, base)
    left = room * jnp.exp(-jnp.abs(more) / room)
    return jnp.where(more > 0.0, 1.0 - left, left)


@each
def next_leverage(leverage: Scalar, cash: Scalar, written_off: Scalar, swapped: Scalar) -> Scalar:
    """Leverage after this year [1], within its bounds.

    Losses add 90 % of themselves where leverage is 0.7, ever less of them as lenders near the upper bound; gains repay 45 %
    there, and swaps take off what they are meant to, both ever less as owners near the lower one.
    """
    low, high = LEVERAGE
    lent = jnp.clip((high - leverage) * (1.0 / (high - 0.7)), 0.0, 1.0)
    repaid = jnp.clip((leverage - low) * (1.0 / (0.7 - low)), 0.0, 1.0)
    financed = jnp.where(cash < 0.0, -0.9 * lent * cash, -0.45 * repaid * cash)
    return jnp.clip((leverage + financed) * (1.0 - 0.9 * written_off) - swapped * repaid, low, high)
