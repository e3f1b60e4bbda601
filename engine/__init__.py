"""Monte Carlo risk engine for policy choices: the same futures under every policy, tails with honest intervals."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.execution.job import Run, run, run_shard
    from engine.execution.replay import replay
    from engine.execution.results import open_cube
    from engine.execution.upkeep import repair, status, verify
    from engine.modelling.records import (
        Factor,
        Lever,
        Outcome,
        PathModel,
        Shock,
        StaticModel,
        Yearly,
        at_year,
        lowest,
        peak,
        total,
        worst_spell,
    )
    from engine.study.loading import load_model_file, load_study

_HOMES = {
    "engine.study.loading": ("load_model_file", "load_study"),
    "engine.execution.results": ("open_cube",),
    "engine.execution.job": ("Run", "run", "run_shard"),
    "engine.execution.replay": ("replay",),
    "engine.execution.upkeep": ("repair", "status", "verify"),
    "engine.modelling.records": (
        *("Factor", "Lever", "Outcome", "PathModel", "Shock", "StaticModel", "Yearly"),
        *("at_year", "lowest", "peak", "total", "worst_spell"),
    ),
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
    "at_year",
    "load_model_file",
    "load_study",
    "lowest",
    "open_cube",
    "peak",
    "repair",
    "replay",
    "run",
    "run_shard",
    "status",
    "total",
    "verify",
    "worst_spell",
]


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for: `rustbelt --help` waits for no JAX."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'engine' has no attribute '{name}'")
