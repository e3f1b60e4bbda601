"""2.7 Labour: layoffs, resettlement, the pool of the displaced and how people leave it. Workers are conserved."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import clip, each, maximum, minimum
from engine.models.rustbelt.banks import Banks
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.budgets import Purse, paid
from engine.models.rustbelt.enterprises import Distress, Enterprises, interest
from engine.models.rustbelt.industry import Activity, of_sectors
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import (
    IN_NORTHEAST,
    PERCENT,
    PERSON,
    THOUSAND,
    ByCell,
    ByRegion,
    Scalar,
    coal_only,
    northeast,
)
from engine.models.rustbelt.programmes import helped


class Labour(NamedTuple):
    """Employment, displaced pool, jobs that spin off one and two years on, sums since 2016 [thousand]; the kept share [1]."""

    employment: ByCell
    kept: ByCell
    displaced: ByRegion
    spin_offs: ByRegion
    later_spin_offs: ByRegion
    settled: ByRegion
    entered_northeast: Scalar
    reemployed_northeast: Scalar
    moved_northeast: Scalar


class Moves(NamedTuple):
    """This year's flows [thousand persons]; what the fund has paid [bn yuan]; growth against normal, as jobs feel it [1/yr]."""

    cut: ByCell
    market: ByCell
    default: ByCell
    indirect: ByCell
    layoffs: ByRegion
    retirement: ByCell
    internal: ByRegion
    early_retired: ByRegion
    inflow: ByRegion
    reemployed: ByRegion
    out_migrated: ByRegion
    exited: ByRegion
    fund: ByRegion
    pace: ByRegion


def initial() -> Labour:
    """Labour in 2015: nobody is displaced."""
    nobody = 0.0 * BASE.gdp
    return Labour(BASE.employment, 0.0 * BASE.employment, nobody, nobody, nobody, nobody, 0.0, 0.0, 0.0)


def advance(
    past: Labour,
    activity: Activity,
    firms: Enterprises,
    distress: Distress,
    banks: Banks,
    growth_average: ByRegion,
    purse: Purse,
    now: Now,
) -> tuple[Labour, Moves, Purse]:
    """Labour and purse after this year. Each kind of layoff acts on those left by the one before."""
    factors, levers = now.factors, now.levers
    elasticity = BASE.labour_elasticity_scale * of_sectors(factors, "cut_labour_elasticity")
    closing = past.employment * labour_freed(activity.closed, elasticity)
    left = past.employment - closing
    coal_freed = labour_freed(activity.restructured, elasticity.sel(sector="coal"))
    restructuring = coal_only(factors.restructuring_effect * left.sel(sector="coal") * coal_freed)
    left = left - restructuring
    leaving = left * labour_freed(activity.given_up, elasticity)
    left = left - leaving
    unpaid = market_share(distress.margin_in_hand, firms.leverage, factors)
    protected = protection(levers.job_protection, distress.solvent_budget, factors)
    unprofitable = left * (unpaid * (1.0 - protected))
    market = leaving + unprofitable
    left = left - unprofitable
    default = (
        left
        * distress.layoff_default
        * default_effect(levers.job_protection, distress.solvent_budget, factors)
    )
    left = left - default
    retirement = factors.retirement * left
    employment = left - retirement
    kept = kept_share(past.kept, unpaid * protected)

    cut = closing + restructuring
    by_cell = cut + market + default
    layoffs = by_cell.over("sector")
    indirect = factors.indirect_layoff_ratio * by_cell

    national = jnp.maximum(layoffs.over("region"), 1.0)
    of_the_year = jnp.where(
        now.since_start < factors.fund_years, levers.resettlement_fund / factors.fund_years, 0.0
    )
    fund, purse = paid(purse, (of_the_year / national) * layoffs, levers.central_share)
    outlay = outlay_share(fund, layoffs, factors)
    moved, retired = resettled(outlay, factors)
    internal = moved * layoffs
    early_retired = retired * layoffs
    inflow = layoffs - internal - early_retired + factors.indirect_in_pool * indirect.over("sector")

    pace = clip(growth_average - BASE.normal_growth, factors.pace_low, factors.pace_high)
    pool = past.displaced + inflow
    jobs = accessible_jobs(past, banks.crunch, pace, factors)
    programmes, purse = helped(purse, pool, jobs, now)
    jobs += programmes.anchor_jobs
    tight = minimum(banks.crunch, 1.0)
    support = (
        factors.fund_search_effect * outlay
        + factors.service_sector_effect * programmes.services
        + factors.startup_effect * programmes.startups
        + factors.sme_credit_effect * levers.sme_credit * (1.0 - tight)
    )
    hazard = reemployment_hazard(
        pool,
        jobs,
        BASE.new_jobs,
        support - scar(pool, BASE.new_jobs, factors),
        factors.reemployment_hazard_base,
        factors.congestion_exponent,
    )
    eased = factors.migration_unhelped + factors.mobility_effect * programmes.mobility
    migration = factors.out_migration_hazard * eased * IN_NORTHEAST
    displaced, reemployed, out_migrated, exited = after_a_year(pool, hazard, migration, factors.exit_hazard)

    workers = Labour(
        employment=employment,
        kept=kept,
        displaced=displaced,
        spin_offs=past.later_spin_offs,
        later_spin_offs=programmes.startups * factors.spin_off_jobs * layoffs,
        settled=past.settled + retirement.over("sector") + early_retired + internal + reemployed,
        entered_northeast=past.entered_northeast + northeast(inflow),
        reemployed_northeast=past.reemployed_northeast + northeast(reemployed),
        moved_northeast=past.moved_northeast + northeast(out_migrated),
    )
    return (
        workers,
        Moves(
            cut=cut,
            market=market,
            default=default,
            indirect=indirect,
            layoffs=layoffs,
            retirement=retirement,
            internal=internal,
            early_retired=early_retired,
            inflow=inflow,
            reemployed=reemployed,
            out_migrated=out_migrated,
            exited=exited,
            fund=fund,
            pace=pace,
        ),
        purse,
    )


