"""2.7 Labour: layoffs, resettlement, the pool of the displaced and how people leave it. Workers are conserved."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import clip, each, minimum
from engine.models.rustbelt.banks import Banks
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.budgets import Purse, paid
from engine.models.rustbelt.enterprises import INTEREST, Distress, Enterprises
from engine.models.rustbelt.industry import Activity
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import (
    IN_NORTHEAST,
    ByCell,
    ByRegion,
    Scalar,
    by_region,
    by_sector,
    coal_only,
    northeast,
)

RETIREMENT = 0.028
"""Yearly retirement [1/yr]."""
RESTRUCTURING_EFFECT = 0.35
"""Labour effect of restructured capacity, relative to closed capacity."""
INDIRECT_IN_POOL = 0.6
"""Share of indirect layoffs that joins the pool."""
OUTLAY = 41.0
"""Outlay per laid-off worker in 2016 [thousand yuan]: what counts as fully funded."""
FUND_YEARS = 2.0
EXIT_HAZARD = 0.06
"""Hazard of leaving the labour force [1/yr]."""
URBAN_JOBS = 30.8
"""Urban jobs per new urban job of 2015: 404 million over 13.12 million a year (NBS, MoHRSS)."""
PACES = (-0.12, 0.06)
"""Bounds of growth against its normal rate, as jobs feel it [1/yr]."""
UNSCARRED = 0.002
"""Share of a region's urban jobs up to which a pool of displaced leaves no scar."""


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
    elasticity = BASE.labour_elasticity_scale * by_sector(
        factors.steel_cut_labour_elasticity,
        factors.coal_cut_labour_elasticity,
        factors.cement_cut_labour_elasticity,
    )
    closing = past.employment * labour_freed(activity.closed, elasticity)
    left = past.employment - closing
    coal_freed = labour_freed(activity.restructured, elasticity.sel(sector="coal"))
    restructuring = coal_only(RESTRUCTURING_EFFECT * left.sel(sector="coal") * coal_freed)
    left = left - restructuring
    leaving = left * labour_freed(activity.given_up, elasticity)
    left = left - leaving
    unpaid = market_share(distress.margin_in_hand, firms.leverage)
    protected = protection(levers, distress.solvent_budget)
    unprofitable = left * (unpaid * (1.0 - protected))
    market = leaving + unprofitable
    left = left - unprofitable
    default = left * distress.layoff_default * default_effect(levers.job_protection, distress.solvent_budget)
    left = left - default
    retirement = RETIREMENT * left
    employment = left - retirement
    kept = kept_share(past.kept, unpaid * protected)

    cut = closing + restructuring
    by_cell = cut + market + default
    layoffs = by_cell.over("sector")
    indirect = factors.indirect_layoff_ratio * by_cell

    national = jnp.maximum(layoffs.over("region"), 1.0)
    of_the_year = jnp.where(now.since_start < FUND_YEARS, levers.resettlement_fund / FUND_YEARS, 0.0)
    fund, purse = paid(purse, (of_the_year / national) * layoffs, levers.central_share)
    outlay = outlay_share(fund, layoffs)
    moved, retired = resettled(factors.internal_transfer_share, factors.early_retirement_share, outlay)
    internal = moved * layoffs
    early_retired = retired * layoffs
    inflow = layoffs - internal - early_retired + INDIRECT_IN_POOL * indirect.over("sector")

    pace = clip(growth_average - BASE.normal_growth, *PACES)
    jobs = accessible_jobs(past, banks.crunch, pace, now)
    pool = past.displaced + inflow
    tight = minimum(banks.crunch, 1.0)
    support = (
        factors.fund_search_effect * outlay
        + factors.service_sector_effect * levers.service_sector_support
        + factors.startup_effect * levers.startup_support
        + factors.sme_credit_effect * levers.sme_credit * (1.0 - tight)
    )
    hazard = reemployment_hazard(
        pool,
        jobs,
        BASE.new_jobs,
        support - scar(pool, BASE.new_jobs, factors.layoff_scarring),
        factors.reemployment_hazard_base,
        factors.congestion_exponent,
    )
    migration = factors.out_migration_hazard * (0.5 + 1.5 * levers.labour_mobility) * IN_NORTHEAST
    displaced, reemployed, out_migrated, exited = after_a_year(pool, hazard, migration)

    workers = Labour(
        employment=employment,
        kept=kept,
        displaced=displaced,
        spin_offs=past.later_spin_offs,
        later_spin_offs=levers.startup_support * factors.spin_off_jobs * layoffs,
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
def market_share(margin: Scalar, leverage: Scalar) -> Scalar:
    """Share of workers that firms cannot pay, as they do not earn 3 % after interest."""
    return 1.2 * jnp.clip(-(margin - INTEREST * leverage - 0.03), 0.0, 0.12)


def protection(levers: Any, solvent: ByRegion) -> ByRegion:
    """Share of market layoffs prevented; a quarter of what is meant once the budget has no room."""
    return _protected(levers.job_protection, solvent)


@each
def _protected(job_protection: Scalar, solvent: Scalar) -> Scalar:
    return job_protection * jnp.where(solvent, 1.0, 0.25)


@each
def kept_share(before: Scalar, prevented: Scalar) -> Scalar:
    """Share of the workers whom protection keeps in jobs that do not pay [1]; they retire and are laid off as all others.

    Of those who were not kept before, the share that would have been laid off is kept from now on.
    """
    return before + prevented * (1.0 - before)


@each
def outlay_share(fund: Scalar, layoffs: Scalar) -> Scalar:
    """What the fund has paid for each of the laid off, over a full outlay [1]: at most one and a half."""
    return jnp.minimum(fund * (1000.0 / OUTLAY) / jnp.maximum(layoffs, 1e-3), 1.5)


@each
def default_effect(job_protection: Scalar, solvent: Scalar) -> Scalar:
    """Workers laid off per unit of recognised default; disorderly without a budget, the more so the longer jobs were protected."""
    return 0.12 + jnp.where(solvent, 0.0, 0.25) * (0.6 + 0.4 * job_protection)


@each
def resettled(transfer: Scalar, early: Scalar, outlay: Scalar) -> tuple[Scalar, Scalar]:
    """Shares of the laid off moved inside the firm and retired early; both less without money, at most all together."""
    funded = jnp.minimum(outlay, 1.0)
    moved = transfer * (0.45 + 0.55 * funded)
    return moved, jnp.minimum(early * (0.5 + 0.5 * funded), 1.0 - moved)


def accessible_jobs(past: Labour, crunch: ByRegion, pace: ByRegion, now: Now) -> ByRegion:
    """New jobs that the displaced can reach this year [thousand]: the labour market's, spin-offs, anchors."""
    market = created_jobs(BASE.new_jobs, pace, crunch, now.factors.job_creation_rate)
    anchors = now.levers.anchor_investment * arrivals(now.shocks.anchor_arrival, now.factors.anchor_jobs)
    return market + past.spin_offs + by_region(anchors)


@each
def created_jobs(base: Scalar, pace: Scalar, crunch: Scalar, level: Scalar) -> Scalar:
    """New jobs [thousand]: base x level x exp(6 pace) (1 - 0.4 crunch)."""
    return base * level * jnp.exp(6.0 * pace) * (1.0 - 0.4 * jnp.minimum(crunch, 1.0))


@each
def arrivals(draw: Scalar, jobs: Scalar) -> Scalar:
    """Jobs of the anchor investment that comes in every second year on average [thousand]."""
    return jnp.where(draw < 0.5, jobs, 0.0)


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
def scar(pool: Scalar, base_jobs: Scalar, scarring: Scalar) -> Scalar:
    """Log loss of the hazard in a crowd [1]: scarring x points of urban jobs that the pool exceeds 0.2 % by."""
    share = pool * (1.0 / (URBAN_JOBS * base_jobs))
    return 100.0 * scarring * jnp.maximum(share - UNSCARRED, 0.0)


@each
def after_a_year(pool: Scalar, hazard: Scalar, migration: Scalar) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Where the pool is after a year [thousand]: still in it, re-employed, moved away, out of the labour force."""
    total = hazard + migration + EXIT_HAZARD
    staying = jnp.exp(-total)
    share = pool * (1.0 - staying) / total
    return pool * staying, share * hazard, share * migration, share * EXIT_HAZARD
