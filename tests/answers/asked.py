"""What each question is asked in the tests that hold all of them to one contract, and of what."""

from dataclasses import dataclass
from typing import Annotated

import jax.numpy as jnp

from engine.answers import registry
from engine.answers.answer import Answer, Subject
from engine.answers.question import RUN, Option
from engine.answers.table import table as rows_table
from engine.errors import UserError, unknown
from engine.modelling.cells import table
from engine.risk.estimation.measures import probability
from engine.run_folder import answer_store
from engine.study.loading import read_study
from tests.questions.explained import PLACES, SUM, Sum, cost_of

OBSERVED = {
    "rows": [
        {
            "series": f"Cost in the {place}",
            "time": year,
            "variable": "cost",
            "at": f"place={place}",
            "value": value,
            "unit": "M/yr",
            "standard_error": 0.5,
            "source": "books",
            "confidence": "read",
        }
        for place in ("north", "south")
        for year, value in ((2019, 19.0), (2020, 20.0), (2021, 24.0))
    ]
}
GATES = {
    f"paid_{level}": {"policy": "aided", "variable": "own", "median_above": float(level), "about": "something is paid"}
    for level in range(24)
}
"""More than one screen holds."""
ASSUMED = {"assumptions": {"level": {"about": "costs are what they are", "off": {"a": 0}}}}
OPTIONS = {
    "risk": {},
    "discover": {"where": "own > 41 under old"},
    "explain": {"outcome": "cost"},
    "compare": {"outcome": ("cost", "own", "ruin"), "level": "97.5"},
    "attribute": {"start": "old", "end": "aided"},
    "sensitivity": {"outcome": ("cost", "ruin")},
    "flip": {"outcome": "own", "policies": ("old", "aided")},
    "design": {"policy": "aided", "lever": "aid", "subject": "mean of own <= 40", "bounds": (0.0, 10.0)},
    "challenge": {"claim": ("aided better than old in own", "aided better than old in ruin")},
    "backtest": {"policy": "old"},
    "extremes": {"variable": ("own", "cost"), "periods": (10.0, 100.0, 1000.0)},
    "condition": {"policy": "old", "until": 2020},
    "gates": {},
    "constants": {},
    "precision": {"target": ("mean of cost under old within 5 %",)},
}
"""Options of each question, for the study of a sum."""
RISKS = (
    {"variable": "cost"},
    {"level": "97.5"},
    {"variable": "ruin"},
    {"given": "own > 41"},
    {"variable": "own", "given": "own > 41", "level": 90},
)
"""What else `risk` is asked: by year, at a level, of an event, and where a condition holds."""
FEW = 2
"""Runs of moved futures that `condition` makes."""
KEPT = [name for name in registry.QUESTIONS if getattr(registry.question(name), "stored", True)]
"""Those whose answers are stored beside the cube."""
ASKED = [*OPTIONS.items(), *(("risk", options) for options in RISKS)]


class Still(Sum):
    """The sum without factors: shocks alone move it."""

    factors = {}

    def init(self, factors, levers):
        return {"sum": 0.0 * levers.aid}

    def step(self, state, year, factors, shocks, levers):
        cost = cost_of(20.0 - 0.0 * levers.aid, shocks.noise, self.weights())
        return {"sum": state["sum"] + cost.over() - levers.aid}, {"cost": cost}


class Constant(Still):
    """The sum that nothing moves."""

    def weights(self):
        return table({"place": PLACES}, [0.0 for _ in PLACES])


class Broken(Sum):
    """The sum that is no number where its first factor is low."""

    def step(self, state, year, factors, shocks, levers):
        held, yearly = super().step(state, year, factors, shocks, levers)
        return {"sum": held["sum"] + jnp.where(factors.a < 4.5, jnp.nan, 0.0)}, yearly


def summed(paths=256, model=Sum, **changes):
    """The study of a sum, of so few paths that hardly an estimate has an interval; `changes` are tables of it."""
    text = {
        **SUM,
        **ASSUMED,
        "gates": GATES,
        "observed": OBSERVED,
        "headline": ["cost"],
        "run": {**SUM["run"], "paths": paths},
    }
    text["keep"] = {"draws": paths, "outcomes": ["cost", "own"]}
    if not model.factors:
        del text["factors"], text["groups"], text["assumptions"]
    return read_study({**text, **changes}, "sum.toml", model=model())


def stored(folder, answer):
    """An answer as its groups have it, read from beside the cube where it is kept there."""
    kept = answer_store.read(folder, answer.question)
    assert (kept is not None) == (answer.question in KEPT)
    return Answer.of_tree(answer.tree if kept is None else kept)


@dataclass(frozen=True)
class Ruin:
    """Say how likely an outcome is to pass a level.

    A question of somebody else's: it has no part in the engine.
    """

    needs = RUN
    heading = "How often it passes"

    outcome: Annotated[str, Option("The outcome.", "V", "outcome")]
    level: Annotated[float, Option("The level.", "X")] = 40.0

    def answer(self, of):
        """The share of futures beyond the level, under each policy."""
        study = of.study
        if self.outcome not in of.outcomes:
            raise UserError("--outcome", [unknown("outcome", self.outcome, of.outcomes)])
        beyond = [probability(values > self.level, study.unit) for values in of.outcomes[self.outcome]]
        rows = [{"policy": name, "share": one} for name, one in zip(study.policy_names, beyond, strict=True)]
        shares = rows_table("shares", f"{self.outcome} above {self.level:g}", rows, "policy", shown={"share": "%"})
        least = min(zip(beyond, study.policy_names, strict=True), key=lambda one: one[0].estimate)[1]
        finding = f"The lowest estimate of {self.outcome} above {self.level:g} is that of {least}."
        return Answer(Subject.of(study), (finding,), (shares,), f"{study.name}: {study.paths:,} paths")
