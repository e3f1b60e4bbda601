"""Paths of the rustbelt model in double precision, stepped year by year, for its tests."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import norm

from engine.draws.distributions.prior import prior
from engine.errors import Problems
from engine.modelling.cells import Cells
from engine.modelling.folds import Fold, Term
from engine.models.rustbelt import Rustbelt
from engine.study.components import Policy
from engine.study.tables.levers import LeverTables
from engine.study.tables.policies import read_tables

MODEL = Rustbelt()
YEARS = tuple(range(2016, 2031))
STUDY = tomllib.loads((Path(__file__).parents[1] / "configs" / "rustbelt.toml").read_text(encoding="utf-8"))
NORTHEAST = slice(0, 3)
UNRECORDED = {
    "layoffs": ("region",),
    "national_layoffs": (),
    "national_layoffs_by_cuts": (),
    "hidden_on_sectors": ("region",),
    "hidden_on_state_firms": ("region",),
    "credit_crunch": ("region",),
    "northeast_growth": (),
    "northeast_relative_growth": (),
    "northeast_gdp_loss": (),
    "discounted_cost": ("region",),
    "discounted_shortfall": ("region",),
    "taxes_on_growth": (),
}
"""Dimensions of what a step returns beside the recorded values."""
LANES = 2048
"""Paths that are stepped at once, so that runs of few and of many are one compiled program."""
PRIORS = {
    name: prior({k: v for k, v in table.items() if k not in ("label", "about", "unit", "group", "source")})
    for name, table in STUDY["factors"].items()
}
LAWS = {name: stated.law for name, stated in PRIORS.items()}
CONSTANTS = {name: constant.value for name, constant in MODEL.constants.items()}
KNOWN = SimpleNamespace(**{name: float(law.quantile(0.5)) for name, law in LAWS.items()}, **CONSTANTS)
"""Inputs of the model's rules in tests: every factor at its median, every constant at its value."""


def known(**given: Any) -> SimpleNamespace:
    """`KNOWN`, with some of its values replaced."""
    return SimpleNamespace(**{**vars(KNOWN), **given})


class Run(NamedTuple):
    """States and yearly values as arrays [year, *labels, path]; states begin with 2015."""

    states: list[Any]
    yearly: dict[str, np.ndarray]

    def state(self, block: str, name: str) -> np.ndarray:
        """One value of the state, [year, *labels, path] from 2015 on."""
        return np.stack([array(getattr(getattr(state, block), name)) for state in self.states])


def policy(name: str, **levers: Any) -> Policy:
    """A policy of the study, with some of its levers changed."""
    problems = Problems()
    tables = {**STUDY["policies"], "changed": {"like": name, **levers}}
    reader = LeverTables(MODEL, YEARS, STUDY["factors"], PRIORS)
    read = read_tables(tables, reader, "old", problems)
    assert not problems, list(problems)
    return read["changed"]


def drawn(n_paths: int, seed: int = 1, **given: Any) -> dict[str, np.ndarray]:
    """Factor draws [path], correlated within their groups by their signs, and constants; `given` replaces values."""
    rng = np.random.default_rng(seed)
    common = {group: rng.standard_normal(n_paths) for group in STUDY["groups"]}
    draws = {}
    for name, row in STUDY["factors"].items():
        group = row.get("group")
        table = STUDY["groups"].get(group, {"correlation": 0.0})
        shared = table["correlation"]
        score = np.sqrt(shared) * common.get(group, 0.0) + np.sqrt(1 - shared) * rng.standard_normal(n_paths)
        score = -score if name in table.get("against", ()) else score
        draws[name] = np.asarray(LAWS[name].quantile(norm.cdf(score)))
    return draws | _everywhere(CONSTANTS | given, n_paths)


def medians(n_paths: int = 1, **given: Any) -> dict[str, np.ndarray]:
    """Every factor at its median and every constant [path]; `given` replaces values."""
    return _everywhere(vars(known(**given)), n_paths)


def _everywhere(values: Any, n_paths: int) -> dict[str, np.ndarray]:
    return {name: value * np.ones(n_paths) for name, value in values.items()}


def shocks(n_paths: int, seed: int = 2) -> list[dict[str, Any]]:
    """Shock draws of every year."""
    rng = np.random.default_rng(seed)
    return [
        _year_of(lambda law: rng.standard_normal(n_paths) if law == "normal" else rng.random(n_paths)) for _ in YEARS
    ]


def calm(n_paths: int = 1) -> list[dict[str, Any]]:
    """No shock in any year: no slump, no anchor, no noise."""
    return [_year_of(lambda law: np.zeros(n_paths) if law == "normal" else np.ones(n_paths)) for _ in YEARS]


def _year_of(draw: Any) -> dict[str, Any]:
    drawn: dict[str, Any] = {}
    for name, shock in MODEL.shocks.items():
        labels = {dim: MODEL.dims[dim] for dim in shock.dims}
        size = int(np.prod([len(part) for part in labels.values()]))
        values = [draw(shock.law) for _ in range(size)]
        drawn[name] = Cells(labels, values) if labels else values[0]
    return drawn


