"""Monte Carlo risk engine for policy choices: the same futures under every policy, tails with honest intervals."""

from engine.config import load_study
from engine.cube import open_cube
from engine.job import Run, run
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
    "load_study",
    "lowest",
    "open_cube",
    "peak",
    "run",
    "total",
    "worst_spell",
]
