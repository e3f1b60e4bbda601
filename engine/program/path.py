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
from jax import lax

from engine.draws import random_words
from engine.draws.sampling import SAMPLERS
from engine.modelling.state_types import widened
from engine.program import drawing
from engine.program.rules import Rules
from engine.study.study import Study

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
      dtype: floating-point type of all numbers.
      each: how members, policies and streams are mapped over.
    """

    def __init__(self, study: Study, dtype: type, each: Each = one_by_one):
        self.study, self.dtype, self.each = study, dtype, each
        self.rules, self.sampler = Rules(study, dtype), SAMPLERS[study.sampler]

    def paths(self, shared: Any, low: Any, scores: Any = None) -> dict[str, Any]:
        """The outputs of one group of paths, by name.

        Args:
          scores: the random numbers [stream] of one path in place of those of the group; its outputs have no axis of
            members.
        """
        if scores is not None:
            return self._path(shared["inputs"], *self._divided(shared["inputs"], scores))
        inputs, sampler, first = shared["inputs"], self.sampler, (low, shared["high"])

        def words(law: str, keys: Any) -> Any:
            """Random numbers [*key, member] of a law, "normal" or "uniform"."""
            if not keys.size:
                return jnp.zeros((*keys.shape[:-1], sampler.group), self.dtype)

            def of_stream(key: Any) -> Any:
                if law == "normal":
                    return sampler.normals(key, first, self.dtype)
                return random_words.uniform(sampler.words(key, first), self.dtype)

            return self.each(of_stream, keys.reshape(-1, keys.shape[-1])).reshape(*keys.shape[:-1], sampler.group)

        once = words("normal", inputs["factor_keys"])
        yearly = {law: jnp.moveaxis(words(law, keys), -1, 0) for law, keys in inputs["shock_keys"].items()}
        return self.each(lambda member: self._path(inputs, *member), (once.T, yearly))

    def _divided(self, inputs: Any, scores: Any) -> tuple[Any, dict[str, Any]]:
        """Random numbers [stream] as `_path` takes them."""
        at = len(inputs["factor_keys"])
        once, yearly = scores[:at], {}
        for law, keys in inputs["shock_keys"].items():
            size = keys.shape[0] * keys.shape[1]
            yearly[law] = scores[at : at + size].reshape(keys.shape[:2])
            at += size
        return once, yearly

    def _path(self, inputs: Any, once: Any, yearly: Any) -> dict[str, Any]:
        """The outputs of one path.

        Args:
          once: random numbers that are drawn once, [stream].
          yearly: those of the years by law, [year, stream].
        """
        draws = drawing.factors(self.study, once[:, None], inputs)[:, 0]
        named = {item.name: draw for item, draw in zip(self.study.inputs, draws, strict=True)}
        scores = jnp.concatenate([once, *(numbers.reshape(-1) for numbers in yearly.values())])
        policies = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 1, 0), inputs["levers"])
        made = {DRAWS: draws, SCORES: scores}
        if not self.study.is_path_model:
            return made | {OUTCOMES: self.each(lambda levers: self.rules.evaluate(named, _first(levers)), policies)}
        shocks = self._shocks(inputs, named, yearly)
        outcomes, cells = self.each(lambda levers: self._years(named, shocks, levers), policies)
        return made | {OUTCOMES: outcomes, YEARLY: cells, SHOCKS: shocks}

    def _shocks(self, inputs: Any, draws: Any, yearly: Any) -> Any:
        """Shocks [year, stream], streams in the order of the model."""
        laws, factors = self.study.shock_draws, {name: draw[None] for name, draw in draws.items()}

        def of_year(past: Any, at: Any) -> Any:
            is_first, own = at
            words = {law: numbers[:, None] for law, numbers in own.items()}
            tables, past = laws.of_year(words, inputs["shocks"], past, is_first, factors)
            return past, jnp.concatenate([jnp.zeros(0, self.dtype), *(table[:, 0, 0] for table in tables)])

        along = jnp.arange(len(self.study.years)) == 0, yearly
        return lax.scan(of_year, laws.before(1, self.dtype), along)[1]

    def _years(self, draws: Any, shocks: Any, levers: Any) -> tuple[Any, Any]:
        """Outcomes [outcome] and yearly values [year, cell] under one policy."""

        # traced once, for the types of its state and for the scan
        one_year = jax.jit(self.rules.one_year)

        def of_year(state: Any, at: Any) -> tuple[Any, Any]:
            year, row, own = at
            after, cells = one_year(state, year, draws, row, own)
            return jax.tree.map(lambda value, like: value.astype(like.dtype), after, state), cells

        along = jnp.asarray(self.study.years, jnp.int32), shocks, levers
        state = self._widened(one_year, self.rules.begin(draws, _first(levers)), draws, _first(along))
        state, cells = lax.scan(of_year, state, along)
        return self.rules.end(state), cells

    def _widened(self, one_year: Callable[..., Any], state: Any, draws: Any, at: Any) -> Any:
        """The state in types that a year gives back: a whole number that becomes a float begins as a float."""
        year, shocks, levers = at
        after = jax.eval_shape(one_year, state, year, draws, shocks, levers)[0]
        leaves, form = jax.tree.flatten(state)
        types = [leaf.dtype for leaf in leaves]
        wider = widened(types, [leaf.dtype for leaf in jax.tree.leaves(after)], self.dtype)
        if wider == types:
            return state
        return self._widened(one_year, jax.tree.unflatten(form, map(jnp.asarray, leaves, wider)), draws, at)


def _first(along: Any) -> Any:
    """The first year of a tree of arrays [year, ...]."""
    return jax.tree.map(lambda leaf: leaf[0], along)
