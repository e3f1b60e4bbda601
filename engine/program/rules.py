"""A model's methods as functions of flat scalars, for one path and policy."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core as jex

from engine.modelling.cells import Cells
from engine.modelling.folds import Fold
from engine.modelling.records import Factor, Lever, Model, Shock, Yearly, factor_names, shock_streams
from engine.modelling.state_types import as_kept, widened
from engine.program import arguments
from engine.study.study import Study


@dataclass(frozen=True)
class Years:
    """The traced methods of a path model; the state includes that of the folds.

    Args:
      begin: (factor draws, policy) -> state before the first year.
      year: (state, calendar year, factor draws, shocks, policy) -> the state a year later, cells of yearly variables.
      end: state after the last year -> outcomes.
      state: the state that `year` takes, as a tree of shapes and types.
    """

    begin: Callable[..., Any]
    year: Callable[..., Any]
    end: Callable[..., Any]
    state: Any


@dataclass(frozen=True, eq=False)
class Rules:
    """The methods of a study's model for one path and one policy, with all floating-point numbers in one type."""

    study: Study
    dtype: type

    @cached_property
    def years(self) -> Years:
        """The methods of a path model, each traced once.

        Types of the state are widened until a year gives back the types that it takes.
        """
        number = jax.ShapeDtypeStruct((), self.dtype)
        shocks = [(number,) * len(parts) for parts in shock_streams(self.study.model).values()]
        rest = jax.ShapeDtypeStruct((), np.int32), self._draws, shocks, self._policy
        begin, state = _traced(self.begin, self._draws, self._policy)
        leaves, form = jax.tree.flatten(state)
        kinds = [leaf.dtype for leaf in leaves]
        wider = widened(kinds, kinds, self.dtype)
        while True:
            kinds, typed = wider, map(jax.ShapeDtypeStruct, [leaf.shape for leaf in leaves], wider)
            state = jax.tree.unflatten(form, typed)
            year, (after, _) = _traced(self.one_year, state, *rest)
            wider = widened(kinds, [leaf.dtype for leaf in jax.tree.leaves(after)], self.dtype)
            if wider == kinds:
                return Years(begin, year, _traced(self.end, state)[0], state)

    @property
    def _draws(self) -> tuple[jax.ShapeDtypeStruct, ...]:
        """Shapes and types of the factor draws, in the order of the study."""
        return (jax.ShapeDtypeStruct((), self.dtype),) * len(self.study.inputs)

    @cached_property
    def _policy(self) -> Any:
        """Shapes and types of a policy's levers in one year, as `arguments.lever_arrays` gives them."""
        levers = arguments.lever_arrays(self.study, self.dtype)
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((), leaf.dtype), levers)

    @property
    def folded(self) -> dict[str, Fold]:
        """The outcomes that are folds over the years, by name."""
        outcomes = self.study.model.outcomes.items()
        return {name: outcome.fold for name, outcome in outcomes if isinstance(outcome.fold, Fold)}

    def evaluate(self, draw: Sequence[Any], policy: Any) -> list[Any]:
        """Outcomes of a static model, in the order of the model, from factor draws and levers."""
        model: Any = self.study.model
        results = model.evaluate(self._factors(draw), self._levers(policy, None, draw))
        return self._as_floats([results[name] for name in model.outcomes])

    def begin(self, draw: Sequence[Any], policy: Any) -> Any:
        """(state of the model, state of the folds by outcome) before the first year."""
        model: Any = self.study.model
        levers = self._levers(policy, np.int32(self.study.years[0]), draw)
        kept = {name: fold.init() for name, fold in self.folded.items()}
        return as_kept((model.init(self._factors(draw), levers), kept), self.dtype)

    def one_year(self, carry: Any, year: Any, draw: Any, shock: Any, policy: Any) -> Any:
        """(state a year later, in the form that `begin` gives; cells of all yearly variables, in the model's order)."""
        model: Any = self.study.model
        state, kept = carry
        levers = self._levers(policy, year, draw)
        state, values = model.step(state, year, self._factors(draw), _namespace(model, model.shocks, shock), levers)
        kept = {name: fold.update(kept[name], year, values) for name, fold in self.folded.items()}
        cells = [cell for name, variable in model.yearly.items() for cell in _cells_of(variable, values[name])]
        return as_kept((_in_order_of(carry[0], state), kept), self.dtype), self._as_floats(cells)

    def end(self, carry: Any) -> list[Any]:
        """Outcomes in the order of the model, from the state after the last year."""
        state, kept = carry
        own: Any = {name: outcome.fold for name, outcome in self.study.model.outcomes.items()}
        return self._as_floats([rule.finish(kept[name]) if name in kept else rule(state) for name, rule in own.items()])

    def _by_name(self, draw: Sequence[Any]) -> dict[str, Any]:
        return {item.name: value for item, value in zip(self.study.inputs, draw, strict=True)}

    def _factors(self, draw: Sequence[Any]) -> SimpleNamespace:
        named, model = self._by_name(draw), self.study.model
        values = [[named[part] for part in parts] for parts in factor_names(model).values()]
        known = {name: jnp.asarray(one.value, self.dtype) for name, one in model.constants.items()}
        return SimpleNamespace(**known, **vars(_namespace(model, model.factors, values)))

    def _as_floats(self, tree: Any) -> Any:
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, self.dtype), tree)

    def _levers(self, policy: Any, year: Any, draw: Sequence[Any]) -> SimpleNamespace:
        """This year's levers in force on this path: before + implementation x (policy - before) from the start on."""
        share, named = policy["implementation"], self._by_name(draw)
        for name, chosen in policy["by_factor"].items():
            share = jnp.where(chosen, named[name], share)

        def blend(before: Any, after: Any) -> Any:
            # exact at both ends and where nothing changes
            return jnp.where(share == 1.0, after, before + share * (after - before))

        def cells(side: str, name: str) -> Sequence[Any]:
            values = policy[side][name]
            for factor, weights in policy["drawn"][side].get(name, {}).items():
                # exact where a weight is 0 or 1
                values = [value + weight * named[factor] for value, weight in zip(values, weights, strict=True)]
            return values

        started = True if year is None else year >= policy["start"]
        levers: dict[str, Any] = {"start": jnp.where(started, policy["start"], policy["before_start"])}
        for name, lever in self.study.model.levers.items():
            in_force = [
                jnp.where(started, blend(before, after), before)
                for before, after in zip(cells("before", name), cells("levers", name), strict=True)
            ]
            levers[name] = _with_labels(self.study.model, lever, in_force)
        return SimpleNamespace(**levers)


