"""What a draw costs by law, and what the tables of sixty factors cost: `python benchmarks/time_laws.py`.

A draw is everything from the counter on: random word, normal score, law. 60 factors of one law are drawn on one core,
in the one loop, or by XLA where the loop has no form of the law.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from jax.sharding import Mesh

from engine.draws.distributions.device import Draws
from engine.draws.distributions.prior import prior
from engine.draws.distributions.tables import tabulate
from engine.modelling.records import Factor, Outcome, StaticModel
from engine.program import devices
from engine.program.contract import Program
from engine.program.cpu_program import CpuProgram
from engine.program.programs import program_on
from engine.study.loading import read_study
from engine.study.study import Block

FACTORS, PATHS, REPEATS = 60, 1 << 17, 9
LAWS = {
    "normal": {"family": "normal", "mean": 1.0, "sd": 2.0},
    "uniform": {"family": "uniform", "low": 0.0, "high": 2.0},
    "lognormal": {"family": "lognormal", "median": 1.0, "sigma": 0.5},
    "logit-normal": {"family": "logit-normal", "median": 0.3, "sigma": 0.5},
    "triangular": {"family": "triangular", "low": 0.0, "mode": 1.0, "high": 4.0},
    "beta(2, 5)": {"family": "beta", "a": 2.0, "b": 5.0},
    "gamma(2)": {"family": "gamma", "a": 2.0},
    "weibull_min(1.5)": {"family": "weibull_min", "c": 1.5},
    "gumbel_r": {"family": "gumbel_r"},
    "t(4)": {"family": "t", "df": 4.0},
    "pert": {"family": "pert", "low": 0.0, "mode": 1.0, "high": 4.0},
    "metalog, 3 terms": {"family": "metalog", "p10": 1.0, "p50": 2.0, "p90": 5.0},
    "normal, truncated at 0": {"family": "normal", "mean": 1.0, "sd": 1.0, "truncate": {"low": 0.0}},
    "normal, cut on both sides": {"family": "normal", "mean": 1.0, "sd": 1.0, "truncate": {"low": 0.0, "high": 2.0}},
    "two experts pooled": {"family": "normal", "experts": [{"range90": [1.0, 5.0]}, {"range90": [3.0, 9.0]}]},
    "cauchy": {"family": "cauchy"},
    "poisson(3)": {"family": "poisson", "mu": 3.0},
    "data, 2,000 rows": {"family": "empirical", "values": np.random.default_rng(0).gamma(2.0, 1.0, 2000).tolist()},
}
STUDY = ["gamma(2)", "beta(2, 5)", "t(4)", "metalog, 3 terms", "pert", "weibull_min(1.5)"]
"""Laws of the sixty factors whose tables are timed, in turn, each with other parameters."""


class Drawn(StaticModel):
    """`FACTORS` factors, which are drawn and not used further."""

    factors = {f"x{k}": Factor("1") for k in range(FACTORS)}
    outcomes = {"first": Outcome("1")}

    def evaluate(self, factors, levers):
        """The first factor."""
        return {"first": factors.x0}


def program(words: dict) -> Program:
    """The program that draws the factors on one core."""
    text = {"name": "drawn", "run": {"paths": PATHS}, "factors": {f"x{k}": words for k in range(FACTORS)}}
    mesh = devices.mesh("cpu")
    return program_on(read_study(text, "drawn", model=Drawn()), Mesh(mesh.devices[:1], mesh.axis_names))


def seconds(made: Program) -> float:
    """The fastest of several runs."""
    block, found = Block(0, 0, PATHS), []
    made.draws(block)
    for _ in range(REPEATS):
        begin = time.perf_counter()
        made.draws(block)
        found.append(time.perf_counter() - begin)
    return min(found)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    made = {name: program(words) for name, words in LAWS.items()}
    unit = FACTORS * PATHS / 1e9
    normal = seconds(made["normal"])
    print("one core; ns per draw, word and score included")
    print(f"{'law':28s} {'kept as':18s} {'form':5s} {'ns':>6s} {'times a normal':>15s}")
    for name, words in LAWS.items():
        # the normal is timed again beside each law, as other work on the machine comes and goes
        normal = min(seconds(made["normal"]), normal * 1.05)
        taken = seconds(made[name])
        held, size = next(iter(Draws([prior(words).law]).kinds))
        kind = f"{held} {size}".replace("closed 0", "closed form")
        form = "loop" if isinstance(made[name], CpuProgram) else "XLA"
        print(f"{name:28s} {kind:18s} {form:5s} {taken / unit:6.2f} {taken / normal:15.2f}")
    import scipy.stats  # noqa: F401  (its import is not the tables')

    tabulate.cache_clear()
    begin = time.perf_counter()
    laws = []
    for k in range(60):
        words = dict(LAWS[STUDY[k % len(STUDY)]])
        key = next(key for key, value in words.items() if isinstance(value, float))
        words[key] = words[key] + 0.01 * k if words["family"] != "metalog" else words[key] + 0.001 * k
        laws.append(prior(words).law)
    Draws(laws)
    print(f"tables of 60 factors: {time.perf_counter() - begin:.2f} s")


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
