"""Outcomes of a path, of its yearly values."""

from collections.abc import Iterable

import numpy as np

from tests.rustbelt_numpy.base_2015 import NE

GDP = 2021 + 1001.8 + 1169
"""GDP of the northeast in 2015 [bn yuan]."""
SUMS = (
    "displaced_pool",
    "capital_shortfall",
    "bank_loss",
    "public_cost",
    "paid_by_centre",
    "paid_by_provinces",
    "reemployed",
    "out_migrated",
    "inflow",
)
"""Yearly values by region that outcomes read as sums over the northeast."""


def outcomes(years: Iterable[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Outcomes by name [path], of the values of all years."""
    rows = [_northeast(values) for values in years]
    of = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    percent = lambda money: 100 * money / GDP  # noqa: E731
    laid_off = of["national_layoffs"]
    three_years = laid_off + sum(
        np.concatenate([0 * laid_off[:back], laid_off])[: len(laid_off)] for back in (1, 2)
    )
    hole = percent(of["capital_shortfall"][-1])
    paid = {name: percent(of[name].sum(0)) for name in ("public_cost", "paid_by_centre", "paid_by_provinces")}
    return {
        "layoffs": of["layoffs"].sum(0),
        "displaced_peak": of["displaced_pool"].max(0),
        "displaced_person_years": of["displaced_pool"].sum(0),
        "zombie_share_last": of["northeast_zombie_share"][-1],
        "capital_shortfall_peak": percent(of["capital_shortfall"].max(0)),
        "lowest_true_capital_ratio": of["true_capital_ratio"].min(0),
        "worst_two_year_growth": np.maximum(of["northeast_growth"][:-1], of["northeast_growth"][1:]).min(0),
        "bank_loss": percent(of["bank_loss"].sum(0)),
        "gdp_index_last": of["northeast_gdp_index"][-1],
        "gdp_loss_last": of["northeast_gdp_loss"][-1],
        **paid,
        "hole_left": hole,
        "total_bill": paid["paid_by_centre"] + paid["paid_by_provinces"] + hole,
        "reemployed_share": (of["reemployed"] + of["out_migrated"]).sum(0) / of["inflow"].sum(0),
        "reemployed_in_northeast_share": of["reemployed"].sum(0) / of["inflow"].sum(0),
        "layoffs_three_years": three_years.max(0),
        "national_cut_layoffs": of["national_cut_layoffs"].sum(0),
        "sector_jobs_last": of["employment"][-1],
        "population_loss": of["out_migrated"].sum(0),
    }


def _northeast(values) -> dict[str, np.ndarray]:
    """What outcomes read of a year, [path]."""
    direct = values["cut_layoffs"] + values["market_layoffs"] + values["default_layoffs"]
    return {
        **{name: values[name][NE].sum(0) for name in SUMS},
        "layoffs": direct[NE].sum((0, 1)),
        "national_layoffs": (direct + values["indirect_layoffs"]).sum((0, 1)),
        "national_cut_layoffs": values["cut_layoffs"].sum((0, 1)),
        "employment": values["employment"][NE].sum((0, 1)),
        "true_capital_ratio": values["true_capital_ratio"][NE].min(0),
        **{
            name: values[name]
            for name in (
                "northeast_zombie_share",
                "northeast_growth",
                "northeast_gdp_index",
                "northeast_gdp_loss",
            )
        },
    }
