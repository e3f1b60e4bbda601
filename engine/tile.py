"""One tile of paths, traced: words -> draws -> years -> outcomes, every policy on the same draws.

`vmap` over paths innermost and over policies outside it, so that every leaf of the state is one [policy, path] array
with the path axis contiguous. Arrays of a tile are in the sampler's lane order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from engine import bits, folds
from engine.arguments import grouped, streams_by_law
from engine.cells import Cells
from engine.dependence import correlated
from engine.fences import fenced
from engine.model import Fold, PathModel, Yearly, shock_streams
from engine.sampling import SAMPLERS, Sampler
from engine.study import Study


@dataclass(frozen=True)
class Tile:
    """What one pass computes for a study.

    Args:
      study: the resolved study.
      lanes: paths in the tile.
      dtype: of all numbers but the random words.

    All its methods are traced: they take the program's arguments (`arguments.of`) and the counter of the tile's first
    group, (low, high) words.
    """

    study: Study
    lanes: int
    dtype: type = np.float32

    @property
    def sampler(self) -> Sampler:
        """The study's sampler."""
        return SAMPLERS[self.study.sampler]

    def outcomes(self, inputs: Any, first: Any) -> Any:
        """Outcomes [policy, outcome, lane]."""
        draws = self._draws(inputs, first)
        if not self.study.is_path_model:
            return self._evaluate(inputs, draws)
        outcomes, _ = self._years(inputs, draws, first, _none_of)
        return outcomes

    def in_full(self, inputs: Any, first: Any) -> tuple[Any, Any, Any]:
        """Outcomes [policy, outcome, lane], yearly values [year, cell, policy, lane] (None for a static model), draws."""
        draws = self._draws(inputs, first)
        drawn = self._stacked_draws(draws)
        if not self.study.is_path_model:
            return self._evaluate(inputs, draws), None, drawn
        outcomes, yearly = self._years(inputs, draws, first, self._all_of)
        return outcomes, yearly, drawn

    def draws(self, inputs: Any, first: Any) -> Any:
        """Factor draws [factor, lane], factors in the order of the study."""
        return self._stacked_draws(self._draws(inputs, first))

    def _draws(self, inputs: Any, first: Any) -> dict[str, Any]:
        """Factor draws by name, each [lane]."""
        study = self.study
        groups = grouped(study)
        keys = inputs["factor_keys"]
        if not study.inputs:
            return {}
        scores = self.sampler.normals(keys, first, self.lanes, self.dtype)
        own = {item.name: scores[k] for k, item in enumerate(study.inputs)}
        shared = {name: scores[len(study.inputs) + k] for k, name in enumerate(groups)}
        joint = correlated(own, shared, study.groups, inputs["correlation"])
        drawn = {
            item.name: jnp.broadcast_to(
                item.marginal.from_normal(joint[item.name], inputs["marginals"][item.name]), (self.lanes,)
            )
            for item in study.inputs
        }
        return jax.lax.optimization_barrier(drawn)

    def _shocks(self, keys: Any, first: Any) -> dict[str, Any]:
        """Shock draws of one year by stream, each [lane]; `keys` holds those of the year's streams by law."""
        drawn: dict[str, Any] = {}
        for law, streams in streams_by_law(self.study).items():
            if not streams:
                continue
            values = (
                self.sampler.normals(keys[law], first, self.lanes, self.dtype)
                if law == "normal"
                else jax.lax.optimization_barrier(
                    bits.uniform(self.sampler.words(keys[law], first, self.lanes), self.dtype)
                )
            )
            drawn |= {stream: values[k] for k, stream in enumerate(streams)}
        return drawn

    def _evaluate(self, inputs: Any, draws: dict[str, Any]) -> Any:
        study = self.study

        def rule(draw: dict[str, Any], policy: Any) -> Any:
            levers = self._levers(policy, None, draw)
            known = {name: draw[name] for name in study.model.factors}
            results = study.model.evaluate(SimpleNamespace(**known), levers)  # type: ignore[attr-defined]
            return [jnp.asarray(results[name], self.dtype) for name in study.model.outcomes]

        policies = jax.tree.map(lambda leaf: leaf[0], inputs["levers"])
        values = fenced(self._mapped(rule, (0, None), (None, 0)))(draws, policies)
        return jnp.stack(values, axis=1)

    def _years(
        self, inputs: Any, draws: dict[str, Any], first: Any, cells_of: Callable[[Any], list[Any]]
    ) -> tuple[Any, Any]:
        """Outcomes, and the cells that are wanted of a year's values, [year, cell, policy, lane]."""
        study = self.study
        model: PathModel = study.model  # type: ignore[assignment]
        folded = {
            name: outcome.fold for name, outcome in model.outcomes.items() if isinstance(outcome.fold, Fold)
        }
        known = tuple(model.factors)

        def factors_of(draw: dict[str, Any]) -> SimpleNamespace:
            return SimpleNamespace(**{name: draw[name] for name in known})

        def begin(draw: dict[str, Any], policy: Any) -> Any:
            state = model.init(factors_of(draw), self._levers(policy, self.dtype(study.years[0]), draw))
            return _as_floats((state, {name: folds.start(fold) for name, fold in folded.items()}), self.dtype)

        def one_year(carry: Any, year: Any, draw: dict[str, Any], shock: dict[str, Any], policy: Any) -> Any:
            state, kept = carry
            levers = self._levers(policy, year, draw)
            state, values = model.step(state, year, factors_of(draw), _shock_namespace(model, shock), levers)
            kept = {
                name: folds.update(fold, kept[name], year, folds.of_the_year(fold, values))
                for name, fold in folded.items()
            }
            state = _in_order_of(carry[0], state)
            return _as_floats((state, kept), self.dtype), cells_of(values)

        def end(carry: Any) -> list[Any]:
            state, kept = carry
            own: Any = {name: outcome.fold for name, outcome in model.outcomes.items()}
            return [
                folds.finish(rule, kept[name]) if name in folded else rule(state)
                for name, rule in own.items()
            ]

        begins = self._mapped(begin, (0, None), (None, 0))
        years = self._mapped(one_year, (0, None, 0, 0, None), (0, None, None, None, 0))
        ends = self._mapped(end, (0,), (0,))
        full = (len(study.policies), self.lanes)

        def of_year(carry: Any, at: Any) -> Any:
            year, keys, policy = at
            shock = self._shocks(keys, first)
            carry, cells = fenced(years)(carry, year, draws, shock, policy)
            return carry, self._stacked_cells(cells)

        first_year = jax.tree.map(lambda leaf: leaf[0], inputs["levers"])
        carry = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, full), fenced(begins)(draws, first_year))
        along = (jnp.asarray(study.years, self.dtype), inputs["shock_keys"], inputs["levers"])
        carry, yearly = jax.lax.scan(of_year, carry, along)
        outcomes = jnp.stack([jnp.broadcast_to(v, full) for v in fenced(ends)(carry)], axis=1)
        return outcomes.astype(self.dtype), yearly

    def _mapped(self, rule: Callable, over_paths: tuple, over_policies: tuple) -> Callable:
        """A rule for one path and one policy, mapped over all of both; its arguments may hold nothing to map over."""
        paths = jax.vmap(rule, in_axes=over_paths, axis_size=self.lanes)
        return jax.vmap(paths, in_axes=over_policies, axis_size=len(self.study.policies))

    def _all_of(self, values: Mapping[str, Any]) -> list[Any]:
        yearly: Mapping[str, Yearly] = self.study.model.yearly  # type: ignore[attr-defined]
        return [cell for name in yearly for cell in _cells_of(yearly[name], values[name])]

    def _stacked_cells(self, cells: list[Any]) -> Any:
        """Cells of one year as one array [cell, policy, lane]."""
        full = (len(self.study.policies), self.lanes)
        # fenced, because a concatenation computes its parts one number at a time if they are fused into it
        cells = jax.lax.optimization_barrier([jnp.broadcast_to(cell, full) for cell in cells])
        return jnp.stack(cells) if cells else jnp.zeros((0, *full), self.dtype)

    def _stacked_draws(self, draws: Mapping[str, Any]) -> Any:
        # not in the order of the dict: a JAX transformation gives dicts back sorted by name
        rows = [draws[item.name] for item in self.study.inputs]
        return jnp.stack(rows) if rows else jnp.zeros((0, self.lanes), self.dtype)

    def _levers(self, policy: Any, year: Any, draw: dict[str, Any]) -> SimpleNamespace:
        """This year's levers in force on this path: before + implementation x (policy - before) from the start on."""
        share = policy["implementation"]
        for name, chosen in policy["by_factor"].items():
            share = jnp.where(chosen, draw[name], share)

        def blend(before: Any, after: Any) -> Any:
            # exact at both ends and where nothing changes
            return jnp.where(share == 1.0, after, before + share * (after - before))

        started = True if year is None else year >= policy["start"]
        levers: dict[str, Any] = {"start": jnp.where(started, policy["start"], policy["before_start"])}
        for name, lever in self.study.model.levers.items():
            cells = [
                jnp.where(started, blend(before, after), before)
                for before, after in zip(policy["before"][name], policy["levers"][name], strict=True)
            ]
            labels = {dim: tuple(self.study.model.dims[dim]) for dim in lever.dims}
            levers[name] = Cells(labels, cells) if labels else cells[0]
        return SimpleNamespace(**levers)


def _none_of(values: Mapping[str, Any]) -> list[Any]:
    return []


def _cells_of(variable: Yearly, value: Any) -> tuple[Any, ...]:
    return value.in_order(variable.dims).values if isinstance(value, Cells) else (value,)


def _as_floats(tree: Any, dtype: type) -> Any:
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), tree)


def _in_order_of(before: Any, after: Any) -> Any:
    """The state with the dimensions of its tables in the order they had before: arithmetic may turn them round."""

    def is_table(leaf: Any) -> bool:
        return isinstance(leaf, Cells)

    return jax.tree.map(
        lambda old, new: new.in_order(old.dims) if is_table(old) and is_table(new) else new,
        before,
        after,
        is_leaf=is_table,
    )


def _shock_namespace(model: PathModel, drawn: Mapping[str, Any]) -> SimpleNamespace:
    streams = shock_streams(model)
    named: dict[str, Any] = {}
    for name, shock in model.shocks.items():
        values = [drawn[stream] for stream in streams[name]]
        labels = {dim: tuple(model.dims[dim]) for dim in shock.dims}
        named[name] = Cells(labels, values) if labels else values[0]
    return SimpleNamespace(**named)
