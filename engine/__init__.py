"""Monte Carlo risk engine for policy choices: the same futures under every policy, tails with honest intervals."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.execution.job import Run, run, run_shard
    from engine.execution.replay import replay
    from engine.execution.results import open_cube
    from engine.execution.upkeep import repair, status, verify
    from engine.modelling.folds import *  # noqa: F403
    from engine.modelling.records import (
        Factor,
        Lever,
        Outcome,
        PathModel,
        Shock,
        StaticModel,
        Yearly,
    )
    from engine.study.loading import load_model_file, load_study

_HOMES = {
    "engine.study.loading": ("load_model_file", "load_study"),
    "engine.execution.results": ("open_cube",),
    "engine.execution.job": ("Run", "run", "run_shard"),
    "engine.execution.replay": ("replay",),
    "engine.execution.upkeep": ("repair", "status", "verify"),
    "engine.modelling.records": ("Factor", "Lever", "Outcome", "PathModel", "Shock", "StaticModel", "Yearly"),
}

__all__ = [
    "Factor",
    "Lever",
    "Outcome",
    "PathModel",
    "Run",
    "Shock",
    "StaticModel",
    "Yearly",
    "load_model_file",
    "load_study",
    "open_cube",
    "repair",
    "replay",
    "run",
    "run_shard",
    "status",
    "verify",
]


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for: `rustbelt --help` waits for no JAX."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    if not find_spec(f"engine.{name}"):  # a package or file, which Python imports itself
        folds = import_module("engine.modelling.folds")  # where alone the names of folds are listed
        if name in folds.__all__:
            return getattr(folds, name)
    raise AttributeError(f"module 'engine' has no attribute '{name}'")
