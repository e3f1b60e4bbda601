"""2.6 Banks: the loan book of each province, its losses, capital, credit crunch and loan growth."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import Cells, clip, each, exp, maximum, minimum
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.budgets import Purse, paid
from engine.models.rustbelt.enterprises import Distress, Enterprises
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import IN_NORTHEAST, NORTHEAST, ByCell, ByRegion, Scalar

BANK_SHARE = 0.55
"""Share of a sector's liabilities that it owes to banks; `soe_bank_exposure` is the part of that in the province."""
RISK_WEIGHT = 0.78
"""Risk-weighted assets over loans."""
REQUIRED_CAPITAL = 0.105
"""Capital over risk-weighted assets that is required."""
AFTER_TAX = 0.62
CONTAGION_SCALE: ByRegion = 0.1 + 0.9 * IN_NORTHEAST


LOAN_GROWTH = (-0.1, 0.12)
"""Bounds of the log growth of loans in a year."""
WORKED_OUT = 0.30
"""Share of bad loans that is written off or cured in a year."""


class Banks(NamedTuple):
    """Loans, capital, provisions [bn yuan]; bad-loan ratio and credit crunch [1]."""

    loans: ByRegion
    capital: ByRegion
    provisions: ByRegion
    npl_ratio: ByRegion
    crunch: ByRegion


class Book(NamedTuple):
    """This year in the books: money in bn yuan, ratios in 1. The ratios refer to loans before the year's growth.

    `retained` is profit after losses and tax, `recapitalised` what the public puts in, bailouts among it.
    """

    loss: ByRegion
    retained: ByRegion
    recapitalised: ByRegion
    hidden_loss: ByRegion
    capital_ratio: ByRegion
    true_capital_ratio: ByRegion


def initial(factors: Any) -> Banks:
    """The loan books of 2015."""
    return Banks(
        loans=BASE.loans,
        capital=factors.capital_ratio_initial * RISK_WEIGHT * BASE.loans,
        provisions=BASE.provisions * BASE.loans,
        npl_ratio=BASE.npl_ratio,
        crunch=0.0 * BASE.loans,
    )


def loans_to_other_firms(past: Banks, factors: Any) -> ByRegion:
    """Loans to other state firms [bn yuan]."""
    return factors.other_soe_loan_share * past.loans


def absorb(
    past: Banks, firms: Enterprises, distress: Distress, growth_average: ByRegion, purse: Purse, now: Now
) -> tuple[Banks, Book, Purse]:
    """Books and purse after this year's losses, income and rescues, before loans grow."""
    factors, levers = now.factors, now.levers
    exposure = factors.soe_bank_exposure * (BANK_SHARE * distress.debt)
    other_loans = loans_to_other_firms(past, factors)
    bad_sector = default_volume(distress.default, exposure)
    bad_other = distress.default_other * other_loans
    old_bad_loans = BASE.npl_ratio * BASE.loans * (1.0 - WORKED_OUT) ** (now.elapsed + 1.0)
    lost = bad_sector + bad_other + old_bad_loans * (WORKED_OUT / (1.0 - WORKED_OUT))
    loss = lost * distress.loss_given_default + everyday_loss(past.loans, growth_average)
    hidden = (
        default_volume(firms.zombie, exposure) + firms.zombie_other * other_loans
    ) * distress.loss_given_default

    covered = minimum(loss, past.provisions)
    provisions = past.provisions - covered + 0.0025 * past.loans
    retained = after_tax(profit(past, factors) - (loss - covered))
    weighted = RISK_WEIGHT * past.loans
    earned = past.capital + retained
    filled = levers.recapitalisation * maximum(REQUIRED_CAPITAL * weighted - earned, 0.0)
    rescued = maximum(levers.bailout_below * weighted - (earned + filled), 0.0)
    recapitalised, purse = paid(purse, filled + rescued, levers.central_share)
    capital = earned + recapitalised
    reported = capital / weighted
    true = (capital + provisions - hidden - old_bad_loans * distress.loss_given_default) / weighted

    squeeze = crunch_alone(levers.bank_transparency * true + (1.0 - levers.bank_transparency) * reported)
    spill = factors.crunch_contagion * squeeze.sel(region=NORTHEAST).mean("region")
    crunch = 0.5 * past.crunch + 0.5 * minimum(squeeze + spill * CONTAGION_SCALE, 1.5)
    flow = (bad_sector + bad_other) / past.loans + 0.006 * exp(-8.0 * (growth_average - 0.05))
    npl_ratio = 0.70 * past.npl_ratio + 0.9 * flow + 0.0025 * IN_NORTHEAST
    return (
        Banks(past.loans, capital, provisions, npl_ratio, crunch),
        Book(loss, retained, recapitalised, hidden, reported, true),
        purse,
    )


def lend(banks: Banks, growth: ByRegion) -> tuple[Banks, ByRegion]:
    """The books after this year's loan growth, and that growth [log]."""
    lent = clip(0.75 * growth + 0.025 - 0.06 * banks.crunch, *LOAN_GROWTH)
    return banks._replace(loans=banks.loans * exp(lent)), lent


def default_volume(share: ByCell, exposure: ByCell) -> ByRegion:
    """Loans that a share of sector debt stands for [bn yuan]."""
    volume: Cells = share * exposure
    return volume.over("sector")


@each
def everyday_loss(loans: Scalar, growth_average: Scalar) -> Scalar:
    """Losses on all other borrowers [bn yuan]: 0.35 % of loans at 5 % growth, more when growth is lower."""
    return 0.0035 * loans * jnp.exp(-10.0 * jnp.clip(growth_average - 0.05, -0.08, 0.05))


def profit(past: Banks, factors: Any) -> ByRegion:
    """Profit after provisions, before losses and tax [bn yuan]; last year's crunch costs business."""
    rate = factors.pre_provision_profit_rate - 0.0025 * IN_NORTHEAST
    return rate * past.loans * (1.0 - 0.4 * past.crunch) - 0.0025 * past.loans


@each
def after_tax(profit: Scalar) -> Scalar:
    """What is kept of a profit after losses [bn yuan]: a loss is not taxed."""
    return AFTER_TAX * jnp.maximum(profit, 0.0) + jnp.minimum(profit, 0.0)


@each
def crunch_alone(perceived_ratio: Scalar) -> Scalar:
    """Credit crunch of a province by itself [1]: the perceived gap to required capital over it, within [0, 1.2]."""
    return jnp.clip((REQUIRED_CAPITAL - perceived_ratio) / REQUIRED_CAPITAL, 0.0, 1.2)


@each
def shortfall(true_capital_ratio: Scalar, loans: Scalar) -> Scalar:
    """True capital missing [bn yuan], against the loans at the end of the year."""
    return jnp.maximum(REQUIRED_CAPITAL - true_capital_ratio, 0.0) * RISK_WEIGHT * loans
