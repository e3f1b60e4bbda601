"""What a further policy and a second core cost or give: the kernel of the toy and of the rustbelt."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from timing import CORES, best, table

import engine
from engine.program import devices
from engine.program.programs import program_on
from engine.study.loading import load_model_file
from engine.study.study import BLOCK, Block, Study
from engine.study.tables.sections import default_tile

HERE = Path(__file__).parent


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
            last, name=f"{last.name}{k}", levers={name: values * (1 - k / 10) for name, values in last.levers.items()}
        )
        for k in range(1, n_policies - 1)
    ]
    tile = default_tile(study.model, n_policies)
    return replace(study, policies=(first, last, *more)[:n_policies], tile=tile)


def _kernel(study: Study) -> Callable[[], None]:
    program = program_on(study, devices.mesh("cpu"))
    block = Block(0, 0, BLOCK)

    def call() -> None:
        program.submit(block).of(block)

    return call


def on_one_core(name: str, rounds: int) -> float:
    """Seconds of a block of two policies in a process that may use one core only."""
    core = min(os.sched_getaffinity(0))
    command = ["taskset", "-c", str(core), sys.executable, __file__, name, str(rounds)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def report(rounds: int) -> str:
    """Two tables: policies, and cores."""
    studies = {"toy": toy, "rustbelt": rustbelt}
    peers = {(name, n, CORES): _kernel(study(n)) for name, study in studies.items() for n in (1, 2, 8)}
    seconds = best(peers, rounds) | {(name, 2, 1): on_one_core(name, rounds) for name in studies}
    rate = {key: BLOCK / took / 1e6 for key, took in seconds.items()}
    policies = []
    for name in ("toy", "rustbelt"):
        one = seconds[name, 1, CORES]
        for n in (1, 2, 8):
            each = "" if n == 1 else f"{100 * (seconds[name, n, CORES] / one - 1) / (n - 1):.0f} %"
            policies.append((f"{name}, {n} {'policy' if n == 1 else 'policies'}", f"{rate[name, n, CORES]:.3f}", each))
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


if __name__ == "__main__":
    studies = {"toy": toy, "rustbelt": rustbelt}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=studies)
    parser.add_argument("rounds", type=int)
    asked = parser.parse_args()
    devices.use_every_core()
    print(best({"one": _kernel(studies[asked.study](2))}, asked.rounds)["one"])
