"""How often `rustbelt flip` reports a turn of a ranking where there is none, and how often intervals of turns hold."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.analyses.beliefs import Belief
from engine.analyses.flip import FlipResult, flip_on
from engine.analyses.futures import Futures
from engine.study.study import Study

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.analyses.test_flip import CORRELATION, TURNS, shapes, wager

Row = tuple[str, ...]
NEVER = 0.05
TIES = {"flat": ".02 wherever it is moved", "cliff": ".31 as stated, falling to .02 beyond 2 sd"}


def flips(repetitions: int) -> Iterator[Row]:
    """The rows of the case."""
    for paths in (1_024, 8_192):
        for shape in TIES:
            yield false_turns(shape, paths, repetitions)
    yield correlation(repetitions)
    yield both_turns(repetitions)
    yield from priors(repetitions)


def false_turns(shape: str, paths: int, repetitions: int) -> Row:
    """Share of studies for which a turn is reported although nothing turns their ranking."""
    false = [_turns(one) for one in _answers(shapes(shape, paths, 1), repetitions)]
    return (
        "false turns",
        f"{TIES[shape]}; {repetitions:,} x {paths:,} paths",
        f"{np.mean(false):.3f}",
        f"at most {NEVER:g}",
    )


def correlation(repetitions: int) -> Row:
    """How often the interval of a correlation's turn holds it; the difference is flat there and steep elsewhere."""
    truth = 0.5 * (3 / 3.0902323) ** 2 - 1 - CORRELATION
    rows = [one for given in _answers(shapes("both", 1 << 14, 1), repetitions) for one in _rows(given, "pair")]
    return _covered("turn of a correlation", f"{repetitions:,} x 16,384 paths", [(one, truth) for one in rows])


def both_turns(repetitions: int) -> Row:
    """How often the intervals of a prior's two turns hold them."""
    rows = [one for given in _answers(shapes("hill", 1 << 12, 1), repetitions) for one in _rows(given, "x")]
    pairs = [(one, math.copysign(1.0, one.move.estimate)) for one in rows]
    return _covered("two turns of a prior", f"{repetitions:,} x 4,096 paths", pairs)


def priors(repetitions: int) -> Iterator[Row]:
    """How often the interval of a prior's turn holds it, for four priors with one turn each."""
    given = list(_answers(wager(1 << 13), repetitions))
    for name, truth in TURNS.items():
        pairs = [(one, truth) for one_study in given for one in _rows(one_study, name)]
        yield _covered(f"turn of prior {name}", f"{repetitions:,} x 8,192 paths", pairs)


def _covered(what: str, conditions: str, pairs: list[tuple[Belief, float]]) -> Row:
    inside = np.mean([one.move.low <= truth <= one.move.high for one, truth in pairs])
    return what, f"{conditions}, {len(pairs):,} turns seen", f"{inside:.3f}", "0.93"


def _rows(given: FlipResult, name: str) -> list[Belief]:
    return [one for one in given.beliefs if one.turns and one.name == name]


def _answers(study: Study, repetitions: int) -> Iterator[FlipResult]:
    futures = Futures(study, ("cost",))
    for k in range(repetitions):
        yield flip_on(futures.anew(2 * k), "cost", "mean", "risky", "sure")


def _turns(one: FlipResult) -> bool:
    return one.joint is not None or any(belief.turns for belief in one.beliefs)
