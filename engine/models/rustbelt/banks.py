"""2.6 Banks: the loan book of each province, its losses, capital, credit crunch and loan growth."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import Cells, clip, each, exp, maximum, minimum, normal_cdf
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.budgets import Purse, paid
from engine.models.rustbelt.enterprises import Distress, Enterprises
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import IN_NORTHEAST, NORTHEAST, THOUSAND, ByCell, ByRegion, Scalar


class Banks(NamedTuple):
    """Loans, capital, provisions [bn yuan]; bad-loan ratio and credit crunch [1]."""

    loans: ByRegion
    capital: ByRegion
    provisions: ByRegion
    npl_ratio: ByRegion
    crunch: ByRegion


class Book(NamedTuple):
    """This year in the books: money in bn yuan, ratios in 1. The ratios refer to loans before the year's growth.

    `retained` is profit after losses and tax, `recapitalised` what the public puts in, bailouts among it. Of `loss` and
    `hidden_loss` those on the three sectors and on other state firms stand apart; what is left is on all other borrowers.
    """

    loss: ByRegion
    loss_on_sectors: ByRegion
    loss_on_others: ByRegion
    retained: ByRegion
    recapitalised: ByRegion
    hidden_loss: ByRegion
    hidden_on_sectors: ByRegion
    capital_ratio: ByRegion
    true_capital_ratio: ByRegion


def initial(factors: Any) -> Banks:
    """The loan books of 2015."""
    return Banks(
        loans=BASE.loans,
        capital=factors.capital_ratio_initial * factors.risk_weight * BASE.loans,
        provisions=BASE.provisions * BASE.loans,
        npl_ratio=BASE.npl_ratio,
        crunch=0.0 * BASE.loans,
    )


def loans_to_other_firms(past: Banks, factors: Any) -> ByRegion:
    """Loans to other state firms [bn yuan]."""
    return factors.other_soe_loan_share * past.loans


def absorb(
    past: Banks,
    firms: Enterprises,
    distress: Distress,
    displaced: ByRegion,
    growth_average: ByRegion,
    purse: Purse,
    now: Now,
) -> tuple[Banks, Book, Purse]:
    """Books and purse after this year's losses, income and rescues, before loans grow.

    Args:
      displaced: the pool of last year [thousand], on which the credit to small firms depends.
    """
    factors, levers = now.factors, now.levers
    exposure = factors.soe_bank_exposure * (factors.bank_debt_share * distress.debt)
    other_loans = loans_to_other_firms(past, factors)
    bad_sector = default_volume(distress.default, exposure)
    bad_other = distress.default_other * other_loans
    left = 1.0 - factors.worked_out
    old_bad_loans = BASE.npl_ratio * BASE.loans * left ** (now.elapsed + 1.0)
    lost = bad_sector + bad_other + old_bad_loans * (factors.worked_out / left)
    swapped = factors.swap_loss * default_volume(
        distress.swapped, factors.soe_bank_exposure * factors.bank_debt_share
    )
    loss = (
        lost * distress.loss_given_default
        + everyday_loss(past.loans, growth_average, factors)
        + swapped
        + small_firms_loss(displaced, past.crunch, now)
    )
    hidden_on_sectors = default_volume(firms.zombie, exposure) * distress.loss_given_default
    hidden = hidden_on_sectors + firms.zombie_other * other_loans * distress.loss_given_default

    covered = minimum(loss, past.provisions)
    provisions = past.provisions - covered + factors.provision_rate * past.loans
    dearer = factors.transparency_funding_cost * levers.bank_transparency * hidden
    retained = after_tax(profit(past, factors) - dearer - (loss - covered), factors)
    weighted = factors.risk_weight * past.loans
    over_weighted = 1.0 / weighted
    earned = past.capital + retained
    filled = levers.recapitalisation * maximum(factors.required_capital * weighted - earned, 0.0)
    known = earned + filled
    in_truth = known + provisions - hidden - old_bad_loans * distress.loss_given_default
    perceived = factors.bailout_sight * in_truth + (1.0 - factors.bailout_sight) * known
    rescued = weighted * rescue(levers.bailout_below - perceived * over_weighted, factors.bank_spread)
    recapitalised, purse = paid(purse, filled + rescued, levers.central_share)
    capital = earned + recapitalised
    reported = capital * over_weighted
    true = (capital + provisions - hidden - old_bad_loans * distress.loss_given_default) * over_weighted

    seen = levers.bank_transparency * true + (1.0 - levers.bank_transparency) * reported
    squeeze = crunch_alone(seen, factors)
    spill = factors.crunch_contagion * squeeze.sel(region=NORTHEAST).mean("region")
    spread = factors.outside_contagion + (1.0 - factors.outside_contagion) * IN_NORTHEAST
    crunch = factors.crunch_memory * past.crunch + (1.0 - factors.crunch_memory) * minimum(
        squeeze + spill * spread, factors.crunch_high
    )
    everyday = factors.everyday_bad_loans * exp(
        -factors.everyday_bad_response * (growth_average - factors.everyday_growth)
    )
    flow = (bad_sector + bad_other) / past.loans + everyday
    npl_ratio = (
        left * past.npl_ratio + factors.bad_loan_part * flow + factors.northeast_bad_loans * IN_NORTHEAST
    )
    return (
        Banks(past.loans, capital, provisions, npl_ratio, crunch),
        Book(
            loss,
            bad_sector * distress.loss_given_default + swapped,
            bad_other * distress.loss_given_default,
            retained,
            recapitalised,
            hidden,
            hidden_on_sectors,
            reported,
            true,
        ),
        purse,
    )


def lend(banks: Banks, growth: ByRegion, factors: Any) -> tuple[Banks, ByRegion]:
    """The books after this year's loan growth, and that growth [log]."""
    wanted = factors.loan_growth_elasticity * growth + factors.loan_growth_base
    lent = clip(
        wanted - factors.crunch_lending_effect * banks.crunch,
        factors.loan_growth_low,
        factors.loan_growth_high,
    )
    return banks._replace(loans=banks.loans * exp(lent)), lent


