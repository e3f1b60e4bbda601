"""A study with another model in the place of its own, to time a part of the work."""

from dataclasses import replace
from typing import Any

from engine.modelling.records import Outcome, PathModel
from engine.study.study import Study


def with_model(study: Study, model: Any) -> Study:
    """The study with another model that has the same factors and levers; for the kernel alone, never for a run."""
    return replace(study, model=model, model_digest=f"{study.model_digest} {type(model).__name__}")


def draws_only(model: PathModel) -> PathModel:
    """A model that makes the same draws as this one, and only adds them up."""

    class DrawsOnly(PathModel):
        dims, factors, shocks, levers = model.dims, model.factors, model.shocks, model.levers
        outcomes = {"sum": Outcome("1", lambda state: state)}

        def init(self, factors, levers):
            """Sum of all factors."""
            return sum(vars(factors).values())

        def step(self, state, year, factors, shocks, levers):
            """Sum of all shocks added."""
            for value in vars(shocks).values():
                state = state + (value.over() if hasattr(value, "over") else value)
            return state, {}

    return DrawsOnly()
