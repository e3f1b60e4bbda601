"""2.5 Programmes: help to the displaced and to firms that the public pays for year by year. What is not paid does not happen."""

from __future__ import annotations

from typing import NamedTuple

from engine.modelling.cells import clip, each, minimum, where
from engine.models.rustbelt.budgets import Purse, covered, paid
from engine.models.rustbelt.inputs import Now
from engine.models.rustbelt.labels import THOUSAND, ByRegion, Scalar, by_region


class Help(NamedTuple):
    """Programmes for the displaced in force this year [1], as far as they are paid; jobs that anchor investments bring [thousand]."""

    services: ByRegion
    startups: ByRegion
    mobility: ByRegion
    anchor_jobs: ByRegion


def diversified(purse: Purse, gdp: ByRegion, now: Now) -> tuple[ByRegion, Purse]:
    """How far firms have diversified [1], as far as it is paid, and the purse after it."""
    factors, lever = now.factors, now.levers.diversification
    ramp = clip((now.since_start + 1.0) / factors.diversification_years, 0.0, 1.0) * lever
    bill = factors.diversification_cost * lever * gdp
    spent, purse = paid(purse, bill, now.levers.central_share)
    return ramp * covered(spent, bill), purse


def helped(purse: Purse, pool: ByRegion, jobs: ByRegion, now: Now) -> tuple[Help, Purse]:
    """The year's help to the displaced and the purse after it; services, start-ups, moves and anchors are one bill.

    Services, start-ups and moves have a price per displaced person, anchors per job that a displaced person fills: of
    the jobs of an anchor, the share of all new jobs that the pool fills at the base chance.

    Args:
      pool: displaced people who look for work this year [thousand].
      jobs: new jobs that they can reach, without those of anchors [thousand].
    """
    factors, levers = now.factors, now.levers
    per_person = (
        factors.service_sector_cost * levers.service_sector_support
        + factors.startup_cost * levers.startup_support
        + factors.mobility_cost * levers.labour_mobility
    )
    anchors = by_region(levers.anchor_investment * arrivals(now.shocks.anchor_arrival, now))
    filled = minimum(factors.reemployment_hazard_base * pool / jobs, 1.0)
    bill = per_person / THOUSAND * pool + factors.anchor_cost / THOUSAND * (filled * anchors)
    spent, purse = paid(purse, bill, levers.central_share)
    share = covered(spent, bill)
    return Help(
        levers.service_sector_support * share,
        levers.startup_support * share,
        levers.labour_mobility * share,
        anchors * share,
    ), purse


@each
def arrivals(draw: Scalar, now: Now) -> Scalar:
    """Jobs of the anchor investment, in the years in which one comes [thousand]."""
    return where(draw < now.factors.anchor_chance, now.factors.anchor_jobs, 0.0)
