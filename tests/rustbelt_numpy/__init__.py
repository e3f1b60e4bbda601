"""The rustbelt model in plain NumPy, written from its page, `docs/rustbelt-model.md`, and its data; nothing of its
code.

Vectorised over paths: arrays [region, sector, path], [region, path], [sector, path] or [path]. In the page's letters
and names: of one year, `now.K` is a letter with a prime there, this year's value, and `last.K` is last year's.
"""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np

from engine.study.components import Policy
from engine.study.study import Study
from tests.rustbelt_numpy import firms_and_banks, markets, people
from tests.rustbelt_numpy.base_2015 import NE, end_of_2015, read
from tests.rustbelt_numpy.inputs import draw, levers_in_force, shocks_of
from tests.rustbelt_numpy.outcomes import outcomes

__all__ = ["draw", "live", "outcomes", "read", "shocks_of", "simulate"]

LETTERS = {
    "employment": "L",
    "displaced_pool": "V",
    "leverage": "d",
    "loans": "N",
    "growth": "g",
    "fiscal_space": "F",
    "price_gap": "p",
    "provincial_output": "Q",
    "export_demand": "X",
    "loss_given_default": "LGD",
}
"""Recorded values that have a letter in the equations."""
BESIDE = (
    *("year", "national_layoffs_by_cuts", "northeast_growth", "northeast_relative_growth", "northeast_gdp_loss"),
    *("discount", "taxes_on_growth"),
    *("inflow", "anchors", "scar", "outlay", "closed_share", "given_up_share", "restructured_share"),
    *("insolvent", "settled", "recognised", "rolled_over", "cured", "swapped", "undefaulted", "z"),
    "default_is_bounded",
    *("bank_loss_on_others", "hidden_on_sectors", "hidden_on_state_firms", "absorbed", "provided"),
    *("kept_profit", "rescue", "crunch_alone", "income", "bills", "diversification_spending"),
    *("diversification_paid_share", "help_spending", "help_paid_share", "belt_road_spending"),
)
"""What outcomes, events and balances need besides what is recorded."""


def live(study: Study, policy: Policy, factors, shocks) -> Iterator[dict[str, np.ndarray]]:
    """The values of each year by name, [*labels, path]: those that are recorded, and those beside."""
    known, base = read(study, factors)
    last = end_of_2015(known, base)
    for at, year in enumerate(study.years):
        drawn = SimpleNamespace(**{name: value[at] for name, value in shocks.items()})
        lever = levers_in_force(study, policy, year, factors)
        now = _year(year, known, base, last, drawn, lever)
        yield {name: getattr(now, LETTERS.get(name, name)) for name in (*study.model.yearly, *BESIDE)}
        last = now


def simulate(study: Study, policy: Policy, factors, shocks) -> dict[str, np.ndarray]:
    """Outcomes by name [path] under one policy."""
    return outcomes(live(study, policy, factors, shocks))


def _year(year, known, base, last, drawn, lever) -> SimpleNamespace:
    """One year: its values, and all that the next one needs of it."""
    now = SimpleNamespace(year=year, t=year - 2016, since=year - lever.start)
    now.broke = (last.F <= 0).astype(last.F.dtype)
    now.E = lever.evergreening * (1 - known.transparency_discipline * lever.bank_transparency)
    now.E = now.E * (1 - now.broke + now.broke * known.broke_rollover)
    markets.environment(known, last, drawn, lever, now)
    markets.industry(known, base, last, drawn, lever, now)
    firms_and_banks.budgets(known, last, now)
    firms_and_banks.diversification(known, last, lever, now)
    firms_and_banks.cash(known, base, last, lever, now)
    firms_and_banks.distress(known, base, last, drawn, lever, now)
    firms_and_banks.losses(known, last, lever, now)
    firms_and_banks.bank_losses(known, base, last, lever, now)
    firms_and_banks.bank_capital(known, base, last, lever, now)
    people.layoffs(known, base, last, lever, now)
    people.fund(known, last, lever, now)
    people.jobs(known, base, last, drawn, lever, now)
    people.economy(known, base, last, drawn, now)
    firms_and_banks.lending(known, last, now)
    _northeast(base, last, now)
    now.discount = (1 + known.discount_rate) ** -(now.year - 2015.0)
    now.taxes_on_growth = known.revenue_share * (now.northeast_gdp_index - 1)
    return now


def _northeast(base, last, now) -> None:
    """Sums over regions, and over the years so far."""
    direct = now.layoffs.sum(1)
    now.net_jobs_lost = last.net_jobs_lost + direct - now.internal_transfer - now.early_retired - now.reemployed
    now.zombie_share = now.z / now.undefaulted
    owed, of_2015 = now.B[NE], base.liabilities[NE]
    now.northeast_zombie_share = (now.z[NE] * owed).sum((0, 1)) / (now.undefaulted[NE] * owed).sum((0, 1))
    now.northeast_default_share = (now.soe_default_share[NE] * of_2015).sum((0, 1)) / of_2015.sum((0, 1))
    now.national_path = last.national_path + now.G
    now.northeast_gdp = now.Y[NE].sum(0)
    now.northeast_growth = np.log(now.northeast_gdp / last.northeast_gdp)
    now.northeast_relative_growth = now.northeast_growth - now.G
    now.northeast_gdp_index = now.northeast_gdp / base.gdp[NE].sum(0)
    now.northeast_gdp_loss = 1 - now.northeast_gdp_index / np.exp(now.national_path)
    now.gdp_index = now.Y / base.gdp
    now.gdp_loss = 1 - now.gdp_index / np.exp(now.national_path)
    now.capacity, now.output = now.K.sum(0), now.Q.sum(0)
