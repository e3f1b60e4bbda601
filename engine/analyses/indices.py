"""Variance-based sensitivity to each independent input: Sobol' indices and Shapley effects by pick-freeze."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from engine.analyses import shapley
from engine.analyses.futures import Apart, Futures, Mix, Numbers, Quantity, Rows, finite, mix, refuse_too_many, sound
from engine.analyses.independent_inputs import IndependentInput, independent_inputs
from engine.analyses.variables import SHORTFALL
from engine.analyses.variants import Observer
from engine.risk.drivers.indices import EVERYTHING, NOTHING, Pair, away, between, few_away, increments, shares
from engine.risk.estimation.flags import Flag
from engine.risk.estimation.intervals import Estimate, as_units
from engine.risk.estimation.tables import THREADS

MOST_EXACT = 12
"""Most inputs for which all coalitions are simulated; with more, random orders are."""
ORDERS = 32
"""Number of random orders, each taken forwards and backwards."""
PATHS_OF_ORDER = 2048
BATCHES = 64
"""Most batches of paths, from which the intervals of exact Shapley effects are computed."""
EVALUATIONS = 1 << 24
"""Most simulated paths over all coalitions together."""


@dataclass(frozen=True)
class Shares:
    """Sensitivity of one quantity to each input, as shares of its variance.

    Args:
      sd: standard deviation of the quantity, in the unit of its variable.
      first: first-order Sobol' index: the share of variance that vanishes if the input is known.
      total: total-order Sobol' index: the share that is left if all other inputs are known.
      shapley: Shapley effect: as the first-order index, with interactions shared out evenly; the effects of all inputs
        add up to 1.
      known: share that vanishes if all factors are known (epistemic uncertainty).
      accidents: share that vanishes if all shocks are known (aleatory uncertainty).
    """

    quantity: Quantity
    sd: float
    first: tuple[Estimate, ...]
    total: tuple[Estimate, ...]
    shapley: tuple[Estimate, ...]
    known: Estimate
    accidents: Estimate


def indices(
    futures: Futures, wanted: Sequence[Quantity], observe: Observer
) -> tuple[tuple[IndependentInput, ...], list[Shares]]:
    """The independent inputs, and the sensitivity of each quantity to them.

    Args:
      futures: of the study, with the paths that Sobol' indices are computed from.
      observe: called with "inputs" or "orders", how many are done, and how many there are.
    """
    study = futures.study
    inputs = independent_inputs(study)
    sets: list[tuple[IndependentInput, ...]] = [(one,) for one in inputs]
    sets += [tuple(one for one in inputs if one.is_known_in_advance is side) for side in (True, False)]
    a, b = futures.mixed([{}, mix(inputs, {}, 1)])
    good = sound((a, b))
    refuse_too_many(study, good)
    numbers = Numbers.of(study, wanted, {name: x[:, good] for name, x in a.items()})
    units = as_units(study.paths, study.unit)

    def pair_of(one: Quantity, some: Bool[np.ndarray, "path"]) -> Pair:
        return Pair(_on(numbers.values(one, a), some), _on(numbers.values(one, b), some), units.kept(some))

    columns: list[list[tuple[Estimate, Estimate]]] = []
    among: dict[tuple[str, str], list[Quantity]] = {}
    for one in wanted:
        among.setdefault((one.variable, one.measure), []).append(one)
    sides = Rows(a, good), Rows(b, good)
    with ThreadPoolExecutor(THREADS) as threads:
        pairs = dict(zip(wanted, threads.map(lambda one: pair_of(one, good), wanted), strict=True))
        # an event that no path shows may happen, a tail that ends at VaR is known
        shown = {one for one in wanted if one.measure != SHORTFALL or pairs[one].variance > 0}
        apart = Apart(study, *sides)
        moving = {one for one in shown if apart.moved(one)}
        for k, mixed in enumerate(futures.mixed(mix(some, {}, 1) for some in sets)):
            here = good & sound((mixed,))
            refuse_too_many(study, here)
            whole = np.array_equal(here, good)
            drawn = Rows(mixed, here)
            from_a, from_b = (
                Apart(study, of if whole else Rows(values, here), drawn)
                for of, values in zip(sides, (a, b), strict=True)
            )

            def looked_at(
                several: list[Quantity],
                mixed: Any = mixed,
                here: Any = here,
                whole: bool = whole,
                from_a: Apart = from_a,
                from_b: Apart = from_b,
            ) -> list[tuple[Estimate, Estimate]]:
                found = {}
                for one in several:
                    if one not in moving or not from_a.moved(one):
                        found[one] = NOTHING, NOTHING
                    elif not from_b.moved(one):
                        found[one] = EVERYTHING, EVERYTHING
                left = [one for one in several if one not in found]
                for one, values in zip(left, numbers.some(left).table(mixed), strict=True):
                    pair, values = pairs[one] if whole else pair_of(one, here), _on(values, here)
                    found[one] = pair.both(values)
                return [found[one] for one in several]

            columns.append([one for some in threads.map(looked_at, among.values()) for one in some])
            observe("inputs", k + 1, len(sets))
    effects = _effects(futures, inputs, numbers, observe)
    n = len(inputs)
    given = []
    for q, one in enumerate(wanted):
        rows = [column[q] for column in columns]
        first, total = tuple(zip(*rows[:n], strict=True)) if n else ((), ())
        given.append(
            Shares(
                one,
                float(np.sqrt(pairs[one].variance)) if one in moving else 0.0,
                first,
                total,
                tuple(
                    _effect(*row, effects[q].away, pairs[one].flag)
                    for row in zip(effects[q].shares, first, total, strict=True)
                ),
                rows[n][0],
                rows[n + 1][0],
            )
        )
    return inputs, given


def _on(values: np.ndarray, some: Bool[np.ndarray, "path"]) -> np.ndarray:
    """The values on the paths where a mask holds."""
    return values if some.all() else values[some]


def _effect(own: Estimate, first: Estimate, total: Estimate, paths: float, flag: Flag | None) -> Estimate:
    """A Shapley effect, which lies between first- and total-order index; these bound it where few paths inform it."""
    if total in (NOTHING, EVERYTHING):
        return total
    few = few_away(paths) or not own.standard_error
    return between(own, first, total) if few else own.flagged(flag)


@dataclass(frozen=True)
class _Effects:
    """Shapley effects of one quantity, and on how many of their paths it differs from its most common value."""

    shares: tuple[Estimate, ...]
    away: float


def _effects(
    futures: Futures, inputs: Sequence[IndependentInput], numbers: Numbers, observe: Observer
) -> list[_Effects]:
    """Shapley effects of every quantity."""
    if not inputs:
        return [_Effects((), 0.0) for _ in numbers.quantities]
    parts, counts = (
        _exact(futures, inputs, numbers) if len(inputs) <= MOST_EXACT else _by_orders(futures, inputs, numbers, observe)
    )
    return [_Effects(shares(of), count) for of, count in zip(parts, counts, strict=True)]


def _exact(
    futures: Futures, inputs: Sequence[IndependentInput], numbers: Numbers
) -> tuple[Float[np.ndarray, "quantity input batch"], Float[np.ndarray, "quantity"]]:
    """Contribution of each input in batches of paths, from all coalitions.

    Also on how many paths a quantity differs from its usual value.
    """
    study, k = futures.study, len(inputs)
    size = study.unit * max(1, min(study.paths, EVALUATIONS >> k) // (BATCHES * study.unit))
    batches = min(BATCHES, study.paths // size)
    inside, weights = shapley.members(k).astype(bool), shapley.shares(k)
    mixes = [mix((one for one, there in zip(inputs, row, strict=True) if there), {}, 1) for row in inside]
    parts = np.zeros((len(numbers.quantities), k, batches))
    counts = np.zeros(len(numbers.quantities))
    own: list[tuple[np.ndarray, float]] = []
    for s, values in enumerate(futures.mixed(mixes, size * batches)):
        for q, one in enumerate(numbers.quantities):
            x = numbers.values(one, values)
            if not s:
                own.append((x, float(x[np.isfinite(x)].mean())))
                counts[q] = away(x)
            a, middle = own[q]
            worth = increments(*finite(a, x, middle))
            parts[q] += weights[:, s, None] * worth.reshape(batches, size).sum(axis=-1)
    return parts, counts


def _middles(values: Float[np.ndarray, "quantity path"]) -> Float[np.ndarray, "quantity 1"]:
    """The mean of each quantity where it is finite."""
    return np.array([x[np.isfinite(x)].mean() for x in values]).reshape(-1, 1)


def _by_orders(
    futures: Futures, inputs: Sequence[IndependentInput], numbers: Numbers, observe: Observer
) -> tuple[Float[np.ndarray, "quantity input order"], Float[np.ndarray, "quantity"]]:
    """As `_exact`, from random orders: in each, all inputs are drawn again one after the other, forwards and
    backwards."""
    study, k = futures.study, len(inputs)
    paths = max(study.unit, min(study.paths, PATHS_OF_ORDER) // study.unit * study.unit)
    random = np.random.default_rng(study.seed)
    orders = [random.permutation(k) for _ in range(ORDERS)]

    def mixes() -> Iterator[Mix]:
        for m, order in enumerate(orders):
            base = mix(inputs, {}, 2 * m + 2)
            for way in (order, order[::-1]):
                # both ways begin at the same futures and end at the same others
                for count in range(k + 1) if way is order else range(1, k):
                    yield mix((inputs[at] for at in way[:count]), base, 2 * m + 3)

    parts = np.zeros((len(numbers.quantities), k, ORDERS))
    counts = np.zeros(len(numbers.quantities))
    tables = (numbers.table(values) for values in futures.mixed(mixes(), paths))
    for m, order in enumerate(orders):
        own = next(tables)
        counts += [away(x) for x in own]
        middles = _middles(own)

        def worths(of_all: np.ndarray, own: np.ndarray = own, middles: np.ndarray = middles) -> np.ndarray:
            return increments(*finite(own, of_all, middles))

        first = before = worths(own)
        for at in order:
            last = worths(next(tables))
            parts[:, at, m] += (last - before).sum(axis=-1)
            before = last
        before = first
        for at in order[:0:-1]:
            now = worths(next(tables))
            parts[:, at, m] += (now - before).sum(axis=-1)
            before = now
        parts[:, order[0], m] += (last - before).sum(axis=-1)
        observe("orders", m + 1, ORDERS)
    return parts, counts
