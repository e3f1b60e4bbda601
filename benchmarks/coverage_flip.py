"""How often `rustbelt flip` reports a turn of a ranking where there is none, and how often intervals of turns hold."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.answers.answer import Answer
from engine.questions.flip import answer_on
from engine.questions.futures import Futures
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.questions.test_flip import CORRELATION, TURNS, shapes, turns_of, wager

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
    given = _answers(shapes("both", 1 << 14, 1), repetitions)
    pairs = [(move, truth) for answer in given for move, _ in turns_of(answer, "pair", "correlations")]
    return _covered("turn of a correlation", f"{repetitions:,} x 16,384 paths", pairs)


def both_turns(repetitions: int) -> Row:
    """How often the intervals of a prior's two turns hold them."""
    moves = [move for given in _answers(shapes("hill", 1 << 12, 1), repetitions) for move, _ in turns_of(given, "x")]
    pairs = [(move, math.copysign(1.0, move.estimate)) for move in moves]
    return _covered("two turns of a prior", f"{repetitions:,} x 4,096 paths", pairs)


def priors(repetitions: int) -> Iterator[Row]:
    """How often the interval of a prior's turn holds it, for four priors with one turn each."""
    given = list(_answers(wager(1 << 13), repetitions))
    for name, truth in TURNS.items():
        pairs = [(move, truth) for answer in given for move, _ in turns_of(answer, name)]
        yield _covered(f"turn of prior {name}", f"{repetitions:,} x 8,192 paths", pairs)


def _covered(what: str, conditions: str, pairs: list[tuple[Estimate, float]]) -> Row:
    inside = np.mean([move.low <= truth <= move.high for move, truth in pairs])
    return what, f"{conditions}, {len(pairs):,} turns seen", f"{inside:.3f}", "0.93"


def _answers(study: Study, repetitions: int) -> Iterator[Answer]:
    futures = Futures(study, ("cost",))
    for k in range(repetitions):
        yield answer_on(futures.anew(2 * k), "cost", "mean")


def _turns(one: Answer) -> bool:
    tables = [one[name] for name in ("priors", "correlations", "levers") if name in one]
    return "nearest" in one or any(turns for table in tables for turns in table["turns"])
