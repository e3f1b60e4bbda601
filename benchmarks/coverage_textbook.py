"""How often intervals hold the truth: indices and Shapley effects of two textbook functions, and coverage and density
of the boxes that `rustbelt discover` finds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.questions.futures import Futures, quantities, unobserved
from engine.questions.indices import indices
from engine.risk.drivers.boxes import Box, judged

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.questions.boxed import discovered, drawn, square
from tests.questions.test_sensitivity import FIRST, SHAPLEY, TOTAL, of, textbook

Row = tuple[str, ...]
APART = 1 << 12
"""Replicates between sets of futures: more than one set is mixed of."""
CORNER = {"x1": 0.25, "x2": 0.4}
"""Ends of the corner in which 80 % of futures are cases; elsewhere 5 % are."""


def functions(repetitions: int) -> Iterator[Row]:
    """Rows: first indices, total indices and Shapley effects of Ishigami's and Borgonovo's functions."""
    held: dict[str, list[bool]] = {"first index": [], "total index": [], "Shapley effect": []}
    study = textbook(1 << 13)
    futures = Futures(study, tuple(SHAPLEY))
    wanted = [one for one in quantities(study, [*SHAPLEY]) if one.measure == "mean"]
    for k in range(repetitions):
        shares, _ = indices(futures.anew(APART * k), wanted, unobserved)
        for variable, effects in SHAPLEY.items():
            own = of(shares, variable=variable)
            for name, effect in effects.items():
                truths = FIRST[variable][name], TOTAL[variable][name], effect
                for inside, one, truth in zip(held.values(), own[name], truths, strict=True):
                    inside.append(one.low <= truth <= one.high)
    for name, inside in held.items():
        yield name, f"{repetitions:,} x 8,192 paths of the textbook", f"{np.mean(inside):.3f}", "0.93"


def boxes(repetitions: int) -> Iterator[Row]:
    """Rows: coverage and density of whatever box is found, on 2,000 futures."""
    held: dict[str, list[bool]] = {"coverage": [], "density": []}
    study = square(2000)
    for seed in range(repetitions):
        draws, rng = drawn(study, seed), np.random.default_rng(10_000 + seed)
        corner = np.all([draws[name] < end for name, end in CORNER.items()], axis=0)
        given = discovered(study, draws, rng.random(2000) < np.where(corner, 0.8, 0.05))
        if given.boxes:
            judge = given.judge
            found = judged(given.boxes[0], judge.draws, judge.cases, judge.units, np.ones(len(judge), bool))
            for name, truth in truth_of(found.box).items():
                one = getattr(found, name)
                held[name].append(one.low <= truth <= one.high)
    for name, inside in held.items():
        conditions = f"a box in {len(inside):,} of {repetitions:,} x 2,000 paths"
        yield f"{name} of a box", conditions, f"{np.mean(inside):.3f}", "0.92"


def truth_of(box: Box) -> dict[str, float]:
    """What a box truly has of the cases, and how many of its futures are cases."""
    mass = inner = 1.0
    for name, limits in box.items():
        if name == "rain":
            mass, inner = (value * len(limits.allowed) / 3 for value in (mass, inner))
            continue
        low, high = max(limits.low, 0.0), min(limits.high, 1.0)
        end = CORNER.get(name, 1.0)
        mass, inner = mass * (high - low), inner * max(min(high, end) - low, 0.0) / end
    cases = 0.05 * mass + 0.75 * 0.1 * inner
    return {"coverage": cases / (0.05 + 0.075), "density": cases / mass}
