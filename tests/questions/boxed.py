"""A study of five uniform factors and a category, its draws and outcomes by hand: no kernel."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from engine.answers.answer import Answer
from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.questions.discover import answer_of
from engine.questions.discovery import Discovery, discovery
from engine.risk.drivers.where import parse_where
from engine.study.loading import read_study
from engine.study.study import Study

NAMES = tuple(f"x{k}" for k in range(1, 6))
LABELS = ("dry", "wet", "snow")


class Square(StaticModel):
    """Whatever happens in a corner."""

    factors = {name: Factor("1") for name in (*NAMES, "rain")}
    levers = {"cut": Lever("1")}
    outcomes = {"hit": Outcome("1", loss=True)}

    def evaluate(self, factors, levers):
        """Nothing that runs."""


def square(paths: int, sampler: str = "random", seed: int = 5) -> Study:
    """The study."""
    uniform = {"family": "uniform", "low": 0, "high": 1}
    rain = {"family": "categories", "labels": [*LABELS], "weights": [1, 1, 1]}
    text: dict[str, Any] = {
        "name": "square",
        "run": {"paths": paths, "seed": seed, "sampler": sampler},
        "factors": {**dict.fromkeys(NAMES, uniform), "rain": rain},
        "policies": {"old": {}},
        "events": {"corner": {"outcome": "hit", "above": 0.5}},
    }
    return read_study(text, "square.toml", model=Square())


def drawn(study: Study, seed: int) -> dict[str, np.ndarray]:
    """Draws by factor."""
    rng = np.random.default_rng(seed)
    draws = {name: rng.random(study.paths).astype(np.float32) for name in NAMES}
    values = [*next(one for one in study.inputs if one.name == "rain").labels.values()]
    return draws | {"rain": rng.choice(np.array(values, np.float32), study.paths)}


def discovered(study: Study, draws: dict[str, np.ndarray], cases: np.ndarray) -> Discovery:
    """The boxes of the futures that are cases."""
    hit = cases.astype(np.float32)[None]
    return discovery(study, parse_where(study, "corner under old"), {"hit": hit}, draws)


def asked(study: Study, draws: dict[str, np.ndarray], cases: np.ndarray) -> Answer:
    """The answer on the boxes of the futures that are cases."""
    return answer_of(discovered(study, draws, cases))


@functools.cache
def corner(paths: int = 20_000) -> Answer:
    """x1 < 0.25 and x2 < 0.4: the reference of test problems, whose box has mass 0.1 and holds all and nothing else."""
    study = square(paths)
    draws = drawn(study, 1)
    return asked(study, draws, (draws["x1"] < 0.25) & (draws["x2"] < 0.4))
