"""The toy workload in numba: one path after another, paths spread over the cores, float32 with fast math."""

import numba
import numpy as np

YEARS = 15
POLICIES = 2
f = np.float32


@numba.njit(fastmath=True)
def logistic(x):
    """1 / (1 + e^-x)."""
    return f(1) / (f(1) + np.exp(-x))


@numba.njit(parallel=True, fastmath=True)
def simulate(outcomes):
    """Fills outcomes, float32 [path, policy, outcome]: layoffs, default share, bank loss, GDP."""
    for i in numba.prange(outcomes.shape[0]):
        q = np.random.normal(0, 1, 12).astype(np.float32)  # noqa: NPY002 (what numba offers in a parallel loop)
        noise = np.random.normal(0, 1, (YEARS, 12)).astype(np.float32)  # noqa: NPY002
        for k in range(POLICIES):
            policy = f(k)
            reversion, cut = logistic(q[0]), f(0.05) * np.exp(f(0.3) * q[1])
            intensity, fund, leverage = np.exp(f(0.2) * q[2]), abs(q[4]), np.exp(q[5])
            exposure, lgd = np.exp(f(0.3) * q[6]), logistic(q[7])
            price, unemployed = np.zeros(3, np.float32), np.zeros(3, np.float32)
            bank, gdp = np.full(3, f(0.1)), np.ones(3, np.float32)
            capacity, employed = np.ones(9, np.float32), np.ones(9, np.float32)
            equity = np.full(9, f(0.5))
            layoffs, default_share, bank_loss, output = f(0), f(0), f(0), f(0)
            for t in range(YEARS):
                defaults, output = f(0), f(0)
                for s in range(3):
                    price[s] += f(0.15) * noise[t, s] - reversion * price[s]
                for p in range(3):
                    laid_off, profits, loss = f(0), f(0), f(0)
                    hired = unemployed[p] * logistic(q[3] + f(0.3) * noise[t, 6 + p] + policy * fund)
                    for s in range(3):
                        c = 3 * p + s
                        use = logistic(f(1) + price[s] + f(0.2) * noise[t, 3 + p])
                        closed = capacity[c] * cut * policy
                        leaving = employed[c] * (closed / capacity[c]) * intensity
                        employed[c] -= leaving
                        capacity[c] -= closed
                        profit = capacity[c] * (use * np.exp(price[s]) - f(0.7))
                        equity[c] += profit - f(0.05) * (f(1) - policy) * leverage
                        default = logistic(f(-8) * equity[c])
                        laid_off += leaving
                        profits += profit
                        defaults += default
                        loss += default * exposure * lgd
                    unemployed[p] += laid_off - hired
                    bank[p] += f(0.01) - loss
                    growth = f(0.05) + f(0.02) * noise[t, 9 + p] - f(0.2) * unemployed[p]
                    growth -= f(0.1) * max(f(0.05) - bank[p], f(0))
                    gdp[p] *= f(1) + growth + f(0.1) * profits
                    layoffs += laid_off
                    bank_loss += loss
                    output += gdp[p]
                default_share = max(default_share, defaults / f(9))
            outcomes[i, k, 0] = layoffs
            outcomes[i, k, 1] = default_share
            outcomes[i, k, 2] = bank_loss
            outcomes[i, k, 3] = output
