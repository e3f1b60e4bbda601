"""2.8 Economy: growth of the regions and the room in their budgets."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import each, exp, log, maximum, minimum, table
from engine.models.rustbelt.banks import Banks
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.budgets import Purse
from engine.models.rustbelt.enterprises import Distress, Enterprises, of_region, wage_bill, zombie_shares
from engine.models.rustbelt.environment import Surroundings
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import (
    IN_NORTHEAST,
    NORTHEAST,
    REGION,
    TONNE,
    ByCell,
    ByRegion,
    BySector,
    Scalar,
    by_region,
)
from engine.models.rustbelt.labour import Labour

NORTHEAST_GDP = BASE.gdp.sel(region=NORTHEAST).over("region")
"""GDP of the three provinces in 2015 [bn yuan]."""
NORTHEAST_SHARE: ByCell = BASE.value_added_share.sel(region=NORTHEAST)
NATIONAL_SHARE: BySector = (BASE.value_added_share * BASE.gdp).over("region") * (1.0 / BASE.gdp.over())
"""Value added of each sector over the GDP of the nation."""
MISREPORTED: ByRegion = table(REGION, [1, 0, 0, 0])


class Economy(NamedTuple):
    """GDP and national growth path [2015 = 1]; smoothed growth [1/yr]; lagged zombie share [1]; fiscal space and stimulus [of GDP]."""

    gdp: ByRegion
    national_path: Scalar
    growth_average: ByRegion
    zombie_lag: ByRegion
    fiscal_space: ByRegion
    stimulus: ByRegion


class Accounts(NamedTuple):
    """This year's growth of the regions, true and reported, and of the nation's path [1/yr]."""

    growth: ByRegion
    national_growth: Scalar
    reported_growth: ByRegion


def initial(factors: Any) -> Economy:
    """The economy of 2015."""
    return Economy(
        gdp=1.0 + 0.0 * BASE.gdp,
        national_path=1.0,
        growth_average=BASE.growth_average,
        zombie_lag=0.0 * BASE.gdp,
        fiscal_space=factors.fiscal_space_initial * BASE.fiscal_scale,
        stimulus=0.0 * BASE.gdp,
    )


class Change(NamedTuple):
    """Output and labour before and after this year."""

    output_before: ByCell
    output: ByCell
    labour_before: Labour
    labour: Labour


def advance(
    past: Economy,
    surroundings: Surroundings,
    change: Change,
    firms: Enterprises,
    distress: Distress,
    banks: Banks,
    fund: ByRegion,
    purse: Purse,
    now: Now,
) -> tuple[Economy, Accounts]:
    """The economy after this year."""
    factors = now.factors
    zombie = mean_zombie(firms.zombie, firms.zombie_other, distress.debt, factors)
    at_first = mean_zombie(*zombie_shares(factors), BASE.liabilities, factors)
    kept = factors.zombie_lag_memory
    zombie_lag = kept * past.zombie_lag + (1.0 - kept) * (zombie - at_first)
    structural = (factors.northeast_growth_gap + BASE.growth_gap_offset) * IN_NORTHEAST
    gap = structural * (1.0 - factors.diversification_growth * distress.ramp)
    before, after = change.output_before, change.output
    own = output_growth(NORTHEAST_SHARE, *(one.sel(region=NORTHEAST) for one in (before, after)))
    national = output_growth(NATIONAL_SHARE, *(one.over("region") for one in (before, after)))
    industrial = by_region(factors.industry_multiplier * (own.over("sector") - national.over("sector")))
    lost = factors.lost_wage_multiplier * (change.labour.displaced - change.labour_before.displaced)
    idle = factors.kept_output_loss * (kept_workers(change.labour) - kept_workers(change.labour_before))
    over_gdp = 1.0 / (BASE.gdp * past.gdp)
    wages_lost = wage_bill(factors) * (lost + idle) * over_gdp
    hasty = 1.0 + factors.resolution_convexity * distress.resolved
    drag = (
        factors.zombie_growth_drag * zombie_lag
        + factors.resolution_growth_cost * distress.resolved * hasty
        - factors.reform_growth_dividend * distress.ramp
        - factors.province_growth_noise * by_region(now.shocks.province_growth_noise)
    )
    stimulus = factors.lost_wage_multiplier * minimum(fund * over_gdp, factors.fund_demand_high)
    growth = (
        surroundings.national_growth
        + (stimulus - factors.fund_demand_fading * past.stimulus)
        - gap
        + industrial
        - wages_lost
        - factors.crunch_growth_cost * banks.crunch
        - drag * IN_NORTHEAST
    )
    gdp = past.gdp * exp(growth)

    fiscal_space = next_fiscal_space(past.fiscal_space, growth, purse.province / (BASE.gdp * gdp), factors)
    misreported = jnp.where(now.elapsed < 1.0, factors.liaoning_reporting_error, 0.0)
    return Economy(
        gdp=gdp,
        national_path=past.national_path * jnp.exp(surroundings.national_growth),
        growth_average=factors.growth_memory * past.growth_average + (1.0 - factors.growth_memory) * growth,
        zombie_lag=zombie_lag,
        fiscal_space=fiscal_space,
        stimulus=stimulus,
    ), Accounts(growth, surroundings.national_growth, growth + misreported * MISREPORTED)


def mean_zombie(zombie: Any, zombie_other: ByRegion, debt: ByCell, factors: Any) -> ByRegion:
    """Zombie share of a region [1], from its three sectors by their debt and its other state firms."""
    return of_region((zombie * debt).over("sector") / debt.over("sector"), zombie_other, factors)


def kept_workers(labour: Labour) -> ByRegion:
    """Workers whom protection keeps in jobs that do not pay [thousand]."""
    return (labour.kept * labour.employment).over("sector")


def output_growth(weight: Any, before: Any, after: Any) -> Any:
    """Weighted log change of output."""
    return weight * log(maximum(after, TONNE) / maximum(before, TONNE))


@each
def next_fiscal_space(fiscal_space: Scalar, growth: Scalar, spent: Scalar, factors: Any) -> Scalar:
    """Room for support after this year [share of GDP]: fed by growth, drained by the bills it pays, within its bound."""
    most = factors.fiscal_gap_high
    gap = jnp.clip(growth - factors.fiscal_growth, -most, most)
    fed = factors.fiscal_feed * jnp.exp(factors.fiscal_feed_response * gap)
    return jnp.minimum(fiscal_space + fed - spent, factors.fiscal_space_high)


def northeast_index(gdp: ByRegion) -> Scalar:
    """GDP of the three provinces [2015 = 1], weighted by their GDP of 2015."""
    weighted = (gdp * BASE.gdp).sel(region=NORTHEAST).over("region")
    return weighted * (1.0 / NORTHEAST_GDP)
