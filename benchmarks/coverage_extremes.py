"""How often the intervals of `rustbelt extremes` hold the true shape, level and mean beyond it, by tail index; and
whether SciPy finds the same laws.

python benchmarks/coverage_extremes.py [--repetitions 1000]

20,000 futures of known laws: generalised Pareto laws, and others of the same tail index, whose tails have such a law
only as their limit.
"""

import argparse
from collections.abc import Callable

import numpy as np
from scipy import stats
from timing import machine, table

from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.pareto_law import log_likelihood
from engine.risk.estimation.return_levels import Extremes, extremes

FUTURES = 20_000
TIMES = 0.1, 1.0, 10.0
"""Return periods, as multiples of the number of futures."""
COMPARED = 50
"""Repetitions in which SciPy fits the same excesses."""
LAWS = {
    "-0.3": (("generalised Pareto", stats.genpareto(-0.3)), ("beta(2, 10/3)", stats.beta(2, 10 / 3))),
    "0": (("exponential", stats.expon()), ("normal", stats.norm())),
    "0.2": (("generalised Pareto", stats.genpareto(0.2)), ("Student, 5", stats.t(5))),
    "1/3": (("generalised Pareto", stats.genpareto(1 / 3)), ("Student, 3", stats.t(3))),
    "0.6": (("generalised Pareto", stats.genpareto(0.6)), ("Student, 5/3", stats.t(5 / 3))),
}  # fmt: skip
SHAPES = {"-0.3": -0.3, "0": 0.0, "0.2": 0.2, "1/3": 1 / 3, "0.6": 0.6}


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000)
    repetitions = parser.parse_args().repetitions
    print(machine(), end="\n\n")
    rows, worse, apart = [], 0.0, 0.0
    for index, laws in LAWS.items():
        for name, law in laws:
            random = np.random.default_rng([27, *name.encode(), *index.encode()])
            row, less, far = _law(
                law,
                SHAPES[index],
                lambda size, law=law, random=random: law.rvs(size=size, random_state=random),
                1,
                repetitions,
            )
            rows.append((index, name, "futures", *row))
            worse, apart = max(worse, less), max(apart, far)
    for index, name, law in (("0", "normal", stats.norm()), ("1/3", "Student, 3", stats.t(3))):
        for how, make in (("antithetic pairs", _pairs), ("pairs that are alike", _alike)):
            random = np.random.default_rng([28, *how.encode(), *name.encode()])
            row, *_ = _law(
                law,
                SHAPES[index],
                lambda size, law=law, make=make, random=random: make(law, size, random),
                2,
                repetitions,
            )
            rows.append((index, name, how, *row))
    head = (
        "tail index",
        "law",
        "units",
        "no law, %",
        "shape held, %",
        *(f"1 in {FUTURES * one:,.0f}" for one in TIMES),
        f"mean beyond 1 in {FUTURES:,}",
    )
    print(table(head, rows))
    print(f"\nLog likelihood of SciPy's law above ours, at most {worse:.2g}; shapes apart, at most {apart:.2g}.")


def _law(
    law: stats.rv_continuous, shape: float, draw: Callable[[int], np.ndarray], unit: int, repetitions: int
) -> tuple[list[str], float, float]:
    """Shares of the given intervals that hold the truth [%]; by how much SciPy's likelihood is above ours; how far its
    shape is from ours.
    """
    periods = [FUTURES * one for one in TIMES]
    levels = law.isf(1 / np.array(periods))
    beyond = float(law.expect(lb=levels[1]) * FUTURES) if shape < 1 else np.inf
    held: list[list[float]] = []
    worse = apart = 0.0
    for k in range(repetitions):
        of = extremes(draw(FUTURES), unit, True)
        if of.fit is None:
            continue
        found = [of.fit.of_shape, *map(of.fit.level, periods), of.fit.beyond(periods[1])]
        rows = zip(found, (shape, *levels, beyond), strict=True)
        held.append([_holds(one, true) for one, true in rows])
        if k < COMPARED:
            less, far = _scipy(of)
            worse, apart = max(worse, less), max(apart, far)
    shares = 100 * np.nanmean(held, axis=0)
    return [f"{100 * (1 - len(held) / repetitions):.1f}", *(f"{one:.1f}" for one in shares)], worse, apart


def _holds(one: Estimate, true: float) -> float:
    return float(one.low <= true <= one.high) if np.isfinite(one.low) else np.nan


def _scipy(of: Extremes) -> tuple[float, float]:
    assert of.fit is not None
    shape, _, scale = stats.genpareto.fit(of.fit.law.excesses, floc=0)
    theirs, ours = (
        float(log_likelihood(of.fit.law.excesses, np.array(a), np.array(b)))
        for a, b in ((shape, scale), (of.fit.law.shape, of.fit.law.scale))
    )
    return theirs - ours, abs(shape - of.fit.law.shape)


def _pairs(law: stats.rv_continuous, size: int, random: np.random.Generator) -> np.ndarray:
    """Draws in pairs at opposite quantiles of the law."""
    place = random.random(size // 2)
    return np.stack([law.ppf(place), law.isf(place)], axis=1).ravel()


def _alike(law: stats.rv_continuous, size: int, random: np.random.Generator) -> np.ndarray:
    """Draws in pairs of nearly equal values."""
    own = law.rvs(size=size // 2, random_state=random)
    return np.repeat(own, 2) * (1 + 1e-4 * random.random(size))


if __name__ == "__main__":
    main()
