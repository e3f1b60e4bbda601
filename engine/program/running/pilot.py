"""Computes a few paths with NumPy in single and in double precision, to show rounding errors.

Both use the same random numbers. Factors and shocks are drawn from the study's marginal laws, independently, as
dependence hardly matters for rounding. The model is not compiled, so a pilot takes a fraction of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from engine.draws.shocks import Moving, Regime
from engine.modelling.records import shock_streams
from engine.program.running.interpreter import NotInterpreted, Numbers, interpreted
from engine.program.tracing import arguments
from engine.program.tracing.rules import Rules, traced
from engine.study.study import Study

PATHS = 256
"""Paths of a pilot."""
OPERATIONS = 150_000
"""Approximate limit of NumPy operations in each precision; later years are left out, but two are kept."""


@dataclass(frozen=True)
class Values:
    """Draws and results of a pilot's paths in one precision.

    Args:
      draws: factor draws, [factor, path].
      outcomes: [policy, outcome, path].
      yearly: [policy, year, cell, path]; no year for a static model.
    """

    draws: np.ndarray
    outcomes: np.ndarray
    yearly: np.ndarray


@dataclass(frozen=True)
class Pilot:
    """The same paths in single and in double precision."""

    single: Values
    double: Values


def pilot(study: Study) -> Pilot | None:
    """The pilot of a study; None where its model cannot be interpreted, as with loops."""
    rules = traced(study, np.float32)
    random = np.random.default_rng(study.seed)
    draws = [item.marginal.at_score(random.standard_normal(PATHS)) for item in study.inputs]
    years = 0
    if study.is_path_model:
        years = min(len(study.years), max(2, OPERATIONS // max(1, len(rules.of_years.year.equations))))
    shocks = _shocks(study, random, years, {item.name: draw for item, draw in zip(study.inputs, draws, strict=True)})
    try:
        with np.errstate(all="ignore"):
            return Pilot(*(_computed(study, rules, dtype, draws, shocks, years) for dtype in (np.float32, np.float64)))
    except NotInterpreted:
        return None


def _shocks(study: Study, random: Any, years: int, factors: dict[str, np.ndarray]) -> list[Numbers]:
    """Shocks of each stream, [year, path] each, in the order of the model."""
    shocks, drawn = study.shocks, []
    for name, streams in shock_streams(study.model).items():
        law, moving = study.model.shocks[name].law, shocks.moving.get(name)
        for _ in streams:
            if moving is not None:
                drawn.append(_moving(moving, shocks.regimes.get(moving.regime or ""), random, years, factors))
            elif law == "uniform":
                drawn.append(random.uniform(1e-9, 1 - 1e-9, (years, PATHS)))
            else:
                drawn.append(random.standard_normal((years, PATHS)))
    return drawn


def _moving(one: Moving, regime: Regime | None, random: Any, years: int, factors: dict[str, np.ndarray]) -> Numbers:
    """A shock with a law, jumps or regimes in the study, [year, path]; years are drawn independently."""

    def of(law: Any) -> Numbers:
        # some quantiles take SciPy milliseconds each: `PATHS` of them are computed, and resampled
        return random.choice(law.at_score(random.standard_normal(PATHS)), (years, PATHS))

    if one.jumps is not None:
        chance = one.jumps.chance
        limit = factors[chance] if isinstance(chance, str) else chance
        share = 1 - np.exp(-np.asarray(limit)) if one.jumps.kind == "rate" else limit
        return np.where(random.random((years, PATHS)) < share, of(one.jumps.size), 0.0)
    if regime is None:
        return of(one.laws[0])
    state = random.integers(len(regime.states), size=(years, PATHS))
    if one.is_state:
        return state.astype(float)
    return np.take_along_axis(np.stack([of(law) for law in one.laws]), state[None], 0)[0]


def _computed(
    study: Study, rules: Rules, dtype: type, draws: list[Numbers], shocks: list[Numbers], years: int
) -> Values:
    levers = arguments.of(study, dtype)["levers"]

    def policies(year: int) -> list[Numbers]:
        return [leaf[year][:, None] for leaf in jax.tree.leaves(levers)]

    own: list[Numbers] = [draw.astype(dtype)[None] for draw in draws]
    by_policy = len(study.policies), PATHS
    drawn = np.concatenate([np.zeros((0, PATHS), dtype), *own])

    def stacked(values: list[Numbers]) -> Numbers:
        return np.stack([np.broadcast_to(value, by_policy) for value in values]).astype(dtype)

    if not study.is_path_model:
        outcomes = stacked(interpreted(rules.of_paths(), dtype)([*own, *policies(0)]))
        return Values(drawn, outcomes.swapaxes(0, 1), np.zeros((by_policy[0], 0, 0, PATHS), dtype))
    written = rules.of_years
    begin, year, end = (interpreted(rule, dtype) for rule in (written.begin, written.year, written.end))
    leaves = jax.tree.leaves(written.state)
    kinds = [dtype if leaf.dtype.kind == "f" else leaf.dtype for leaf in leaves]
    state = begin([*own, *policies(0)])
    recorded = []
    for t in range(years):
        calendar: Numbers = np.full((1, 1), study.years[t], np.int32)
        given = [calendar, *own, *(shock[t].astype(dtype)[None] for shock in shocks), *policies(t)]
        values = year([*(part.astype(kind) for part, kind in zip(state, kinds, strict=True)), *given])
        state, cells = values[: len(state)], values[len(state) :]
        recorded.append(stacked(cells) if cells else np.zeros((0, *by_policy), dtype))
    outcomes = stacked(end(state))
    return Values(drawn, outcomes.swapaxes(0, 1), np.stack(recorded).transpose(2, 0, 1, 3))
