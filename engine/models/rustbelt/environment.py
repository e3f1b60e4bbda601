"""2.1 Environment: slumps, urbanisation, national growth, exports, One Belt One Road."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import exp, maximum, minimum, where
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import Scalar

TREND_GROWTH = 0.067
"""National growth of 2016 that demand elasticities and trends refer to [1/yr]."""
URBANISATION_PACE = 0.012
"""Rise of the urban share in 2016 [1/yr]."""
PANDEMIC = {4.0: -1.0, 5.0: 0.8, 6.0: -0.65}
"""Growth of 2020, 2021 and 2022 against trend, in units of what the first of them lost."""


class Environment(NamedTuple):
    """What is carried from year to year: urban share [1], export demand [2015 = 1]."""

    urban_share: Scalar
    exports: Scalar


class Surroundings(NamedTuple):
    """What this year brings: slump [log], growth [1/yr], urbanisation pace [2016 = 1], belt-and-road demand [1]."""

    slump: Scalar
    national_growth: Scalar
    urbanisation_pace: Scalar
    belt_road_demand: Scalar
    commodity_cycle: Scalar


def initial() -> Environment:
    """The environment of 2015."""
    return Environment(urban_share=BASE.urban_share, exports=1.0)


def advance(past: Environment, now: Now) -> tuple[Environment, Surroundings]:
    """The environment of this year."""
    factors, shocks, elapsed = now.factors, now.shocks, now.elapsed
    slump = where(shocks.slump < factors.slump_rate, -0.20 + 0.15 * shocks.slump_size, 0.0)
    pace = maximum(1.0 - 0.8 * elapsed / factors.urbanisation_years, 0.2)
    trend = maximum(TREND_GROWTH - factors.national_growth_decline * elapsed, 0.03)
    growth = trend + 0.009 * shocks.growth_noise + 0.1 * minimum(slump, 0.0)
    growth = growth + factors.pandemic_depth * in_years(elapsed, PANDEMIC)
    exports = past.exports * exp(factors.trade + 0.06 * shocks.export_noise + 0.5 * slump)
    built = minimum((elapsed + 1.0) / 8.0, 1.0)
    belt_road = now.levers.belt_road * factors.belt_road_demand_share * built
    urban_share = past.urban_share + URBANISATION_PACE * pace
    return Environment(urban_share, exports), Surroundings(
        slump, growth, pace, belt_road, shocks.commodity_cycle
    )


def in_years(elapsed: Scalar, parts: Any) -> Scalar:
    """A number by years since 2016, zero in all others."""
    number: Scalar = 0.0
    for year, part in parts.items():
        number = jnp.where(elapsed == year, part, number)
    return number
