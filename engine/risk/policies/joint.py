"""Whether two outcomes have the same worst futures: the share of their worst 1 - q that they have in common.

chi(q) = P(both in their worst 1 - q share) / (1 - q): 1 - q where the two are independent, 1 where their worst futures
are the same. The tails are those of the sample's own ranks, which the interval allows for: the influence of a path is
1{both} - a 1{first} - b 1{second}, with a the probability that the second is in its tail where the first is at the edge
of its own, and b the reverse. Source: Genest and Segers (2010), J. Multivariate Anal. 101, 1837-1845,
doi:10.1016/j.jmva.2010.03.018; chi: Coles, Heffernan and Tawn (1999), Extremes 2, 339-365.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.influences import single
from engine.risk.estimation.intervals import Estimate, Happens, Paths, Unit, Units, moments_of_totals
from engine.risk.estimation.measures import finite_units
from engine.risk.estimation.shares import effective_count
from engine.risk.estimation.tails import share_of_moments, tail_count

FEWEST = 50
"""Paths that a tail must hold for the common share to have an interval."""
TIED = 1.5
"""Greatest ratio, either way, of the paths that a tail holds because of ties to the paths that it should hold."""
NEAR = 0.5
"""A path is at the edge of a tail where its rank is within this share of the tail's size of the edge."""


Tail = tuple[Happens, Happens]
"""Which paths lie in the tail, and which at its edge."""


def common_tails(losses: Sequence[Paths], unit: Unit, level: float) -> dict[tuple[int, int], Estimate]:
    """chi(level) of every pair (i, j), i < j, of several losses on the same paths, high being worse.

    Flagged and without an interval where the tail holds fewer than 50 paths or independent units are too few; NaN where
    ties leave no such tail.
    """
    kept, units, lost = finite_units(tuple(losses), unit)
    tails = [_tail(values, level) if units.count else None for values in kept]
    return {
        (i, j): _chi(tails[i], tails[j], units, level).flagged(lost) for i, j in combinations(range(len(losses)), 2)
    }


def _tail(values: Paths, level: float) -> Tail | None:
    n, k = len(values), tail_count(len(values), level)
    far, near = (min(max(round(k * share), 1), n) for share in (1 + NEAR, 1 - NEAR))
    ends = np.partition(values, (n - far, n - k, n - near))
    inside = values >= ends[n - k]
    if inside.sum() > TIED * k:  # many share the value at the edge
        inside = values > ends[n - k]
    if inside.sum() < k / TIED:
        return None
    return inside, (values >= ends[n - far]) & (values <= ends[n - near])


def _chi(one: Tail | None, two: Tail | None, units: Units, level: float) -> Estimate:
    if one is None or two is None:
        return Estimate(np.nan, flags=(Flag(Reason.UNRECORDED),))
    (first, at_first), (second, at_second) = one, two
    both = first & second
    size = 0.5 * (float(first.mean()) + float(second.mean()))
    chi = min(float(both.mean()) / size, 1.0)
    few = units.paths * (1 - level)
    if few < FEWEST or units.count < units.needed:
        return Estimate(chi, flags=(Flag(Reason.FEW_EXCEEDANCES, few, FEWEST),))
    a, b = float(second[at_first].mean()), float(first[at_second].mean())
    influence = both.astype(np.float64) - a * first - b * second
    of = replace(moments_of_totals(units.totals(influence / size), units), mean=np.asarray(chi))
    return single(share_of_moments(of, effective_count(of, units, size * units.paths)))
