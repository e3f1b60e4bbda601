"""Coverage of the interval of a lever at which a limit holds, and how often the lever printed as holding breaks it.

Closed forms: y = N(3 - lever, 1) with limits on ES99, VaR99, mean, P .05 and P .001; a lognormal scaled by
1 - lever / 5; a lever whose effect is uncertain; and one of whole numbers. Then a mean that dips beside its limit: how
often what is told holds all values of the lever at which the limit begins or ceases to be met, and no look is told to
meet or to break it wrongly.

Run: python benchmarks/coverage_design.py [sets]

Several levers: a newsvendor of three goods with normal demand and a limit on ES95 of the loss. How often the quantities
found break the limit on 262,144 other futures, and how far their mean profit is below the optimum's there.

Run: python benchmarks/coverage_design.py --several [sets]
"""

from __future__ import annotations

import argparse
import functools
import math
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from scipy.optimize import NonlinearConstraint, brentq, minimize
from scipy.stats import norm

from engine.questions.design.several import Best, Point, least
from engine.questions.design.single import Crossing, Found, beside, crossings, invert, looks
from engine.questions.turning import scaled
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import measure, probability

PATHS = 1 << 14
TAIL = norm.pdf(norm.ppf(0.99)) / 0.01
"""ES99 of N(0, 1)."""
PROCESSES = 2
Draw = Callable[[np.random.Generator, float], np.ndarray]


def normal(z: np.ndarray, effect: np.ndarray, lever: float) -> np.ndarray:
    """N(3 - lever, 1)."""
    return z + 3.0 - lever


def lognormal(z: np.ndarray, effect: np.ndarray, lever: float) -> np.ndarray:
    """A lognormal scaled by 1 - lever / 5."""
    return np.exp(z) * (1.0 - lever / 5.0)


def uncertain(z: np.ndarray, effect: np.ndarray, lever: float) -> np.ndarray:
    """N(3 - lever x effect, 1), with the effect between 0.5 and 1."""
    return z + 3.0 - lever * effect


def _uncertain_above_0(lever: float) -> float:
    effect = np.linspace(0.5, 1.0, 2001)
    return float(np.trapezoid(norm.sf(-(3.0 - lever * effect)), effect)) / 0.5


ES_OF_LOGNORMAL = math.exp(0.5) * norm.sf(norm.ppf(0.99) - 1.0) / 0.01
CASES = {
    "normal, ES99 <= 1": (normal, "ES99", 1.0, 2.0 + TAIL, 8.0, False),
    "normal, VaR99 <= 1": (normal, "VaR99", 1.0, 2.0 + norm.ppf(0.99), 8.0, False),
    "normal, mean <= 1": (normal, "mean", 1.0, 2.0, 8.0, False),
    "normal, P of y > 0 <= 0.05": (normal, "P", 0.05, 3.0 + norm.ppf(0.95), 8.0, False),
    "normal, P of y > 0 <= 0.001": (normal, "P", 0.001, 3.0 + norm.ppf(0.999), 8.0, False),
    "lognormal, ES99 <= 8": (lognormal, "ES99", 8.0, 5.0 * (1.0 - 8.0 / ES_OF_LOGNORMAL), 5.0, False),
    "uncertain effect, P of y > 0 <= 0.05": (
        uncertain, "P", 0.05, brentq(lambda lever: _uncertain_above_0(lever) - 0.05, 0.0, 16.0), 16.0, False,
    ),
    "normal, ES99 <= 0.625, whole numbers": (normal, "ES99", 0.625, math.ceil(2.375 + TAIL), 16.0, True),
}  # fmt: skip
"""Values of y by lever, measure, bound, the lever that truly meets it, the largest lever, whether it is whole."""


def searched(name: str, seed: int) -> Found | None:
    """What one set of futures gives; None without a crossing."""
    values, of, bound, _, high, whole = CASES[name]
    random = np.random.default_rng([seed, [*CASES].index(name)])
    z, effect = random.standard_normal(PATHS), random.uniform(0.5, 1.0, PATHS)

    @functools.cache
    def gap(lever: float) -> Estimate:
        y = values(z, effect, lever)
        return scaled(probability(y > 0, 1) if of == "P" else measure(y, 1, True, of), 1.0, -bound)

    places = looks(0.0, high, whole)
    found = crossings(places, [*map(gap, places)])
    return invert(gap, found[0], whole) if found else None


DEPTHS = (0.01, 0.02, 0.03, 0.05, 0.1, -0.01, -0.03)
"""How far the mean is below its limit, 1, at the bottom of the dip; above it where negative."""
BOTTOM, CURVE, END, SLOPE = 2.13, 0.1, 4.0, 0.4
"""The dip is 1 - depth + CURVE (lever - BOTTOM)^2 up to END, from where the mean falls by SLOPE."""


def dipping(depth: float, lever: float) -> float:
    """The mean by lever."""
    return 1.0 - depth + CURVE * (min(lever, END) - BOTTOM) ** 2 - SLOPE * max(lever - END, 0.0)


def turns(depth: float) -> list[float]:
    """The values of the lever at which the mean is 1."""
    half = math.sqrt(depth / CURVE) if depth > 0 else math.nan
    dip = [BOTTOM - half, BOTTOM + half] if depth > 0 else []
    return [*dip, END + (dipping(depth, END) - 1.0) / SLOPE]


