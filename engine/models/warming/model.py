"""The energy balance of the globe, year by year: carbon in the air, its forcing, and two reservoirs of heat."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.folds import last, peak, total
from engine.modelling.records import Outcome, PathModel, Yearly
from engine.models.warming.inputs import CONSTANTS, FACTORS, FOSSIL_1990, LEVERS, OBSERVED_TO_1990, SHOCKS

Scalar = Any

SECONDS = 3.156e7
"""Seconds in a year."""
SQUARE_CENTIMETRE = 1e-4
"""In m2."""
HOT = 1.5
"""Warming that years are counted above [degC]."""

YEARLY = {
    "warming": Yearly("degC", loss=True, about="surface temperature of the year over that of 1850-1900"),
    "decade_warming": Yearly("degC", loss=True, about="mean warming of the ten years up to this one"),
    "co2": Yearly("ppm", loss=True, about="CO2 in the air, mean of the year"),
    "forcing": Yearly("W/m2", loss=True, about="forcing of all that is in the air, volcanoes included"),
    "imbalance": Yearly("W/m2", loss=True, about="heat that the ocean takes up"),
}

OUTCOMES = {
    "warming_last_decade": Outcome(
        "degC", last("decade_warming"), loss=True, about="mean warming of the last ten years"
    ),
    "warming_last": Outcome("degC", last("warming"), loss=True, about="warming of the last year"),
    "warming_peak": Outcome("degC", peak("warming"), loss=True, about="warming of the warmest year"),
    "hot_years": Outcome(
        "yr", total("hot"), loss=True, about=f"years in which the warming is above {HOT} degC"
    ),
    "co2_last": Outcome("ppm", last("co2"), loss=True, about="CO2 in the air in the last year"),
    "heat_taken_up": Outcome(
        "W yr/m2", total("imbalance"), loss=True, about="heat that the ocean took up in all years"
    ),
}

LIMITS = (
    "The model has only the global mean temperature. It has no regions, rain, ice or sea level.",
    "Land and sea take up carbon in proportion to the CO2 above its preindustrial level. The model has no saturation of this uptake.",
    "The part of the forcing of 1990 that gases do not explain is due to sulphur from fossil fuels, or constant.",
    "The model has no benefits of emissions and no costs of reducing them.",
)


class Ocean(NamedTuple):
    """Two layers of water and what passes between them: heat capacities [W yr/m2/K], feedback and exchange [W/m2/K]."""

    mixed: Scalar
    deep: Scalar
    feedback: Scalar
    exchange: Scalar


class State(NamedTuple):
    """The end of a year: carbon above that before industry [Gt], warming of both layers [degC], volcanic veil [W/m2], the last nine years' warming [degC]."""

    carbon: Scalar
    mixed: Scalar
    deep: Scalar
    veil: Scalar
    recent: tuple[Scalar, ...]


class Warming(PathModel):
    """Global warming after 1990 by an energy balance, from what was known in that year (docs/warming-model.md)."""

    factors = FACTORS
    constants = CONSTANTS
    shocks = SHOCKS
    levers = LEVERS
    yearly = YEARLY
    outcomes = OUTCOMES
    limits = LIMITS

    def init(self, factors: Any, levers: Any) -> State:
        """The end of 1990, at the warming that was observed and as deep as a forcing that grew steadily takes it."""
        carbon = factors.carbon_per_co2 * (factors.co2_1990 - factors.co2_before)
        return State(
            carbon,
            factors.warming_1990,
            factors.warming_1990 * deep_share(ocean(factors), factors.past_forcing_growth),
            jnp.zeros_like(carbon),
            tuple(jnp.asarray(value, carbon.dtype) for value in OBSERVED_TO_1990),
        )

    def step(
        self, state: State, year: Scalar, factors: Any, shocks: Any, levers: Any
    ) -> tuple[State, Mapping[str, Any]]:
        """One year: flows and forcing at its middle, what is stored at its end."""
        elapsed = jnp.asarray(year - 1990, state.carbon.dtype) - 0.5
        emitted = levers.fossil_emissions + levers.land_use_emissions + factors.uptake_noise * shocks.uptake
        carbon = (2.0 * state.carbon + emitted) / (2.0 + 1.0 / factors.uptake_time)
        co2 = factors.co2_before + carbon / factors.carbon_per_co2
        veil = factors.veil_left * state.veil + erupted(factors, shocks)
        other_gases = factors.other_gases_1990 + factors.other_gas_growth * elapsed
        sulphur = levers.fossil_emissions / FOSSIL_1990 * jnp.exp(-factors.sulphur_decline * elapsed)
        forcing = (
            co2_forcing(co2, factors)
            + other_gases
            + unexplained_in_1990(factors) * (1.0 + factors.sulphur_share * (sulphur - 1.0))
            + usual_veil(factors)
            - veil
        )
        water = ocean(factors)
        mixed, deep = mean_of_the_year(state, forcing, water)
        warming = mixed + factors.weather_noise * shocks.weather
        ended = State(
            2.0 * carbon - state.carbon,
            2.0 * mixed - state.mixed,
            2.0 * deep - state.deep,
            veil,
            (*state.recent[1:], warming),
        )
        return ended, {
            "warming": warming,
            "decade_warming": (sum(state.recent) + warming) / 10.0,
            "co2": co2,
            "forcing": forcing,
            "imbalance": forcing - water.feedback * mixed,
            "hot": jnp.where(warming > HOT, 1.0, 0.0),
        }


