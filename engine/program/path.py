"""One group of paths of a study as one JAX function: the only description of a path, for lanes and for XLA.

A group is the paths whose random numbers come from the same words of the generator. The function takes the shared
inputs, `{"inputs": arguments.of(study), "high": high word of the group's number}`, and the low word of the group's
number. It gives, by name and for each member of the group,

    outcomes [member, policy, outcome]    draws  [member, factor]        scores [member, stream]
    yearly   [member, policy, year, cell]    shocks [member, year, stream]

where `scores` are all random numbers in the order of `arguments.streams`; a static model has neither `yearly` nor
`shocks`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from engine.draws.sampling import SAMPLERS
from engine.modelling.records import shock_streams
from engine.program import drawing
from engine.program.rules import Rules

Each = Callable[[Callable[[Any], Any], Any], Any]
"""Maps a function over the first axis of a tree of arrays."""
OUTCOMES, YEARLY, DRAWS, SHOCKS, SCORES = "outcomes", "yearly", "draws", "shocks", "scores"
"""Names of the outputs."""


def one_by_one(function: Callable[[Any], Any], over: Any) -> Any:
    """Maps a function as a loop, which lanes keep as one."""
    return lax.scan(lambda _, one: (None, function(one)), None, over)[1]


def side_by_side(function: Callable[[Any], Any], over: Any) -> Any:
    """Maps a function over an axis of arrays, which XLA computes at once."""
    return jax.vmap(function)(over)


class PathFunctions:
    """The functions of a study's paths.

    Args:
      rules: the methods of the study's model on flat scalars.
      each: how members, policies and streams are mapped over.
    """

    def __init__(self, rules: Rules, each: Each = one_by_one):
        self.study, self.dtype, self.rules, self.each = rules.study, rules.dtype, rules, each
        self.sampler = SAMPLERS[self.study.sampler]

    def group(self, shared: Any, low: Any) -> dict[str, Any]:
        """The outputs of one group of paths, by name."""
        inputs = shared["inputs"]
        first = low, shared["high"]
        order = np.argsort(self.sampler.offsets)

        def words(law: str, keys: Any) -> Any:
            """Random numbers [*key, member] of one law."""
            if not keys.size:
                return jnp.zeros((*keys.shape[:-1], self.sampler.group), self.dtype)
            flat = keys.reshape(-1, keys.shape[-1])
            found = self.each(
                lambda key: drawing.numbers(self.sampler, law, key, first, self.sampler.group, self.dtype)[order], flat
            )
            return found.reshape(*keys.shape[:-1], self.sampler.group)

        once = words("normal", inputs["factor_keys"])
        yearly = {law: words(law, keys) for law, keys in inputs["shock_keys"].items()} if self.study.years else {}
        numbers = once.T, {law: jnp.moveaxis(of, -1, 0) for law, of in yearly.items()}
        return self.each(lambda member: self._path(inputs, *member), numbers)

    def given(self, shared: Any, low: Any, scores: Any) -> dict[str, Any]:
        """The outputs of one path with the given random numbers [stream], by name; `low` has no part in them."""
        inputs = shared["inputs"]
        at = len(inputs["factor_keys"])
        once, yearly = scores[:at], {}
        for law, keys in inputs["shock_keys"].items():
            size = keys.shape[0] * keys.shape[1]
            yearly[law] = scores[at : at + size].reshape(keys.shape[:2])
            at += size
        return self._path(inputs, once, yearly)

    def _path(self, inputs: Any, once: Any, yearly: Any) -> dict[str, Any]:
        """The outputs of one path.

        Args:
          once: random numbers that are drawn once, [stream].
          yearly: those of the years by law, [year, stream].
        """
        scores = jnp.concatenate([once, *(numbers.reshape(-1) for numbers in yearly.values())])
        draws = self._draws(inputs, once)
        policies = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 1, 0), inputs["levers"])
        if not self.study.is_path_model:
            outcomes = self.each(lambda levers: self._evaluated(draws, levers), policies)
            return {OUTCOMES: outcomes, DRAWS: draws, SCORES: scores}
        shocks = self._shocks(inputs, draws, yearly)
        outcomes, cells = self.each(lambda levers: self._years(draws, shocks, levers), policies)
        return {OUTCOMES: outcomes, YEARLY: cells, DRAWS: draws, SHOCKS: shocks, SCORES: scores}

    def _draws(self, inputs: Any, scores: Any) -> Any:
        """Factor draws, factors in the order of the study."""
        if not self.study.inputs:
            return jnp.zeros(0, self.dtype)
        return drawing.stacked(self.study, drawing.factors(self.study, scores[:, None], inputs))[:, 0]

    def _shocks(self, inputs: Any, draws: Any, yearly: Any) -> Any:
        """Shocks [year, stream], streams in the order of the model."""
        by_run, laws = drawing.by_run(self.study, draws[:, None]), self.study.shock_draws

        def of_year(past: Any, at: Any) -> Any:
            is_first, own = at
            words = {law: numbers[:, None] for law, numbers in own.items()}
            tables, past = laws.of_year(words, inputs["shocks"], past, is_first, by_run)
            rows = [table[:, 0, 0] for table in tables]
            return past, jnp.concatenate(rows) if rows else jnp.zeros(0, self.dtype)

        along = jnp.arange(len(self.study.years)) == 0, yearly
        return lax.scan(of_year, laws.before(1, self.dtype), along)[1]

    def _evaluated(self, draws: Any, levers: Any) -> Any:
        """Outcomes of a static model under one policy."""
        return jnp.stack(self.rules.evaluate(list(draws), jax.tree.map(lambda leaf: leaf[0], levers)))

    def _years(self, draws: Any, shocks: Any, levers: Any) -> tuple[Any, Any]:
        """Outcomes [outcome] and yearly values [year, cell] under one policy."""
        drawn, years = tuple(draws), self.rules.years
        sizes = [len(streams) for streams in shock_streams(self.study.model).values()]

        def kept(state: Any) -> Any:
            return jax.tree.map(lambda value, like: jnp.asarray(value, like.dtype), state, years.state)

        def of_year(state: Any, at: Any) -> Any:
            year, row, policy = at
            rest = iter(row)
            shock = [tuple(next(rest) for _ in range(size)) for size in sizes]
            state, cells = years.year(state, year, drawn, shock, policy)
            return kept(state), jnp.stack(cells) if cells else jnp.zeros(0, self.dtype)

        first = jax.tree.map(lambda leaf: leaf[0], levers)
        along = jnp.asarray(self.study.years, jnp.int32), shocks, levers
        state, cells = lax.scan(of_year, kept(years.begin(drawn, first)), along)
        return jnp.stack(years.end(state)), cells
