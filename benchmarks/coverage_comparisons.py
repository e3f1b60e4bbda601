"""How often the intervals of a comparison hold the truth: `pytest -n 0 -s benchmarks/coverage_comparisons.py` prints
the coverage that docs/method.md summarises.

The pair of policies is linear in two normal factors: old = 10 + 3 a + 2 b, reform = 8 + 2 a + 2.5 b, of which
everything is known.
"""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal

from engine.risk.estimation.intervals import as_units
from engine.risk.estimation.measures import Variables, difference
from engine.risk.policies.paired import Verdict, common_tails, dominance, regrets
from engine.risk.policies.ranks import batched, gaps
from engine.risk.policies.thresholds import threshold_curves

REPETITIONS = 500
LOWEST, HIGHEST = 0.92, 0.98
SD = np.sqrt(1.25)
"""Of old less reform, whose mean is 2."""
MEANS, SDS = np.array([10.0, 8.0]), np.sqrt([13.0, 10.25])


def scores(rng, paths, unit, rows=2):
    """Normal scores [row, path], in mirrored pairs for unit 2, in groups that share half of their variance for larger
    units.
    """
    if unit == 1:
        return rng.standard_normal((rows, paths))
    half = rng.standard_normal((rows, paths // unit))
    if unit == 2:
        return np.stack([half, -half], axis=-1).reshape(rows, paths)
    own = rng.standard_normal((rows, paths // unit, unit))
    return np.sqrt(0.5) * (half[..., None] + own).reshape(rows, paths)


def pair(rng, paths, unit):
    a, b = scores(rng, paths, unit)
    return np.stack([10 + 3 * a + 2 * b, 8 + 2 * a + 2.5 * b]).astype(np.float32)


def judged(what, paths, unit, held):
    cover = float(np.mean(held))
    print(f"| {what} | {paths} | {unit} | {100 * cover:.1f} |")
    assert LOWEST <= cover <= HIGHEST, f"{what}, {paths} paths in units of {unit}: {cover}"


def holds(one, truth):
    return one.low <= truth <= one.high


@pytest.mark.parametrize("unit", [1, 2, 16])
def test_quantiles_of_regret_and_the_chance_of_being_worse_cover(unit):
    """The old policy's 95 % quantile and the reform's 99 %, which has an atom of 96 % at zero; P(worse); the ratio of
    variances.
    """
    rng = np.random.default_rng([1, unit])
    paths = 6400
    truths = {
        "regret of old, 95 %": 2 + SD * ndtri(0.95),
        "regret of reform, 99 %": -2 + SD * ndtri(0.99),
        "mean regret of reform": 0.01641384156,
        "P(reform is worse)": 0.03681913506,
    }
    held = {name: [] for name in truths}
    for _ in range(REPETITIONS):
        values = pair(rng, paths, unit)
        old, reform = regrets(values, unit, True)
        gap = difference(values[1], values[0], unit, True)
        estimates = {
            "regret of old, 95 %": old["regret_VaR95"],
            "regret of reform, 99 %": reform["regret_VaR99"],
            "mean regret of reform": Variables(values, unit, True).regrets()[1],
            "P(reform is worse)": gap["worse"],
        }
        for name, truth in truths.items():
            if np.isfinite(estimates[name].low):
                held[name].append(holds(estimates[name], truth))
    for name, of in held.items():
        if len(of) > 0.9 * REPETITIONS:  # else too few exceed in units as large
            judged(name, paths, unit, of)


@pytest.mark.parametrize(("paths", "unit"), [(1600, 2), (1600, 1), (6400, 2), (12_800, 16)])
def test_bands_of_threshold_curves_cover_point_by_point(paths, unit):
    """The bands of both policies at the level in the middle."""
    rng, held = np.random.default_rng([2, paths, unit]), []
    for _ in range(REPETITIONS):
        curves = threshold_curves(pair(rng, paths, unit), unit, True, 12.0)
        k = len(curves.levels) // 2
        truth = ndtr((MEANS - curves.levels[k]) / SDS)
        held += [curves.low[p, k] <= truth[p] <= curves.high[p, k] for p in (0, 1)]
    judged("share", paths, unit, held)


@pytest.mark.parametrize("unit", [1, 2, 16])
def test_gaps_of_many_policies_cover_all_pairs_at_once(unit):
    rng = np.random.default_rng([3, unit])
    paths, means = 3200, np.arange(5.0)
    units = as_units(paths, unit)
    held = []
    for _ in range(REPETITIONS):
        # products of scores do not cancel where pairs mirror each other
        common, *own = scores(rng, paths, unit, 6)
        values = means[:, None] + common**2 - 1 + 0.5 * np.array(own) * np.roll(own, 1, axis=0)
        one = gaps({"cost": (batched(units).totals(values), np.full((5, 5), True))}, batched(units))["cost"]
        apart = means[:, None] - means
        inside = (one.low <= apart) & (apart <= one.high) | np.eye(5, dtype=bool)
        held.append(inside.all())
    judged("gaps of 5 policies, all pairs at once", paths, unit, held)


@pytest.mark.parametrize("unit", [1, 2])
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_common_tails_cover(rho, unit):
    """Two normals; the worst 2 % of 20,000 paths."""
    rng = np.random.default_rng([4, unit, int(10 * rho)])
    paths, level = 20_000, 0.98
    edge = ndtri(level)
    both = multivariate_normal(cov=[[1, rho], [rho, 1]]).cdf([-edge, -edge])
    held = []
    for _ in range(REPETITIONS // 2):
        a, b = scores(rng, paths, unit)
        (chi,) = common_tails([a, rho * a + np.sqrt(1 - rho**2) * b], unit, level).values()
        held.append(holds(chi, both / (1 - level)))
    judged(f"common tail, correlation {rho}", paths, unit, held)


@pytest.mark.parametrize("unit", [1, 2])
def test_dominance_is_seldom_said_where_there_is_none(unit):
    """Two policies alike in law: neither dominates strictly, and neither is beaten anywhere. And a pair that crosses is
    never said to dominate.
    """
    rng = np.random.default_rng([6, unit])
    said = {verdict: 0 for verdict in Verdict}
    crossing = 0
    for _ in range(REPETITIONS // 2):
        a, b = scores(rng, 4000, unit)
        first, second = dominance(a.astype(np.float32), b.astype(np.float32), unit, True)
        said[first.verdict] += 1
        said[second.verdict] += 1
        crossed, _ = dominance(a.astype(np.float32), (1.3 * b).astype(np.float32), unit, True)
        crossing += crossed.verdict in (Verdict.BETTER, Verdict.WORSE)
    total = sum(said.values())
    claims = said[Verdict.BETTER] + said[Verdict.WORSE]
    denials = said[Verdict.NOT_BETTER] + said[Verdict.NOT_WORSE] + said[Verdict.NEITHER]
    print(f"| dominance said, of equal laws | 4000 | {unit} | {100 * claims / total:.1f} |")
    print(f"| dominance denied, of equal laws | 4000 | {unit} | {100 * denials / total:.1f} |")
    assert claims <= 0.05 * total and denials <= 0.07 * total and not crossing
