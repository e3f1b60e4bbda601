"""What the model gives: the values recorded every year and the outcomes of a path. Losses are positive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import each
from engine.modelling.folds import at_year, lowest, peak, total, worst_spell
from engine.modelling.records import Outcome, Yearly
from engine.models.rustbelt.banks import Banks, Book, shortfall
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.economy import NORTHEAST_GDP, Accounts, Economy, northeast_index
from engine.models.rustbelt.enterprises import INTEREST, Distress, Enterprises
from engine.models.rustbelt.environment import Environment
from engine.models.rustbelt.industry import Activity, Industry
from engine.models.rustbelt.labels import NORTHEAST, Scalar
from engine.models.rustbelt.labour import Labour, Moves

BY_CELL = ("region", "sector")
BY_REGION = ("region",)
BY_SECTOR = ("sector",)

YEARLY = {
    # labour
    "cut_layoffs": Yearly("k persons/yr", BY_CELL, loss=True, about="laid off by closures and restructuring"),
    "market_layoffs": Yearly("k persons/yr", BY_CELL, loss=True, about="laid off for want of earnings"),
    "default_layoffs": Yearly("k persons/yr", BY_CELL, loss=True, about="laid off by defaults"),
    "indirect_layoffs": Yearly(
        "k persons/yr", BY_CELL, loss=True, about="laid off at suppliers and in towns"
    ),
    "employment": Yearly("k persons", BY_CELL, about="employed in the sector at the end of the year"),
    "displaced_pool": Yearly("k persons", BY_REGION, loss=True, about="displaced and without a job"),
    "displaced_spell": Yearly(
        "yr", BY_REGION, loss=True, about="pool over re-employed, proxy of the longest spell"
    ),
    "reemployed": Yearly("k persons/yr", BY_REGION, about="re-employed from the pool"),
    "internal_transfer": Yearly("k persons/yr", BY_REGION, about="laid off and moved inside the firm"),
    "early_retired": Yearly("k persons/yr", BY_REGION, about="laid off and retired early"),
    "out_migrated": Yearly("k persons/yr", BY_REGION, about="left the region from the pool"),
    "exited": Yearly("k persons/yr", BY_REGION, about="left the labour force from the pool"),
    "net_jobs_lost": Yearly(
        "k persons", BY_REGION, loss=True, about="jobs lost since 2015, less all who were settled"
    ),
    # state-owned enterprises
    "soe_default_share": Yearly("1/yr", BY_CELL, loss=True, about="recognised defaults over sector debt"),
    "zombie_share": Yearly("1", BY_CELL, loss=True, about="insolvent, unresolved share of sector debt"),
    "leverage": Yearly("1", BY_CELL, loss=True, about="liabilities over assets"),
    "interest_cover": Yearly("1", BY_CELL, about="EBITDA over interest"),
    # banks
    "bank_loss": Yearly("bn yuan/yr", BY_REGION, loss=True, about="recognised losses"),
    "hidden_loss": Yearly("bn yuan", BY_REGION, loss=True, about="losses on zombie debt not yet recognised"),
    "npl_ratio": Yearly("1", BY_REGION, loss=True, about="bad loans over loans"),
    "capital_shortfall": Yearly("bn yuan", BY_REGION, loss=True, about="true capital missing to 10.5 %"),
    "capital_ratio": Yearly("1", BY_REGION, about="reported capital over risk-weighted assets"),
    "true_capital_ratio": Yearly("1", BY_REGION, about="the same after provisions and hidden losses"),
    # growth and the budget
    "gdp_loss": Yearly("1", BY_REGION, loss=True, about="GDP missing to the national growth path"),
    "gdp_index": Yearly("2015 = 1", BY_REGION, about="real GDP"),
    "northeast_gdp_index": Yearly("2015 = 1", about="real GDP of the three provinces"),
    "growth": Yearly("1/yr", BY_REGION, about="log growth of real GDP"),
    "reported_growth": Yearly("1/yr", BY_REGION, about="the same as reported, with Liaoning's error of 2016"),
    "public_cost": Yearly("bn yuan/yr", BY_REGION, loss=True, about="subsidies, recapitalisation and fund"),
    "subsidies": Yearly("bn yuan/yr", BY_REGION, loss=True, about="subsidies to zombie firms"),
    "recapitalisation_cost": Yearly("bn yuan/yr", BY_REGION, loss=True, about="capital put into banks"),
    "fund_spending": Yearly(
        "bn yuan/yr", BY_REGION, loss=True, about="resettlement fund, by share of layoffs"
    ),
    "fiscal_space": Yearly("1", BY_REGION, about="room for support, share of GDP"),
    # industry and environment
    "price_gap": Yearly("log", BY_SECTOR, about="log price against its normal level"),
    "utilisation": Yearly("1", BY_SECTOR, about="output over capacity"),
    "capacity": Yearly("Mt/yr", BY_SECTOR, about="national capacity"),
    "output": Yearly("Mt/yr", BY_SECTOR, about="national output"),
    "export_demand": Yearly("2015 = 1", about="export demand index"),
    "urban_share": Yearly("1", about="urban share of the population"),
}

_HERE = {"region": NORTHEAST}
_SHARE_OF_GDP = 100.0 / NORTHEAST_GDP

OUTCOMES = {
    "layoffs": Outcome(
        "k persons", total("layoffs", _HERE), loss=True, about="direct layoffs in the northeast"
    ),
    "displaced_peak": Outcome(
        "k persons", peak("displaced_pool", _HERE), loss=True, about="largest displaced pool"
    ),
    "displaced_person_years": Outcome(
        "k yr", total("displaced_pool", _HERE), loss=True, about="years spent displaced"
    ),
    "zombie_share_2030": Outcome(
        "1",
        at_year("zombie_share", 2030, _HERE, across="mean"),
        loss=True,
        about="mean over provinces and sectors",
    ),
    "capital_shortfall_peak": Outcome(
        "% of 2015 GDP",
        peak("capital_shortfall", _HERE) * _SHARE_OF_GDP,
        loss=True,
        about="largest true shortfall",
    ),
    "lowest_true_capital_ratio": Outcome(
        "1", lowest("true_capital_ratio", _HERE, across="lowest"), about="lowest of any province in any year"
    ),
    "worst_two_year_growth": Outcome(
        "1",
        worst_spell("northeast_growth", 2),
        about="lowest, over pairs of years, of the better year's growth",
    ),
    "bank_loss": Outcome(
        "% of 2015 GDP", total("bank_loss", _HERE) * _SHARE_OF_GDP, loss=True, about="recognised"
    ),
    "gdp_index_2030": Outcome(
        "2015 = 1", at_year("northeast_gdp_index", 2030), about="real GDP of the northeast"
    ),
    "gdp_loss_2030": Outcome(
        "1", at_year("northeast_gdp_loss", 2030), loss=True, about="GDP missing to the national growth path"
    ),
    "public_cost": Outcome(
        "% of 2015 GDP",
        total("public_cost", _HERE) * _SHARE_OF_GDP,
        loss=True,
        about="subsidies, banks and fund",
    ),
    "reemployed_share": Outcome(
        "1", lambda state: reemployed_share(state.labour), about="re-employed over all who entered the pool"
    ),
    "national_cut_layoffs": Outcome(
        "k persons", total("cut_layoffs"), loss=True, about="closures, all regions"
    ),
}


class Happened(NamedTuple):
    """Everything that happened in a year, block by block."""

    environment: Environment
    industry: Industry
    activity: Activity
    firms: Enterprises
    distress: Distress
    banks: Banks
    book: Book
    labour: Labour
    moves: Moves
    economy: Economy
    accounts: Accounts


def recorded(year: Happened, gdp_before: Any) -> Mapping[str, Any]:
    """The yearly values by name; and values beside them that outcomes are folded from or that balances need."""
    moves, firms, book, economy = year.moves, year.firms, year.book, year.economy
    index = northeast_index(economy.gdp)
    employed = year.labour.employment
    return {
        "cut_layoffs": moves.cut,
        "market_layoffs": moves.market,
        "default_layoffs": moves.default,
        "indirect_layoffs": moves.indirect,
        "layoffs": moves.layoffs,
        "employment": employed,
        "displaced_pool": year.labour.displaced,
        "displaced_spell": spell(year.labour.displaced, moves.reemployed),
        "reemployed": moves.reemployed,
        "internal_transfer": moves.internal,
        "early_retired": moves.early_retired,
        "out_migrated": moves.out_migrated,
        "exited": moves.exited,
        "net_jobs_lost": (BASE.employment - employed).over("sector") - year.labour.settled,
        "soe_default_share": year.distress.default,
        "zombie_share": firms.zombie,
        "leverage": firms.leverage,
        "interest_cover": year.distress.margin / (INTEREST * firms.leverage),
        "bank_loss": book.loss,
        "hidden_loss": book.hidden_loss,
        "npl_ratio": year.banks.npl_ratio,
        "capital_shortfall": shortfall(book.true_capital_ratio, year.banks.loans),
        "capital_ratio": book.capital_ratio,
        "true_capital_ratio": book.true_capital_ratio,
        "credit_crunch": year.banks.crunch,
        "gdp_loss": 1.0 - economy.gdp / economy.national_path,
        "gdp_index": economy.gdp,
        "northeast_gdp_index": index,
        "northeast_growth": jnp.log(index / northeast_index(gdp_before)),
        "northeast_gdp_loss": 1.0 - index / economy.national_path,
        "growth": year.accounts.growth,
        "reported_growth": year.accounts.reported_growth,
        "public_cost": year.accounts.subsidies + book.recapitalised + moves.fund_by_region,
        "subsidies": year.accounts.subsidies,
        "recapitalisation_cost": book.recapitalised,
        "fund_spending": moves.fund_by_region,
        "fiscal_space": economy.fiscal_space,
        "price_gap": year.industry.price_gap,
        "utilisation": year.activity.utilisation,
        "capacity": year.industry.capacity.over("region"),
        "output": year.industry.output.over("region"),
        "export_demand": year.environment.exports,
        "urban_share": year.environment.urban_share,
        "closed_share": year.activity.closed,
        "restructured_share": year.activity.restructured,
        "retained_income": book.retained,
        "uncovered_loss": book.net_loss,
    }


@each
def spell(pool: Scalar, reemployed: Scalar) -> Scalar:
    """Years it would take to re-employ the pool at this year's rate [yr]; no rate below one person a year counts."""
    return pool / jnp.maximum(reemployed, 1e-3)


def reemployed_share(labour: Labour) -> Scalar:
    """Re-employed over all who entered the northeast's pool [1]; 0 where nobody did."""
    return labour.reemployed_northeast / jnp.maximum(labour.entered_northeast, 1e-6)