@each
def labour_freed(share: Scalar, elasticity: Scalar) -> Scalar:
    """Share of workers freed by a cut of capacity: 1 - (1 - c)^lambda; exactly zero without a cut."""
    return 1.0 - jnp.exp(elasticity * jnp.log(1.0 - share))


@each
def market_share(margin: Scalar, leverage: Scalar, factors: Any) -> Scalar:
    """Share of workers that firms cannot pay, as they earn too little after interest."""
    missing = factors.layoff_margin - (margin - interest(factors) * leverage)
    return factors.market_layoff_response * jnp.clip(missing, 0.0, factors.layoff_margin_high)


@each
def protection(job_protection: Scalar, solvent: Scalar, factors: Any) -> Scalar:
    """Share of market layoffs prevented; less than what is meant once the budget has no room."""
    return job_protection * jnp.where(solvent, 1.0, factors.broke_protection)


@each
def kept_share(before: Scalar, prevented: Scalar) -> Scalar:
    """Share of the workers whom protection keeps in jobs that do not pay [1]; they retire and are laid off as all others.

    Of those who were not kept before, the share that would have been laid off is kept from now on.
    """
    return before + prevented * (1.0 - before)


@each
def outlay_share(fund: Scalar, layoffs: Scalar, factors: Any) -> Scalar:
    """What the fund has paid for each of the laid off, over a full outlay [1], within its bound."""
    return jnp.minimum(
        fund * (THOUSAND / factors.full_outlay) / jnp.maximum(layoffs, PERSON), factors.outlay_high
    )


@each
def default_effect(job_protection: Scalar, solvent: Scalar, factors: Any) -> Scalar:
    """Workers laid off per unit of recognised default; disorderly without a budget, the more so the longer jobs were protected."""
    protected = 1.0 - factors.broke_protected_layoffs * (1.0 - job_protection)
    return factors.default_layoffs + jnp.where(solvent, 0.0, factors.broke_default_layoffs) * protected


@each
def resettled(outlay: Scalar, factors: Any) -> tuple[Scalar, Scalar]:
    """Shares of the laid off moved inside the firm and retired early; both less without money, at most all together."""
    funded, unmoved, unretired = (
        jnp.minimum(outlay, 1.0),
        factors.transfer_unfunded,
        factors.retirement_unfunded,
    )
    moved = factors.internal_transfer_share * (unmoved + (1.0 - unmoved) * funded)
    early = factors.early_retirement_share * (unretired + (1.0 - unretired) * funded)
    return moved, jnp.minimum(early, 1.0 - moved)


def accessible_jobs(past: Labour, crunch: ByRegion, pace: ByRegion, factors: Any) -> ByRegion:
    """New jobs that the displaced can reach this year [thousand]: the labour market's and spin-offs, not those of anchors."""
    displaced = of_urban_jobs(past.displaced, BASE.new_jobs, factors)
    wanted = factors.jobs_growth_response * pace - PERCENT * factors.displaced_demand_effect * displaced
    return created_jobs(BASE.new_jobs, wanted, crunch, factors) + past.spin_offs


@each
def created_jobs(base: Scalar, wanted: Scalar, crunch: Scalar, factors: Any) -> Scalar:
    """New jobs [thousand]: base x level x exp(wanted) (1 - effect x crunch).

    Args:
      wanted: log of the demand for work: by growth, and by what the displaced do not spend.
    """
    lending = 1.0 - factors.crunch_jobs_effect * jnp.minimum(crunch, 1.0)
    return base * factors.job_creation_rate * jnp.exp(wanted) * lending


@each
def reemployment_hazard(
    pool: Scalar,
    jobs: Scalar,
    base_jobs: Scalar,
    support: Scalar,
    base_probability: Scalar,
    congestion: Scalar,
) -> Scalar:
    """Hazard of finding a job [1/yr]: -ln(1 - h0) (J/J0)^.5 (1 + V/J)^-crowd exp(support)."""
    crowding = congestion * jnp.log(1.0 + pool / jobs)
    return -jnp.log(1.0 - base_probability) * jnp.sqrt(jobs / base_jobs) * jnp.exp(support - crowding)


@each
def of_urban_jobs(pool: Scalar, base_jobs: Scalar, factors: Any) -> Scalar:
    """People over the urban jobs of their region [1]."""
    return pool * (1.0 / (factors.urban_jobs_per_new_job * base_jobs))


def scar(pool: Scalar, base_jobs: Scalar, factors: Any) -> Scalar:
    """Log loss of the hazard in a crowd [1]: scarring x points of urban jobs that the pool exceeds the unscarred share by."""
    share = of_urban_jobs(pool, base_jobs, factors)
    return PERCENT * factors.layoff_scarring * maximum(share - factors.unscarred, 0.0)


@each
def after_a_year(
    pool: Scalar, hazard: Scalar, migration: Scalar, exit_hazard: Scalar
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Where the pool is after a year [thousand]: still in it, re-employed, moved away, out of the labour force."""
    total = hazard + migration + exit_hazard
    staying = jnp.exp(-total)
    share = pool * (1.0 - staying) / total
    return pool * staying, share * hazard, share * migration, share * exit_hazard
