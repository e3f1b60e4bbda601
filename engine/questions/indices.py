"""Variance-based sensitivity to each independent input: Sobol' indices and Shapley effects by pick-freeze."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import compress

import numpy as np
from jaxtyping import Float

from engine.answers.table import Row
from engine.questions import shapley
from engine.questions.futures import (
    Futures,
    Mix,
    Numbers,
    Observer,
    Quantity,
    differs,
    refuse_too_many,
    sound,
    units_of,
)
from engine.questions.independent_inputs import IndependentInput, independent_inputs, replicates
from engine.questions.variables import SHORTFALL, Mask, Paths, Values
from engine.risk.drivers.indices import EVERYTHING, NOTHING, Pair, away, between, few_away, increments, shares
from engine.risk.estimation.flags import Flag
from engine.risk.estimation.intervals import Estimate
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
Both = tuple[Estimate, Estimate]
"""First- and total-order index of a set of inputs."""


def label(one: Quantity) -> Row:
    """The labels of a quantity: what is looked at, and on which side, a policy or a difference of two."""
    side = f"{one.policy} less {one.against}" if one.against else one.policy
    return {"of": f"{one.measure} of {one.variable}", "side": side, **vars(one)}


def indices(futures: Futures, wanted: Sequence[Quantity], observe: Observer) -> tuple[list[Row], list[Row]]:
    """The share of each independent input in the variance of each quantity, and what all factors or shocks do.

    A row of the first has the Shapley effect as "share", the first-order Sobol' index as "alone" and the total-order
    index as "total"; a row of the second the first-order index of all "factors" and of all "shocks", and the standard
    deviation of the quantity.

    Args:
      futures: of the study, with the paths that Sobol' indices are computed from.
      observe: called with "inputs" or "orders", how many are done, and how many there are.
    """
    study, inputs = futures.study, independent_inputs(futures.study)
    sets: list[tuple[IndependentInput, ...]] = [(one,) for one in inputs]
    sets += [tuple(one for one in inputs if one.is_known_in_advance is side) for side in (True, False)]
    a, b = futures.mixed([{}, replicates(inputs, 1)])
    good = sound((a, b))
    refuse_too_many(study, good)
    twice = _Twice(Numbers(study, wanted, {name: x[:, good] for name, x in a.items()}), a, b, good)
    columns: list[list[Both]] = []
    with ThreadPoolExecutor(THREADS) as threads:
        for k, mixed in enumerate(futures.mixed(replicates(some, 1) for some in sets)):
            here = good & sound((mixed,))
            refuse_too_many(study, here)
            of = twice if np.array_equal(here, good) else _Twice(twice.numbers, a, b, here)
            columns.append([*threads.map(partial(of.both, mixed), wanted)])
            observe("inputs", k + 1, len(sets))
    parts, known = [], []
    effects = _effects(futures, inputs, twice.numbers, observe)
    for one, (own, paths), *alone, (factors, _), (shocks, _) in zip(wanted, effects, *columns, strict=True):
        pair, labels = twice.pairs[one], label(one)
        for item, effect, (first, total) in zip(inputs, own, alone, strict=True):
            part = _effect(effect, first, total, paths, pair.flag)
            parts.append(
                {**labels, "input": item.name, "kind": item.kind, "share": part, "alone": first, "total": total}
            )
        sd = float(np.sqrt(pair.variance)) if one in twice.moving else 0.0
        unit = study.unit_of(one.variable)
        known.append({**labels, "factors": factors, "shocks": shocks, "sd": sd, "unit": unit})
    return parts, known


class _Twice:
    """Every quantity on some paths of the futures (a), and of the same futures with all inputs drawn again (b)."""

    def __init__(self, numbers: Numbers, a: Values, b: Values, good: Mask):
        self.numbers, self.a, self.b, self.good = numbers, a, b, good
        units = units_of(numbers.study, good)
        self.pairs = {one: Pair(self.on(one, a), self.on(one, b), units) for one in numbers.quantities}
        # an event that happens on no path may still happen, but a tail that ends at VaR does not vary
        self.moving = {
            one
            for one, pair in self.pairs.items()
            if (one.measure != SHORTFALL or pair.variance > 0) and self.differ(one, a, b)
        }

    def differ(self, one: Quantity, x: Values, y: Values) -> bool:
        """Whether a quantity differs between two sets of futures on some path."""
        return differs(self.numbers.study, x, y, self.good, one)

    def on(self, one: Quantity, values: Values) -> Paths:
        """A quantity on the paths."""
        return self.numbers.table([one], values)[0, self.good]

    def both(self, mixed: Values, one: Quantity) -> Both:
        """The indices of the inputs that alone are drawn again in `mixed`."""
        if one not in self.moving or not self.differ(one, self.a, mixed):
            return NOTHING, NOTHING
        return (
            self.pairs[one].both(self.on(one, mixed)) if self.differ(one, self.b, mixed) else (EVERYTHING, EVERYTHING)
        )


def _effect(own: Estimate, first: Estimate, total: Estimate, paths: float, flag: Flag | None) -> Estimate:
    """A Shapley effect; where few paths inform it, bounded by the first- and total-order index that it lies between."""
    if total in (NOTHING, EVERYTHING):
        return total
    few = few_away(paths) or not own.standard_error
    return between(own, first, total) if few else own.flagged(flag)


Design = tuple[Sequence[Mix], Float[np.ndarray, "input coalition"]]
"""A mix for each coalition of inputs, the empty one first, and the coalition's weight in the effect of each input."""


