"""What the model reads: factors drawn once per path, constants, shocks drawn every year, and levers. All of it could be known in 1990."""

from __future__ import annotations

from engine.modelling.records import Constant, Factor, Lever, Price, Shock

FOSSIL_1990, LAND_USE_1990 = 6.203, 1.358
"""Carbon emitted in 1990 by fossil fuels and by land use [Gt/yr] (`emissions.csv`)."""
OBSERVED_TO_1990 = (0.396, 0.576, 0.403, 0.398, 0.448, 0.583, 0.631, 0.521, 0.701)
"""Warming of the nine years 1982-1990 [degC] (`observed.csv`)."""

FACTORS = {
    "sensitivity": Factor("degC", "warming in the end if CO2 is doubled"),
    "doubling_forcing": Factor("W/m2", "forcing of doubled CO2"),
    "mixed_layer": Factor("m", "depth of the ocean that warms within years"),
    "deep_layer": Factor("m", "depth of the ocean below it that warms within decades"),
    "diffusivity": Factor("cm2/s", "effective diffusivity of heat between the two"),
    "warming_1990": Factor("degC", "warming at the end of 1990, without the weather of the year"),
    "past_forcing_growth": Factor("1/yr", "growth rate of the forcing up to 1990"),
    "uptake_time": Factor("yr", "CO2 above that before industry, over what land and sea take up in a year"),
    "uptake_noise": Factor("Gt/yr", "yearly noise of the uptake, in carbon"),
    "other_gas_growth": Factor(
        "W/m2/yr", "growth of the forcing of methane, nitrous oxide, CFCs and the like"
    ),
    "sulphur_share": Factor(
        "1", "share of the forcing of 1990 that gases do not explain which is that of sulphur"
    ),
    "sulphur_decline": Factor("1/yr", "decline of sulphur emitted per carbon burnt"),
    "weather_noise": Factor("degC", "yearly noise of the warming"),
    "eruption_chance": Factor("1/yr", "chance of a large eruption in a year"),
    "eruption_size": Factor("W/m2", "median forcing that an eruption takes away in its first year"),
}

CONSTANTS = {
    "co2_before": Constant(280.0, "ppm", "CO2 before industry", "IPCC 1990, ch. 1", "M"),
    "co2_1990": Constant(
        354.8, "ppm", "CO2 at the end of 1990", "NOAA: mean of 1990 and half a year of the growth of 1979-90"
    ),
    "carbon_per_co2": Constant(
        2.12, "Gt/ppm", "carbon in the air per CO2", "mass of the air; IPCC 1990, ch. 1", "M"
    ),
    "other_gases_1990": Constant(
        0.95, "W/m2", "forcing of the other gases in 1990", "IPCC 1990, table 2.6: 2.45 less 1.50 of CO2", "M"
    ),
    "ocean_share": Constant(0.71, "1", "share of the globe that is ocean", "textbooks", "M"),
    "water_heat": Constant(4.1e6, "J/m3/K", "heat capacity of sea water", "textbooks", "M"),
    "eruption_spread": Constant(0.5, "log", "spread of the size of eruptions"),
    "veil_left": Constant(
        0.37, "1/yr", "share of an eruption's veil that is left after a year", "falls out within a year", "M"
    ),
}

SHOCKS = {
    "weather": Shock(about="warm or cool year, such as El Nino and La Nina make it"),
    "uptake": Shock(about="carbon that land and sea take up less in the year"),
    "eruption": Shock(law="uniform", about="whether a large volcano erupts"),
    "eruption_scatter": Shock(about="how large the eruption is"),
}

LEVERS = {
    "fossil_emissions": Lever(
        "Gt/yr",
        default=FOSSIL_1990,
        about="carbon emitted by fossil fuels and cement; their sulphur goes with it",
        low=0,
        effect=("uptake_time", "sensitivity", "sulphur_share"),
        price=Price("co2_last", by=50, most=15, payer="those who live later"),
    ),
    "land_use_emissions": Lever(
        "Gt/yr",
        default=LAND_USE_1990,
        about="carbon emitted by clearing and other use of land",
        low=0,
        effect=("uptake_time", "sensitivity"),
        price=Price("co2_last", by=20, most=6, payer="those who live later"),
    ),
}
