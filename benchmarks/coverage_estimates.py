"""How often 95 % intervals cover the truth: `pytest -n 0 -s benchmarks/coverage_estimates.py` prints the coverage that
docs/method.md summarises.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, product, tee
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from engine.risk.estimation import histogram_measures as binned
from engine.risk.estimation.heaviness import Extremes
from engine.risk.estimation.influences import MEASURES, level_of
from engine.risk.estimation.intervals import Estimate, as_units
from engine.risk.estimation.measures import difference, probability
from engine.risk.estimation.tallies import GROUP

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.risk.cells import DIFFERENCES, difference_cells, summary_cells
from tests.risk.estimation.test_histograms import binned_by_value, difference_of, summary_of

UNITS = pytest.mark.parametrize("unit", [1, 2])
REPETITIONS = 2000
FEWER = 500
"""Repetitions where each one takes long."""
LOWEST, HIGHEST = 0.92, 0.98
VALUES = 1 << 21


@dataclass(frozen=True)
class Law:
    """A loss as a function of a normal score, and its closed forms at level a."""

    loss: Callable[[np.ndarray], np.ndarray]
    mean: float
    var: Callable[[float], float]
    es: Callable[[float], float]

    def truth(self, measure: str) -> float:
        level = level_of(measure)
        return self.mean if level is None else (self.var if measure.startswith("VaR") else self.es)(level)


def lognormal(sigma: float) -> Law:
    mean = float(np.exp(sigma**2 / 2))
    return Law(
        lambda z: np.exp(sigma * z),
        mean,
        lambda a: np.exp(sigma * ndtri(a)),
        lambda a: mean * ndtr(sigma - ndtri(a)) / (1 - a),
    )


def normal(sd: float, mean: float = 0.0) -> Law:
    return Law(
        lambda z: mean + sd * z,
        mean,
        lambda a: mean + sd * ndtri(a),
        lambda a: mean + sd * np.exp(-(ndtri(a) ** 2) / 2) / np.sqrt(2 * np.pi) / (1 - a),
    )


def pareto(alpha: float, scale: float = 1.0) -> Law:
    heaviness = alpha / (alpha - 1)
    return Law(
        lambda z: scale * ndtr(-z) ** (-1 / alpha),
        scale * heaviness,
        lambda a: scale * (1 - a) ** (-1 / alpha),
        lambda a: scale * heaviness * (1 - a) ** (-1 / alpha),
    )


LAWS = {"normal": normal(1.0), "lognormal(0, 1)": lognormal(1.0), "Pareto(3)": pareto(3.0)}
PAIRS = {
    "normal": (normal(1.0), normal(0.8)),
    "lognormal": (lognormal(1.0), lognormal(0.8)),
    "Pareto(3)": (pareto(3.0), pareto(3.0, 0.8)),
}
SIZES = {  # paths -> the measures whose intervals are to cover there
    1_000: ("VaR95",),
    2_000: ("ES95",),
    5_000: ("VaR99",),
    20_000: ("mean", "VaR95", "VaR99", "ES95", "ES99"),
    50_000: ("VaR99.9",),
    100_000: ("ES99", "ES99.9"),
}
GROUPED = {  # paths and groups -> the measures whose intervals are to cover there
    (20_000, 2): ("mean", "ES95", "ES99"),
    (20_000, 16): ("mean", "VaR95", "VaR99", "ES95", "ES99"),
    (100_000, 64): ("mean", "VaR95", "VaR99", "VaR99.9", "ES95", "ES99", "ES99.9"),
}


def scores(n_paths: int, unit: int, seed: int) -> Iterator[np.ndarray]:
    """Normal scores [2, repetition, path], in antithetic pairs for unit 2, a part of the repetitions at a time."""
    rng = np.random.default_rng([seed, n_paths, unit])
    step = max(VALUES // n_paths, 1)
    for first in range(0, REPETITIONS, step):
        z = rng.standard_normal((2, min(step, REPETITIONS - first), n_paths // unit), np.float32)
        yield z if unit == 1 else np.stack([z, -z], axis=-1).reshape(2, -1, n_paths)


def judged(what: str, n_paths: int, measure: str, unit: int, low: np.ndarray, high: np.ndarray, truth: float) -> None:
    """Prints a line of the table; the interval must be there and cover in 92 to 98 % of the repetitions."""
    level = level_of(measure)
    exceedances = "" if level is None else f"{n_paths * (1 - level):.0f}"
    cover = np.mean((low <= truth) & (truth <= high))
    below, above = np.mean(truth < low), np.mean(high < truth)
    print(
        f"| {what} | {'pairs' if unit == 2 else 'paths'} | {n_paths} | {measure} | {exceedances} "
        f"| {100 * cover:.1f} | {100 * below:.1f} / {100 * above:.1f} |"
    )
    assert np.isfinite(low).all() and np.isfinite(high).all(), f"{what} {measure}: an interval is missing"
    assert LOWEST <= cover <= HIGHEST, f"{what} {measure} at {n_paths} paths: {cover}"


@UNITS
@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("n_paths", SIZES)
def test_intervals_cover(name, n_paths, unit):
    law = LAWS[name]
    parts = [summary_cells(law.loss(z[0]).astype(np.float32), unit, True) for z in scores(n_paths, unit, 1)]
    low, high = (np.concatenate([part[i] for part in parts]) for i in (2, 3))
    for measure in SIZES[n_paths]:
        m = MEASURES.index(measure)
        if measure == "mean" and name == "normal" and unit == 2:
            continue  # exact: the pair's mean is the mean
        judged(name, n_paths, measure, unit, low[:, m], high[:, m], law.truth(measure))


MIDDLES = {  # a loss of a normal score with its median and its deviation
    "normal": (lambda z: z, 0.0, 1.0),
    "lognormal(0, 0.5)": (lambda z: np.exp(0.5 * z), 1.0, np.sqrt(np.exp(0.25) * np.expm1(0.25))),
    "exponential": (lambda z: -np.log(ndtr(-z)), np.log(2), 1.0),
    "uniform": (ndtr, 0.5, np.sqrt(1 / 12)),
}


@UNITS
@pytest.mark.parametrize("n_paths", [1_000, 10_000])
@pytest.mark.parametrize("name", MIDDLES)
def test_intervals_of_medians_and_deviations_cover(name, n_paths, unit):
    """Also of the difference from the same loss of another score, correlation 0.8, doubled. Mirrored pairs have no
    error of a median.
    """
    loss, median, sd = MIDDLES[name]
    own, gaps = [], []
    for a, b in scores(n_paths, unit, 8):
        x, y = (loss(z).astype(np.float32) for z in (0.8 * a + 0.6 * b, a))
        own.append(summary_cells(x, unit, True))
        gaps.append(difference_cells(2 * x, y, unit, True))
    for what, parts, names in ((name, own, MEASURES), (f"difference, {name}", gaps, DIFFERENCES)):
        low, high = (np.concatenate([part[i] for part in parts]) for i in (2, 3))
        for measure, truth in (("median", median), ("sd", sd)):
            m = names.index(measure)
            if measure == "sd" or unit == 1:
                judged(what, n_paths, measure, unit, low[:, m], high[:, m], truth)


@UNITS
@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    ("n_paths", "measures"),
    [(1_000, ("VaR95", "worse")), (10_000, ("ES95",)), (20_000, ("mean", "VaR95", "VaR99", "ES95"))],
)
def test_intervals_of_paired_differences_cover(name, n_paths, measures, unit):
    one, two = PAIRS[name]
    parts = []
    for a, b in scores(n_paths, unit, 2):
        x, y = one.loss(a), two.loss(0.8 * a + 0.6 * b) - 0.1
        parts.append(difference_cells(x.astype(np.float32), y.astype(np.float32), unit, True))
    estimate, low, high = (np.concatenate([part[i] for part in parts]) for i in (0, 2, 3))
    for measure in measures:
        m = DIFFERENCES.index(measure)
        # P(worse) has no closed form: the mean of all repetitions stands for it, 45 times as exact as one of them
        gap = one.truth(measure) - two.truth(measure) + 0.1
        truth = estimate[:, m].mean() if measure == "worse" else gap
        if measure == "mean" and name == "normal" and unit == 2:
            continue
        judged(f"difference, {name}", n_paths, measure, unit, low[:, m], high[:, m], truth)


@UNITS
@pytest.mark.parametrize(("n_paths", "share"), [(1_000, 0.05), (1_000, 0.3), (100_000, 0.001)])
def test_intervals_of_probabilities_cover(n_paths, share, unit):
    found = [probability(row > ndtri(1 - share), unit) for z in scores(n_paths, unit, 3) for row in z[0]]
    low, high = (np.array([getattr(estimate, end) for estimate in found]) for end in ("low", "high"))
    judged(f"probability {share}", n_paths, "probability", unit, low, high, share)


@UNITS
def test_intervals_of_conditional_probabilities_cover(unit):
    """P(X > 1 | Y > 1) for normals with correlation 0.8: a ratio of two random counts."""
    x = np.linspace(1, 9, 200_001)
    joint = np.trapezoid(np.exp(-x * x / 2) / np.sqrt(2 * np.pi) * ndtr((0.8 * x - 1) / 0.6), x)
    found = []
    for a, b in scores(2_000, unit, 4):
        for event, given in zip(a > 1, 0.8 * a + 0.6 * b > 1, strict=True):
            found.append(probability(event[given], as_units(2_000, unit).take(given)))
    low, high = (np.array([getattr(estimate, end) for estimate in found]) for end in ("low", "high"))
    judged("P(X > 1, given Y > 1)", 2_000, "probability", unit, low, high, joint / ndtr(-1.0))


@pytest.mark.parametrize("n_paths", [5_000, 20_000])
@pytest.mark.parametrize(
    ("name", "law", "least", "most"),
    [
        ("Pareto(1.5)", pareto(1.5), 1.0, 1.0),
        ("Pareto(1.9)", pareto(1.9), 0.9, 1.0),
        ("Pareto(3)", pareto(3.0), 0.0, 0.02),
        ("lognormal(0, 1)", lognormal(1.0), 0.0, 0.02),
        ("normal", normal(1.0), 0.0, 0.02),
    ],
)
def test_heavy_tails_are_flagged(name, law, least, most, n_paths):
    flags = [bool(Extremes.of_sorted(row).upper) for z in scores(n_paths, 1, 5) for row in np.sort(law.loss(z[0]))]
    print(f"| flagged: {name} | paths | {n_paths} | | | {100 * np.mean(flags):.1f} | |")
    assert least <= np.mean(flags) <= most


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize(("n_paths", "groups"), GROUPED)
def test_intervals_from_histograms_by_group_cover(name, n_paths, groups):
    """Bins and few groups make them wider than need be; none may be narrower than it says."""
    law, (one, two) = LAWS[name], PAIRS[name.partition("(0")[0]]
    ends: dict[str, list[tuple[float, float]]] = {}
    gaps: dict[str, list[tuple[float, float]]] = {}
    for a, b in islice(zip(*_rows(n_paths), strict=True), FEWER):
        for m, e in summary_of(binned_by_value(law.loss(a).astype(np.float32), groups), True).items():
            ends.setdefault(m, []).append((e.low, e.high))
        x, y = one.loss(a), two.loss(0.8 * a + 0.6 * b) - 0.1
        parts = (binned_by_value(part.astype(np.float32), groups) for part in (x, y))
        for m, e in difference_of(*parts, True).items():
            gaps.setdefault(m, []).append((e.low, e.high))
    for measure in GROUPED[n_paths, groups]:
        judged_by_groups(name, n_paths, groups, measure, ends[measure], law.truth(measure))
        truth = one.truth(measure) - two.truth(measure) + 0.1
        if np.isfinite(gaps[measure]).all():
            judged_by_groups(f"difference, {name}", n_paths, groups, measure, gaps[measure], truth)


@pytest.mark.parametrize("n_paths", [20_000, 65_536])
def test_intervals_of_differences_of_quantiles_from_groups_of_a_block_cover(n_paths):
    """Of outcomes that are not kept by path, of which each group of 8,192 paths has a histogram."""
    groups, measures = -(-n_paths // GROUP), ("median", "VaR95", "VaR99", "VaR99.9")
    for (name, law), rho in product({"normal": normal(1.0), "lognormal(0, 2)": lognormal(2.0)}.items(), (0.5, 0.95)):
        found = dict[str, list[Estimate]]()
        for a, b in islice(zip(*_rows(n_paths), strict=True), FEWER):
            x, y = (law.loss(z).astype(np.float32) for z in (a, rho * a + np.sqrt(1 - rho**2) * b))
            for measure, one in difference_of(binned_by_value(x, groups), binned_by_value(y, groups), True).items():
                found.setdefault(measure, []).append(one)
        for measure in measures:
            if measure == "VaR99.9" and n_paths < 50_000:
                continue  # 20 exceedances
            number, error, low, high = np.array([one.column for one in found[measure]]).T
            print(
                f"| {name}, correlation {rho}: standard error / standard deviation {error.mean() / number.std():.2f} |"
            )
            judged_by_groups(f"difference, {name}", n_paths, groups, measure, list(zip(low, high, strict=True)), 0.0)


@pytest.mark.parametrize("step", [0.1, 0.25, 2.0])
def test_intervals_of_differences_of_rounded_values_cover(step):
    """Normal values in steps of so many standard errors of the quantile: those without the flag `tied` cover."""
    n_paths = 4_000
    for measure, level in (("median", 0.5), ("VaR95", 0.95)):
        density = np.exp(-(ndtri(level) ** 2) / 2) / np.sqrt(2 * np.pi)
        size = step * np.sqrt(level * (1 - level) / n_paths) / density
        rng, held = np.random.default_rng([9, int(100 * step), int(100 * level)]), []
        for _ in range(FEWER):
            a, b = rng.standard_normal((2, n_paths))
            x, y = (size * np.round(z / size) for z in (a, 0.8 * a + 0.6 * b))
            one = difference(x, y, 1, True)[measure]
            held += [one.low <= 0 <= one.high] if np.isfinite(one.low) else []
        given = len(held) / FEWER
        print(
            f"| in steps of {step} | {n_paths} | {measure} | {100 * np.mean(held or np.nan):.1f} | {100 * given:.1f} |"
        )
        assert (np.mean(held) >= LOWEST) if step < 1 else given < 0.05


@pytest.mark.parametrize("groups", [2, 16, 64])
@pytest.mark.parametrize(("n_paths", "share"), [(1_000, 0.05), (20_000, 0.3), (100_000, 0.001)])
def test_intervals_of_shares_by_group_cover(n_paths, share, groups):
    rng = np.random.default_rng([6, groups, n_paths])
    sizes = np.full(groups, n_paths // groups)
    found = [binned.share(rng.binomial(sizes, share), sizes, 1) for _ in range(REPETITIONS)]
    ends = [(estimate.low, estimate.high) for estimate in found]
    judged_by_groups(f"probability {share}", n_paths, groups, "probability", ends, share)


def _rows(n_paths: int) -> tuple[Iterator[np.ndarray], Iterator[np.ndarray]]:
    """Normal scores [path] of two variables, one repetition at a time."""
    first, second = tee(row for z in scores(n_paths, 1, 7) for row in z.swapaxes(0, 1))
    return (row[0] for row in first), (row[1] for row in second)


def judged_by_groups(
    what: str, n_paths: int, groups: int, measure: str, ends: list[tuple[float, float]], truth: float
) -> None:
    """Prints a line of the table; the interval must be there and cover in at least 92 % of the repetitions."""
    low, high = np.array(ends).T
    cover = np.mean((low <= truth) & (truth <= high))
    print(f"| {what} | {groups} groups | {n_paths} | {measure} | | {100 * cover:.1f} | |")
    assert np.isfinite(low).all(), f"{what} {measure}: an interval is missing"
    assert cover >= LOWEST, f"{what} {measure} at {n_paths} paths in {groups} groups: {cover}"
