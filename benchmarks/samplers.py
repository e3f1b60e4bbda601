"""Prints how much smaller variances are than those of as many independent paths, by sampler.

python benchmarks/samplers.py (a minute)
"""

import argparse
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from timing import machine, table

from engine.draws.sampling import SAMPLERS
from engine.program import devices
from engine.program.programs import program_on
from engine.risk.estimation.intervals import as_units, moments_of
from engine.study.loading import load_study
from engine.study.study import BLOCK, Study

BLOCKS = 8
LEVELS = (0.95, 0.99)


def outcomes(study: Study) -> np.ndarray:
    """Outcomes of all paths, float64 [policy, outcome, path]."""
    program = program_on(study, devices.mesh("cpu"))
    parts = [program.submit(block).of(block) for block in study.blocks()]
    return np.concatenate(parts, axis=-1).astype(np.float64)


def questions(quantile: np.ndarray) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Functions of outcomes that are averaged over paths, by name; their thresholds are the same for all samplers."""

    def tail(level: float) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
        q = quantile[LEVELS.index(level)][..., None]
        return {
            f"P(x > VaR{100 * level:g})": lambda x: (x > q).astype(np.float64),
            f"ES{100 * level:g}": lambda x: np.maximum(x - q, 0.0),
        }

    return {"mean": lambda x: x, "difference of means": lambda x: (x - x[:1])[1:], **tail(0.95), **tail(0.99)}


def main() -> None:
    """Prints medians over policies and outcomes of the shipped study, and in brackets the first and last decile."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    devices.use_every_core()
    study = replace(load_study("rustbelt", paths=BLOCKS * BLOCK), sampler="random")
    plain = outcomes(study)
    asked = questions(np.quantile(plain, LEVELS, axis=-1))
    alone = as_units(study.paths, 1)
    base = {name: moments_of(alone.totals(ask(plain)), alone).error for name, ask in asked.items()}
    rows = []
    for name in [name for name in SAMPLERS if name != "random"]:
        other = replace(study, sampler=name)
        values, units = outcomes(other), as_units(study.paths, other.unit)
        row = [name, f"{units.count:,}"]
        for question, ask in asked.items():
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = (base[question] / moments_of(units.totals(ask(values)), units).error) ** 2
            low, middle, high = np.quantile(ratio[np.isfinite(ratio)], [0.1, 0.5, 0.9])
            row.append(f"{middle:.1f} ({low:.1f}-{high:.1f})")
        rows.append(tuple(row))
    print(machine())
    print(table(("sampler", "units", *asked), rows))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
