"""2.5 State-owned enterprises: margins, distress, zombies, recognised defaults, leverage."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import clip, each, maximum, minimum, normal_cdf
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.budgets import Purse, covered, paid
from engine.models.rustbelt.environment import Surroundings
from engine.models.rustbelt.industry import Activity, Industry, of_sectors
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import IN_NORTHEAST, THOUSAND, ByCell, ByRegion, Scalar

ASSETS: ByCell = BASE.liabilities / (BASE.leverage * BASE.capacity)
"""Assets over capacity [bn yuan per Mt/yr]."""


class Enterprises(NamedTuple):
    """Leverage, and shares of sector debt: zombie, and not defaulted yet [1]; zombie share of other state firms [1]; ageing of losses [1].

    Shares of sector debt count what has defaulted since 2015: healthy, zombie and defaulted debt add up to 1. `worst` and `worst_other` are the largest distressed shares so far: what the survivors are proof against.
    """

    leverage: ByCell
    zombie: ByCell
    undefaulted: ByCell
    zombie_other: ByRegion
    loss_ageing: ByRegion
    worst: ByCell
    worst_other: ByRegion


class Distress(NamedTuple):
    """What this year did to the balance sheets; shares of sector debt unless said otherwise.

    `margin` is EBITDA over assets, `margin_in_hand` the same with subsidies and the wages of kept workers, `default` what is
    recognised, `layoff_default` the part of it that costs jobs (plants that go lay off by themselves), `debt` and what was `swapped` for equity in bn yuan,
    `resolved` the yearly flow of debt resolved or forced, `subsidies` in bn yuan.
    """

    solvent_budget: ByRegion
    ramp: ByRegion
    margin: ByCell
    margin_in_hand: ByCell
    default: ByCell
    layoff_default: ByCell
    debt: ByCell
    swapped: ByCell
    default_other: ByRegion
    resolved: ByRegion
    loss_given_default: ByRegion
    subsidies: ByRegion


def initial(factors: Any) -> Enterprises:
    """Balance sheets of 2015."""
    zombie, other = zombie_shares(factors)
    nothing = 0.0 * BASE.leverage
    return Enterprises(BASE.leverage, zombie, 1.0 + nothing, other, 0.0 * BASE.gdp, nothing, 0.0 * BASE.gdp)


def zombie_shares(factors: Any) -> tuple[ByCell, ByRegion]:
    """Zombie shares of 2015: of sector debt, and of the debt of other state firms."""
    return (
        factors.zombie_share_initial * BASE.zombie_scale,
        factors.zombie_share_initial * BASE.zombie_scale_other,
    )


def kept_alive(past: Enterprises, fiscal_space: ByRegion, levers: Any, factors: Any) -> ByCell:
    """Share of capacity that does not leave, as its firm is a zombie whose debt is rolled over [1].

    Caballero, Hoshi and Kashyap (2008), Zombie lending and depressed restructuring in Japan, AER 98(5), 1943-1977.
    """
    return past.zombie * rolled_over(levers, fiscal_space > 0.0, factors)


def advance(
    past: Enterprises,
    surroundings: Surroundings,
    industry: Industry,
    activity: Activity,
    plants: Industry,
    kept_workers: ByCell,
    ramp: ByRegion,
    other_loans: ByRegion,
    fiscal_space: ByRegion,
    growth_average: ByRegion,
    purse: Purse,
    now: Now,
) -> tuple[Enterprises, Distress, Purse]:
    """Balance sheets and purse after this year. Budget, growth, kept workers and their plants are last year's, prices this year's.

    Args:
      ramp: how far firms have diversified [1].
    """
    factors, levers = now.factors, now.levers
    solvent = fiscal_space > 0.0
    margin = margins(industry, activity, ramp, factors)
    assets = ASSETS * industry.capacity
    standing = assets * past.leverage
    weights = standing * (1.0 / standing.over("sector"))

    # subsidies go to zombies, by debt; what the budget pays of them, and what of that arrives, is their cash
    by_cell = levers.subsidy_rate * factors.sector_subsidy_weight * past.zombie
    bill = (by_cell * standing).over("sector") + levers.subsidy_rate * factors.other_subsidy_weight * (
        past.zombie_other * other_loans
    )
    subsidies, purse = paid(purse, bill, levers.central_share)
    relief = by_cell * past.leverage * (factors.subsidy_pass_through * covered(subsidies, bill))
    wages = factors.overstaffing_cost * wage_bill(factors)
    kept_wages = wages * kept_workers * (1.0 / ASSETS) * (1.0 / plants.capacity)
    of_the_living = margin - kept_wages - interest(factors) * past.leverage - factors.upkeep
    cash = of_the_living + relief

    cycle = credit_cycle(surroundings, now.shocks, factors)
    share = distress_share(distance(past.leverage, of_the_living, factors), cycle, factors.asset_correlation)
    healthy = past.undefaulted - past.zombie
    insolvent = insolvent_share(share, past.worst, healthy, factors)

    rolled = rolled_over(levers, solvent, factors)
    forced = when_broke(solvent, factors.broke_recognition) * (1.0 - levers.resolution_rate)
    cured = factors.cure_speed * clip(
        factors.cure_base + factors.cure_price_response * industry.price_gap, 0.0, factors.cure_high
    )
    settled = past.zombie * levers.resolution_rate + past.zombie * forced
    recognised = insolvent * (1.0 - rolled) + settled
    gone = 1.0 - (1.0 - activity.closed) * (1.0 - activity.given_up)
    closing = gone * factors.closure_default_share * (healthy - insolvent)
    most = factors.default_high * past.undefaulted
    default = minimum(recognised + closing, most)
    undefaulted = past.undefaulted - default
    zombie = maximum(past.zombie + insolvent * rolled - settled - past.zombie * cured, 0.0)

    # other state firms, on the same footing
    share_other = distress_share(
        factors.other_distance
        + factors.other_growth_response * (growth_average - factors.other_growth_normal),
        cycle,
        factors.asset_correlation,
    )
    spilled = factors.supplier_spill * (default * weights).over("sector") * IN_NORTHEAST
    insolvent_other = insolvent_share(
        share_other, past.worst_other, 1.0 - past.zombie_other, factors
    ) + factors.insolvent_part * spilled * (1.0 - past.zombie_other)
    settled_other = past.zombie_other * (
        levers.resolution_rate * factors.other_resolution + when_broke(solvent, factors.broke_recognition)
    )
    default_other = insolvent_other * (1.0 - rolled) + settled_other
    cured_other = clip(
        factors.other_cure_base + factors.other_cure_response * (growth_average - factors.other_cure_growth),
        0.0,
        factors.other_cure_high,
    )
    zombie_other = clip(
        past.zombie_other + insolvent_other * rolled - settled_other - past.zombie_other * cured_other,
        0.0,
        factors.other_zombie_high,
    )

    resolved = of_region((settled * weights).over("sector"), settled_other, factors)
    loss = loss_rate(past.loss_ageing, hard_prices(industry), resolved, factors)
    swapped = levers.debt_swap * owners_left(past.leverage, factors)
    leverage = next_leverage(past.leverage, cash, default * loss, swapped, factors)
    debt = assets * leverage
    ageing = past.loss_ageing + factors.loss_given_default_ageing * (rolled - factors.ageing_from)
    firms = Enterprises(
        leverage,
        zombie,
        undefaulted,
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
            layoff_default=minimum(recognised, most),
            debt=debt,
            swapped=assets * swapped * undefaulted,
            default_other=default_other,
            resolved=resolved,
            loss_given_default=loss,
            subsidies=subsidies,
        ),
        purse,
    )


def margins(industry: Industry, activity: Activity, ramp: ByRegion, factors: Any) -> ByCell:
    """EBITDA over assets [1/yr]."""
    use = factors.margin_use_response * (activity.utilisation - BASE.target_utilisation)
    return (
        of_sectors(factors, "margin_response") * industry.price_gap
        + use
        + (factors.margin_normal + factors.diversification_margin * ramp)
        - factors.northeast_cost_gap * IN_NORTHEAST
    )


def interest(factors: Any) -> Scalar:
    """Interest per unit of leverage [1/yr]."""
    return factors.interest_rate * factors.interest_bearing_share


def wage_bill(factors: Any) -> Scalar:
    """Yearly wages of a thousand workers [bn yuan]."""
    return factors.wage / THOUSAND


def of_region(sectors: ByRegion, others: ByRegion, factors: Any) -> ByRegion:
    """A share of all state firms, from those of the three sectors and of the others."""
    return factors.sector_part * sectors + (1.0 - factors.sector_part) * others


def hard_prices(industry: Industry) -> Scalar:
    """Mean log price gap of steel and coal: what the assets of a failed firm are worth."""
    return industry.price_gap.sel(sector=("steel", "coal")).mean("sector")


def credit_cycle(surroundings: Surroundings, shocks: Any, factors: Any) -> ByRegion:
    """Regional credit factor [standard score]; a slump comes on top of the mixture."""
    common = factors.credit_systemic_share
    systemic = (
        factors.credit_cycle_weight * surroundings.commodity_cycle
        + factors.credit_growth_weight * shocks.growth_noise
        + factors.credit_own_weight * shocks.credit_noise
    )
    mixed = jnp.sqrt(common) * systemic + jnp.sqrt(1.0 - common) * shocks.region_credit_noise
    return mixed + factors.slump_credit_effect * surroundings.slump


@each
def distance(leverage: Scalar, cash: Scalar, factors: Any) -> Scalar:
    """Distance to default [standard deviations]: (-ln d + weight x bounded cash) / volatility."""
    counted = factors.cash_weight * jnp.clip(cash, factors.cash_low, factors.cash_high)
    return (counted - jnp.log(leverage)) * (1.0 / factors.asset_volatility)


@each
def distress_share(distance: Scalar, cycle: Scalar, correlation: Scalar) -> Scalar:
    """Share of firms in distress given the cycle: Phi((-DD - sqrt(rho) Z) / sqrt(1 - rho)).

    Vasicek, O. (2002), The distribution of loan portfolio value, Risk 15(12), 160-162.
    """
    return normal_cdf((-distance - jnp.sqrt(correlation) * cycle) * (1.0 / jnp.sqrt(1.0 - correlation)))


@each
def rolled_over(levers: Any, solvent: Scalar, factors: Any) -> Scalar:
    """Share of newly insolvent debt that is rolled over: less of it where lenders are seen through, or the budget has no room."""
    unseen = 1.0 - factors.transparency_discipline * levers.bank_transparency
    return levers.evergreening * unseen * jnp.where(solvent, 1.0, factors.broke_rollover)


@each
def when_broke(solvent: Scalar, number: Scalar) -> Scalar:
    """The number where the budget has no room, else nothing."""
    return jnp.where(solvent, 0.0, number)


@each
def insolvent_share(distressed: Scalar, worst: Scalar, healthy: Scalar, factors: Any) -> Scalar:
    """Debt that turns insolvent: a part of the newly distressed among healthy debt, which is neither zombie nor defaulted.

    Newly distressed are max(x - selection worst, least x): who has lived through a year as bad is not felled by the next.
    """
    newly = jnp.maximum(distressed - factors.default_selection * worst, factors.distressed_least * distressed)
    return factors.insolvent_part * newly * healthy


@each
def loss_rate(ageing: Scalar, prices: Scalar, resolved: Scalar, factors: Any) -> Scalar:
    """Loss given default [1]: base + more at first, and never all or nothing.

    more = ageing - response x price + fire_sale max(resolved - orderly, 0); 1 - (1 - base) exp(-more / (1 - base)) where it is above
    zero, base exp(more / base) where it is below.
    """
    base, hasty = factors.loss_given_default, jnp.maximum(resolved - factors.orderly_resolution, 0.0)
    more = ageing - factors.loss_price_response * prices + factors.fire_sale_effect * hasty
    room = jnp.where(more > 0.0, 1.0 - base, base)
    left = room * jnp.exp(-jnp.abs(more) / room)
    return jnp.where(more > 0.0, 1.0 - left, left)


@each
def next_leverage(leverage: Scalar, cash: Scalar, lost: Scalar, swapped: Scalar, factors: Any) -> Scalar:
    """Leverage after this year [1], within its bounds.

    Losses add a part of themselves at normal leverage, ever less of them as lenders near the upper bound; gains repay a part
    there, and swaps take off what they are meant to, both ever less as owners near the lower one.
    """
    low, normal, high = factors.leverage_low, factors.leverage_normal, factors.leverage_high
    lent = factors.losses_lent * jnp.clip((high - leverage) * (1.0 / (high - normal)), 0.0, 1.0)
    repaid = factors.gains_repaid * owners_left(leverage, factors)
    financed = jnp.where(cash < 0.0, -lent * cash, -repaid * cash)
    return jnp.clip((leverage + financed) * (1.0 - factors.survivor_relief * lost) - swapped, low, high)


@each
def owners_left(leverage: Scalar, factors: Any) -> Scalar:
    """Part of owners who still repay debt or take equity for it [1]: all at normal leverage, none at the lower bound."""
    low, normal = factors.leverage_low, factors.leverage_normal
    return jnp.clip((leverage - low) * (1.0 / (normal - low)), 0.0, 1.0)
