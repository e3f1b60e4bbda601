"""2.4 Budgets: who pays a bill, the centre or the province, and what stays unpaid."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from engine.modelling.cells import each, maximum, minimum
from engine.models.rustbelt.base_2015 import BASE
from engine.models.rustbelt.labels import ByRegion, Scalar


class Purse(NamedTuple):
    """What a region's government can still pay this year, and what it and the centre have paid [bn yuan]."""

    left: ByRegion
    province: ByRegion
    centre: ByRegion


def opened(fiscal_space: ByRegion, gdp: ByRegion, by_centre: Scalar, factors: Any) -> Purse:
    """The purse at the beginning of a year: the room in the budget and the overdraft, at last year's GDP [bn yuan].

    Args:
      by_centre: what the centre alone pays, as a share of GDP.
    """
    return Purse(maximum(fiscal_space + factors.overdraft, 0.0) * gdp, 0.0 * BASE.gdp, by_centre * gdp)


def paid(purse: Purse, bill: ByRegion, central_share: Scalar) -> tuple[ByRegion, Purse]:
    """What is paid of a bill [bn yuan], and the purse after it.

    The centre pays its share; the province pays the rest as far as its purse goes.
    """
    centre = bill * central_share
    province = minimum(bill - centre, purse.left)
    return centre + province, Purse(purse.left - province, purse.province + province, purse.centre + centre)


@each
def covered(paid: Scalar, bill: Scalar) -> Scalar:
    """Share of a bill that is paid [1]; all of one that asks for nothing."""
    return jnp.where(bill > 0.0, paid / jnp.where(bill > 0.0, bill, 1.0), 1.0)
