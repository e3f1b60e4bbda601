"""Monte Carlo risk engine for policy choices: the same futures under every policy, tails with honest intervals."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.errors import UserError
    from engine.modelling.cells import Cells, each, table
    from engine.modelling.counts import binomial, poisson
    from engine.modelling.folds import *  # noqa: F403
    from engine.modelling.records import Constant, Factor, Lever, Outcome, PathModel, Shock, StaticModel, Yearly
    from engine.questions.design.evaluator import Evaluator
    from engine.run_folder.reading import open_cube
    from engine.runs.asking import attribute
    from engine.runs.run import Run, open_run, run
    from engine.study.loading import load_model_file, load_study

    __version__: str

_HOMES = {
    "engine.errors": ("UserError",),
    "engine.study.loading": ("load_model_file", "load_study"),
    "engine.questions.design.evaluator": ("Evaluator",),
    "engine.runs.asking": ("attribute",),
    "engine.runs.run": ("Run", "open_run", "run"),
    "engine.run_folder.reading": ("open_cube",),
    "engine.modelling.cells": ("Cells", "each", "table"),
    "engine.modelling.counts": ("binomial", "poisson"),
    "engine.modelling.records": (
        "Constant",
        "Factor",
        "Lever",
        "Outcome",
        "PathModel",
        "Shock",
        "StaticModel",
        "Yearly",
    ),
}

__all__ = [
    "Cells",
    "Constant",
    "Evaluator",
    "Factor",
    "Lever",
    "Outcome",
    "PathModel",
    "Run",
    "Shock",
    "StaticModel",
    "UserError",
    "Yearly",
    "__version__",
    "attribute",
    "binomial",
    "each",
    "load_model_file",
    "load_study",
    "open_cube",
    "open_run",
    "poisson",
    "run",
    "table",
]


def __dir__() -> list[str]:
    """The public names: what a user of Python needs, and what a model is made of."""
    return [*__all__, *import_module("engine.modelling.folds").__all__]


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for: `rustbelt --help` waits for no JAX."""
    if name == "__version__":
        return import_module("importlib.metadata").version("rustbelt")
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    if not find_spec(f"engine.{name}"):  # a package or file, which Python imports itself
        folds = import_module("engine.modelling.folds")  # the only file that lists the names of folds
        if name in folds.__all__:
            return getattr(folds, name)
    raise AttributeError(f"module 'engine' has no attribute '{name}'")
