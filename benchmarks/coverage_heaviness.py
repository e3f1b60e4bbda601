"""How often tails are flagged, by law and size: `pytest -n 0 -s benchmarks/coverage_heaviness.py` prints the table of
which docs/method.md has a part.
"""

import numpy as np
import pytest
from scipy import stats

from engine.risk.estimation.heaviness import largest_flag, tail_size

SIZES = (10_000, 100_000, 1_000_000)


def levee(height: float, more: float):
    """Value that a share of floods pass in the levee of docs/writing-a-model.md: damage, and `more` that does not
    vary."""
    rates = stats.triang(2 / 7, 20, 70).ppf((np.arange(400) + 0.5) / 400)
    flood = stats.lognorm(np.log(3.4 / 1.2) / 2 / stats.norm.isf(0.05), 0, np.sqrt(1.2 * 3.4))
    damage = np.concatenate([[0.0], np.geomspace(1e-3, 1e4, 2000)])
    beyond = flood.sf(height + damage[:, None] / rates).mean(axis=1)
    return lambda share: more + np.exp(np.interp(-np.log(share), -np.log(beyond), np.log(np.maximum(damage, 1e-9))))


def mixed(usual, rare, chance: float):
    """Value that a share of paths pass, where with a small chance another law is drawn from, far beyond the usual
    one."""
    return lambda share: np.where(
        share < chance,
        rare(np.minimum(share / chance, 1.0)),
        usual(np.clip((share - chance) / (1 - chance), 1e-12, 1.0)),
    )


def pareto(index: float):
    return lambda share: share ** (-1 / index)


LIGHT = {
    "normal": stats.norm.isf,
    "lognormal, sigma 0.5": stats.lognorm(0.5).isf,
    "lognormal, sigma 1": stats.lognorm(1.0).isf,
    "exponential": stats.expon.isf,
    "Weibull, shape 0.7": stats.weibull_min(0.7).isf,
    "uniform": stats.uniform.isf,
    "beta(2, 5)": stats.beta(2, 5).isf,
    "triangular": stats.triang(0.3).isf,
    "binomial(100, 0.03)": stats.binom(100, 0.03).isf,
    "share, 0.95 at most": lambda share: np.minimum(0.95, stats.lognorm(0.6, 0, 0.37).isf(share)),
    "normal, U(20, 100) on 1 of 1,000 paths": mixed(stats.norm.isf, stats.uniform(20, 80).isf, 0.001),
    "normal, exponential from 20 on 1 of 1,000": mixed(stats.norm.isf, stats.expon(20, 30).isf, 0.001),
    "damage of the levee, 3 m, and 2": levee(3.0, 2.0),
    "damage of the levee, 4 m, and 2": levee(4.0, 2.0),
}
HEAVY = {
    "Pareto(1)": pareto(1.0),
    "Pareto(1.5)": pareto(1.5),
    "Pareto(1.5), whole numbers": lambda share: np.floor(pareto(1.5)(share)),
    "t, 1.5 degrees of freedom": stats.t(1.5).isf,
}
BETWEEN = {
    "Pareto(2)": pareto(2.0),
    "Pareto(2.5)": pareto(2.5),
    "Pareto(3)": pareto(3.0),
    "lognormal, sigma 2": stats.lognorm(2.0).isf,
    "normal, Pareto(1.5) on 1 of 100": mixed(stats.norm.isf, lambda share: 20 * pareto(1.5)(share), 0.01),
}


def largest(law, n_paths: int, rng: np.random.Generator) -> np.ndarray:
    """The largest of so many independent values that a tail is judged by, ascending, by Renyi's representation."""
    k = tail_size(n_paths) + 1
    passed = np.cumsum(rng.exponential(size=k))
    values = law(passed / (passed[-1] + rng.gamma(n_paths + 1 - k)))
    return values[::-1].astype(np.float32)


def rates(law, n_paths: int, repetitions: int) -> tuple[float, float]:
    """Shares of samples of which the tail is flagged, and of which it has no interval."""
    rng = np.random.default_rng(n_paths)
    flags = [largest_flag(largest(law, n_paths, rng)) for _ in range(repetitions)]
    return tuple(sum(map(bool, held)) / repetitions for held in (flags, [f for f in flags if f and f.withholds]))


@pytest.mark.parametrize("name", [*LIGHT, *HEAVY, *BETWEEN])
def test_rates(name):
    """Prints a line of the table: flagged, and without interval, in % of 400 samples of each size."""
    law = {**LIGHT, **HEAVY, **BETWEEN}[name]
    of = [rates(law, n_paths, 400) for n_paths in SIZES]
    print(f"| {name} | " + " | ".join(f"{100 * f:.1f} / {100 * w:.1f}" for f, w in of) + " |")
    flagged = [f for f, _ in of]
    if name in LIGHT:
        assert max(flagged) <= 0.01
    if name in HEAVY:
        assert min(flagged) >= 0.99
