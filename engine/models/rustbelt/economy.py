"""2.7 Economy: growth of the regions and the room in their budgets."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import each, exp, log, maximum, table
from engine.models.rustbelt.banks import Banks, Book
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.enterprises import Distress, Enterprises, zombie_shares
from engine.models.rustbelt.environment import Surroundings
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import IN_NORTHEAST, NORTHEAST, REGION, ByCell, ByRegion, Scalar, by_region

WAGE = 0.045
"""Yearly wage of a thousand workers [bn yuan]."""
NORTHEAST_GDP = BASE.gdp.sel(region=NORTHEAST).over("region")
"""GDP of the three provinces in 2015 [bn yuan]."""
MISREPORTED: ByRegion = table(REGION, [1, 0, 0, 0])


class Economy(NamedTuple):
    """GDP and national growth path [2015 = 1]; smoothed growth [1/yr]; lagged zombie share [1]; fiscal space [of GDP]."""

    gdp: ByRegion
    national_path: Scalar
    growth_average: ByRegion
    zombie_lag: ByRegion
    fiscal_space: ByRegion


class Accounts(NamedTuple):
    """This year's growth, true and reported [1/yr]; subsidies [bn yuan]."""

    growth: ByRegion
    reported_growth: ByRegion
    subsidies: ByRegion


def initial(factors: Any) -> Economy:
    """The economy of 2015."""
    return Economy(
        gdp=1.0 + 0.0 * BASE.gdp,
        national_path=1.0,
        growth_average=BASE.growth_average,
        zombie_lag=0.0 * BASE.gdp,
        fiscal_space=factors.fiscal_space_initial * BASE.fiscal_scale,
    )


class Change(NamedTuple):
    """Output and displaced pool before and after this year."""

    output_before: ByCell
    output: ByCell
    displaced_before: ByRegion
    displaced: ByRegion


def advance(
    past: Economy,
    surroundings: Surroundings,
    change: Change,
    firms: Enterprises,
    distress: Distress,
    banks: Banks,
    book: Book,
    fund_spent: Scalar,
    now: Now,
) -> tuple[Economy, Accounts]:
    """The economy after this year."""
    factors = now.factors
    zombie = mean_zombie(firms.zombie, firms.zombie_other)
    zombie_lag = 0.72 * past.zombie_lag + 0.28 * (zombie - mean_zombie(*zombie_shares(factors)))
    gap = (
        (factors.northeast_growth_gap + BASE.growth_gap_offset) * IN_NORTHEAST * (1.0 - 0.15 * distress.ramp)
    )
    industrial = 0.8 * output_growth(BASE.value_added_share, change.output_before, change.output).over(
        "sector"
    )
    wages_lost = WAGE * (change.displaced - change.displaced_before) / (BASE.gdp * past.gdp)
    drag = (
        factors.zombie_growth_drag * zombie_lag
        + factors.resolution_growth_cost * distress.resolved * (1.0 + 4.0 * distress.resolved)
        - factors.reform_growth_dividend * distress.ramp
        - 2e-5 * fund_spent
        - 0.012 * by_region(now.shocks.province_growth_noise)
    )
    growth = (
        surroundings.national_growth
        - gap
        + industrial
        - factors.lost_wage_multiplier * wages_lost
        - factors.crunch_growth_cost * banks.crunch
        - drag * IN_NORTHEAST
    )
    gdp = past.gdp * exp(growth)

    zombie_debt = 1.6 * firms.zombie.mean("sector") * distress.debt.over("sector")
    other_debt = 0.35 * firms.zombie_other * book.other_loans
    subsidies = subsidy(now.levers.subsidy_rate, zombie_debt + other_debt, past.fiscal_space)
    fiscal_space = next_fiscal_space(past.fiscal_space, growth, subsidies / (BASE.gdp * gdp))
    misreported = jnp.where(now.elapsed < 1.0, factors.liaoning_reporting_error, 0.0)
    return Economy(
        gdp=gdp,
        national_path=past.national_path * jnp.exp(surroundings.national_growth),
        growth_average=0.5 * past.growth_average + 0.5 * growth,
        zombie_lag=zombie_lag,
        fiscal_space=fiscal_space,
    ), Accounts(growth, growth + misreported * MISREPORTED, subsidies)


def mean_zombie(zombie: Any, zombie_other: ByRegion) -> ByRegion:
    """Zombie share of a region [1]: half its three sectors, half its other state firms."""
    return 0.5 * zombie.mean("sector") + 0.5 * zombie_other


def output_growth(weight: Any, before: Any, after: Any) -> Any:
    """Weighted log change of output."""
    return weight * (log(maximum(after, 1e-6)) - log(maximum(before, 1e-6)))


@each
def subsidy(rate: Scalar, debt: Scalar, fiscal_space: Scalar) -> Scalar:
    """Subsidies paid [bn yuan]; they stop when the budget is 2 % of GDP below zero."""
    return jnp.where(fiscal_space > -0.02, rate * debt, 0.0)


@each
def next_fiscal_space(fiscal_space: Scalar, growth: Scalar, spent: Scalar) -> Scalar:
    """Room for support after this year [share of GDP]: fed by growth, drained by subsidies, at most 12 %."""
    fed = 0.0040 * jnp.exp(6.0 * jnp.clip(growth - 0.04, -0.1, 0.1))
    return jnp.minimum(fiscal_space + fed - spent, 0.12)


def northeast_index(gdp: ByRegion) -> Scalar:
    """GDP of the three provinces [2015 = 1], weighted by their GDP of 2015."""
    weighted = (gdp * BASE.gdp).sel(region=NORTHEAST).over("region")
    return weighted * (1.0 / NORTHEAST_GDP)
