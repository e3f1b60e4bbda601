"""The toy workload in plain NumPy: float32, vectorised over paths, the path axis last; one thread."""

import numpy as np

YEARS = 15
POLICIES = 2
f = np.float32


def logistic(x):
    """1 / (1 + e^-x)."""
    return 1 / (1 + np.exp(-x))


def simulate(n_paths, rng):
    """Outcomes of one chunk of paths, float32 [policy, outcome, path]: layoffs, default share, bank loss, GDP."""
    q = rng.standard_normal((12, n_paths), dtype=np.float32)
    noise = rng.standard_normal((YEARS, 12, n_paths), dtype=np.float32)
    with np.errstate(over="ignore"):
        return np.stack([_one_policy(q, noise, f(policy)) for policy in range(POLICIES)])


def _one_policy(q, noise, policy):
    n_paths = q.shape[-1]
    reversion, cut, intensity = logistic(q[0]), f(0.05) * np.exp(f(0.3) * q[1]), np.exp(f(0.2) * q[2])
    fund, leverage, exposure, lgd = np.abs(q[4]), np.exp(q[5]), np.exp(f(0.3) * q[6]), logistic(q[7])
    price, unemployed = np.zeros((2, 3, n_paths), np.float32)
    bank, gdp = np.full((3, n_paths), f(0.1)), np.ones((3, n_paths), np.float32)
    capacity, employed = np.ones((2, 3, 3, n_paths), np.float32)
    equity = np.full((3, 3, n_paths), f(0.5))
    layoffs = default_share = bank_loss = f(0)
    for year in range(YEARS):
        z = noise[year]
        price = price - reversion * price + f(0.15) * z[0:3]
        use = logistic(1 + price + f(0.2) * z[3:6, None])
        closed = capacity * cut * policy
        laid_off = employed * (closed / capacity) * intensity
        capacity, employed = capacity - closed, employed - laid_off
        hired = unemployed * logistic(q[3] + f(0.3) * z[6:9] + policy * fund)
        unemployed = unemployed + laid_off.sum(1) - hired
        profit = capacity * (use * np.exp(price) - f(0.7))
        equity = equity + profit - f(0.05) * (1 - policy) * leverage
        default = logistic(-8 * equity)
        loss = (default * exposure * lgd).sum(1)
        bank = bank + f(0.01) - loss
        growth = f(0.05) + f(0.02) * z[9:12] - f(0.1) * np.maximum(f(0.05) - bank, 0) - f(0.2) * unemployed
        gdp = gdp * (1 + growth + f(0.1) * profit.sum(1))
        layoffs = layoffs + laid_off.sum((0, 1))
        default_share = np.maximum(default_share, default.mean((0, 1)))
        bank_loss = bank_loss + loss.sum(0)
    return np.stack([layoffs, default_share, bank_loss, gdp.sum(0)])