def told(depth: float, seed: int) -> tuple[bool, bool]:
    """Whether what is told of one set of futures is true, and whether the value that holds breaks the limit."""
    z = np.random.default_rng([seed, DEPTHS.index(depth), 1]).standard_normal(PATHS)

    @functools.cache
    def gap(lever: float) -> Estimate:
        return scaled(measure(z + dipping(depth, lever), 1, True, "mean"), 1.0, -1.0)

    places = looks(0.0, 8.0, False)
    seen = [*map(gap, places)]
    verdicts = ["met" if one.high <= 0 else "broken" if one.low > 0 else "unclear" for one in seen]
    found = crossings(places, seen)
    chosen: Crossing = max(found, key=lambda one: abs(one.best - one.met))
    solved = invert(gap, chosen, False)
    parts = (solved.may, chosen.worst), (solved.holds, chosen.best)
    ends = [end if math.isnan(value) else value for value, end in parts]
    ranges = [tuple(sorted(ends)), *((low, high) for low, high, _ in beside(places, verdicts, found, chosen))]
    is_true = all(any(low <= turn <= high for low, high in ranges) for turn in turns(depth)) and all(
        verdict == "unclear" or (verdict == "met") == (dipping(depth, lever) <= 1.0)
        for verdict, lever in zip(verdicts, places, strict=True)
    )
    return is_true, dipping(depth, solved.holds) > 1.0


PRICES, COSTS = np.array([[10.0], [8.0], [6.0]]), np.array([[4.0], [3.5], [2.5]])
MEANS, SPREADS = np.array([[100.0], [80.0], [60.0]]), np.array([[30.0], [20.0], [25.0]])
MOST_ORDERED = np.array([[200.0], [160.0], [120.0]])
WORST = -350.0
"""Limit on ES95 of the loss."""
FEW = 1 << 12
ROUNDS_APART = 99
"""Number of the futures on which what is found is judged; no search has it."""


def demand(*seed: int, paths: int = FEW) -> np.ndarray:
    """Demand for the three goods [good, path], at least 0."""
    return np.maximum(MEANS + SPREADS * np.random.default_rng(seed).standard_normal((3, paths)), 0.0)


def ordered(point: Point, demanded: np.ndarray) -> list[Estimate]:
    """Mean of the loss, and how far its ES95 is beyond the limit."""
    quantity = np.array(point)[:, None] * MOST_ORDERED
    loss = (COSTS * quantity - PRICES * np.minimum(quantity, demanded)).sum(axis=0)
    return [measure(loss, 1, True, "mean"), scaled(measure(loss, 1, True, "ES95"), 1.0, -WORST)]


def bought(seed: int) -> Best:
    """What one set of futures gives."""
    return least(lambda number, _, x: ordered(x, demand(seed, number)), (0.5, 0.5, 0.5), False)


def several(sets: int) -> None:
    """Prints how often the limit is broken, and the distance from the optimum."""
    every = demand(200, ROUNDS_APART, paths=1 << 18)
    optimum = minimize(
        lambda x: ordered(x, every)[0].estimate, [0.4] * 3, method="COBYQA", bounds=[(0, 1)] * 3,
        constraints=NonlinearConstraint(lambda x: ordered(x, every)[1].estimate, -np.inf, 0.0),
        options={"final_tr_radius": 1e-4},
    )  # fmt: skip
    with ProcessPoolExecutor(PROCESSES) as pool:
        found = [*pool.map(bought, range(sets), chunksize=5)]
    true = [ordered(one.point, every) for one in found]
    held = [gap.estimate for one, (_, gap) in zip(found, true, strict=True) if one.holds]
    below = [mean.estimate - optimum.fun for mean, _ in true]
    print(f"{sets:,} sets of {FEW:,} futures; optimum {-optimum.fun:.2f}")
    print(f"found {len(held):,}, of which {100 * np.mean(np.array(held) > 0):.1f} % break the limit")
    print(f"below the optimum: mean {np.mean(below):.2f}, most {max(below):.2f}")
    evaluations = [one.evaluations for one in found]
    print(f"evaluations: mean {np.mean(evaluations):.0f}, most {max(evaluations)}", flush=True)


def main(sets: int) -> None:
    """Prints the coverage of each case."""
    print(f"{sets:,} sets of {PATHS:,} futures")
    with ProcessPoolExecutor(PROCESSES) as pool:
        for name, (*_, truth, _, _) in CASES.items():
            every = [*pool.map(functools.partial(searched, name), range(sets), chunksize=25)]
            found = [one for one in every if one is not None]
            known = [one for one in found if not one.is_open]
            covered = sum(one.may <= truth <= one.holds for one in known)
            broken = sum(one.holds < truth for one in found)
            at = np.mean([one.at for one in found])
            share = f"{100 * covered / len(known):5.1f} % of {len(known):,}" if known else "none"
            print(
                f"{name:38} truth {truth:6.3f}  mean {at:6.3f}  covered {share}"
                f"  holds too early {100 * broken / len(found):4.1f} %  no interval {sets - len(known):,}",
                flush=True,
            )
        for depth in DEPTHS:
            true, broken = zip(*pool.map(functools.partial(told, depth), range(sets), chunksize=25), strict=True)
            shares = f"told truly {100 * np.mean(true):5.1f} %  holds too early {100 * np.mean(broken):4.1f} %"
            print(f"{f'dip of {depth} beside mean <= 1':38} {shares}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sets", nargs="?", type=int, default=1000, help="sets of futures of each case")
    parser.add_argument("--several", action="store_true", help="the newsvendor alone")
    given = parser.parse_args()
    (several if given.several else main)(given.sets)
