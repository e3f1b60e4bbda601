"""Functions that know no study, by `engine.lanes` and by `jit(vmap(f))`: seconds, and the ratio of the times."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from timing import machine, table

from engine import lanes

Case = tuple[Callable[[Any, Any], dict[str, Any]], Any]


def uniform(lane: Any, k: Any) -> Any:
    """Uniform number k of a lane, in [0, 1): a hash of both in 32 bits."""
    x = lane * jnp.uint32(0x9E3779B9) + jnp.uint32(k) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 16)) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * jnp.uint32(0x846CA68B)
    return ((x ^ (x >> 16)) >> 8).astype(jnp.float32) * jnp.float32(2.0**-24)


def pi_estimate() -> Case:
    """Points inside the unit circle, of 256 of a lane; each lane has a generator (xorshift32) of its own."""

    def points(shared: Any, lane: Any) -> dict[str, Any]:
        def number(x: Any) -> Any:
            x = x ^ (x << 13)
            x = x ^ (x >> 17)
            return x ^ (x << 5)

        def point(state: Any, _: Any) -> tuple[Any, None]:
            x, inside = state
            y = number(x)
            x = number(y)
            a, b = ((z >> 8).astype(jnp.float32) * jnp.float32(2.0**-24) for z in (x, y))
            return (x, inside + (a * a + b * b < shared["square"])), None

        start = lane * jnp.uint32(0x9E3779B9) | jnp.uint32(1), jnp.int32(0)
        (_, inside), _ = lax.scan(point, start, None, length=256)
        return {"inside": inside}

    return points, {"square": np.float32(1.0)}


def epidemic() -> Case:
    """An SIR epidemic of 120 days with a noisy rate of infection."""

    def days(shared: Any, lane: Any) -> dict[str, Any]:
        def day(state: Any, k: Any) -> tuple[Any, Any]:
            susceptible, infected, removed = state
            new = shared["beta"] * (0.5 + uniform(lane, k)) * infected * susceptible
            out = shared["gamma"] * infected
            return (susceptible - new, infected + new - out, removed + out), infected

        start = jnp.float32(0.99), jnp.float32(0.01), jnp.float32(0.0)
        (_, _, removed), infected = lax.scan(day, start, jnp.arange(120, dtype=jnp.uint32))
        return {"removed": removed, "peak": infected.max()}

    return days, {"beta": np.float32(0.3), "gamma": np.float32(0.1)}


def option() -> Case:
    """The value of a call option after 252 steps."""

    def price(shared: Any, lane: Any) -> dict[str, Any]:
        def step(x: Any, k: Any) -> tuple[Any, None]:
            radius = jnp.sqrt(-2.0 * jnp.log(uniform(lane, 2 * k) + 1e-7))
            z = radius * jnp.cos(2.0 * jnp.pi * uniform(lane, 2 * k + 1))
            return x * jnp.exp(shared["drift"] + shared["sd"] * z), None

        last, _ = lax.scan(step, jnp.float32(100.0), jnp.arange(252, dtype=jnp.uint32))
        return {"value": jnp.maximum(last - shared["strike"], 0.0)}

    return price, {"drift": np.float32(0.0), "sd": np.float32(0.01), "strike": np.float32(100.0)}


def matrix() -> Case:
    """A state of six numbers, multiplied by a matrix in each of 200 steps."""

    def steps(shared: Any, lane: Any) -> dict[str, Any]:
        def step(state: Any, k: Any) -> tuple[Any, None]:
            return jnp.tanh(shared["matrix"] @ state + uniform(lane, k)), None

        return {"state": lax.scan(step, jnp.ones(6, jnp.float32), jnp.arange(200, dtype=jnp.uint32))[0]}

    entries = np.random.default_rng(0).normal(size=(6, 6)).astype(np.float32)
    return steps, {"matrix": np.float32(0.3) * entries}


def seir() -> Case:
    """A stochastic SEIR epidemic of 250 days with counts as normal approximations of binomial numbers."""

    def days(shared: Any, lane: Any) -> dict[str, Any]:
        def moved(count: Any, p: Any, u: Any) -> Any:
            z = jnp.sqrt(-2.0 * jnp.log(u + 1e-7)) * jnp.sin(6.2831855 * u * 97.0)
            return jnp.clip(jnp.round(count * p + z * jnp.sqrt(count * p * (1.0 - p))), 0.0, count)

        def day(state: Any, k: Any) -> tuple[Any, Any]:
            s, e, i, r = state
            exposed = moved(s, 1.0 - jnp.exp(-shared["beta"] * i / 1e4), uniform(lane, 3 * k))
            ill = moved(e, shared["sigma"], uniform(lane, 3 * k + 1))
            well = moved(i, shared["gamma"], uniform(lane, 3 * k + 2))
            return (s - exposed, e + exposed - ill, i + ill - well, r + well), i

        start = tuple(map(jnp.float32, (9990.0, 0.0, 10.0, 0.0)))
        (s, *_), ill = lax.scan(day, start, jnp.arange(250, dtype=jnp.uint32))
        return {"never": s, "peak": ill.max(), "day": jnp.argmax(ill)}

    return days, {"beta": np.float32(0.4), "sigma": np.float32(0.2), "gamma": np.float32(0.1)}


def queue() -> Case:
    """Waiting times of 420 customers at most, by Lindley's recursion, and the ninth decile of them."""

    def day(shared: Any, lane: Any) -> dict[str, Any]:
        def customer(state: Any, k: Any) -> tuple[Any, Any]:
            clock, wait = state
            gap = -jnp.log(uniform(lane, 2 * k) + 1e-7) / shared["arrivals"]
            served = -jnp.log(uniform(lane, 2 * k + 1) + 1e-7) / shared["service"]
            clock = clock + gap
            comes = clock < 8.0
            wait = jnp.where(comes, jnp.maximum(wait + served - gap, 0.0), wait)
            return (clock, wait), (jnp.where(comes, wait, 0.0), comes)

        start = jnp.float32(0.0), jnp.float32(0.0)
        _, (waits, came) = lax.scan(customer, start, jnp.arange(420, dtype=jnp.uint32))
        return {"mean": waits.sum() / jnp.maximum(came.sum(), 1), "longest": waits.max(), "late": (waits > 0.5).sum()}

    return day, {"arrivals": np.float32(40.0), "service": np.float32(42.0)}


