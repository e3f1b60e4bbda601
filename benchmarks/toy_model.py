"""The toy transition workload as a user's model: 3 provinces x 3 sectors, 12 normals once and 12 a year, two
policies."""

import jax.numpy as jnp

from engine.modelling.cells import exp, maximum, table
from engine.modelling.folds import at_year, peak, total
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, Yearly

PROVINCE = {"province": ("north", "middle", "south")}
SECTOR = {"sector": ("steel", "coal", "cement")}


def logistic(x):
    """1 / (1 + e^-x)."""
    return 1 / (1 + exp(-x))


class Toy(PathModel):
    """Prices revert, capacity is cut, workers leave, firms fail, banks lose, provinces grow."""

    dims = {**PROVINCE, **SECTOR}
    factors = {f"q{k}": Factor("1") for k in range(12)}
    shocks = {
        "price": Shock(dims=("sector",)),
        "use": Shock(dims=("province",)),
        "hiring": Shock(dims=("province",)),
        "growth": Shock(dims=("province",)),
    }
    levers = {"reform": Lever("1")}
    yearly = {"layoffs": Yearly("1", loss=True)}
    outcomes = {
        "layoffs": Outcome("1", total("layoffs"), loss=True),
        "default_share": Outcome("1", peak("default_share"), loss=True),
        "bank_loss": Outcome("1", total("bank_loss"), loss=True),
        "gdp": Outcome("1", at_year("gdp", 2030)),
    }

    def init(self, factors, levers):
        """Price, capacity, employment, equity, unemployed, bank capital, output."""
        both = {**PROVINCE, **SECTOR}
        return {
            "price": table(SECTOR, [0] * 3),
            "capacity": table(both, [[1] * 3] * 3),
            "employed": table(both, [[1] * 3] * 3),
            "equity": table(both, [[0.5] * 3] * 3),
            "unemployed": table(PROVINCE, [0] * 3),
            "bank": table(PROVINCE, [0.1] * 3),
            "gdp": table(PROVINCE, [1] * 3),
        }

    def step(self, state, year, factors, shocks, levers):
        """One year of the workload's arithmetic."""
        f, policy = factors, levers.reform
        reversion, cut = logistic(f.q0), 0.05 * exp(0.3 * f.q1)
        intensity, fund, leverage = exp(0.2 * f.q2), jnp.abs(f.q4), exp(f.q5)
        exposure, lgd = exp(0.3 * f.q6), logistic(f.q7)

        price = state["price"] - reversion * state["price"] + 0.15 * shocks.price
        use = logistic(1 + price + 0.2 * shocks.use)
        closed = state["capacity"] * cut * policy
        laid_off = state["employed"] * (closed / state["capacity"]) * intensity
        capacity, employed = state["capacity"] - closed, state["employed"] - laid_off
        hired = state["unemployed"] * logistic(f.q3 + 0.3 * shocks.hiring + policy * fund)
        unemployed = state["unemployed"] + laid_off.over("sector") - hired
        profit = capacity * (use * exp(price) - 0.7)
        equity = state["equity"] + profit - 0.05 * (1 - policy) * leverage
        default = logistic(-8 * equity)
        loss = (default * exposure * lgd).over("sector")
        bank = state["bank"] + 0.01 - loss
        growth = 0.05 + 0.02 * shocks.growth - 0.1 * maximum(0.05 - bank, 0) - 0.2 * unemployed
        gdp = state["gdp"] * (1 + growth + 0.1 * profit.over("sector"))
        state = {
            "price": price,
            "capacity": capacity,
            "employed": employed,
            "equity": equity,
            "unemployed": unemployed,
            "bank": bank,
            "gdp": gdp,
        }
        return state, {
            "layoffs": laid_off.over(),
            "default_share": default.mean(),
            "bank_loss": loss.over(),
            "gdp": gdp.over(),
        }
