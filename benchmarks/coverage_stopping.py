"""How often 95 % intervals of runs that their stopping rule ended hold the truth, and how many futures they took,
beside the number that hindsight needs.

    python benchmarks/coverage_stopping.py [repetitions]

NumPy and the engine's own rule and intervals alone; no compiled program. The bias of stopping is part of every figure:
each repetition is a whole run, from its pilot to its end, and its last interval is held against the truth.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import product

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import poisson

from engine.risk.estimation.influences import levels_of
from engine.risk.estimation.stopping import Ended, Look, first_look, look_at, walk
from engine.study.tables.stops import Target

Law = Callable[[np.ndarray], np.ndarray]
"""Normal scores to values, rising."""
CHUNK = 4096
"""Paths that are drawn at once: earlier paths stay the same, however many follow."""
EXACT = 2_000_000
"""Points of the midpoint rule that truths come from."""
BOUND = 1 << 22
CORRELATION = 0.8
"""Correlation of the normal scores of two policies."""


@dataclass(frozen=True)
class Model:
    """Two policies on the same futures.

    Args:
      old, new: laws of the two policies' values.
      unit: 1; 2 for mirrored pairs; or the size n of replicates, in which each of n strata of the score holds one path.
      event: the threshold of the event, on the first policy.
    """

    old: Law
    new: Law
    unit: int
    event: float


def normal(z: np.ndarray, mean: float = 10.0, sd: float = 2.0) -> np.ndarray:
    """Normal."""
    return mean + sd * z


def lognormal(z: np.ndarray, sigma: float = 1.0) -> np.ndarray:
    """Lognormal."""
    return np.exp(sigma * z)


def pareto(z: np.ndarray, index: float = 3.0) -> np.ndarray:
    """Pareto from 1 on."""
    return ndtr(-z) ** (-1 / index)


def humps(z: np.ndarray, rare: float = 0.05, high: float = 12.0) -> np.ndarray:
    """Three tenths zero, a wide hump from there on, and a rare one around `high`, higher with the score."""
    return np.where(z < ndtri(0.3), 0.0, np.where(z < ndtri(1 - rare), 4 + z, high + 2 * z))


def counts(z: np.ndarray, mean: float = 30.0) -> np.ndarray:
    """Poisson."""
    return np.searchsorted(_table(mean), ndtr(z)).astype(np.float64)


@cache
def _table(mean: float) -> np.ndarray:
    return np.asarray(poisson.cdf(np.arange(int(2 * mean) + 40), mean))


def exponential(z: np.ndarray, mean: float = 5.0) -> np.ndarray:
    """Exponential."""
    return -mean * np.log(ndtr(-z))


MODELS = {
    "normal": Model(normal, partial(normal, mean=9.0, sd=2.2), 1, 13.0),
    "Pareto(3)": Model(pareto, partial(pareto, index=3.5), 1, 2.0),
    "lognormal, pairs": Model(partial(lognormal, sigma=0.8), partial(lognormal, sigma=0.7), 2, 3.0),
    "three humps, strata": Model(humps, partial(humps, rare=0.02, high=11.0), 64, 8.0),
}
"""Models for coverage: light, heavy, mirrored, and of several humps with an atom, in replicates."""
COVERED = {
    "ES99": ("ES99", None),
    "VaR99": ("VaR99", None),
    "event": ("probability", None),
    "difference of means": ("mean", "new"),
}
"""Each case: the measure, and the policy whose value is subtracted."""
FURTHER = 2.0
"""Futures of a run for coverage, about, by those of its pilot: its target half-width is chosen to make it so."""
FUTURES: dict[str, tuple[Model, str, str | None, float]] = {
    "mean, lognormal(1), 1 %": (Model(lognormal, lognormal, 1, 0.0), "mean", None, 0.01),
    "ES95, exponential, 1 %": (Model(exponential, exponential, 1, 0.0), "ES95", None, 0.01),
    "ES99, lognormal(0.5), pairs, 1.5 %": (
        Model(partial(lognormal, sigma=0.5), lognormal, 2, 0.0),
        "ES99",
        None,
        0.015,
    ),
    "VaR99.9, Pareto(4), 3 %": (Model(partial(pareto, index=4.0), pareto, 1, 0.0), "VaR99.9", None, 0.03),
    "probability .003, 10 %": (
        Model(exponential, exponential, 1, -5.0 * float(np.log(0.003))),
        "probability",
        None,
        0.1,
    ),
    "ES99 less ES99, exponential, 4 %": (
        Model(exponential, partial(exponential, mean=4.0), 1, 0.0),
        "ES99",
        "new",
        0.04,
    ),
    "mean less mean, counts, strata, 0.5 %": (Model(counts, partial(counts, mean=28.0), 64, 0.0), "mean", "new", 0.005),
}
"""Cases that were not used to choose the constants of the rule."""


class Futures:
    """Futures of a model by their number; earlier futures stay the same when more are drawn."""

    def __init__(self, model: Model, policies: int, seed: int):
        self._model, self._policies, self._seed = model, policies, seed
        self._values, self._count = np.empty((policies, 0)), 0

    def first(self, paths: int) -> np.ndarray:
        """Values under each policy, [policy, path]."""
        parts = [self._values]
        while self._count * CHUNK < paths:
            parts.append(self._drawn(self._count))
            self._count += 1
        self._values = np.concatenate(parts, axis=-1) if len(parts) > 1 else self._values
        return self._values[:, :paths]

    def _drawn(self, number: int) -> np.ndarray:
        rng, unit = np.random.default_rng([self._seed, number]), self._model.unit
        if unit == 2:
            half = rng.standard_normal((self._policies, CHUNK // 2, 1))
            z = np.concatenate([half, -half], axis=-1).reshape(-1, CHUNK)
        elif unit == 1:
            z = rng.standard_normal((self._policies, CHUNK))
        else:
            strata = np.tile(np.arange(unit), (self._policies * CHUNK // unit, 1))
            strata = rng.permuted(strata, axis=1)
            z = ndtri((strata + rng.random(strata.shape)) / unit).reshape(-1, CHUNK)
        if self._policies == 1:
            return self._model.old(z)
        return np.stack(
            [self._model.old(z[0]), self._model.new(CORRELATION * z[0] + np.sqrt(1 - CORRELATION**2) * z[1])]
        )


def truth(law: Law, measure: str, event: float) -> float:
    """True value of a measure, by the midpoint rule on the score, at 2 million points from -9 to 9."""
    edges = np.linspace(-9.0, 9.0, EXACT + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    chance = np.exp(-(middles**2) / 2)
    chance /= chance.sum()
    if measure == "probability":
        return float(chance[law(middles) > event].sum())
    if measure == "mean":
        return float(chance @ law(middles))
    score = float(ndtri(float(measure.lstrip("VaRES")) / 100))
    if measure.startswith("VaR"):
        return float(law(np.array([score]))[0])
    fine = score + (np.arange(EXACT) + 0.5) * (9.5 - score) / EXACT
    weight = np.exp(-(fine**2) / 2)
    return float(weight @ law(fine) / weight.sum())


def look_of(futures: Futures, model: Model, target: Target, paths: int) -> Look:
    """The rule's look at the first `paths` futures."""
    values = [*futures.first(paths)]
    if target.measure == "probability":
        return look_at(target, [one > model.event for one in values], model.unit, True, levels_of(target.measure))
    return look_at(target, values, model.unit, True, levels_of(target.measure))


