"""The contribution of each assumption to ES, or to an event's probability, as Shapley values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from engine.analyses import shapley, variants
from engine.analyses.tail_futures import TailSubject
from engine.program.contract import Program
from engine.risk.estimation.events import happens
from engine.risk.estimation.exclusion import with_units
from engine.risk.estimation.intervals import TAIL, Estimate, as_units
from engine.risk.policies.contrasts import Contrasts, Influence, of_mean, of_shortfall
from engine.study.study import Study
from engine.study.tables.changes import joined

PATHS = 1 << 16
"""Most paths on which coalitions are simulated."""
EXACTLY = 5
"""Most assumptions for which all coalitions are simulated; with more, random orders are."""
PAIRS = 8
"""Number of random orders, each with its reverse (Mitchell and others 2022, J. Mach. Learn. Res. 23(43))."""


@dataclass(frozen=True)
class Mechanisms:
    """The contribution of each assumption to a measure.

    Args:
      names: of the assumptions that can be switched off.
      shares: Shapley value of each; they add up to `whole`.
      whole: the measure as stated less that with all of them switched off.
      paths, coalitions: how many paths and combinations of assumptions were simulated.
    """

    names: tuple[str, ...]
    shares: tuple[Estimate, ...]
    whole: Estimate
    paths: int
    coalitions: int


def mechanisms(program: Program, what: TailSubject) -> Mechanisms | None:
    """The contributions of the study's assumptions under the policy; None if none of them can be switched off."""
    study = replace(what.study, paths=min(what.study.paths, PATHS))
    assumptions = [one for one in study.assumptions if one.off]
    k = len(assumptions)
    if not k:
        return None
    coalitions, weights, orders = _coalitions(k, study.seed)
    contrasts = Contrasts(weights, study.paths)
    changes = [
        joined([one.off for one, there in zip(assumptions, coalition, strict=True) if not there], study.groups)
        for coalition in coalitions
    ]
    programs = ((n, variants.fed(program, change)) for n, change in enumerate(changes))
    bad, values = np.zeros(study.paths, bool), np.zeros(len(coalitions))
    at = study.places(what.read)
    for n, all_outcomes in variants.results(programs, study.blocks()):
        outcomes = all_outcomes[what.at, at]
        own = with_units(study, ~np.isfinite(outcomes).all(axis=0))
        bad |= own
        influence = _influence(what, study, outcomes, ~own)
        contrasts.add(slice(n, n + 1), influence)
        values[n] = np.nansum(influence.values) / max(1, np.count_nonzero(~own))
    units = as_units(study.paths, study.unit).take(~bad)
    whole, *shares = contrasts.estimates(~bad, units, what.event is not None)
    if orders is not None:
        shares = [_widened(one, spread) for one, spread in zip(shares, _spreads(orders, values), strict=True)]
    return Mechanisms(tuple(one.name for one in assumptions), tuple(shares), whole, study.paths, len(coalitions))


def _influence(what: TailSubject, study: Study, outcomes: np.ndarray, sound: np.ndarray) -> Influence:
    if what.event is not None:
        happened = happens(study, what.event, dict(zip(what.read, outcomes, strict=True)))
        return of_mean(happened[None].astype(np.float64), sound)
    assert what.level is not None
    units = as_units(study.paths, study.unit).take(sound)
    return of_shortfall(outcomes, sound, units, what.level, study.is_loss(what.variable))


def _coalitions(k: int, seed: int) -> tuple[list[tuple[bool, ...]], np.ndarray, np.ndarray | None]:
    """The coalitions, and the weights of the whole and of each share over them.

    For random orders also the weights of each pair of orders.
    """
    if k <= EXACTLY:
        every = [tuple(map(bool, row)) for row in shapley.members(k)]
        return every, np.concatenate([shapley.whole(k), shapley.shares(k)]), None
    rng, number = np.random.default_rng(seed), dict[tuple[bool, ...], int]()
    steps: list[list[tuple[int, int, int]]] = []
    for _ in range(PAIRS):
        order = rng.permutation(k).tolist()
        steps.append([step for one in (order, order[::-1]) for step in _steps(one, number)])
    orders = np.zeros((PAIRS, k, len(number)))
    for pair, of in enumerate(steps):
        for player, before, after in of:
            orders[pair, player, after] += 0.5
            orders[pair, player, before] -= 0.5
    shares = orders.mean(axis=0)
    return list(number), np.concatenate([shares.sum(axis=0)[None], shares]), orders


def _steps(order: Sequence[int], number: dict[tuple[bool, ...], int]) -> list[tuple[int, int, int]]:
    """For each player in an order, the indices of the coalitions before and after it joins."""
    there = [False] * len(order)
    found = []
    for player in order:
        before = number.setdefault(tuple(there), len(number))
        there[player] = True
        found.append((int(player), before, number.setdefault(tuple(there), len(number))))
    return found


def _spreads(orders: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Standard error of each share from the random choice of orders."""
    by_pair = orders @ values
    spread: np.ndarray = by_pair.std(axis=0, ddof=1) / np.sqrt(len(by_pair))
    return spread


def _widened(one: Estimate, spread: float) -> Estimate:
    """The estimate with the error from random orders added.

    Its interval is Student's with the degrees of freedom of the orders.
    """
    error = float(np.hypot(one.standard_error, spread))
    reach = float(stdtrit(PAIRS - 1, 1 - TAIL)) * error
    return Estimate(one.estimate, error, one.estimate - reach, one.estimate + reach, one.flags).flagged()
