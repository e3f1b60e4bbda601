"""Outcomes of a path, of its yearly values: of all years, and of those to 2020."""

from collections.abc import Iterable

import numpy as np

from tests.rustbelt_numpy.base_2015 import NE, REGIONS, data

TO_2020 = (
    *("zombie_share_last", "soe_defaulted_share", "capital_shortfall_peak", "lowest_true_capital_ratio"),
    *("lowest_capital_ratio", "displaced_person_years", "worst_two_year_growth", "gdp_index_last", "total_bill"),
)
"""Outcomes that there are of the years to 2020 too, as `NAME_2020`."""
SUMS = (
    *("cut_layoffs", "employment", "displaced_pool", "capital_shortfall", "bank_loss", "bank_loss_on_sectors"),
    *("bank_loss_on_state_firms", "hidden_on_sectors", "hidden_on_state_firms", "public_cost"),
    *("paid_by_centre", "paid_by_provinces", "reemployed", "out_migrated", "inflow"),
)
"""Yearly values that outcomes read as sums over the northeast."""
LOWEST = ("capital_ratio", "true_capital_ratio")
"""Those that they read as the lowest of its provinces."""
GDP = sum(value for (region, _), value in data()["gdp"].items() if region in REGIONS[NE])
"""GDP of the northeast in 2015 [bn yuan]."""
OF_NORTHEAST = (
    *("northeast_zombie_share", "northeast_default_share", "northeast_growth", "northeast_relative_growth"),
    *("northeast_gdp_index", "northeast_gdp_loss", "national_layoffs_by_cuts", "discount", "taxes_on_growth"),
)


def outcomes(years: Iterable[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Outcomes by name [path], of the values of all years."""
    rows = [_row(values) for values in years]
    of = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    early = _of_years({name: values[of["year"] <= 2020] for name, values in of.items()})
    to_2020 = {f"{name.removesuffix('_last')}_2020": early[name] for name in TO_2020}
    return {**_of_years(of), **to_2020}


def _of_years(of) -> dict[str, np.ndarray]:
    """Outcomes of some years, the last of them as the last."""
    percent = lambda money: 100 * money / GDP  # noqa: E731
    paid = {name: percent(of[name].sum(0)) for name in ("public_cost", "paid_by_centre", "paid_by_provinces")}
    hole = percent(of["capital_shortfall"][-1])
    discounted = percent((of["public_cost"] * of["discount"]).sum(0)) + hole * of["discount"][-1]
    on = {
        f"bank_loss_{who}": percent(of[f"bank_loss_{who}"].sum(0) + of[f"hidden_{who}"][-1])
        for who in ("on_sectors", "on_state_firms")
    }
    displaced, placed = of["inflow"].sum(0), of["reemployed"].sum(0)
    return {
        "layoffs": of["layoffs"].sum(0),
        "layoffs_by_cuts": of["cut_layoffs"].sum(0),
        "layoffs_three_years": _three_years(of["national_layoffs"]),
        "layoffs_by_cuts_three_years": _three_years(of["national_layoffs_by_cuts"]),
        "national_cut_layoffs": of["national_cut_layoffs"].sum(0),
        "sector_jobs_last": of["employment"][-1],
        "displaced_peak": of["displaced_pool"].max(0),
        "displaced_person_years": of["displaced_pool"].sum(0),
        "displaced_left": of["out_migrated"].sum(0),
        "reemployed_share": (placed + of["out_migrated"].sum(0)) / displaced,
        "reemployed_in_northeast_share": placed / displaced,
        "zombie_share_last": of["northeast_zombie_share"][-1],
        "soe_defaulted_share": of["northeast_default_share"].sum(0),
        "capital_shortfall_peak": percent(of["capital_shortfall"].max(0)),
        "lowest_true_capital_ratio": of["true_capital_ratio"].min(0),
        "lowest_capital_ratio": of["capital_ratio"].min(0),
        "worst_two_year_growth": _worst_two_years(of["northeast_growth"]),
        "worst_two_year_relative_growth": _worst_two_years(of["northeast_relative_growth"]),
        "gdp_index_last": of["northeast_gdp_index"][-1],
        "gdp_loss_last": of["northeast_gdp_loss"][-1],
        "bank_loss": percent(of["bank_loss"].sum(0)),
        **on,
        **paid,
        "hole_left": hole,
        "total_bill": paid["public_cost"] + hole,
        "total_bill_discounted": discounted,
        "total_bill_less_taxes": paid["public_cost"] + hole - 100 * of["taxes_on_growth"].sum(0),
    }


def _worst_two_years(growth):
    """Lowest, over pairs of years, of the better year's."""
    return np.maximum(growth[:-1], growth[1:]).min(0)


def _three_years(laid_off):
    """Largest sum over three years in a row, those before the first year empty."""
    before = [np.concatenate([0 * laid_off[:back], laid_off])[: len(laid_off)] for back in (1, 2)]
    return (laid_off + sum(before)).max(0)


def _row(values) -> dict[str, np.ndarray]:
    """What outcomes read of a year, [path] or a number."""
    direct = values["cut_layoffs"] + values["market_layoffs"] + values["default_layoffs"]
    northeast = {name: values[name][NE] for name in (*SUMS, *LOWEST)}
    return {
        "year": values["year"],
        **{name: northeast[name].reshape(-1, northeast[name].shape[-1]).sum(0) for name in SUMS},
        **{name: northeast[name].min(0) for name in LOWEST},
        **{name: values[name] for name in OF_NORTHEAST},
        "layoffs": direct[NE].sum((0, 1)),
        "national_layoffs": (direct + values["indirect_layoffs"]).sum((0, 1)),
        "national_cut_layoffs": values["cut_layoffs"].sum((0, 1)),
    }
