"""Monte Carlo risk engine for policy choices: the same futures under every policy, tails with honest intervals."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.answers import open_cube
    from engine.config import load_model_file, load_study
    from engine.job import Run, run, run_shard
    from engine.model import (
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
    from engine.replay import replay
    from engine.upkeep import repair, status, verify

_HOMES = {
    "engine.config": ("load_model_file", "load_study"),
    "engine.answers": ("open_cube",),
    "engine.job": ("Run", "run", "run_shard"),
    "engine.replay": ("replay",),
    "engine.upkeep": ("repair", "status", "verify"),
    "engine.model": (
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