def rescue(missing: ByRegion, spread: Scalar) -> ByRegion:
    """What brings every bank of a province up to the ratio at which banks are rescued, over its risk-weighted assets [1].

    The ratios of its banks are normal around the province's: spread phi(x) + missing Phi(x), x = missing / spread.

    Args:
      missing: what the province's perceived ratio is below that ratio.
    """
    x = missing * (1.0 / spread)
    density = exp(-0.5 * x * x) * (1.0 / math.sqrt(2.0 * math.pi))
    return maximum(spread * density + missing * normal_cdf(x), 0.0)


def default_volume(share: ByCell, exposure: ByCell) -> ByRegion:
    """Loans that a share of sector debt stands for [bn yuan]."""
    volume: Cells = share * exposure
    return volume.over("sector")


def small_firms_loss(displaced: ByRegion, crunch: ByRegion, now: Now) -> ByRegion:
    """Losses on credit to small firms [bn yuan]: a price per person of last year's pool [thousand], less in last year's crunch."""
    lent = now.levers.sme_credit * displaced * (1.0 - minimum(crunch, 1.0))
    return now.factors.sme_credit_loss / THOUSAND * lent


@each
def everyday_loss(loans: Scalar, growth_average: Scalar, factors: Any) -> Scalar:
    """Losses on all other borrowers [bn yuan]: a share of loans at normal growth, more when growth is lower."""
    gap = jnp.clip(
        growth_average - factors.everyday_growth, factors.everyday_gap_low, factors.everyday_gap_high
    )
    return factors.everyday_loss * loans * jnp.exp(-factors.everyday_loss_response * gap)


def profit(past: Banks, factors: Any) -> ByRegion:
    """Profit after provisions, before losses and tax [bn yuan]; last year's crunch costs business."""
    rate = factors.pre_provision_profit_rate - factors.northeast_profit_gap * IN_NORTHEAST
    business = 1.0 - factors.crunch_profit_effect * past.crunch
    return rate * past.loans * business - factors.provision_rate * past.loans


@each
def after_tax(profit: Scalar, factors: Any) -> Scalar:
    """What is kept of a profit after losses [bn yuan]: a loss is not taxed."""
    return factors.after_tax * jnp.maximum(profit, 0.0) + jnp.minimum(profit, 0.0)


@each
def crunch_alone(perceived_ratio: Scalar, factors: Any) -> Scalar:
    """Credit crunch of a province by itself [1]: the perceived gap to required capital over it, within its bounds."""
    missing = factors.required_capital - perceived_ratio
    return jnp.clip(missing * (1.0 / factors.required_capital), 0.0, factors.crunch_alone_high)


@each
def shortfall(true_capital_ratio: Scalar, loans: Scalar, factors: Any) -> Scalar:
    """True capital missing [bn yuan], against the loans at the end of the year."""
    missing = jnp.maximum(factors.required_capital - true_capital_ratio, 0.0)
    return missing * factors.risk_weight * loans