def _effects(
    futures: Futures, inputs: Sequence[IndependentInput], numbers: Numbers, observe: Observer
) -> list[tuple[tuple[Estimate, ...], float]]:
    """Shapley effects of every quantity, and the number of paths on which it differs from its most common value.

    From all coalitions on batches of paths, or from random orders, each a batch.
    """
    study, k = futures.study, len(inputs)
    if k <= MOST_EXACT:
        size = study.unit * max(1, min(study.paths, EVALUATIONS >> k) // (BATCHES * study.unit))
        batches = min(BATCHES, study.paths // size)
        coalitions = [replicates(compress(inputs, row), 1) for row in shapley.members(k)]
        designs: list[Design] = [(coalitions, shapley.shares(k))]
    else:
        size, batches = max(study.unit, min(study.paths, PATHS_OF_ORDER) // study.unit * study.unit), 1
        designs = [*_orders(inputs, study.seed)]
    parts = np.zeros((len(numbers.quantities), k, len(designs), batches))
    counts = np.zeros(len(numbers.quantities))
    for m, (mixes, weights) in enumerate(designs):
        for s, outcomes in enumerate(futures.mixed(mixes, size * batches)):
            table = numbers.table(numbers.quantities, outcomes)
            if not s:
                own, middles = table, np.array([[x[np.isfinite(x)].mean()] for x in table])
                counts += [*map(away, table)]
            with np.errstate(invalid="ignore"):  # a path that is not finite adds nothing
                worth = np.nan_to_num(increments(own - middles, table - middles), posinf=0.0, neginf=0.0)
            worth = worth.reshape(len(table), 1, batches, size).sum(axis=-1)
            parts[:, :, m] += weights[:, s, None] * worth
        observe("orders", m + 1, len(designs))
    return [(shares(of.reshape(k, -1)), count) for of, count in zip(parts, counts, strict=True)]


def _orders(inputs: Sequence[IndependentInput], seed: int) -> Iterator[Design]:
    """Random orders, in which inputs are drawn again one after the other, forwards and backwards."""
    random, sizes = np.random.default_rng(seed), np.arange(len(inputs) + 1)
    for m in range(ORDERS):
        base, forwards = replicates(inputs, 2 * m + 2), np.argsort(random.permutation(len(inputs)))
        mixes, weights = [], []
        for place in (forwards, len(inputs) - 1 - forwards):
            mixes += [base | replicates(compress(inputs, place < size), 2 * m + 3) for size in sizes]
            weights.append(1.0 * np.equal.outer(place + 1, sizes) - np.equal.outer(place, sizes))
        yield mixes, np.hstack(weights)
