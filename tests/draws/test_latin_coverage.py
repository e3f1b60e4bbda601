"""How often 95 % intervals over replicates cover: `pytest -m slow -s tests/draws/test_latin_coverage.py` prints the
table of docs/method.md.
"""

import functools
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ndtri

from engine.draws import random_words
from engine.draws.sampling import SAMPLERS, path_order
from engine.risk.estimation import histogram_measures as binned
from engine.risk.estimation.evidence import MEASURES
from engine.risk.estimation.measures import probability
from tests.pairs import in_turn
from tests.risk.cells import DIFFERENCES, difference_cells, summary_cells
from tests.risk.estimation.test_coverage import HIGHEST, LAWS, PAIRS
from tests.risk.estimation.test_histograms import binned_by_value

pytestmark = [pytest.mark.slow, pytest.mark.sweep]

LATIN, SIZE = SAMPLERS["latin"], SAMPLERS["latin"].unit
REPETITIONS = 1000
FACTORS = 5
TILE = 1 << 17
SOME = ("VaR95", "mean", "ES95", "VaR99", "ES99", "VaR99.9")
MEASURED = {8: SOME[:1], 32: SOME[:4], 128: SOME[:5], 512: SOME}
"""Replicates -> the measures whose intervals are to cover there."""


def part_of(cases, *more: int) -> list:
    """Cases (replicates, *case): CI runs each in some, a sweep all of them and the largest, which are fifty million
    paths a repetition of all.
    """
    cases = [case if isinstance(case, tuple) else (case,) for case in cases]
    *few, most = (*more, *MEASURED)
    return in_turn(few, cases, 0) + [pytest.param(most, *case, marks=pytest.mark.sweep) for case in cases]


def drawn(replicates: int, seed: int, repetitions: int = REPETITIONS) -> np.ndarray:
    """Normal scores of the sampler, [factor, repetition, path]."""
    keys = jnp.asarray(np.array([random_words.stream_key(seed, f"factor:{k}", replicates) for k in range(FACTORS)]))
    scores = jax.jit(lambda low, high: LATIN.normals(keys, (low, high), TILE))
    order, n = np.argsort(path_order(LATIN, TILE)), replicates * SIZE
    parts = []
    for first in range(0, repetitions * n, TILE):
        counter = first // LATIN.group
        parts.append(np.asarray(scores(jnp.uint32(counter & 0xFFFFFFFF), jnp.uint32(counter >> 32)))[:, order])
    return np.concatenate(parts, axis=1)[:, : repetitions * n].reshape(FACTORS, repetitions, n)


@functools.lru_cache(1)
def scores(replicates: int) -> np.ndarray:
    """Of as many repetitions as fit; drawn once for all tests of as many replicates that follow each other."""
    return drawn(replicates, 1, REPETITIONS if replicates <= 128 else 400)


OUTCOMES = {
    "four factors": lambda z: z[:4].sum(axis=0) / 2,  # additive under the normal law, a product under the lognormal
    "one factor": lambda z: z[0],
}


def judged(
    what: str,
    replicates: int,
    measure: str,
    ends: tuple[np.ndarray, np.ndarray],
    truth: float,
    highest: float = HIGHEST,
) -> None:
    """Prints a line of the table; of the intervals that are there, nearly all, 93 % must cover, but for two standard
    errors.
    """
    shown = np.isfinite(ends[0])
    low, high = (end[shown] for end in ends)
    cover = np.mean((low <= truth) & (truth <= high))
    below, above = np.mean(truth < low), np.mean(high < truth)
    print(f"| {what} | {replicates} | {measure} | {100 * cover:.1f} | {100 * below:.1f} / {100 * above:.1f} |")
    assert shown.mean() > 0.95, f"{what} {measure}: intervals are missing"
    lowest = 0.93 - 2 * np.sqrt(0.95 * 0.05 / len(low))
    assert lowest <= cover <= highest, f"{what} {measure} of {replicates}: {cover}"


@pytest.mark.parametrize(("replicates", "name", "outcome"), part_of(product(LAWS, OUTCOMES)))
def test_intervals_cover(name, replicates, outcome):
    law, score = LAWS[name], OUTCOMES[outcome](scores(replicates))
    _, _, low, high = summary_cells(law.loss(score.astype(np.float64)).astype(np.float32), SIZE, True)
    for measure in MEASURED[replicates]:
        m = MEASURES.index(measure)
        # a tail of one factor holds the same number of paths in each replicate, but for one: whole ranks are wider
        highest = 1.0 if outcome == "one factor" else HIGHEST
        judged(f"{name} of {outcome}", replicates, measure, (low[:, m], high[:, m]), law.truth(measure), highest)


@pytest.mark.parametrize(("replicates", "name"), part_of(PAIRS))
def test_intervals_of_paired_differences_cover(name, replicates):
    one, two = PAIRS[name]
    z = scores(replicates).astype(np.float64)
    first = z[:4].sum(axis=0) / 2
    x, y = one.loss(first), two.loss(0.8 * first + 0.6 * z[4]) - 0.1
    estimate, _, low, high = difference_cells(x.astype(np.float32), y.astype(np.float32), SIZE, True)
    for measure in ("VaR95", "worse", "mean", "VaR99", "ES95")[
        : 2 if replicates < 30 else 4 if replicates < 100 else 5
    ]:
        m = DIFFERENCES.index(measure)
        gap = one.truth(measure) - two.truth(measure) + 0.1 if measure != "worse" else estimate[:, m].mean()
        judged(f"difference, {name}", replicates, measure, (low[:, m], high[:, m]), gap)


@pytest.mark.parametrize(("replicates", "share", "outcome"), part_of(product([0.3, 0.05, 0.001], OUTCOMES), 4))
def test_intervals_of_probabilities_cover(share, replicates, outcome):
    found = [probability(row > ndtri(1 - share), SIZE) for row in OUTCOMES[outcome](scores(replicates))]
    low, high = (np.array([getattr(estimate, end) for estimate in found]) for end in ("low", "high"))
    judged(f"probability {share} of {outcome}", replicates, "probability", (low, high), share, 1.0)


@pytest.mark.parametrize("replicates", [32, 128])
def test_the_mean_of_a_product_is_covered(replicates):
    z = scores(replicates)
    _, _, low, high = (part[:, 0] for part in summary_cells(z[0] * z[1], SIZE, True))
    judged("product of two normals", replicates, "mean", (low, high), 0.0)


@pytest.mark.sweep
@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("name", LAWS)
def test_intervals_from_histograms_by_group_cover(name, outcome):
    """16 groups of 32 replicates."""
    law, score = LAWS[name], OUTCOMES[outcome](scores(512))
    ends: dict[str, list[tuple[float, float]]] = {}
    for row in score.astype(np.float64):
        for m, e in binned.summary(binned_by_value(law.loss(row).astype(np.float32), 16), True).items():
            ends.setdefault(m, []).append((e.low, e.high))
    for measure in ("mean", "VaR95", "VaR99", "ES95", "ES99"):
        low, high = np.array(ends[measure]).T
        judged(f"{name} of {outcome}, 16 groups", 512, measure, (low, high), law.truth(measure), 1.0)
