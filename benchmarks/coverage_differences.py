"""How often intervals of paired differences hold the truth where values are tied: a case of `coverage_cases.py`."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import poisson

from engine.risk.estimation.differences import difference
from engine.risk.estimation.evidence import level_of
from engine.risk.estimation.intervals import as_units
from engine.risk.estimation.tails import Measured

Law = Callable[[np.ndarray], np.ndarray]
CELLS = 1 << 19
CORRELATION = 0.8
"""Correlation of the two policies' normal scores."""


def whole(u: np.ndarray, mean: float) -> np.ndarray:
    """Quantiles of a Poisson law."""
    return np.searchsorted(poisson.cdf(np.arange(int(2 * mean) + 40), mean), u).astype(np.float32)


def damage(u: np.ndarray, chance: float, size: float) -> np.ndarray:
    """Quantiles of a law that is exponential with probability `chance`, else zero."""
    return np.where(u > 1 - chance, -size * np.log(np.minimum((1 - u) / chance, 1.0)), 0.0)


def rounded(u: np.ndarray, step: float, sd: float = 1.0) -> np.ndarray:
    """Quantiles of a normal law, rounded to whole steps."""
    return np.round(sd * ndtri(u) / step) * step


def capped(u: np.ndarray, cap: float, sd: float = 1.0) -> np.ndarray:
    """Quantiles of a normal law with a cap."""
    return np.minimum(sd * ndtri(u), cap)


PAIRS: dict[str, tuple[Law, Law]] = {
    "Poisson(3) less Poisson(2)": (partial(whole, mean=3.0), partial(whole, mean=2.0)),
    "Poisson(2.6) less Poisson(1.978)": (partial(whole, mean=2.6), partial(whole, mean=1.978)),
    "Poisson(210) less Poisson(200)": (partial(whole, mean=210.0), partial(whole, mean=200.0)),
    "Bernoulli(.052) less Bernoulli(.048)": (lambda u: u > 0.948, lambda u: u > 0.952),
    "rare damage, chance .06 less .055": (
        partial(damage, chance=0.06, size=1.0),
        partial(damage, chance=0.055, size=2.0),
    ),
    "normal in steps of .05 less .8 normal": (partial(rounded, step=0.05), partial(rounded, step=0.05, sd=0.8)),
    "normal with cap 1.63 less 1.1 normal, cap 1.85": (partial(capped, cap=1.63), partial(capped, cap=1.85, sd=1.1)),
    "Poisson(3) less 3 normal": (partial(whole, mean=3.0), lambda u: 3 * ndtri(u)),
}


def cover(one: Law, two: Law, paths: int, unit: int, repetitions: int) -> tuple[float, float, float]:
    """Shares of repetitions in which the interval of VaR95's difference holds the truth, is it, and ES95's holds it."""
    level, units, held = level_of("VaR95") or 0.0, as_units(paths, unit), []
    rng = np.random.default_rng([20, paths, unit])
    middles = (np.arange(2_000_000) + 0.5) / 2_000_000
    var = [float(np.float32(law(np.array([level]))[0])) for law in (one, two)]
    es = [
        q + float(np.maximum(np.asarray(law(middles), float) - q, 0).mean()) / (1 - level)
        for q, law in zip(var, (one, two), strict=True)
    ]
    for first in range(0, repetitions, step := max(CELLS // paths, 1)):
        half = rng.standard_normal((2, min(step, repetitions - first), paths // unit, 1))
        if unit == 2:
            z = np.concatenate([half, -half], axis=-1)
        else:
            z = np.sqrt(0.5) * (half + rng.standard_normal((*half.shape[:-1], unit))) if unit > 1 else half
        a, b = z.reshape(2, -1, paths)
        b = CORRELATION * a + np.sqrt(1 - CORRELATION**2) * b
        sides = (Measured.of(law(ndtr(s)).astype(np.float32), units, (level,)) for law, s in ((one, a), (two, b)))
        held.append(np.stack(difference(*sides, units).table[2:]))
    (low, high), slack = np.concatenate(held, axis=1)[..., 3:5], 1e-6
    inside = (low <= np.array([var[0] - var[1], es[0] - es[1]]) + slack) & (
        np.array([var[0] - var[1], es[0] - es[1]]) - slack <= high
    )
    exact = (low[:, 0] == var[0] - var[1]) & (high[:, 0] == var[0] - var[1])
    return float(inside[:, 0].mean()), float(exact.mean()), float(inside[:, 1].mean())


def differences(repetitions: int) -> Iterator[tuple[str, ...]]:
    """Rows: coverage of differences of VaR95 and ES95 of tied outcomes, by paths and units; and how many are exact."""
    for name, pair in PAIRS.items():
        for paths, unit in ((4096, 1), (4096, 2), (10_240, 1), (10_240, 16)):
            inside, _, beyond = cover(*pair, paths, unit, repetitions)
            conditions = f"{paths:,} paths in units of {unit}"
            yield f"VaR95, {name}", conditions, f"{inside:.3f}", "0.93"
            yield f"ES95, {name}", conditions, f"{beyond:.3f}", ""
    _, exact, _ = cover(*PAIRS["Poisson(3) less Poisson(2)"], 100_000, 1, repetitions)
    yield "VaR95, Poisson(3) less Poisson(2), is [1, 1]", "100,000 paths", f"{exact:.3f}", "0.95"
