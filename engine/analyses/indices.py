"""Variance-based sensitivity to each independent input: Sobol' indices and Shapley effects by pick-freeze."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.analyses import shapley
from engine.analyses.futures import Apart, Futures, Mix, Numbers, Quantity, Rows, finite, mix, refuse_too_many, sound
from engine.analyses.independent_inputs import IndependentInput, independent_inputs
from engine.analyses.variables import SHORTFALL, Values
from engine.analyses.variants import Observer
from engine.risk.drivers.indices import EVERYTHING, NOTHING, Pair, away, between, few_away, increments, shares
from engine.risk.estimation.flags import Flag
from engine.risk.estimation.intervals import Estimate, as_units
from engine.risk.estimation.tables import THREADS
from engine.study.study import Study

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
    inputs = independent_inputs(futures.study)
    sets: list[tuple[IndependentInput, ...]] = [(one,) for one in inputs]
    sets += [tuple(one for one in inputs if one.is_known_in_advance is side) for side in (True, False)]
    columns: list[dict[Quantity, _Both]] = []
    with ThreadPoolExecutor(THREADS) as threads:
        twice = _Twice.of(futures, inputs, wanted, threads)
        for k, mixed in enumerate(futures.mixed(mix(some, {}, 1) for some in sets)):
            columns.append(twice.both(mixed, threads))
            observe("inputs", k + 1, len(sets))
    effects = _effects(futures, inputs, twice.numbers, observe)
    rows = [[column[one] for column in columns] for one in wanted]
    return inputs, [twice.shares(*of) for of in zip(wanted, rows, effects, strict=True)]


_Both = tuple[Estimate, Estimate]
"""First- and total-order index of a set of inputs."""
_Effects = tuple[tuple[Estimate, ...], float]
"""Shapley effects of one quantity, and the number of their paths on which it differs from its most common value."""


@dataclass(frozen=True)
class _Twice:
    """Every quantity on the futures (a) and on the same futures with all inputs drawn again (b).

    Args:
      good: paths on which both are finite.
      rows: their outcomes on these paths.
      pairs: each quantity on both.
      moving: quantities that differ between them on some path.
    """

    study: Study
    a: Values
    b: Values
    good: Bool[np.ndarray, "path"]
    rows: tuple[Rows, Rows]
    numbers: Numbers
    pairs: dict[Quantity, Pair]
    moving: set[Quantity]

    @staticmethod
    def of(
        futures: Futures, inputs: Sequence[IndependentInput], wanted: Sequence[Quantity], threads: Executor
    ) -> _Twice:
        study = futures.study
        a, b = futures.mixed([{}, mix(inputs, {}, 1)])
        good = sound((a, b))
        refuse_too_many(study, good)
        numbers = Numbers.of(study, wanted, {name: x[:, good] for name, x in a.items()})
        rows = Rows(a, good), Rows(b, good)
        drawn = _Twice(study, a, b, good, rows, numbers, {}, set())
        pairs = dict(zip(wanted, threads.map(lambda one: drawn.pair(one, good), wanted), strict=True))
        # without variance: an event that happens on no path may still happen, but a tail that ends at VaR does not vary
        shown = {one for one in wanted if one.measure != SHORTFALL or pairs[one].variance > 0}
        apart = Apart(study, *rows)
        return replace(drawn, pairs=pairs, moving={one for one in shown if apart.differs(one)})

    def pair(self, one: Quantity, some: Bool[np.ndarray, "path"]) -> Pair:
        """A quantity on some paths of the futures (a), and of those with all inputs drawn again (b)."""
        a, b = (_on(self.numbers.values(one, values), some) for values in (self.a, self.b))
        return Pair(a, b, as_units(self.study.paths, self.study.unit).take(some))

    def both(self, mixed: Values, threads: Executor) -> dict[Quantity, _Both]:
        """First- and total-order index, for every quantity, of the inputs that alone are drawn again in `mixed`."""
        here = self.good & sound((mixed,))
        refuse_too_many(self.study, here)
        whole = np.array_equal(here, self.good)
        drawn = Rows(mixed, here)
        sides = self.rows if whole else (Rows(self.a, here), Rows(self.b, here))
        from_a, from_b = (Apart(self.study, rows, drawn) for rows in sides)

        def of_variable(several: list[Quantity]) -> dict[Quantity, _Both]:
            found = {}
            for one in several:
                if one not in self.moving or not from_a.differs(one):
                    found[one] = NOTHING, NOTHING
                elif not from_b.differs(one):
                    found[one] = EVERYTHING, EVERYTHING
            left = [one for one in several if one not in found]
            for one, values in zip(left, self.numbers.some(left).table(mixed), strict=True):
                pair = self.pairs[one] if whole else self.pair(one, here)
                found[one] = pair.both(_on(values, here))
            return found

        among: dict[tuple[str, str], list[Quantity]] = {}
        for one in self.pairs:
            among.setdefault((one.variable, one.measure), []).append(one)
        return {one: both for found in threads.map(of_variable, among.values()) for one, both in found.items()}

    def shares(self, one: Quantity, rows: Sequence[_Both], effects: _Effects) -> Shares:
        """The sensitivity of a quantity, from a row for each input, then one for all factors and one for all shocks."""
        *alone, (known, _), (accidents, _) = rows
        parts, paths = effects
        pair = self.pairs[one]
        sd = float(np.sqrt(pair.variance)) if one in self.moving else 0.0
        own = tuple(_effect(own, *both, paths, pair.flag) for own, both in zip(parts, alone, strict=True))
        first, total = (tuple(both[k] for both in alone) for k in range(2))
        return Shares(one, sd, first, total, own, known, accidents)


def _on(values: np.ndarray, some: Bool[np.ndarray, "path"]) -> np.ndarray:
    """The values on the paths where a mask holds."""
    return values if some.all() else values[some]


def _effect(own: Estimate, first: Estimate, total: Estimate, paths: float, flag: Flag | None) -> Estimate:
    """A Shapley effect; where few paths inform it, bounded by the first- and total-order index that it lies between."""
    if total in (NOTHING, EVERYTHING):
        return total
    few = few_away(paths) or not own.standard_error
    return between(own, first, total) if few else own.flagged(flag)


def _effects(
    futures: Futures, inputs: Sequence[IndependentInput], numbers: Numbers, observe: Observer
) -> list[_Effects]:
    """Shapley effects of every quantity."""
    if not inputs:
        return [((), 0.0)] * len(numbers.quantities)
    parts, counts = (
        _exact(futures, inputs, numbers) if len(inputs) <= MOST_EXACT else _by_orders(futures, inputs, numbers, observe)
    )
    return [(shares(of), count) for of, count in zip(parts, counts, strict=True)]


def _exact(
    futures: Futures, inputs: Sequence[IndependentInput], numbers: Numbers
) -> tuple[Float[np.ndarray, "quantity input batch"], Float[np.ndarray, "quantity"]]:
    """Contribution of each input in batches of paths, from all coalitions.

    Also the number of paths on which a quantity differs from its most common value.
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


