"""2.6 Labour: layoffs, resettlement, the pool of the displaced and how people leave it. Workers are conserved."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import clip, each, minimum
from engine.models.rustbelt.banks import Banks
from engine.models.rustbelt.base_2015 import BASE
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


class Labour(NamedTuple):
    """Employment, displaced pool, jobs that spin off one and two years on [thousand]; sums since 2016 [thousand]."""

    employment: ByCell
    displaced: ByRegion
    spin_offs: ByRegion
    later_spin_offs: ByRegion
    settled: ByRegion
    entered_northeast: Scalar
    reemployed_northeast: Scalar


class Moves(NamedTuple):
    """This year's flows [thousand persons]; fund spending [bn yuan], national and by region."""

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
    fund_spent: Scalar
    fund_by_region: ByRegion


def initial() -> Labour:
    """Labour in 2015: nobody is displaced."""
    nobody = 0.0 * BASE.gdp
    return Labour(BASE.employment, nobody, nobody, nobody, nobody, 0.0, 0.0)


def advance(
    past: Labour,
    activity: Activity,
    firms: Enterprises,
    distress: Distress,
    banks: Banks,
    growth_average: ByRegion,
    now: Now,
) -> tuple[Labour, Moves]:
    """Labour after this year. Each kind of layoff acts on those left by the one before."""
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
    market = left * market_share(distress.margin, firms.leverage, protection(levers, distress.solvent_budget))
    left = left - market
    default = left * distress.layoff_default * default_effect(levers.job_protection, distress.solvent_budget)
    left = left - default
    retirement = RETIREMENT * left
    employment = left - retirement

    cut = closing + restructuring
    by_cell = cut + market + default
    layoffs = by_cell.over("sector")
    indirect = factors.indirect_layoff_ratio * by_cell

    national = jnp.maximum(layoffs.over("region"), 1.0)
    spent = jnp.where(now.since_start < FUND_YEARS, levers.resettlement_fund / FUND_YEARS, 0.0)
    outlay = jnp.minimum(spent * 1000.0 / national / OUTLAY, 1.5)
    moved, retired = resettled(factors.internal_transfer_share, factors.early_retirement_share, outlay)
    internal = moved * layoffs
    early_retired = retired * layoffs
    inflow = layoffs - internal - early_retired + INDIRECT_IN_POOL * indirect.over("sector")

    jobs = accessible_jobs(past, banks.crunch, growth_average, now)
    pool = past.displaced + inflow
    tight = minimum(banks.crunch, 1.0)
    support = (
        factors.fund_search_effect * outlay
        + factors.service_sector_effect * levers.service_sector_support
        + factors.startup_effect * levers.startup_support
        + factors.sme_credit_effect * levers.sme_credit * (1.0 - tight)
    )
    hazard = reemployment_hazard(
        pool, jobs, BASE.new_jobs, support, factors.reemployment_hazard_base, factors.congestion_exponent
    )
    migration = factors.out_migration_hazard * (0.5 + 1.5 * levers.labour_mobility) * IN_NORTHEAST
    displaced, reemployed, out_migrated, exited = after_a_year(pool, hazard, migration)

    return Labour(
        employment=employment,
        displaced=displaced,
        spin_offs=past.later_spin_offs,
        later_spin_offs=levers.startup_support * factors.spin_off_jobs * layoffs,
        settled=past.settled + retirement.over("sector") + early_retired + internal + reemployed,
        entered_northeast=past.entered_northeast + northeast(inflow),
        reemployed_northeast=past.reemployed_northeast + northeast(reemployed),
    ), Moves(
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
        fund_spent=spent,
        fund_by_region=spent * (layoffs / national),
    )


@each
def labour_freed(share: Scalar, elasticity: Scalar) -> Scalar:
    """Share of workers freed by a cut of capacity: 1 - (1 - c)^lambda; exactly zero without a cut."""
    return 1.0 - jnp.exp(elasticity * jnp.log(1.0 - share))


@each
def market_share(margin: Scalar, leverage: Scalar, protected: Scalar) -> Scalar:
    """Share of workers laid off by firms that cannot earn 3 % after interest, unless protected."""
    missing = jnp.clip(-(margin - INTEREST * leverage - 0.03), 0.0, 0.12)
    return 1.2 * missing * (1.0 - protected)


def protection(levers: Any, solvent: ByRegion) -> ByRegion:
    """Share of market layoffs prevented; a quarter of what is meant once the budget has no room."""
    return _protected(levers.job_protection, solvent)


@each
def _protected(job_protection: Scalar, solvent: Scalar) -> Scalar:
    return job_protection * jnp.where(solvent, 1.0, 0.25)


@each
def default_effect(job_protection: Scalar, solvent: Scalar) -> Scalar:
    """Workers laid off per unit of recognised default; disorderly without a budget, less so under reform."""
    orderly = jnp.where(job_protection < 0.5, 0.6, 1.0)
    return 0.12 + jnp.where(solvent, 0.0, 0.25) * orderly


def resettled(transfer: Scalar, early: Scalar, outlay: Scalar) -> tuple[Scalar, Scalar]:
    """Shares of the laid off moved inside the firm and retired early; both less without money, at most all together.

    The bound on the sum is not in the reference: there six futures in a thousand resettle more than were laid off.
    """
    funded = jnp.minimum(outlay, 1.0)
    moved = transfer * (0.45 + 0.55 * funded)
    return moved, jnp.minimum(early * (0.5 + 0.5 * funded), 1.0 - moved)


def accessible_jobs(past: Labour, crunch: ByRegion, growth_average: ByRegion, now: Now) -> ByRegion:
    """New jobs that the displaced can reach this year [thousand]: the labour market's, spin-offs, anchors."""
    pace = clip(growth_average - BASE.normal_growth, -0.12, 0.06)
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
def after_a_year(pool: Scalar, hazard: Scalar, migration: Scalar) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Where the pool is after a year [thousand]: still in it, re-employed, moved away, out of the labour force."""
    total = hazard + migration + EXIT_HAZARD
    staying = jnp.exp(-total)
    share = pool * (1.0 - staying) / total
    return pool * staying, share * hazard, share * migration, share * EXIT_HAZARD
