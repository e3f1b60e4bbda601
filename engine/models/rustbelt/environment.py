"""2.1 Environment: slumps, urbanisation, national growth, exports, One Belt One Road."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import exp, maximum, minimum, where
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import Scalar

FIRST_YEAR = 2016


class Environment(NamedTuple):
    """What is carried from year to year: urban share [1], export demand [2015 = 1]."""

    urban_share: Scalar
    exports: Scalar


class Surroundings(NamedTuple):
    """What this year brings: slump [log], growth [1/yr], urbanisation pace [2016 = 1], Belt and Road: demand [1] and cost [of GDP]."""

    slump: Scalar
    national_growth: Scalar
    urbanisation_pace: Scalar
    belt_road_demand: Scalar
    belt_road_cost: Scalar
    commodity_cycle: Scalar


def initial() -> Environment:
    """The environment of 2015."""
    return Environment(urban_share=BASE.urban_share, exports=1.0)


def advance(past: Environment, now: Now) -> tuple[Environment, Surroundings]:
    """The environment of this year."""
    factors, shocks, elapsed = now.factors, now.shocks, now.elapsed
    size = factors.slump_mean + factors.slump_sd * shocks.slump_size
    slump = where(shocks.slump < factors.slump_rate, size, 0.0)
    faded = factors.urbanisation_fading * elapsed / factors.urbanisation_years
    usual = maximum(1.0 - faded, factors.urbanisation_floor)
    pace = usual * exp(factors.urbanisation_noise * shocks.urbanisation_noise)
    trend = maximum(
        factors.national_growth_2016 - factors.national_growth_decline * elapsed,
        factors.national_growth_floor,
    )
    growth = trend + factors.national_growth_noise * shocks.growth_noise
    growth = growth + factors.slump_growth_effect * minimum(slump, 0.0)
    growth = growth + factors.pandemic_depth * pandemic(elapsed, factors)
    noise = factors.export_noise * shocks.export_noise
    exports = past.exports * exp(factors.trade + noise + factors.slump_export_effect * slump)
    built = minimum((elapsed + 1.0) / factors.belt_road_years, 1.0)
    belt_road = now.levers.belt_road * built
    urban_share = past.urban_share + factors.urbanisation_pace_2016 * pace
    return Environment(urban_share, exports), Surroundings(
        slump,
        growth,
        pace,
        belt_road * factors.belt_road_demand_share,
        belt_road * factors.belt_road_cost,
        shocks.commodity_cycle,
    )


def pandemic(elapsed: Scalar, factors: Any) -> Scalar:
    """Growth of the pandemic's three years against trend, in units of what the first of them lost; zero in all others."""
    of_it = FIRST_YEAR + elapsed - factors.pandemic_first
    effects = (-1.0, factors.pandemic_rebound, factors.pandemic_relapse)
    number: Scalar = 0.0
    for year, effect in enumerate(effects):
        number = jnp.where(of_it == year, effect, number)
    return number
