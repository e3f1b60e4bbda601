"""Prints how much Sobol' points reduce variances, and how often their intervals cover.

python benchmarks/sobol.py (some minutes)

The model has 15 years with three normal shocks a year, 45 dimensions: smooth costs, and a shortfall with a kink.
"""

import argparse
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from timing import machine, table

from engine.modelling.folds import peak, total
from engine.modelling.records import Lever, Outcome, PathModel, Shock, Yearly
from engine.program import devices
from engine.program.contract import Program
from engine.program.programs import program_on
from engine.risk.estimation.intervals import Estimate, as_units, moments_of
from engine.risk.estimation.measures import Variables, probability
from engine.study.loading import read_study
from engine.study.study import BLOCK

BLOCKS = 32
"""Blocks of 131,072 paths on which variances are measured."""
REPETITIONS = 500
"""Blocks, of 32 randomisations each, whose intervals are checked."""
SAMPLERS = ("antithetic", "sobol")
SHARE = 0.005
"""Probability of the event."""


class Fund(PathModel):
    """The shortfall of a fund while demand, prices and returns move."""

    shocks = {"demand": Shock(), "price": Shock(), "returns": Shock()}
    levers = {"thrift": Lever("1", default=0.0)}
    yearly = {"cost": Yearly("1"), "short": Yearly("1")}
    outcomes = {"cost": Outcome("1", total("cost"), loss=True), "short": Outcome("1", peak("short"), loss=True)}

    def init(self, factors, levers):
        return {"trend": jnp.float32(0.0), "fund": jnp.float32(1.0)}

    def step(self, state, year, factors, shocks, levers):
        trend = 0.8 * state["trend"] + 0.1 * shocks.demand
        cost = jnp.exp(trend + 0.1 * shocks.price) * (1.0 - levers.thrift)
        fund = state["fund"] * jnp.exp(0.02 + 0.08 * shocks.returns) + 1.0 - cost
        return {"trend": trend, "fund": fund}, {"cost": cost, "short": jnp.maximum(-fund, 0.0)}


def made(sampler: str, blocks: int) -> Program:
    """The program of the fund."""
    tables = {
        "name": "fund",
        "run": {"paths": blocks * BLOCK, "sampler": sampler, "seed": 1},
        "time": {"first": 1, "last": 15},
        "policies": {"keep": {}, "save": {"thrift": 0.05}},
    }
    return program_on(read_study(tables, "fund.toml", model=Fund()), devices.mesh("cpu"))


def outcomes(sampler: str, blocks: int) -> np.ndarray:
    """Outcomes of all paths, float32 [policy, outcome, path]."""
    program = made(sampler, blocks)
    running = [(block, program.submit(block)) for block in program.study.blocks()]
    return np.concatenate([one.of(block) for block, one in running], axis=-1)


def variances() -> None:
    """Prints how many times smaller variances are than those of as many independent paths."""
    plain = outcomes("random", BLOCKS).astype(np.float64)
    far = np.quantile(plain, [0.99, 1 - SHARE], axis=-1)
    asked: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "mean": lambda x: x,
        "difference of means": lambda x: (x - x[:1])[1:],
        "ES99": lambda x: np.maximum(x - far[0][..., None], 0.0),
        f"event of {100 * SHARE:g} %": lambda x: (x > far[1][..., None]).astype(np.float64),
    }
    alone = as_units(plain.shape[-1], 1)
    base = {name: moments_of(alone.totals(ask(plain)), alone).error for name, ask in asked.items()}
    rows = []
    for sampler in SAMPLERS:
        values, unit = outcomes(sampler, BLOCKS).astype(np.float64), made(sampler, BLOCKS).study.unit
        units = as_units(values.shape[-1], unit)
        ratios = {
            name: (base[name] / moments_of(units.totals(ask(values)), units).error) ** 2 for name, ask in asked.items()
        }
        for k, outcome in enumerate(Fund.outcomes):
            row = [f"{ratios[name][0, k]:.1f}" for name in asked]
            rows.append((f"{sampler}, {outcome}", f"{units.count:,}", *row))
    print(table(("sampler, outcome", "units", *asked), rows))


def coverage() -> None:
    """Prints how often the engine's 95 % intervals of 32 randomisations hold the truth, the mean of all of them."""
    program = made("sobol", REPETITIONS)
    unit = program.study.unit
    limits = np.quantile(outcomes("random", BLOCKS), 1 - SHARE, axis=-1)
    found: dict[str, list[tuple[float, float, float]]] = {}

    def keep(name: str, one: Estimate) -> None:
        found.setdefault(name, []).append((one.estimate, one.low, one.high))

    for block in program.study.blocks():
        values = program.submit(block).of(block)
        for k, outcome in enumerate(Fund.outcomes):
            own = np.ascontiguousarray(values[:, k])
            both = Variables(own, unit, True)
            measured, gaps = both.summary(0), both.difference(1, 0)
            for measure in ("mean", "VaR99", "ES99"):
                keep(f"{measure}, {outcome}", measured[measure])
            keep(f"difference of means, {outcome}", gaps["mean"])
            keep(f"event of {100 * SHARE:g} %, {outcome}", probability(own[0] > limits[0, k], unit))
    rows: list[tuple[str, ...]] = []
    for name, each in sorted(found.items()):
        estimates, low, high = np.array(each).T
        shown, truth = np.isfinite(low), estimates.mean()
        held = 100 * np.mean((low <= truth) & (truth <= high), where=shown)
        rows.append((name, f"{held:.1f}", f"{shown.sum():,}"))
    print(table(("32 randomisations", "held, %", "intervals"), rows))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    devices.use_every_core()
    print(machine())
    variances()
    coverage()
