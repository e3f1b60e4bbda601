"""What a draw costs by law, and what the tables of sixty factors cost: `python benchmarks/time_laws.py`.

A draw is everything from the counter on: random word, normal score, law; 60 factors of one law, tiles of 512 paths, one core.
"""

from __future__ import annotations

import os
import time

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import jax
import jax.numpy as jnp
import numpy as np

from engine.draws.distributions.device import Draws
from engine.draws.distributions.prior import prior
from engine.draws.distributions.tables import tabulate
from engine.draws.random_words import stream_key
from engine.draws.sampling import SAMPLERS
from engine.program.kernel import compiler_options

FACTORS, LANES, TILES, REPEATS = 60, 512, 300, 9
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
    "normal, cut on both sides": {
        "family": "normal",
        "mean": 1.0,
        "sd": 1.0,
        "truncate": {"low": 0.0, "high": 2.0},
    },
    "two experts pooled": {"family": "normal", "experts": [{"range90": [1.0, 5.0]}, {"range90": [3.0, 9.0]}]},
    "cauchy": {"family": "cauchy"},
    "poisson(3)": {"family": "poisson", "mu": 3.0},
    "data, 2,000 rows": {
        "family": "empirical",
        "values": np.random.default_rng(0).gamma(2.0, 1.0, 2000).tolist(),
    },
}
STUDY = ["gamma(2)", "beta(2, 5)", "t(4)", "metalog, 3 terms", "pert", "weibull_min(1.5)"]
"""Laws of the sixty factors whose tables are timed, in turn, each with other parameters."""


def program(words: dict) -> tuple:
    """A compiled loop over tiles, and what it is fed."""
    draws = Draws([prior(words).law] * FACTORS)
    sampler = SAMPLERS["antithetic"]

    def run(keys: jax.Array, fed: list) -> jax.Array:
        def one(k: jax.Array, total: jax.Array) -> jax.Array:
            first = ((k * (LANES // sampler.group)).astype(jnp.uint32), jnp.uint32(0))
            scores = sampler.normals(keys, first, LANES)
            values = draws.values([scores[i] for i in range(FACTORS)], fed)
            return total + jax.lax.optimization_barrier(jnp.stack(values))

        return jax.lax.fori_loop(0, TILES, one, jnp.zeros((FACTORS, LANES), jnp.float32))

    keys = np.stack([stream_key(1, f"factor:x{k}") for k in range(FACTORS)])
    return jax.jit(run, compiler_options=compiler_options("cpu")), (keys, draws.arrays()), draws.kinds


def seconds(run: object, fed: tuple) -> float:
    """The fastest of several runs."""
    jax.block_until_ready(run(*fed))
    found = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        jax.block_until_ready(run(*fed))
        found.append(time.perf_counter() - begin)
    return min(found)


def main() -> None:
    print(
        f"jax {jax.__version__}, {jax.devices()[0].device_kind}, one core; ns per draw, word and score included"
    )
    made = {name: program(words) for name, words in LAWS.items()}
    unit = FACTORS * LANES * TILES / 1e9
    normal = seconds(*made["normal"][:2])
    print(f"{'law':28s} {'kept as':18s} {'ns':>6s} {'times a normal':>15s}")
    for name, (run, fed, kinds) in made.items():
        # the normal beside each, as the machine is never quite still
        normal = min(seconds(*made["normal"][:2]), normal * 1.05)
        taken = seconds(run, fed)
        kind = f"{kinds[0].name} {kinds[0].size}".replace("closed 0", "closed form")
        print(f"{name:28s} {kind:18s} {taken / unit:6.2f} {taken / normal:15.2f}")
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
    main()
