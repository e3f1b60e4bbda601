"""Outcomes and mean yearly values of the rustbelt model in one compiled program, fast enough to vary each input."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from engine.modelling.cells import Cells
from engine.modelling.folds import Fold
from engine.study.components import Policy
from tests.rustbelt_paths import MODEL, YEARS, in_force

READ = (*MODEL.factors, *MODEL.constants)


def averages(chosen: Policy, factors: dict[str, np.ndarray], noise: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Each outcome, and each value that a step returns as its mean over the years, by name [path].

    A value by label has a name for each cell, `name[label]` or `name[a,b]`, and is summed over all cells as `name`.
    """
    with jax.enable_x64(True):
        levers = [in_force(chosen, t, factors) for t in range(len(YEARS))]
        read = {name: jnp.asarray(factors[name]) for name in READ}
        values = _lives()(read, _stacked(noise), _stacked(levers))
        return {name: np.asarray(value) for name, value in values.items()}


def _stacked(years: list[Any]) -> Any:
    return jax.tree.map(lambda *parts: jnp.stack(parts), *years)


def _in_order(tree: Any) -> Any:
    """The tree with the dimensions of all cells in one order, as a loop needs them."""

    def ordered(part: Any) -> Any:
        return part.in_order([dim for dim in MODEL.dims if dim in part.dims]) if isinstance(part, Cells) else part

    return jax.tree.map(ordered, tree, is_leaf=lambda part: isinstance(part, Cells))


@functools.cache
def _lives() -> Any:
    folds = {name: one.fold for name, one in MODEL.outcomes.items() if isinstance(one.fold, Fold)}

    def life(read: Any, noise: Any, levers: Any) -> dict[str, Any]:
        factors = SimpleNamespace(**read)
        start = MODEL.init(factors, None), {name: fold.init() for name, fold in folds.items()}
        start = jax.tree.map(lambda number: jnp.asarray(number, jnp.float64), start)
        start = _in_order(start)

        def one_year(carry: Any, given: Any) -> Any:
            (state, folded), (year, shock, lever) = carry, given
            state, values = MODEL.step(state, year, factors, SimpleNamespace(**shock), SimpleNamespace(**lever))
            folded = {name: fold.update(folded[name], year, values) for name, fold in folds.items()}
            return _in_order((state, folded)), values

        (state, folded), yearly = jax.lax.scan(one_year, start, (jnp.asarray(YEARS, jnp.int32), noise, levers))
        means = {}
        for name, value in yearly.items():
            means[name] = (value.over() if isinstance(value, Cells) else value).mean()
            if isinstance(value, Cells):
                cells = _in_order(value)
                named = zip(cells.keys(), cells.values, strict=True)
                means |= {f"{name}[{','.join(key)}]": part.mean() for key, part in named}
        own = {name: one.fold(state) for name, one in MODEL.outcomes.items() if name not in folds}
        return means | own | {name: fold.finish(folded[name]) for name, fold in folds.items()}

    # without fusion it compiles in seconds
    return jax.jit(jax.vmap(life, in_axes=(0, 1, 1)), compiler_options={"xla_disable_hlo_passes": "fusion"})
