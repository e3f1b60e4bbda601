"""What a further policy and a second core cost or give: the kernel of the toy and of the rustbelt."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from jax.sharding import Mesh
from timing import CORES, best, table

import engine
from engine import devices
from engine.config import load_model_file
from engine.kernel import AXIS, Program
from engine.study import BLOCK, Block, Study

HERE = Path(__file__).parent
LANES = 512
"""Path-policies of a tile in every row, as the engine chooses them by itself."""


def toy(n_policies: int) -> Study:
    """The toy study with more policies, each with a reform of its own size."""
    model = load_model_file(f"{HERE / 'toy_model.py'}:Toy")
    study = engine.load_study(HERE / "toy.toml", model=model)
    return _with_policies(study, n_policies)


def rustbelt(n_policies: int) -> Study:
    """The shipped study with its first so many policies."""
    names = (
        "old",
        "reform",
        "reform_full",
        "gradual",
        "shock_therapy",
        "delayed_reform",
        "reform_no_fund",
        "actual_like",
    )
    return engine.load_study("rustbelt", policies=names[:n_policies])


def _with_policies(study: Study, n_policies: int) -> Study:
    first, last = study.policies
    more = [
        replace(
            last,
            name=f"{last.name}{k}",
            levers={name: values * (1 - k / 10) for name, values in last.levers.items()},
        )
        for k in range(1, n_policies - 1)
    ]
    tile = 1 << int(np.log2(LANES * 2 // n_policies))
    return replace(study, policies=(first, last, *more)[:n_policies], tile=tile)


def _kernel(study: Study, cores: int) -> Callable[[], None]:
    mesh = Mesh(devices.mesh("cpu").devices[:cores], (AXIS,))
    program = Program(study, mesh)
    block = Block(0, 0, BLOCK)

    def call() -> None:
        program.collect(block, program.submit(block))

    return call


def report(rounds: int) -> str:
    """Two tables: policies, and cores."""
    peers = {
        (name, n, cores): _kernel(study(n), cores)
        for name, study in (("toy", toy), ("rustbelt", rustbelt))
        for n, cores in ((1, CORES), (2, CORES), (8, CORES), (2, 1))
    }
    seconds = best(peers, rounds)
    rate = {key: BLOCK / took / 1e6 for key, took in seconds.items()}
    policies = []
    for name in ("toy", "rustbelt"):
        one = seconds[name, 1, CORES]
        for n in (1, 2, 8):
            each = "" if n == 1 else f"{100 * (seconds[name, n, CORES] / one - 1) / (n - 1):.0f} %"
            policies.append(
                (f"{name}, {n} {'policy' if n == 1 else 'policies'}", f"{rate[name, n, CORES]:.3f}", each)
            )
    cores = [
        (
            name,
            f"{rate[name, 2, 1]:.3f}",
            f"{rate[name, 2, CORES]:.3f}",
            f"{rate[name, 2, CORES] / rate[name, 2, 1]:.2f}",
        )
        for name in ("toy", "rustbelt")
    ]
    head = (f"kernel, {CORES} cores", "M paths/s", "each further policy, of the first one's time")
    beside = ("kernel, 2 policies", "1 core, M paths/s", f"{CORES} cores", "gain")
    return f"{table(head, policies)}\n\n{table(beside, cores)}"