def _by_orders(
    futures: Futures, inputs: Sequence[IndependentInput], numbers: Numbers, observe: Observer
) -> tuple[Float[np.ndarray, "quantity input order"], Float[np.ndarray, "quantity"]]:
    """As `_exact`, from random orders, in which inputs are drawn again one after the other, forwards and backwards."""
    study, k = futures.study, len(inputs)
    paths = max(study.unit, min(study.paths, PATHS_OF_ORDER) // study.unit * study.unit)
    random = np.random.default_rng(study.seed)
    orders = [random.permutation(k) for _ in range(ORDERS)]

    def mixes() -> Iterator[Mix]:
        for m, order in enumerate(orders):
            base = mix(inputs, {}, 2 * m + 2)
            for way in (order, order[::-1]):
                # both ways have the same first and the same last futures, which are simulated once
                for count in range(k + 1) if way is order else range(1, k):
                    yield mix((inputs[at] for at in way[:count]), base, 2 * m + 3)

    parts = np.zeros((len(numbers.quantities), k, ORDERS))
    counts = np.zeros(len(numbers.quantities))
    tables = (numbers.table(values) for values in futures.mixed(mixes(), paths))
    for m, order in enumerate(orders):
        own = next(tables)
        counts += [away(x) for x in own]
        middles = np.array([[x[np.isfinite(x)].mean()] for x in own])

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