def factors() -> Case:
    """150 autoregressive factors over 5,000 steps, and the lowest of their weighted sums."""

    def path(shared: Any, lane: Any) -> dict[str, Any]:
        def step(state: Any, k: Any) -> tuple[Any, None]:
            values, lowest = state
            noise = uniform(lane, k * 150 + jnp.arange(150, dtype=jnp.uint32)) - 0.5
            values = shared["memory"] * values + noise
            return (values, jnp.minimum(lowest, values @ shared["weights"])), None

        start = jnp.zeros(150, jnp.float32), jnp.float32(0.0)
        (values, lowest), _ = lax.scan(step, start, jnp.arange(5000, dtype=jnp.uint32))
        return {"lowest": lowest, "last": values[0]}

    random = np.random.default_rng(1)
    memory, weights = random.uniform(0.5, 0.95, 150), random.uniform(0.0, 1.0, 150)
    return path, {"memory": memory.astype(np.float32), "weights": weights.astype(np.float32)}


CASES = {"pi": pi_estimate, "epidemic": epidemic, "option": option, "matrix": matrix}
LARGE = {"seir": seir, "queue": queue, "factors": factors}


def timed(run: Callable[[], Any], rounds: int) -> float:
    """The least seconds of a call."""
    run()
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", type=int, default=1 << 17)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("names", nargs="*", default=[*CASES], help=f"of {', '.join(CASES | LARGE)}")
    options = parser.parse_args()
    rows = []
    for name in options.names:
        function, shared = (CASES | LARGE)[name]()
        began = time.perf_counter()
        compiled = lanes.compile(function, shared)
        ready = time.perf_counter() - began
        numbers = jnp.arange(options.lanes, dtype=jnp.uint32)
        mapped = jax.jit(jax.vmap(function, (None, 0), -1))
        own, other = compiled(shared, 0, options.lanes), jax.device_get(mapped(shared, numbers))
        apart = max(
            float(np.max(np.abs(own[key].astype(np.float64) - other[key])) / max(np.std(other[key]), 1e-30))
            for key in own
        )
        by_lanes = timed(lambda run=compiled, of=shared: run(of, 0, options.lanes), options.rounds)
        by_xla = timed(lambda run=mapped, of=(shared, numbers): jax.block_until_ready(run(*of)), options.rounds)
        seconds = f"{ready:.2f}", f"{by_lanes:.4f}", f"{by_xla:.4f}"
        rows.append((name, *seconds, f"{by_xla / by_lanes:.1f}", f"{apart:.1g}"))
    head = ("function", "compiled in s", "lanes s", "jit(vmap) s", "ratio", "largest difference, sd")
    print(machine(), table(head, rows), sep="\n\n")


if __name__ == "__main__":
    main()