_TRACED: MutableMapping[tuple[int, type], Rules] = weakref.WeakValueDictionary()
_TRACING = threading.Lock()
_LATEST: deque[Rules] = deque(maxlen=8)
"""Rules that were asked for last, the same ones several times."""


def rules_of(study: Study, dtype: type) -> Rules:
    """The rules of a study; those of the latest studies are kept, so that these are traced once."""
    with _TRACING:
        key = id(study), dtype
        rules = _TRACED.get(key) or Rules(study, dtype)
        if study.is_path_model:
            with jax.enable_x64(True) if dtype == np.float64 else nullcontext():
                rules.years  # noqa: B018
        _TRACED[key] = rules
        _LATEST.append(rules)
    return rules


def _traced(method: Callable[..., Any], *examples: Any) -> tuple[Callable[..., Any], Any]:
    """A function that computes the same without the method's Python code, and the shapes of its result."""
    closed, shape = jax.make_jaxpr(method, return_shape=True)(*examples)
    form, run = jax.tree.structure(shape), jex.jaxpr_as_fun(closed)
    return lambda *arguments: jax.tree.unflatten(form, run(*jax.tree.leaves(arguments))), shape


def _is_cells(part: Any) -> bool:
    return isinstance(part, Cells)


def _cells_of(variable: Yearly, value: Any) -> tuple[Any, ...]:
    return value.in_order(variable.dims).values if _is_cells(value) else (value,)


def _in_order_of(before: Any, after: Any) -> Any:
    """The state with the dimensions of its tables in their former order, which arithmetic may have changed."""
    return jax.tree.map(
        lambda old, new: new.in_order(old.dims) if _is_cells(old) and _is_cells(new) else new,
        before,
        after,
        is_leaf=_is_cells,
    )


def _namespace(model: Model, parts: Mapping[str, Factor | Shock], drawn: Sequence[Sequence[Any]]) -> SimpleNamespace:
    given = zip(parts.items(), drawn, strict=True)
    return SimpleNamespace(**{name: _with_labels(model, part, values) for (name, part), values in given})


def _with_labels(model: Model, part: Factor | Shock | Lever, values: Sequence[Any]) -> Any:
    """The values as a model takes them: labelled cells, or one number if the part has no dimensions."""
    labels = {dim: tuple(model.dims[dim]) for dim in part.dims}
    return Cells(labels, values) if labels else values[0]