def run(chosen: Policy, factors: dict[str, np.ndarray], noise: list[dict[str, Any]]) -> Run:
    """The paths under one policy that is carried out in full; constants in `factors` replace the model's."""
    n_paths = len(next(iter(factors.values())))
    factors = _everywhere(CONSTANTS, n_paths) | factors
    lanes = np.minimum(np.arange(-(-n_paths // LANES) * LANES), n_paths - 1)
    with jax.enable_x64(True):
        read = {name: jnp.asarray(factors[name][lanes]) for name in (*MODEL.factors, *MODEL.constants)}
        state = jax.vmap(lambda f: MODEL.init(SimpleNamespace(**f), None))(read)
        states, yearly = [_first(state, n_paths)], []
        for t, year in enumerate(YEARS):
            shock = jax.tree.map(lambda draws: draws[lanes], noise[t])
            levers = in_force(chosen, t, {name: draws[lanes] for name, draws in factors.items()})
            state, values = _step()(state, np.int32(year), read, shock, levers)
            states.append(_first(state, n_paths))
            yearly.append({name: array(value) for name, value in _first(values, n_paths).items()})
    return Run(states, {name: np.stack([year[name] for year in yearly]) for name in yearly[0]})


def _first(tree: Any, n_paths: int) -> Any:
    """The values of the first paths; those after them only fill the lanes."""
    return jax.tree.map(lambda values: np.asarray(values)[:n_paths], tree)


@functools.cache
def _step() -> Any:
    def step(state: Any, year: Any, factors: Any, shock: Any, levers: Any) -> Any:
        return MODEL.step(state, year, SimpleNamespace(**factors), SimpleNamespace(**shock), SimpleNamespace(**levers))

    # without fusion nothing is computed twice, so that it compiles in seconds; speed does not matter here
    return jax.jit(jax.vmap(step, in_axes=(0, None, 0, 0, 0)), compiler_options={"xla_disable_hlo_passes": "fusion"})


def in_force(chosen: Policy, t: int, factors: dict[str, np.ndarray]) -> dict[str, Any]:
    """Levers of year number t [path], those that a factor gives as it was drawn."""
    assert chosen.implementation == 1.0
    before = chosen.before if YEARS[t] < chosen.start else None
    now = before or chosen
    everyone = np.ones(len(next(iter(factors.values()))))
    levers: dict[str, Any] = {"start": np.full(len(everyone), now.start, np.int32)}
    for name, lever in MODEL.levers.items():
        labels = {dim: MODEL.dims[dim] for dim in lever.dims}
        values = np.ravel(now.levers[name][t])[:, None] * everyone
        for factor, weights in now.drawn.get(name, {}).items():
            values = values + np.ravel(weights[t])[:, None] * factors[factor]
        levers[name] = Cells(labels, list(values)) if labels else values[0]
    return levers


def array(value: Any) -> np.ndarray:
    """A value of all paths as an array [*labels, path]."""
    if not isinstance(value, Cells):
        return np.asarray(value)
    value = value.in_order([dim for dim in MODEL.dims if dim in value.dims])
    shape = [len(labels) for labels in value.labels.values()]
    return np.stack([np.asarray(cell) for cell in value.values]).reshape(*shape, -1)


def outcome(name: str, result: Run) -> np.ndarray:
    """An outcome [path], from its definition."""
    fold = MODEL.outcomes[name].fold
    if isinstance(fold, Fold):
        return np.sum([_term(term, result) for term in fold.terms], axis=0)
    assert fold is not None
    with jax.enable_x64(True):
        return np.asarray(fold(result.states[-1]))


def _term(term: Term, result: Run) -> np.ndarray:
    """What a term of a fold adds to an outcome [path]."""
    kind, variable = term.kind, term.variable
    values = result.yearly[variable]
    dims = MODEL.yearly[variable].dims if variable in MODEL.yearly else UNRECORDED[variable]
    chosen = dict(term.over)
    for axis, dim in reversed(list(enumerate(dims, start=1))):
        taken = [MODEL.dims[dim].index(label) for label in chosen.get(dim, MODEL.dims[dim])]
        values = np.take(values, taken, axis=axis)
    values = values[: len(values) if term.until is None else YEARS.index(term.until) + 1]
    cells = tuple(range(1, values.ndim - 1))
    across = {"sum": np.sum, "mean": np.mean, "peak": np.max, "lowest": np.min}[term.across]
    series = across(values, axis=cells) if cells else values
    if kind.name == "worst_spell":
        return term.scale * np.min(np.maximum(series[1:], series[:-1]), axis=0)
    if kind.name == "highest_spell":
        return term.scale * np.max(series[2:] + series[1:-1] + series[:-2], axis=0)
    if kind.name == "last":
        return term.scale * series[-1]
    return term.scale * {"peak": np.max, "lowest": np.min, "total": np.sum}[kind.name](series, axis=0)
