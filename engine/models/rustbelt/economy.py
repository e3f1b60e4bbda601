"""2.8 Economy: growth of the regions and the room in their budgets."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import each, exp, log, maximum, minimum, table
from engine.models.rustbelt.banks import Banks
from engine.models.rustbelt.base_2015 import BASE, WAGE
from engine.models.rustbelt.budgets import Purse
from engine.models.rustbelt.enterprises import Distress, Enterprises, zombie_shares
from engine.models.rustbelt.environment import Surroundings
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import IN_NORTHEAST, NORTHEAST, REGION, ByCell, ByRegion, Scalar, by_region

NORTHEAST_GDP = BASE.gdp.sel(region=NORTHEAST).over("region")
"""GDP of the three provinces in 2015 [bn yuan]."""
MISREPORTED: ByRegion = table(REGION, [1, 0, 0, 0])
MOST_FUND = 0.02
"""Fund spending that counts as demand, as a share of GDP in a year: at most this."""
FADING = 0.75
"""Share of that demand that is gone a year later; a quarter of it stays."""


class Economy(NamedTuple):
    """GDP and national growth path [2015 = 1]; smoothed growth [1/yr]; lagged zombie share [1]; fiscal space and stimulus [of GDP]."""

    gdp: ByRegion
    national_path: Scalar
    growth_average: ByRegion
    zombie_lag: ByRegion
    fiscal_space: ByRegion
    stimulus: ByRegion


class Accounts(NamedTuple):
    """This year's growth, true and reported [1/yr]."""

    growth: ByRegion
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
    fund: ByRegion,
    purse: Purse,
    now: Now,
) -> tuple[Economy, Accounts]:
    """The economy after this year."""
    factors = now.factors
    zombie = mean_zombie(firms.zombie, firms.zombie_other, distress.debt)
    at_first = mean_zombie(*zombie_shares(factors), BASE.liabilities)
    zombie_lag = 0.72 * past.zombie_lag + 0.28 * (zombie - at_first)
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
        - 0.012 * by_region(now.shocks.province_growth_noise)
    )
    stimulus = factors.lost_wage_multiplier * minimum(fund / (BASE.gdp * past.gdp), MOST_FUND)
    growth = (
        surroundings.national_growth
        + (stimulus - FADING * past.stimulus)
        - gap
        + industrial
        - factors.lost_wage_multiplier * wages_lost
        - factors.crunch_growth_cost * banks.crunch
        - drag * IN_NORTHEAST
    )
    gdp = past.gdp * exp(growth)

    fiscal_space = next_fiscal_space(past.fiscal_space, growth, purse.province / (BASE.gdp * gdp))
    misreported = jnp.where(now.elapsed < 1.0, factors.liaoning_reporting_error, 0.0)
    return Economy(
        gdp=gdp,
        national_path=past.national_path * jnp.exp(surroundings.national_growth),
        growth_average=0.5 * past.growth_average + 0.5 * growth,
        zombie_lag=zombie_lag,
        fiscal_space=fiscal_space,
        stimulus=stimulus,
    ), Accounts(growth, growth + misreported * MISREPORTED)


def mean_zombie(zombie: Any, zombie_other: ByRegion, debt: ByCell) -> ByRegion:
    """Zombie share of a region [1]: half its three sectors by their debt, half its other state firms."""
    return 0.5 * ((zombie * debt).over("sector") / debt.over("sector")) + 0.5 * zombie_other


def output_growth(weight: Any, before: Any, after: Any) -> Any:
    """Weighted log change of output."""
    return weight * log(maximum(after, 1e-6) / maximum(before, 1e-6))


@each
def next_fiscal_space(fiscal_space: Scalar, growth: Scalar, spent: Scalar) -> Scalar:
    """Room for support after this year [share of GDP]: fed by growth, drained by the bills it pays, at most 12 %."""
    fed = 0.0040 * jnp.exp(6.0 * jnp.clip(growth - 0.04, -0.1, 0.1))
    return jnp.minimum(fiscal_space + fed - spent, 0.12)


def northeast_index(gdp: ByRegion) -> Scalar:
    """GDP of the three provinces [2015 = 1], weighted by their GDP of 2015."""
    weighted = (gdp * BASE.gdp).sel(region=NORTHEAST).over("region")
    return weighted * (1.0 / NORTHEAST_GDP)