def ocean(factors: Any) -> Ocean:
    """The two layers of a path; between their middles heat diffuses over half of the deep one."""
    heat = factors.ocean_share * factors.water_heat
    return Ocean(
        heat * factors.mixed_layer / SECONDS,
        heat * factors.deep_layer / SECONDS,
        factors.doubling_forcing / factors.sensitivity,
        heat * SQUARE_CENTIMETRE * factors.diffusivity / (0.5 * factors.deep_layer),
    )


def deep_share(water: Ocean, growth: Scalar) -> Scalar:
    """Warming of the deep layer over that of the mixed one [1] under a forcing that has always grown at the rate `growth` [1/yr]."""
    return water.exchange / (water.exchange + growth * water.deep)


def co2_forcing(co2: Scalar, factors: Any) -> Scalar:
    """Forcing of CO2 over that before industry [W/m2]: F ln(C / C0) / ln 2."""
    return factors.doubling_forcing / math.log(2.0) * jnp.log(co2 / factors.co2_before)


def unexplained_in_1990(factors: Any) -> Scalar:
    """Forcing of 1990 that is not that of its gases [W/m2]: what the warming observed by then takes, less theirs."""
    water, growth = ocean(factors), factors.past_forcing_growth
    stored = growth * (water.mixed + water.deep * deep_share(water, growth))
    gases = co2_forcing(factors.co2_1990, factors) + factors.other_gases_1990
    return factors.warming_1990 * (water.feedback + stored) - gases


def erupted(factors: Any, shocks: Any) -> Scalar:
    """Forcing that an eruption of this year takes away [W/m2]; 0 where there is none."""
    size = factors.eruption_size * jnp.exp(factors.eruption_spread * shocks.eruption_scatter)
    return jnp.where(shocks.eruption < factors.eruption_chance, size, 0.0)


def usual_veil(factors: Any) -> Scalar:
    """Forcing that eruptions take away in the long run [W/m2], and took away in 1850-1900 too."""
    mean = factors.eruption_size * jnp.exp(0.5 * factors.eruption_spread * factors.eruption_spread)
    return factors.eruption_chance * mean / (1.0 - factors.veil_left)


def mean_of_the_year(state: State, forcing: Scalar, water: Ocean) -> tuple[Scalar, Scalar]:
    """Warming of the mixed and of the deep layer, mean of the year [degC], by the implicit midpoint rule.

    With start T, mean M and end 2 M - T of the year, 2 mixed (M - T) = forcing - feedback M - exchange (M - D), and the deep
    layer gains what the mixed one gives it: heat is conserved but for rounding.
    """
    below = 2.0 * water.deep + water.exchange
    given = water.exchange / below
    around = 2.0 * water.mixed + water.feedback + water.exchange - water.exchange * given
    mixed = (2.0 * water.mixed * state.mixed + forcing + given * 2.0 * water.deep * state.deep) / around
    deep = (2.0 * water.deep * state.deep + water.exchange * mixed) / below
    return mixed, deep
