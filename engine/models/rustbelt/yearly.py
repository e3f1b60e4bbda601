"""What the model records every year. Losses are positive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import each
from engine.modelling.records import Yearly
from engine.models.rustbelt.banks import Banks, Book, shortfall
from engine.models.rustbelt.base_2015 import BASE, CONSTANTS
from engine.models.rustbelt.budgets import Purse
from engine.models.rustbelt.economy import Accounts, Economy, northeast_index
from engine.models.rustbelt.enterprises import Distress, Enterprises, interest
from engine.models.rustbelt.environment import Environment
from engine.models.rustbelt.industry import Activity, Industry
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import NORTHEAST, PERSON, ByCell, Scalar
from engine.models.rustbelt.labour import Labour, Moves

OWED_2015 = BASE.liabilities.sel(region=NORTHEAST) * (1.0 / BASE.liabilities.sel(region=NORTHEAST).over())
"""Share of each sector and province in the northeast's sector debt of 2015."""
BY_CELL = ("region", "sector")
BY_REGION = ("region",)
BY_SECTOR = ("sector",)


def _between(low: str, high: str) -> dict[str, Any]:
    return {"low": CONSTANTS[low].value, "high": CONSTANTS[high].value, "between": (low, high)}


YEARLY = {
    # labour
    "cut_layoffs": Yearly(
        "k persons/yr", BY_CELL, loss=True, about="workers laid off by closures and restructuring"
    ),
    "market_layoffs": Yearly(
        "k persons/yr",
        BY_CELL,
        loss=True,
        about="workers laid off for want of earnings, or as plants are given up",
    ),
    "default_layoffs": Yearly("k persons/yr", BY_CELL, loss=True, about="workers laid off by defaults"),
    "indirect_layoffs": Yearly(
        "k persons/yr", BY_CELL, loss=True, about="people laid off at suppliers and in towns"
    ),
    "employment": Yearly("k persons", BY_CELL, about="workers of the sector at the end of the year"),
    "kept_workers": Yearly(
        "k persons", BY_CELL, loss=True, about="workers whom protection keeps in jobs that do not pay"
    ),
    "displaced_pool": Yearly("k persons", BY_REGION, loss=True, about="displaced people without a job"),
    "displaced_spell": Yearly(
        "yr",
        BY_REGION,
        loss=True,
        about="displaced over those re-employed in the year, proxy of the longest spell",
    ),
    "reemployed": Yearly("k persons/yr", BY_REGION, about="displaced people re-employed in their region"),
    "internal_transfer": Yearly("k persons/yr", BY_REGION, about="laid off and moved inside the firm"),
    "early_retired": Yearly("k persons/yr", BY_REGION, about="laid off and retired early"),
    "out_migrated": Yearly(
        "k persons/yr", BY_REGION, about="displaced people who left the region for work elsewhere"
    ),
    "exited": Yearly("k persons/yr", BY_REGION, about="displaced people who left the labour force"),
    "net_jobs_lost": Yearly(
        "k persons", BY_REGION, loss=True, about="jobs lost since 2015, less all who were settled"
    ),
    # state-owned enterprises
    "soe_default_share": Yearly(
        "1/yr",
        BY_CELL,
        loss=True,
        about="recognised defaults of state firms over sector debt, with what has defaulted",
    ),
    "zombie_share": Yearly(
        "1",
        BY_CELL,
        loss=True,
        about="insolvent, unresolved share of the sector debt that has not defaulted",
        low=0.0,
    ),
    "northeast_zombie_share": Yearly(
        "1", loss=True, about="insolvent, unresolved share of the northeast's sector debt that has not defaulted"
    ),
    "leverage": Yearly(
        "1",
        BY_CELL,
        loss=True,
        about="liabilities over assets",
        **_between("leverage_low", "leverage_high"),
    ),
    "interest_cover": Yearly("1", BY_CELL, about="EBITDA over interest"),
    "loss_given_default": Yearly("1", BY_REGION, loss=True, about="loss given default"),
    # banks
    "loans": Yearly("bn yuan", BY_REGION, about="bank loans at the end of the year"),
    "capital": Yearly("bn yuan", BY_REGION, about="reported bank capital"),
    "provisions": Yearly("bn yuan", BY_REGION, about="banks' provisions for bad loans"),
    "bank_loss": Yearly("bn yuan/yr", BY_REGION, loss=True, about="loan losses that banks recognised"),
    "bank_loss_on_sectors": Yearly(
        "bn yuan/yr", BY_REGION, loss=True, about="of these on steel, coal and cement"
    ),
    "bank_loss_on_state_firms": Yearly(
        "bn yuan/yr", BY_REGION, loss=True, about="of these on other state firms"
    ),
    "hidden_loss": Yearly(
        "bn yuan", BY_REGION, loss=True, about="bank losses on zombie debt that are not recognised yet"
    ),
    "npl_ratio": Yearly("1", BY_REGION, loss=True, about="bad loans over loans"),
    "capital_shortfall": Yearly(
        "bn yuan", BY_REGION, loss=True, about="true bank capital missing to 10.5 % of risk-weighted assets"
    ),
    "capital_ratio": Yearly(
        "1", BY_REGION, about="reported bank capital over risk-weighted assets", observed=True
    ),
    "weakest_capital_ratio": Yearly(
        "1",
        about="reported capital ratio of the northeastern province whose banks have the lowest",
        observed=True,
    ),
    "true_capital_ratio": Yearly(
        "1", BY_REGION, about="bank capital and provisions less hidden losses, over risk-weighted assets"
    ),
    "loan_growth": Yearly(
        "1/yr",
        BY_REGION,
        about="log growth of bank loans",
        **_between("loan_growth_low", "loan_growth_high"),
    ),
    # growth and the budget
    "gdp_loss": Yearly("1", BY_REGION, loss=True, about="share of GDP missing to the national growth path"),
    "gdp_index": Yearly("2015 = 1", BY_REGION, about="real GDP"),
    "northeast_gdp_index": Yearly("2015 = 1", about="real GDP of the three provinces"),
    "northeast_default_share": Yearly(
        "1/yr", loss=True, about="recognised defaults over the northeast's sector debt, by its debt of 2015"
    ),
    "growth": Yearly("1/yr", BY_REGION, about="log growth of real GDP"),
    "reported_growth": Yearly(
        "1/yr", BY_REGION, about="log growth of real GDP as reported, with Liaoning's error of 2016"
    ),
    "job_pace": Yearly(
        "1/yr",
        BY_REGION,
        about="smoothed growth against normal, as new jobs feel it",
        **_between("pace_low", "pace_high"),
    ),
    "public_cost": Yearly(
        "bn yuan/yr",
        BY_REGION,
        loss=True,
        about="subsidies, rescues of banks, programmes and fund, as far as paid",
    ),
    "paid_by_centre": Yearly("bn yuan/yr", BY_REGION, loss=True, about="public cost that the centre paid"),
    "paid_by_provinces": Yearly(
        "bn yuan/yr", BY_REGION, loss=True, about="public cost that the provinces paid"
    ),
    "subsidies": Yearly("bn yuan/yr", BY_REGION, loss=True, about="subsidies to zombie firms"),
    "recapitalisation_cost": Yearly("bn yuan/yr", BY_REGION, loss=True, about="public money put into banks"),
    "programme_spending": Yearly(
        "bn yuan/yr",
        BY_REGION,
        loss=True,
        about="spent on services, start-ups, moves, anchors, diversification and Belt and Road",
    ),
    "fund_spending": Yearly("bn yuan/yr", BY_REGION, loss=True, about="resettlement fund spent"),
    "fiscal_space": Yearly("1", BY_REGION, about="room for support in the budget, share of GDP"),
    # industry and environment
    "price_gap": Yearly(
        "log",
        BY_SECTOR,
        about="log price against its normal level",
        **_between("price_gap_low", "price_gap_high"),
    ),
    "utilisation": Yearly("1", BY_SECTOR, about="demand over capacity, at most full use of 97 %"),
    "capacity": Yearly("Mt/yr", BY_SECTOR, loss=None, about="national capacity"),
    "output": Yearly("Mt/yr", BY_SECTOR, about="national output"),
    "provincial_output": Yearly("Mt/yr", BY_CELL, about="output of a region"),
    "export_demand": Yearly("2015 = 1", about="export demand index"),
    "urban_share": Yearly("1", about="urban share of the population"),
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
    lent: Any
    labour: Labour
    moves: Moves
    purse: Purse
    economy: Economy
    accounts: Accounts


def recorded(year: Happened, gdp_before: Any, now: Now) -> Mapping[str, Any]:
    """The yearly values by name; and values beside them that outcomes are folded from or that balances need."""
    factors = now.factors
    moves, firms, book, economy = year.moves, year.firms, year.book, year.economy
    index = northeast_index(economy.gdp)
    growth = jnp.log(index / northeast_index(gdp_before))
    employed = year.labour.employment
    return {
        "cut_layoffs": moves.cut,
        "market_layoffs": moves.market,
        "default_layoffs": moves.default,
        "indirect_layoffs": moves.indirect,
        "layoffs": moves.layoffs,
        "national_layoffs": (moves.layoffs + moves.indirect.over("sector")).over("region"),
        "national_layoffs_by_cuts": moves.cut.over() * (1.0 + factors.indirect_layoff_ratio),
        "employment": employed,
        "kept_workers": year.labour.kept * employed,
        "displaced_pool": year.labour.displaced,
        "displaced_spell": spell(year.labour.displaced, moves.reemployed),
        "reemployed": moves.reemployed,
        "internal_transfer": moves.internal,
        "early_retired": moves.early_retired,
        "out_migrated": moves.out_migrated,
        "exited": moves.exited,
        "net_jobs_lost": (BASE.employment - employed).over("sector") - year.labour.settled,
        "soe_default_share": year.distress.default,
        "zombie_share": firms.zombie / firms.undefaulted,
        "northeast_zombie_share": northeast_zombies(firms, year.distress.debt),
        "northeast_default_share": (year.distress.default.sel(region=NORTHEAST) * OWED_2015).over(),
        "leverage": firms.leverage,
        "interest_cover": year.distress.margin / (interest(factors) * firms.leverage),
        "loss_given_default": year.distress.loss_given_default,
        "loans": year.banks.loans,
        "capital": year.banks.capital,
        "provisions": year.banks.provisions,
        "bank_loss": book.loss,
        "bank_loss_on_sectors": book.loss_on_sectors,
        "bank_loss_on_state_firms": book.loss_on_others,
        "hidden_loss": book.hidden_loss,
        "hidden_on_sectors": book.hidden_on_sectors,
        "hidden_on_state_firms": book.hidden_loss - book.hidden_on_sectors,
        "npl_ratio": year.banks.npl_ratio,
        "capital_ratio": book.capital_ratio,
        "weakest_capital_ratio": book.capital_ratio.sel(region=NORTHEAST).fold(jnp.minimum),
        "true_capital_ratio": book.true_capital_ratio,
        "loan_growth": year.lent,
        "credit_crunch": year.banks.crunch,
        "gdp_loss": 1.0 - economy.gdp / economy.national_path,
        "gdp_index": economy.gdp,
        "northeast_gdp_index": index,
        "northeast_growth": growth,
        "northeast_relative_growth": growth - year.accounts.national_growth,
        "northeast_gdp_loss": 1.0 - index / economy.national_path,
        "growth": year.accounts.growth,
        "reported_growth": year.accounts.reported_growth,
        "job_pace": moves.pace,
        "taxes_on_growth": factors.revenue_share * (index - 1.0),
        **bills(year, now),
        "fiscal_space": economy.fiscal_space,
        "price_gap": year.industry.price_gap,
        "utilisation": year.activity.utilisation,
        "capacity": year.industry.capacity.over("region"),
        "output": year.industry.output.over("region"),
        "provincial_output": year.industry.output,
        "export_demand": year.environment.exports,
        "urban_share": year.environment.urban_share,
        "closed_share": year.activity.closed,
        "given_up_share": year.activity.given_up,
        "restructured_share": year.activity.restructured,
        "retained_income": book.retained,
    }


def bills(year: Happened, now: Now) -> Mapping[str, Any]:
    """Public money of the year and the bank capital that is missing at its end, by name."""
    purse, recapitalised = year.purse, year.book.recapitalised
    paid = purse.centre + purse.province
    missing = shortfall(year.book.true_capital_ratio, year.banks.loans, now.factors)
    discount = (1.0 + now.factors.discount_rate) ** -(now.elapsed + 1.0)
    return {
        "capital_shortfall": missing,
        "discounted_shortfall": missing * discount,
        "public_cost": paid,
        "discounted_cost": paid * discount,
        "paid_by_centre": purse.centre,
        "paid_by_provinces": purse.province,
        "subsidies": year.distress.subsidies,
        "recapitalisation_cost": recapitalised,
        "fund_spending": year.moves.fund,
        "programme_spending": paid - year.distress.subsidies - recapitalised - year.moves.fund,
    }


def northeast_zombies(firms: Enterprises, debt: ByCell) -> Scalar:
    """Zombie debt over the debt that has not defaulted, of the northeast's three sectors [1]."""
    zombie, owed = ((share * debt).sel(region=NORTHEAST) for share in (firms.zombie, firms.undefaulted))
    return zombie.over() / owed.over()


@each
def spell(pool: Scalar, reemployed: Scalar) -> Scalar:
    """Years it would take to re-employ the pool at this year's rate [yr]; no rate below one person a year counts."""
    return pool / jnp.maximum(reemployed, PERSON)