def one_run(model: Model, target: Target, seed: int) -> Ended:
    """A run, from its pilot until the rule ends it."""
    futures = Futures(model, 1 if target.less is None else 2, seed)
    looks = walk(
        first_look((target,), model.unit), BOUND, lambda paths: [look_of(futures, model, target, paths)], model.unit
    )
    return Ended(BOUND, tuple(looks))


def _target(measure: str, less: str | None, width: float) -> Target:
    return Target(measure, "loss", "old", less, width, True)


def _true(model: Model, measure: str, less: str | None) -> float:
    own = truth(model.old, measure, model.event)
    return own if less is None else own - truth(model.new, measure, model.event)


Covered = tuple[str, str, float, float, float]
Used = tuple[str, float, float, float]


def coverage(case: tuple[str, str], repetitions: int) -> Covered:
    """Model, measure, share of runs whose interval holds the truth, median of futures, median of looks."""
    name, called = case
    model, (measure, less) = MODELS[name], COVERED[called]
    pilot = one_run(model, _target(measure, less, 1e9), 123).looks[0][0]
    share = pilot.half_width / abs(pilot.estimate.estimate) / FURTHER**0.5
    true, target = _true(model, measure, less), _target(measure, less, float(f"{share:.2g}"))
    ends = [one_run(model, target, seed) for seed in range(repetitions)]
    last = [ended.looks[-1][0].estimate for ended in ends]
    held = float(np.mean([one.low <= true <= one.high for one in last]))
    paths, looks = (float(np.median(of)) for of in ([e.paths for e in ends], [len(e.looks) for e in ends]))
    return name, f"{called}, {100 * target.width:g} %", held, paths, looks


def futures(name: str, repetitions: int) -> Used:
    """Case, futures that hindsight needs, and median and worst of the futures used over these.

    Hindsight is n (half-width / wanted)^2 of eight other samples of n = 2 million, the median of them.
    """
    model, measure, less, width = FUTURES[name]
    target = _target(measure, less, width)
    others = (Futures(model, 1 if less is None else 2, 1_000_000 + seed) for seed in range(8))
    needed = float(np.median([look_of(other, model, target, BOUND // 2).needed for other in others]))
    runs = [one_run(model, target, 10_000 + seed) for seed in range(repetitions)]
    used = np.array([ended.paths for ended in runs]) / needed
    return name, needed, float(np.median(used)), float(used.max())


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repetitions", nargs="?", type=int, default=2000)
    repetitions = parser.parse_args().repetitions
    few = max(repetitions // 20, 1)
    with ProcessPoolExecutor() as processes:
        covered = processes.map(partial(coverage, repetitions=repetitions), product(MODELS, COVERED))
        used = processes.map(partial(futures, repetitions=few), FUTURES)
        print(f"Coverage over {repetitions:,} runs that ended by their rule, in per cent")
        for name, called, held, paths, looks in covered:
            print(
                f"  {name:<20} {called:<26} {100 * held:5.1f}   {paths:>9,.0f} futures in {looks:.0f} looks", flush=True
            )
        print(f"Futures used over those that hindsight needs, {few:,} runs")
        middles, worsts = [], []
        for name, needed, middle, worst in used:
            middles.append(middle)
            worsts.append(worst)
            print(f"  {name:<38} {needed:>9,.0f}   median {middle:.2f}   worst {worst:.2f}", flush=True)
    print(f"  all: median {np.median(middles):.2f}, worst median {max(middles):.2f}, worst run {max(worsts):.2f}")


if __name__ == "__main__":
    main()
