"""How often an explanation distinguishes an input without effect, and how often intervals of distances hold them."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from scipy.special import ndtr, roots_legendre
from scipy.stats import norm

from engine.questions.prior_scores import BINS, in_tenths
from engine.risk.drivers.worst_share import WorstShare, of_event, of_outcome
from engine.risk.estimation.intervals import Units

Row = tuple[str, ...]
LEVEL, EDGE = 0.99, 2.5
_INPUTS = 20
"""Number of a study's inputs that have no effect; 5 % is the false-alarm rate over all of them together."""


def _normals(rng: np.random.Generator, inputs: int, paths: int, unit: int) -> np.ndarray:
    """Scores [input, path]: in units of 2 the second mirrors the first; larger units are stratified replicates."""
    if unit == 1:
        return rng.standard_normal((inputs, paths))
    if unit == 2:
        half = rng.standard_normal((inputs, paths // 2))
        return np.stack([half, -half], axis=-1).reshape(inputs, paths)
    strata = rng.permuted(np.tile(np.arange(unit), (inputs, paths // unit, 1)), axis=-1)
    return norm.ppf((strata + rng.random(strata.shape)) / unit).reshape(inputs, paths)


def _worst(kind: str, x: np.ndarray, units: Units) -> WorstShare:
    if kind == "sum":
        return of_outcome(x[0] + x[1], units, LEVEL, True)
    return of_event(np.abs(x[0]) > EDGE if kind == "ends" else np.maximum(x[0], x[1]) > EDGE, units)


def _distance(share: WorstShare, z: np.ndarray) -> tuple:
    u = ndtr(z)
    return share.distance(in_tenths(u[share.path], u[share.path]), in_tenths(u[share.near], u[share.near]))


def _truth(kind: str) -> float:
    """Distance of the first input in closed form: from the chance of the tail given its tenth."""
    if kind == "ends":
        return 4.0  # a half in each outer tenth
    tenths = norm.ppf(np.linspace(0, 1, BINS + 1))
    edge = np.sqrt(2) * norm.ppf(LEVEL)
    node, weight = roots_legendre(200)

    def within(low: float, high: float) -> float:
        low, high = max(low, -9.0), min(high, 9.0)
        x = low + (high - low) * (node + 1) / 2
        given = norm.sf(edge - x) if kind == "sum" else np.where(x > EDGE, 1.0, norm.sf(EDGE))
        return float(weight @ (given * norm.pdf(x)) * (high - low) / 2)

    cuts = sorted({*tenths, EDGE} if kind == "either" else {*tenths})
    parts = [(a, within(a, b)) for a, b in pairwise(cuts)]
    mass = np.zeros(BINS)
    for a, part in parts:
        mass[min(np.searchsorted(tenths, a, "right") - 1, BINS - 1)] += part
    density = BINS * mass / mass.sum()
    return float(np.mean((density - 1) ** 2))


def distances(repetitions: int) -> Iterator[Row]:
    """Rows: how often no input of twenty without effect is distinguished, and an effective one's interval holds."""
    for kind in ("sum", "either", "ends"):
        for unit in (1, 2):
            yield from _rows(kind, unit, 20_000, repetitions)
    yield from _rows("sum", 2, 100_000, repetitions)
    yield from _rows("sum", 512, 128 * 512, repetitions)


def _rows(kind: str, unit: int, paths: int, repetitions: int) -> Iterator[Row]:
    rng, units, truth = np.random.default_rng([paths, unit]), Units(paths, unit), _truth(kind)
    none, within, far = 0, 0, 0
    for _ in range(repetitions):
        x = _normals(rng, 2, paths, unit)
        share = _worst(kind, x, units)
        idle = _normals(rng, _INPUTS, paths, unit)
        none += min(_distance(share, one)[1] for one in idle) >= 0.05 / _INPUTS
        one, p_value = _distance(share, x[0])
        within += one.low <= truth <= one.high
        far += p_value < 0.05 / _INPUTS
    of = {"sum": "worst 1 % of x1 + x2", "either": "max(x1, x2) > 2.5", "ends": "|x1| > 2.5"}[kind]
    how = {1: "single paths", 2: "pairs"}.get(unit, f"{paths // unit} stratified replicates")
    about = f"{of}, {paths:,} paths, {how}"
    yield "none of 20 idle inputs distinguished", about, f"{100 * none / repetitions:.1f} %", "95 %"
    yield (f"distance of x1 ({truth:.2f}) within its interval", about, f"{100 * within / repetitions:.1f} %", "93 %")
    yield "x1 distinguished", about, f"{100 * far / repetitions:.1f} %", "99 %"


CASES: dict[str, Callable[[int], Iterator[Row]]] = {"distances": distances}
