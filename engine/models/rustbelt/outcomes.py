"""The outcomes of a path. Losses are positive."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp

from engine.modelling.folds import Fold, highest_spell, last, lowest, peak, total, worst_spell
from engine.modelling.records import Outcome
from engine.models.rustbelt.economy import NORTHEAST_GDP
from engine.models.rustbelt.labels import NORTHEAST, PERCENT, PERSON, Scalar
from engine.models.rustbelt.labour import Labour

_HERE = {"region": NORTHEAST}
_SHARE_OF_GDP = PERCENT / NORTHEAST_GDP
_PAID_BY_CENTRE = total("paid_by_centre", _HERE) * _SHARE_OF_GDP
_PAID_BY_PROVINCES = total("paid_by_provinces", _HERE) * _SHARE_OF_GDP
_HOLE_LEFT = last("capital_shortfall", _HERE) * _SHARE_OF_GDP
_BILL = _PAID_BY_CENTRE + _PAID_BY_PROVINCES + _HOLE_LEFT
_DISCOUNTED = (total("discounted_cost", _HERE) + last("discounted_shortfall", _HERE)) * _SHARE_OF_GDP


def _hidden(variable: str) -> Fold:
    """What was recognised over the years, and what is hidden in the last of them."""
    recognised = total(f"bank_loss_on_{variable}", _HERE)
    return (recognised + last(f"hidden_on_{variable}", _HERE)) * _SHARE_OF_GDP


HORIZON = 2020
"""The last year of the article's own horizon: outcomes `NAME_2020` count the years up to it."""

