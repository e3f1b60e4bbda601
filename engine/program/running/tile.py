"""One tile of paths for XLA: draws, shocks and the model's own methods, mapped over policies and paths.

Every model has this form. It runs where a model has no one loop (`emitting/loop.py`), which tests compare with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from engine.draws.sampling import SAMPLERS, Counter
from engine.modelling.records import shock_streams
from engine.program.tracing import drawing
from engine.program.tracing.rules import Rules

Outcomes = Float[Array, "policy outcome lane"]
YearlyValues = Float[Array, "policy year cell lane"]
FactorDraws = Float[Array, "factor lane"]
Shocks = Float[Array, "year stream lane"]
Scores = Float[Array, "stream lane"]


class Tile:
    """The computation of one tile of paths, as JAX functions to be traced.

    They take the program's arguments (`arguments.of`) and the number of the tile's first group of paths as (low, high)
    words. Each lane is one path; lanes are in the sampler's order, not in path order.

    Args:
      rules: the rules of the study's model.
      lanes: paths of the tile.
    """

    def __init__(self, rules: Rules, lanes: int):
        self.rules, self.lanes = rules, lanes
        self.study, self.dtype, self.sampler = rules.study, rules.dtype, SAMPLERS[rules.study.sampler]

    def outcomes(self, inputs: Any, first: Counter) -> Outcomes:
        """Outcomes of every path."""
        return self.in_full(inputs, first)[0]

    def in_full(self, inputs: Any, first: Counter) -> tuple[Outcomes, YearlyValues | None, FactorDraws]:
        """Outcomes, yearly values (None for a static model) and draws of every path."""
        draws = self.draws(inputs, first)
        shocks = self.shocks(inputs, first) if self.study.is_path_model else None
        return *self._lived(inputs, draws, shocks), draws

    def draws(self, inputs: Any, first: Counter) -> FactorDraws:
        """Factor draws of every path, factors in the order of the study."""
        return self._drawn(inputs, self._once(inputs, first))

    def shocks(self, inputs: Any, first: Counter) -> Shocks:
        """Shocks of every path and year, streams in the order of the model."""
        return self._struck(
            inputs, self.draws(inputs, first), inputs["shock_keys"], lambda keys: self._words(keys, first)
        )

    def scores(self, inputs: Any, first: Counter) -> Scores:
        """All random numbers of every path, in the order of `arguments.streams`."""
        of_years = self._words(inputs["shock_keys"], first).values()
        return jnp.concatenate([self._once(inputs, first), *(words.reshape(-1, self.lanes) for words in of_years)])

    def of_scores(
        self, inputs: Any, scores: Scores
    ) -> tuple[Outcomes, YearlyValues | None, FactorDraws, Shocks | None]:
        """Outcomes, yearly values, draws and shocks of paths with the given random numbers, a lane for each."""
        count, lanes = len(inputs["factor_keys"]), scores.shape[-1]
        draws, shocks = self._drawn(inputs, scores[:count]), None
        if self.study.is_path_model:
            words, at = {}, count
            for law, keys in inputs["shock_keys"].items():
                size = keys.shape[0] * keys.shape[1]
                words[law] = scores[at : at + size].reshape(*keys.shape[:2], lanes)
                at += size
            shocks = self._struck(inputs, draws, words, lambda numbers: numbers)
        return *self._lived(inputs, draws, shocks), draws, shocks

    def _once(self, inputs: Any, first: Counter) -> Scores:
        """The random numbers that a path draws once: those of the factors, and those that groups share."""
        keys = inputs["factor_keys"]
        if not len(keys):
            return jnp.zeros((0, self.lanes), self.dtype)
        return self.sampler.normals(keys, first, self.lanes, self.dtype)

    def _drawn(self, inputs: Any, scores: Scores) -> FactorDraws:
        if not self.study.inputs:
            return scores[:0]
        return drawing.stacked(self.study, drawing.factors(self.study, scores, inputs))

    def _struck(self, inputs: Any, draws: FactorDraws, by_year: Any, words: Callable[[Any], Any]) -> Shocks:
        """Shocks of every year; `words` gives a year's random numbers from the year's slice of `by_year`."""
        lanes, by_run = draws.shape[-1], drawing.by_run(self.study, draws)

        def of_year(past: Any, at: Any) -> Any:
            is_first, own = at
            tables, past = self.study.shock_draws.of_year(words(own), inputs["shocks"], past, is_first, by_run)
            rows = [table[:, 0] for table in tables]
            return past, jnp.concatenate(rows) if rows else jnp.zeros((0, lanes), self.dtype)

        along = jnp.arange(len(self.study.years)) == 0, by_year
        return jax.lax.scan(of_year, self.study.shock_draws.before(lanes, self.dtype), along)[1]

    def _lived(self, inputs: Any, draws: FactorDraws, shocks: Shocks | None) -> tuple[Outcomes, YearlyValues | None]:
        """Outcomes and yearly values of every path under every policy."""
        one = self._path if self.study.is_path_model else self._evaluated
        by_policy = jax.vmap(one, in_axes=(None, None, 1))
        by_path = jax.vmap(by_policy, in_axes=(-1, -1, None), out_axes=-1)
        outcomes, yearly = by_path(draws, shocks, inputs["levers"])
        return outcomes, yearly if self.study.is_path_model else None

    def _words(self, keys: Mapping[str, UInt32[Array, "*stream 2"]], first: Counter) -> dict[str, Array]:
        """Random numbers by law, [*stream, lane], given the keys of the streams of each law."""
        return {law: drawing.numbers(self.sampler, law, of, first, self.lanes, self.dtype) for law, of in keys.items()}

    def _evaluated(self, draw: Any, _: Any, levers: Any) -> tuple[Any, Any]:
        """Outcomes of a static model on one path under one policy."""
        policy = jax.tree.map(lambda leaf: leaf[0], levers)
        return jnp.stack(self.rules.evaluate(list(draw), policy)), ()

    def _path(self, draw: Any, shocks: Any, levers: Any) -> tuple[Any, Any]:
        """Outcomes [outcome] and yearly values [year, cell] of one path under one policy."""
        written = self.rules.of_years
        carried = written.state
        drawn = list(draw)
        sizes = [len(streams) for streams in shock_streams(self.study.model).values()]

        def kept(state: Any) -> Any:
            return jax.tree.map(lambda value, like: jnp.asarray(value, like.dtype), state, carried)

        def of_year(state: Any, at: Any) -> Any:
            year, row, policy = at
            rest = iter(row)
            shock = [tuple(next(rest) for _ in range(size)) for size in sizes]
            state, cells = self.rules.one_year(state, year, drawn, shock, policy)
            return kept(state), jnp.stack(cells) if cells else jnp.zeros(0, self.dtype)

        first = jax.tree.map(lambda leaf: leaf[0], levers)
        along = jnp.asarray(self.study.years, jnp.int32), shocks, levers
        state, cells = jax.lax.scan(of_year, kept(self.rules.begin(drawn, first)), along)
        return jnp.stack(self.rules.end(state)), cells
