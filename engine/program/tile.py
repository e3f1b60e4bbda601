"""One tile of paths, traced: words -> draws -> years -> outcomes, every policy on the same draws.

Every table of the state is one array [cell, policy, path] with the path axis contiguous, or [cell, 1, path] where no policy
has a say in it. Arrays of a tile are in the sampler's lane order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from engine.draws import random_words
from engine.draws.dependence import correlated
from engine.draws.sampling import SAMPLERS, Counter, Sampler
from engine.program.batch import Argument, Batch, Known
from engine.program.equations import Atom, Rule
from engine.program.packs import Axis
from engine.program.rules import Rules
from engine.study.study import Study

Outcomes = Float[Array, "policy outcome lane"]
YearlyValues = Float[Array, "year cell policy lane"]
FactorDraws = Float[Array, "factor lane"]
Draws = Mapping[str, Float[Array, "lane"] | Float[Array, "label lane"]]


@dataclass(frozen=True)
class Tile:
    """What one pass over so many lanes computes for a study, by the rules of its model, on a platform.

    All its methods are traced: they take the program's arguments (`arguments.of`) and the counter of the tile's first
    group, (low, high) words. Draws are factor draws by name; those of a longer run together, by the first of its names.
    """

    rules: Rules
    lanes: int
    platform: str

    @property
    def study(self) -> Study:
        """The resolved study."""
        return self.rules.study

    @property
    def dtype(self) -> type:
        """Of all numbers but the random words."""
        return self.rules.dtype

    @property
    def sampler(self) -> Sampler:
        """The study's sampler."""
        return SAMPLERS[self.study.sampler]

    def outcomes(self, inputs: Any, first: Counter) -> Outcomes:
        """Outcomes of every path."""
        draws = self._draws(inputs, first)
        if not self.study.is_path_model:
            return self._evaluate(inputs, draws)
        outcomes, _ = self._years(inputs, draws, first, with_cells=False)
        return outcomes

    def in_full(self, inputs: Any, first: Counter) -> tuple[Outcomes, YearlyValues | None, FactorDraws]:
        """Outcomes, yearly values (None for a static model) and draws of every path."""
        draws = self._draws(inputs, first)
        drawn = self._stacked_draws(draws)
        if not self.study.is_path_model:
            return self._evaluate(inputs, draws), None, drawn
        outcomes, yearly = self._years(inputs, draws, first, with_cells=True)
        return outcomes, yearly, drawn

    def draws(self, inputs: Any, first: Counter) -> FactorDraws:
        """Factor draws of every path, factors in the order of the study."""
        return self._stacked_draws(self._draws(inputs, first))

    def shocks(self, inputs: Any, first: Counter) -> Float[Array, "year stream lane"]:
        """Shocks of every path and year, streams in the order of the model."""
        draws = self._draws(inputs, first)

        def of_year(past: Any, at: Any) -> Any:
            is_first, keys = at
            tables, past = self.study.shock_draws.of_year(
                self._words(keys, first), inputs["shocks"], past, is_first, draws
            )
            return past, jnp.concatenate([table[:, 0] for table in tables])

        along = jnp.arange(len(self.study.years)) == 0, inputs["shock_keys"]
        return jax.lax.scan(of_year, self.study.shock_draws.before(self.lanes, self.dtype), along)[1]

    def _draws(self, inputs: Any, first: Counter) -> Draws:
        """Factor draws by name, or run."""
        study = self.study
        keys = inputs["factor_keys"]
        if not study.inputs:
            return {}
        scores = self.sampler.normals(keys, first, self.lanes, self.dtype)
        own = {study.inputs[run[0]].name: scores[run[0]] for run in study.runs if len(run) == 1}
        shared = [scores[k] for k in range(len(study.inputs), scores.shape[0])]
        joint = correlated(own, shared, study.groups, inputs["groups"])
        values = study.draws.values([joint[name] for name in own], inputs["marginals"])
        drawn = {
            name: jnp.broadcast_to(value, (self.lanes,)) for name, value in zip(own, values, strict=True)
        }
        longer = [run for run in study.runs if len(run) > 1]
        for run, draws, fed in zip(longer, study.draws_of_runs, inputs["runs"], strict=True):
            (value,) = draws.values([scores[run.start : run.stop].reshape(-1)], fed)
            shape = len(run), self.lanes
            drawn[study.inputs[run[0]].name] = jnp.broadcast_to(value, (math.prod(shape),)).reshape(shape)
        return jax.lax.optimization_barrier(self._changed(inputs["changes"], drawn))

    def _changed(self, changes: Any, drawn: Draws) -> Draws:
        """Draws x scale + shift, factor by factor."""
        values = {}
        for run in self.study.runs:
            name = self.study.inputs[run[0]].name
            scale, shift = (changes[key][run.start : run.stop] for key in ("scale", "shift"))
            alone = drawn[name].ndim == 1
            values[name] = (
                drawn[name] * scale[0] + shift[0] if alone else drawn[name] * scale[:, None] + shift[:, None]
            )
        return values

    def _words(
        self, keys: Mapping[str, UInt32[Array, "stream 2"]], first: Counter
    ) -> dict[str, Float[Array, "stream lane"]]:
        """Random numbers of one year by law; `keys` holds those of the year's streams."""
        laws: dict[str, Float[Array, "stream lane"]] = {}
        if "normal" in keys:
            laws["normal"] = self.sampler.normals(keys["normal"], first, self.lanes, self.dtype)
        if "uniform" in keys:
            words = self.sampler.words(keys["uniform"], first, self.lanes)
            laws["uniform"] = jax.lax.optimization_barrier(random_words.uniform(words, self.dtype))
        return laws

    def _evaluate(self, inputs: Any, draws: Draws) -> Outcomes:
        policies = jax.tree.map(lambda leaf: leaf[0], inputs["levers"])
        rule, (drawn, decided) = self.rules.of_paths()
        batch = self._batch(rule, drawn, decided)
        known = batch.given(0, self._rows(draws)) | batch.given(1, _tables_of(policies, decided))
        return self._outcomes(batch, batch.computed(known, batch.outputs))

    def _years(
        self, inputs: Any, draws: Draws, first: Counter, with_cells: bool
    ) -> tuple[Outcomes, YearlyValues]:
        """Outcomes, and the yearly values, of no cell if none are wanted."""
        written = self.rules.of_years
        carried, _, _, _, decided = written.year_takes
        count = len(carried.tables)
        policies = jax.tree.map(lambda leaf: leaf[0], inputs["levers"])
        begins = self._batch(written.begin, *written.begin_takes)
        known = begins.given(0, self._rows(draws)) | begins.given(1, _tables_of(policies, decided))
        known = begins.computed(known, begins.outputs)
        years = self._batch(written.year if with_cells else written.year.first(count), *written.year_takes)
        lasting = years.once(years.given(2, self._rows(draws)))

        def of_year(carry: Any, at: Any) -> Any:
            (state, past), (year, is_first, keys, policy) = carry, at
            shocks, past = self.study.shock_draws.of_year(
                self._words(keys, first), inputs["shocks"], past, is_first, draws
            )
            known = lasting | years.given(0, state) | years.given(1, [year[None, None, None]])
            known |= years.given(3, shocks) | years.given(4, _tables_of(policy, decided))
            known = years.computed(known, years.outputs)
            after, cells = years.outputs[:count], years.outputs[count:]
            return (self._carry(years, carried, after, known), past), self._cells(years, cells, known)

        calendar = jnp.asarray(self.study.years, jnp.int32)
        along = (calendar, jnp.arange(len(calendar)) == 0, inputs["shock_keys"], inputs["levers"])
        state = self._carry(begins, carried, begins.outputs, known)
        past = self.study.shock_draws.before(self.lanes, self.dtype)
        (carry, _), yearly = jax.lax.scan(of_year, (state, past), along)
        ends = self._batch(written.end, carried)
        return self._outcomes(ends, ends.computed(ends.given(0, carry), ends.outputs)), yearly

    @property
    def _sizes(self) -> dict[Axis, int]:
        return {Axis.POLICY: len(self.study.policies), Axis.PATH: self.lanes}

    def _batch(self, rule: Rule, *takes: Argument) -> Batch:
        return Batch(rule, takes, self._sizes, self.platform)

    def _rows(self, draws: Draws) -> list[Float[Array, "row 1 lane"]]:
        """The draws of each run as an array."""
        return [rows[:, None] for rows in self._by_run(draws)]

    def _by_run(self, draws: Draws) -> list[Float[Array, "row lane"]]:
        values = [draws[self.study.inputs[run[0]].name] for run in self.study.runs]
        return [value if value.ndim == 2 else value[None] for value in values]

    def _carry(
        self, batch: Batch, carried: Argument, atoms: Sequence[Atom], known: Known
    ) -> list[Float[Array, "cell policy_or_1 lane"]]:
        """What goes from year to year, as the arrays of its tables."""
        kinds = [leaf.dtype for leaf in jax.tree.leaves(carried.example)]
        return [
            batch.array([atoms[leaf] for leaf in rows], known, carried.axes[rows[0]], kinds[rows[0]])
            for rows in carried.rows
        ]

    def _cells(self, batch: Batch, atoms: Sequence[Atom], known: Known) -> Float[Array, "cell policy lane"]:
        """Cells of one year as one array."""
        if not atoms:
            return jnp.zeros((0, len(self.study.policies), self.lanes), self.dtype)
        return batch.array(atoms, known, Axis.POLICY | Axis.PATH, self.dtype)

    def _outcomes(self, batch: Batch, known: Known) -> Outcomes:
        """What a rule gives back, as outcomes."""
        return jnp.swapaxes(batch.array(batch.outputs, known, Axis.POLICY | Axis.PATH, self.dtype), 0, 1)

    def _stacked_draws(self, draws: Draws) -> FactorDraws:
        # not in the order of the dict: a JAX transformation gives dicts back sorted by name
        rows = self._by_run(draws)
        return jnp.concatenate(rows) if rows else jnp.zeros((0, self.lanes), self.dtype)


def _tables_of(policies: Any, argument: Argument) -> list[Float[Array, "cell policy 1"]]:
    """Policies as the arrays of their tables."""
    leaves = jax.tree.leaves(policies)
    return [jnp.stack([leaves[leaf] for leaf in rows])[:, :, None] for rows in argument.rows]