OUTCOMES = {
    "layoffs": Outcome(
        "k persons",
        total("layoffs", _HERE),
        loss=True,
        about="direct layoffs in the northeast's three sectors",
    ),
    "displaced_peak": Outcome(
        "k persons",
        peak("displaced_pool", _HERE),
        loss=True,
        about="largest number of displaced people without a job in the northeast",
    ),
    "displaced_person_years": Outcome(
        "k yr",
        total("displaced_pool", _HERE),
        loss=True,
        about="years that people of the northeast spent displaced",
    ),
    "zombie_share_last": Outcome(
        "1",
        last("northeast_zombie_share"),
        loss=True,
        about="insolvent, unresolved share of the northeast's undefaulted sector debt in the last year",
    ),
    "soe_defaulted_share": Outcome(
        "1",
        total("northeast_default_share"),
        loss=True,
        about="share of the northeast's sector debt that has defaulted since 2015; defaulted debt leaves the stock",
    ),
    "capital_shortfall_peak": Outcome(
        "% of 2015 GDP",
        peak("capital_shortfall", _HERE) * _SHARE_OF_GDP,
        loss=True,
        about="largest true shortfall of bank capital in the northeast",
    ),
    "lowest_true_capital_ratio": Outcome(
        "1",
        lowest("true_capital_ratio", _HERE, across="lowest"),
        about="lowest true capital ratio of any northeastern province's banks in any year",
    ),
    "lowest_capital_ratio": Outcome(
        "1",
        lowest("capital_ratio", _HERE, across="lowest"),
        about="lowest reported capital ratio of any northeastern province's banks in any year",
    ),
    "worst_two_year_growth": Outcome(
        "1",
        worst_spell("northeast_growth", 2),
        about="northeast growth: lowest, over pairs of years, of the better year's",
    ),
    "worst_two_year_relative_growth": Outcome(
        "1",
        worst_spell("northeast_relative_growth", 2),
        about="northeast growth less national growth: lowest, over pairs of years, of the better year's",
    ),
    "bank_loss": Outcome(
        "% of 2015 GDP",
        total("bank_loss", _HERE) * _SHARE_OF_GDP,
        loss=True,
        about="loan losses that the northeast's banks recognised",
    ),
    "bank_loss_on_sectors": Outcome(
        "% of 2015 GDP",
        _hidden("sectors"),
        loss=True,
        about="bank losses on the northeast's steel, coal and cement, recognised, and hidden in the last year",
    ),
    "bank_loss_on_state_firms": Outcome(
        "% of 2015 GDP",
        _hidden("state_firms"),
        loss=True,
        about="bank losses on the northeast's other state firms, recognised, and hidden in the last year",
    ),
    "gdp_index_last": Outcome(
        "2015 = 1", last("northeast_gdp_index"), about="real GDP of the northeast in the last year"
    ),
    "gdp_loss_last": Outcome(
        "1",
        last("northeast_gdp_loss"),
        loss=True,
        about="share of the northeast's GDP missing to the national growth path in the last year",
    ),
    "public_cost": Outcome(
        "% of 2015 GDP",
        total("public_cost", _HERE) * _SHARE_OF_GDP,
        loss=True,
        about="subsidies, rescues of banks, programmes and fund in the northeast, as far as paid",
    ),
    "paid_by_centre": Outcome(
        "% of 2015 GDP", _PAID_BY_CENTRE, loss=True, about="public cost in the northeast that the centre paid"
    ),
    "paid_by_provinces": Outcome(
        "% of 2015 GDP",
        _PAID_BY_PROVINCES,
        loss=True,
        about="public cost in the northeast that the provinces paid",
    ),
    "hole_left": Outcome(
        "% of 2015 GDP",
        _HOLE_LEFT,
        loss=True,
        about="true bank capital that is still missing in the northeast in the last year",
    ),
    "total_bill": Outcome(
        "% of 2015 GDP",
        _BILL,
        loss=True,
        about="paid by the centre and the provinces, and the hole that is left",
    ),
    "total_bill_discounted": Outcome(
        "% of 2015 GDP",
        _DISCOUNTED,
        loss=True,
        about="the total bill, each year discounted to 2015",
    ),
    "total_bill_less_taxes": Outcome(
        "% of 2015 GDP",
        _BILL - total("taxes_on_growth") * PERCENT,
        loss=True,
        about="the total bill less taxes on GDP above that of 2015; its level depends on that reference, differences between policies do not",
    ),
    "reemployed_share": Outcome(
        "1",
        lambda state: placed_share(state.labour),
        about="re-employed or gone to work elsewhere, over all who were displaced in the northeast",
    ),
    "reemployed_in_northeast_share": Outcome(
        "1",
        lambda state: reemployed_share(state.labour),
        about="re-employed in the northeast over all who were displaced there",
    ),
    "layoffs_three_years": Outcome(
        "k persons",
        highest_spell("national_layoffs", 3),
        loss=True,
        about="direct and indirect layoffs of all China in the worst three years in a row",
    ),
    "layoffs_by_cuts_three_years": Outcome(
        "k persons",
        highest_spell("national_layoffs_by_cuts", 3),
        loss=True,
        about="layoffs by closures and restructuring, direct and indirect, of all China in the worst three years in a row",
    ),
    "layoffs_by_cuts": Outcome(
        "k persons",
        total("cut_layoffs", _HERE),
        loss=True,
        about="direct layoffs in the northeast by closures and restructuring alone",
    ),
    "national_cut_layoffs": Outcome(
        "k persons",
        total("cut_layoffs"),
        loss=True,
        about="layoffs by closures and restructuring in all China",
    ),
    "sector_jobs_last": Outcome(
        "k persons", last("employment", _HERE), about="jobs in the northeast's three sectors in the last year"
    ),
    "displaced_left": Outcome(
        "k persons", total("out_migrated", _HERE), loss=True, about="displaced people who left the northeast"
    ),
}
_OF_2020 = (
    "zombie_share_last",
    "soe_defaulted_share",
    "capital_shortfall_peak",
    "lowest_true_capital_ratio",
    "lowest_capital_ratio",
    "displaced_person_years",
    "worst_two_year_growth",
    "gdp_index_last",
    "total_bill",
)


def _of_2020(whole: Outcome) -> Outcome:
    assert isinstance(whole.fold, Fold)
    about = whole.about.replace("the last year", f"{HORIZON}").replace("any year", f"any year to {HORIZON}")
    about = about if f"{HORIZON}" in about else f"{about}, to {HORIZON}"
    return replace(whole, fold=whole.fold.until(HORIZON), about=about)


OUTCOMES |= {f"{name.removesuffix('_last')}_{HORIZON}": _of_2020(OUTCOMES[name]) for name in _OF_2020}


def reemployed_share(labour: Labour) -> Scalar:
    """Re-employed there over all who entered the northeast's pool [1]; 0 where nobody did."""
    return labour.reemployed_northeast / jnp.maximum(labour.entered_northeast, PERSON)


def placed_share(labour: Labour) -> Scalar:
    """Re-employed or gone to work elsewhere over all who entered the northeast's pool [1]; 0 where nobody did."""
    placed = labour.reemployed_northeast + labour.moved_northeast
    return placed / jnp.maximum(labour.entered_northeast, PERSON)
