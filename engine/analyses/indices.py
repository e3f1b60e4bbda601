"""What each independent input does to the spread of outcomes, events and tails: Sobol' indices and Shapley effects by pick-freeze."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.analyses import shapley
from engine.analyses.futures import (
    PROBABILITY,
    SHORTFALL,
    Futures,
    Mix,
    Numbers,
    Quantity,
    finite,
    mix,
    refuse_too_many,
    sound,
)
from engine.analyses.independent_inputs import IndependentInput, independent_inputs
from engine.analyses.variants import Observer
from engine.risk.evidence import FEWEST_FOR_ES
from engine.risk.flags import Flag, Reason
from engine.risk.indices import Pair, increments, shares
from engine.risk.intervals import Estimate, as_units
from engine.risk.tables import THREADS

MOST_EXACT = 12
"""Inputs up to which all coalitions are run; of more, random orders are."""
ORDERS = 32
"""Random orders, each run forwards and backwards."""
PATHS_OF_ORDER = 2048
BATCHES = 64
"""Batches of paths that the intervals of exact Shapley effects are over."""
EVALUATIONS = 1 << 24
"""Paths of all coalitions together, at most."""


@dataclass(frozen=True)
class Shares:
    """What each input does to one quantity, as shares of its variance.

    Args:
      sd: its standard deviation, in the unit of its variable.
      first: the share that goes if the input is known (Sobol').
      total: the share that is left if all other inputs are known.
      shapley: its part, what it does together with others shared out evenly; all parts add up to 1.
      known: share that goes if all factors are known: what could be found out.
      accidents: share that goes if all shocks are known: what the years bring.
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
    """The independent inputs, and what each of them does to each quantity.

    Args:
      futures: of the study, with the paths that first and total indices come from.
      observe: is told how many inputs, then orders, are done.
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
    columns: list[list[tuple[Estimate, Estimate]]] = []
    with ThreadPoolExecutor(THREADS) as threads:
        pairs: dict[Quantity, Pair] = {}
        for k, mixed in enumerate(futures.mixed(mix(some, {}, 1) for some in sets)):
            here = good & sound((mixed,))
            refuse_too_many(study, here)
            whole = bool(here.all())

            def looked_at(one: Quantity, mixed=mixed, here=here, whole=whole) -> tuple[Estimate, Estimate]:
                x, y, z = (numbers.values(one, values)[here] for values in (a, b, mixed))
                pair = pairs.get(one) if whole else None
                if pair is None:
                    pair = Pair(x, y, units if whole else units.take(here))
                    if whole:
                        pairs[one] = pair
                few = _scarce(one, pair)
                return pair.first(z).flagged(few), pair.total(z).flagged(few)

            columns.append([*threads.map(looked_at, wanted)])
            observe("inputs", k + 1, len(sets))
    effects = _effects(futures, inputs, numbers, observe)
    n = len(inputs)
    given = []
    for q, one in enumerate(wanted):
        rows = [column[q] for column in columns]
        pair = pairs.get(one) or Pair(
            numbers.values(one, a)[good], numbers.values(one, b)[good], units.take(good)
        )
        given.append(
            Shares(
                one,
                float(np.sqrt(pair.variance)),
                tuple(first for first, _ in rows[:n]),
                tuple(total for _, total in rows[:n]),
                tuple(part.flagged(pair.flag, _scarce(one, pair)) for part in effects[q]),
                rows[n][0],
                rows[n + 1][0],
            )
        )
    return inputs, given


def _scarce(one: Quantity, pair: Pair) -> Flag | None:
    """Too few paths in the tail, or with the event."""
    if one.measure not in (SHORTFALL, PROBABILITY):
        return None
    count = float(np.count_nonzero(pair.a))
    if one.measure == PROBABILITY and not one.against:
        count = min(count, len(pair.a) - count)
    few = pair.variance > 0 and count < FEWEST_FOR_ES
    return Flag(Reason.FEW_EFFECTIVE_EXCEEDANCES, count, FEWEST_FOR_ES) if few else None


def _effects(
    futures: Futures, inputs: Sequence[IndependentInput], numbers: Numbers, observe: Observer
) -> list[tuple[Estimate, ...]]:
    """Shapley effects of every quantity."""
    if not inputs:
        return [() for _ in numbers.quantities]
    parts = (
        _exact(futures, inputs, numbers)
        if len(inputs) <= MOST_EXACT
        else _by_orders(futures, inputs, numbers, observe)
    )
    return [shares(of) for of in parts]


def _exact(
    futures: Futures, inputs: Sequence[IndependentInput], numbers: Numbers
) -> Float[np.ndarray, "quantity input batch"]:
    """What each input does in batches of paths, by all coalitions of inputs."""
    study, k = futures.study, len(inputs)
    size = study.unit * max(1, min(study.paths, EVALUATIONS >> k) // (BATCHES * study.unit))
    batches = min(BATCHES, study.paths // size)
    inside, weights = shapley.members(k).astype(bool), shapley.shares(k)
    mixes = [mix((one for one, there in zip(inputs, row, strict=True) if there), {}, 1) for row in inside]
    parts = np.zeros((len(numbers.quantities), k, batches))
    own: list[tuple[np.ndarray, float]] = []
    for s, values in enumerate(futures.mixed(mixes, size * batches)):
        for q, one in enumerate(numbers.quantities):
            x = numbers.values(one, values)
            if not s:
                own.append((x, float(x[np.isfinite(x)].mean())))
            a, middle = own[q]
            worth = increments(*finite(a, x, middle))
            parts[q] += weights[:, s, None] * worth.reshape(batches, size).sum(axis=-1)
    return parts


def _by_orders(
    futures: Futures, inputs: Sequence[IndependentInput], numbers: Numbers, observe: Observer
) -> Float[np.ndarray, "quantity input order"]:
    """What each input does in random orders, in each of which all inputs are drawn anew one after the other, and backwards."""
    study, k = futures.study, len(inputs)
    paths = max(study.unit, min(study.paths, PATHS_OF_ORDER) // study.unit * study.unit)
    random = np.random.default_rng(study.seed)
    orders = [random.permutation(k) for _ in range(ORDERS)]

    def mixes() -> Iterator[Mix]:
        for m, order in enumerate(orders):
            base = mix(inputs, {}, 2 * m + 2)
            for way in (order, order[::-1]):
                for count in range(k + 1):
                    yield mix((inputs[at] for at in way[:count]), base, 2 * m + 3)

    parts = np.zeros((len(numbers.quantities), k, ORDERS))
    own: list[tuple[np.ndarray, float]] = []
    before: list[np.ndarray] = []
    for run, values in enumerate(futures.mixed(mixes(), paths)):
        m, at = divmod(run, 2 * (k + 1))
        backwards, count = divmod(at, k + 1)
        way = orders[m][::-1] if backwards else orders[m]
        of_all = [numbers.values(one, values) for one in numbers.quantities]
        if count == 0:
            own = [(x, float(x[np.isfinite(x)].mean())) for x in of_all]
        worths = [increments(*finite(a, x, middle)) for (a, middle), x in zip(own, of_all, strict=True)]
        if count:
            for q, (old, new) in enumerate(zip(before, worths, strict=True)):
                parts[q, way[count - 1], m] += float((new - old).sum())
        before = worths
        if at == 2 * k + 1:
            observe("orders", m + 1, ORDERS)
    return parts
